//go:build templates

package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"regexp/syntax"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"
)

// text/template reports by text alone, and its texts quote templates and values. What is taken from them: numbers of
// lines and columns, names of fields and variables as the template spells them, and names of functions that exist.
var (
	placeOf       = regexp.MustCompile(`^template: ` + templateName + `:(\d+):(?:(\d+):)? `)
	calledOf      = regexp.MustCompile(`error calling (\w+): $`)
	missingKeyOf  = regexp.MustCompile(`(?:map has no entry|nil data; no entry) for key "(\w+)"$`)
	noFieldOf     = regexp.MustCompile(`can't evaluate field (\w+) in type [^:]*$`)
	argumentsOf   = regexp.MustCompile(`: wrong number of args for (\w+): want (?:at least )?\d+ got \d+$`)
	noFunctionOf  = regexp.MustCompile(`: function "(\w+)" not defined$`)
	noVariableOf  = regexp.MustCompile(`: undefined variable "(\$\w*)"$`)
	kindsByPhrase = []struct{ phrase, kind string }{
		{"exceeded maximum template depth", "depth"},
		{"range can't iterate over", "range"},
		{"nil pointer evaluating", "no-field"},
		{"is not a method but has arguments", "no-function"},
		{"can't give argument to non-function", "no-function"},
		{"wrong type for value", "type"},
		{"invalid value; expected", "type"},
		{"can't handle", "type"},
		{"; found ", "type"},
		{"cannot assign nil", "type"},
		{"multiple definition of template", "defined-twice"},
		{"not defined", "no-template"},
		{"unclosed action", "unclosed-action"},
		{"unclosed left paren", "unclosed-parenthesis"},
		{"outside {{range}}", "outside-range"},
		{"unexpected EOF", "unexpected-end"},
		{"unexpected {{end}}", "unopened-end"},
		{"unterminated", "unclosed-text"},
		{"unclosed comment", "unclosed-comment"},
		{"comment ends before closing delimiter", "unclosed-comment"},
		{"number syntax", "number-syntax"},
		{"overflows int", "number-syntax"},
		{"bad character", "character"},
		{"unrecognized character", "character"},
		{"missing value for", "no-value"},
		{"nil is not a command", "no-value"},
		{"non executable command", "no-function"},
		{"too many declarations", "unexpected"},
		{"unexpected", "unexpected"},
	}
)

// renderFailure says what kind of failure it is, where, and in which function.
func renderFailure(err error, number int, text, left string) failure {
	if own, ok := errors.AsType[failure](err); ok && own.place == nil {
		own.place = &place{template: number}
		return own
	}
	f := failure{kind: "template", place: &place{template: number}}
	found := placeOf.FindStringSubmatch(err.Error())
	if found == nil {
		return f
	}
	at := f.place
	at.line, _ = strconv.Atoi(found[1])
	at.column, _ = strconv.Atoi(found[2])
	at.column++
	f.kind, f.detail, at.function = classify(err)
	if found[2] == "" {
		at.column = columnIn(text, at.line, left, f.detail)
	}
	return f
}

func classify(err error) (kind, detail, function string) {
	text := err.Error()
	if failed, ok := errors.AsType[template.ExecError](err); ok {
		if cause := errors.Unwrap(failed.Err); cause != nil {
			before := strings.TrimSuffix(failed.Error(), cause.Error())
			if called := calledOf.FindStringSubmatch(before); called != nil && isFunction(called[1]) {
				return "call", causeOf(cause), called[1]
			}
		}
	}
	if found := argumentsOf.FindStringSubmatch(text); found != nil {
		if isFunction(found[1]) {
			return "arguments", "", found[1]
		}
		return "arguments", "", ""
	}
	named := []struct {
		pattern *regexp.Regexp
		kind    string
	}{
		{missingKeyOf, "no-key"}, {noFieldOf, "no-field"}, {noFunctionOf, "no-such-function"}, {noVariableOf, "no-variable"},
	}
	for _, each := range named {
		if found := each.pattern.FindStringSubmatch(text); found != nil {
			return each.kind, found[1], ""
		}
	}
	for _, each := range kindsByPhrase {
		if strings.Contains(text, each.phrase) {
			return each.kind, "", ""
		}
	}
	return "template", "", ""
}

func isFunction(name string) bool {
	_, isOurs := functions()[name]
	return isOurs || slices.Contains(builtins, name)
}

// causeOf is why a function failed, as far as its error has a type.
func causeOf(err error) string {
	if own, ok := errors.AsType[problem](err); ok {
		return string(own)
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return "json"
	}
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok || errors.Is(err, io.ErrUnexpectedEOF) {
		return "json"
	}
	if _, ok := errors.AsType[*syntax.Error](err); ok {
		return "expression"
	}
	if _, ok := errors.AsType[*time.ParseError](err); ok {
		return "date"
	}
	if _, ok := errors.AsType[base64.CorruptInputError](err); ok {
		return "encoding"
	}
	if _, ok := errors.AsType[hex.InvalidByteError](err); ok {
		return "encoding"
	}
	text := err.Error()
	if _, ok := errors.AsType[runtime.Error](err); ok && strings.Contains(text, "divide by zero") {
		return "division"
	}
	if strings.Contains(text, "out of range") || strings.Contains(text, "out of bounds") {
		return "bounds"
	}
	if strings.HasPrefix(text, "incompatible types for comparison") || strings.HasPrefix(text, "missing argument for comparison") {
		return "comparison"
	}
	return ""
}

// columnIn finds the place in a line that a parser's error gives no column for: the name it could not find, else the
// first action. The first column is 1.
func columnIn(text string, line int, left, name string) int {
	lines := strings.Split(text, "\n")
	if line < 1 || line > len(lines) {
		return 1
	}
	at := -1
	if name != "" {
		at = strings.Index(lines[line-1], name)
	}
	if at < 0 {
		at = strings.Index(lines[line-1], left)
	}
	return max(at, 0) + 1
}
