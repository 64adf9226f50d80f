package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

type encodingJSONVector struct {
	Document text   `json:"document"`
	Error    string `json:"error,omitempty"`
	// Raw: members as upstream reads them out of a map[string]json.RawMessage (aws, gcp, azure, fake).
	Raw map[string]text `json:"raw"`
	// Marshalled: the document as Vault sends it, and upstream marshals it when no property is asked for.
	Marshalled text `json:"marshalled"`
	// Values: members as upstream's GetByteValue prints them, with numbers as they are spelled (vault).
	Values map[string]text `json:"values"`
	// Floats: the same with numbers as float64 (webhook, rewrite.merge).
	Floats map[string]text `json:"floats"`
}

// Values of one member.
var jsonValues = []string{
	`"text"`, `""`, `"a\"b\\c\/d\b\f\n\r\t"`, `"\u00e9\ud83d\udd11"`, `"\ud83d!"`, `"\u0000"`, `"<b>&amp;</b>"`, `"\u2028\u2029"`, `"\u007f"`, "\"é🔑\"", "\"\xff\"",
	`12345678901234567890`, `-7`, `0`, `-0`, `-0.0`, `1.50`, `1.0`, `1e3`, `1E+2`, `0.1e-7`, `1e21`, `1e-7`, `9007199254740993`, `3.141592653589793238462643`, `5e-324`, `1e-400`, `1e999`,
	`true`, `false`, `null`, `{}`, `[]`, `[ 1 , 2.50 , "<&>" , null , true ]`, `{ "b" : 1 , "a" : { "z" : "<" , "y" : 12345678901234567890 } }`, `{"x":1,"x":2}`, `{"é":"日","":0}`, `["a","b"]`,
	`[1e2,1.0,-0,1e21,1e-7]`, `{"n":1.50}`, `"line\u2028sep"`, `{"s":"\u2028<\u00e9\\/"}`, "{\"s\":\"\xff\"}", `[[[[["deep"]]]]]`,
	// Not JSON.
	`undefined`, `'single'`, `+1`, `.5`, `5.`, `01`, `0x10`, `NaN`, `"\x41"`, `"\uZZZZ"`, "\"\t\"", `[1,]`, `{"a":1,}`, `{a:1}`, `tru`, `"open`, ``, `1 2`,
}

var jsonDocuments = []string{
	``, ` `, `{}`, ` { } `, `[]`, `[1]`, `"x"`, `5`, `true`, `null`, `{`, `}`, `{}{}`, `{} x`, `not json`, "\xef\xbb\xbf{}", `{"b":1,"a":2,"B":3}`, `{"a":1,"a":"two"}`, `{"a":null,"a":1}`, `{"a":1,"a":null}`, `{"":1}`, `{"\u0061":1}`, `{"<&>":"x"}`, "{\"\xff\":1}", `{"\ud800":1}`, "{\n\t\"a\" : [ 1 ,\r\n 2 ]\n}\n", `{"__proto__":{"a":1}}`, `{"10":"x","9":"y","1":"z"}`,
}

func encodingJSONVectors() []encodingJSONVector {
	documents := append([]string{}, jsonDocuments...)
	for _, value := range jsonValues {
		documents = append(documents, `{"k":`+value+`}`)
	}
	var vectors []encodingJSONVector
	for _, document := range documents {
		vector := encodingJSONVector{Document: text(document)}
		if err := vector.read([]byte(document)); err != nil {
			vector = encodingJSONVector{Document: text(document), Error: err.Error()}
		}
		vectors = append(vectors, vector)
	}
	return vectors
}

func (v *encodingJSONVector) read(document []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(document, &raw); err != nil {
		return err
	}
	v.Raw = map[string]text{}
	for name, value := range raw {
		var unquoted string
		if json.Unmarshal(value, &unquoted) == nil {
			v.Raw[name] = text(unquoted)
		} else {
			v.Raw[name] = text(value)
		}
	}
	var numbers map[string]any
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	if err := decoder.Decode(&numbers); err != nil {
		return err
	}
	marshalled, err := json.Marshal(numbers)
	if err != nil {
		return err
	}
	v.Marshalled = text(marshalled)
	v.Values = byteValues(numbers)
	// Numbers that float64 cannot hold are an error here and not above.
	var floats map[string]any
	if json.Unmarshal(document, &floats) == nil {
		v.Floats = byteValues(floats)
	}
	return nil
}

func byteValues(members map[string]any) map[string]text {
	out := map[string]text{}
	for name, value := range members {
		out[name] = text(byteValue(value))
	}
	return out
}

// byteValue does as upstream's esutils.GetByteValue for what JSON can hold.
func byteValue(value any) []byte {
	switch value := value.(type) {
	case nil:
		return nil
	case string:
		return []byte(value)
	case json.Number:
		return []byte(value.String())
	case float64:
		return []byte(strconv.FormatFloat(value, 'f', -1, 64))
	case bool:
		return strconv.AppendBool(nil, value)
	case map[string]any, []any:
		out, err := json.Marshal(value)
		if err != nil {
			panic(err)
		}
		return out
	default:
		panic(fmt.Sprintf("%T does not come out of JSON", value))
	}
}
