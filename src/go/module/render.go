//go:build templates

package main

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"text/template"
	"unicode"

	"sigs.k8s.io/yaml"
)

// Errors of text/template begin with the name of the template; this one is never seen.
const templateName = "t"

func init() {
	operations[5] = render
}

// delimiters and what a missing key means are the same for all templates of a request.
type renderer struct {
	left, right   string
	isKeyDemanded bool
}

// render: delimiters, whether a key that is missing is an error, sets of values, then templates: a text, the number of
// its set, and whether the result is read as a YAML map. For each template the names and texts that came out; a result
// that is no map is one text without a name.
func render(in *reader, out *writer) error {
	r := renderer{left: in.text(), right: in.text(), isKeyDemanded: in.flag()}
	sets := make([]map[string]string, in.number())
	for i := range sets {
		sets[i] = map[string]string{}
		for range in.number() {
			name := in.text()
			sets[i][name] = in.text()
		}
	}
	for number := range in.number() {
		progress(uint32(number))
		text := in.text()
		values := sets[in.number()]
		isMap := in.flag()
		err := r.one(out, text, values, isMap)
		if err == nil && len(out.bytes) > largestResponseBytes {
			err = failure{kind: "too-large"}
		}
		if err != nil {
			return renderFailure(err, number, text, r.left)
		}
	}
	return nil
}

func (r renderer) one(out *writer, text string, values map[string]string, isMap bool) error {
	t := template.New(templateName).Funcs(functionsIn(text)).Delims(r.left, r.right)
	if r.isKeyDemanded {
		t.Option("missingkey=error")
	}
	if _, err := t.Parse(text); err != nil {
		return err
	}
	var rendered bounded
	if err := t.Execute(&rendered, values); err != nil {
		return err
	}
	members := map[string]string{"": rendered.String()}
	if isMap {
		members = nil
		if err := yaml.Unmarshal(rendered.Bytes(), &members); err != nil {
			return yamlFailure(err)
		}
	}
	out.number(len(members))
	for _, name := range slices.Sorted(maps.Keys(members)) {
		out.text(name)
		out.text(members[name])
	}
	return nil
}

// functionsIn are those that a text may call: registering all 230 takes longer than most templates do.
func functionsIn(text string) template.FuncMap {
	all, some := functions(), template.FuncMap{}
	for word := range strings.FieldsFuncSeq(text, isNoNameCharacter) {
		if function, ok := all[word]; ok {
			some[word] = function
		}
	}
	return some
}

func isNoNameCharacter(r rune) bool {
	return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// bounded stops a template that writes more than may come out anyway.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > largestResponseBytes {
		return 0, failure{kind: "too-large"}
	}
	return b.Buffer.Write(p)
}

// progress tells the host which template is being rendered, so that it knows which one a time limit has ended.
//
//go:wasmimport latchkey progress
func progress(number uint32)
