// Writes what the real Go libraries make of tables of inputs, for test/unit/src/go/golden.test.ts to hold Latchkey to:
//
//	npm run golden
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"unicode/utf8"
)

// text is a string of JSON, or an object with its bytes in base64 where they are not UTF-8.
type text string

func (t text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return plainJSON(string(t))
	}
	return plainJSON(map[string]string{"base64": base64.StdEncoding.EncodeToString([]byte(t))})
}

func plainJSON(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

// texts with the same type for their names.
func texts[V ~string | ~[]byte](members map[string]V) map[string]text {
	out := map[string]text{}
	for name, value := range members {
		out[name] = text(value)
	}
	return out
}

// write puts one vector on each line, so that a change of one is a change of one line.
func write[V any](file string, vectors []V) {
	var out bytes.Buffer
	out.WriteString("[\n")
	for i, vector := range vectors {
		line, err := plainJSON(vector)
		if err != nil {
			panic(err)
		}
		out.Write(line)
		if i < len(vectors)-1 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
	}
	out.WriteString("]\n")
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		panic(err)
	}
}

func main() {
	write("gjson.json", gjsonVectors())
	write("regexp.json", regexpVectors())
	write("yaml.json", yamlVectors())
	write("encoding-json.json", encodingJSONVectors())
	write("templates.json", templateVectors())
	write("template-functions.json", slices.Sorted(maps.Keys(templateFunctions())))
}
