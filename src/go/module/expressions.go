package main

import (
	"errors"
	"regexp"
	"regexp/syntax"
)

// matches: an expression and texts; whether it matches anywhere in each.
func matches(in *reader, out *writer) error {
	expression, err := compile(in.text())
	if err != nil {
		return err
	}
	for range in.number() {
		out.flag(expression.Match(in.blob()))
	}
	return nil
}

// replaceAll: an expression, a replacement and texts; each text with its matches replaced.
func replaceAll(in *reader, out *writer) error {
	expression, err := compile(in.text())
	if err != nil {
		return err
	}
	replacement := in.text()
	for range in.number() {
		out.text(expression.ReplaceAllString(in.text(), replacement))
	}
	return nil
}

func compile(text string) (*regexp.Regexp, error) {
	expression, err := regexp.Compile(text)
	var invalid *syntax.Error
	if errors.As(err, &invalid) {
		// The code is one of a fixed set of texts; the error's own text quotes the expression.
		return nil, failure{kind: "expression", detail: string(invalid.Code)}
	}
	return expression, err
}
