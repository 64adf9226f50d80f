package main

import "github.com/tidwall/gjson"

// jsonPaths: documents, then queries, each the number of a document and paths of which the first that exists counts.
func jsonPaths(in *reader, out *writer) error {
	documents := make([][]byte, in.number())
	for i := range documents {
		documents[i] = in.blob()
	}
	for range in.number() {
		document := documents[in.number()]
		var found gjson.Result
		for range in.number() {
			path := in.text()
			if !found.Exists() {
				found = gjson.GetBytes(document, path)
			}
		}
		out.flag(found.Exists())
		out.text(found.String())
	}
	return nil
}
