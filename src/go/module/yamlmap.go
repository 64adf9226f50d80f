package main

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// yamlMap: a YAML text; its members, in the byte order of their names.
func yamlMap(in *reader, out *writer) error {
	var members map[string]string
	if err := yaml.Unmarshal(in.blob(), &members); err != nil {
		return yamlFailure(err)
	}
	out.number(len(members))
	for _, name := range slices.Sorted(maps.Keys(members)) {
		out.text(name)
		out.text(members[name])
	}
	return nil
}

// Anchored at the start: further on the parser's text quotes the document.
var lineOf = regexp.MustCompile(`^error converting YAML to JSON: yaml: line (\d+): `)

func yamlFailure(err error) failure {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		if wrongType.Type == reflect.TypeFor[map[string]string]() {
			return failure{kind: "yaml-no-map"}
		}
		return failure{kind: "yaml-no-text"}
	}
	if strings.HasSuffix(err.Error(), "document contains excessive aliasing") {
		return failure{kind: "yaml-aliases"}
	}
	if line := lineOf.FindStringSubmatch(err.Error()); line != nil {
		return failure{kind: "yaml", detail: line[1]}
	}
	return failure{kind: "yaml"}
}
