package main

import "encoding/binary"

// failure says what went wrong in words that src/go/failures.ts knows. Nothing in it comes from a request, except numbers
// of lines, and names as a template spells them.
type failure struct {
	kind, detail string
	// Of templates only.
	place *place
}

// place is where in which template. Lines and columns count from 1; 0 is unknown.
type place struct {
	template, line, column int
	function               string
}

func (f failure) Error() string { return f.kind }

// reader takes a request apart: numbers of 32 bits, little end first, and bytes behind their length. The host made it,
// so it is well-formed.
type reader struct{ bytes []byte }

func (r *reader) number() int {
	n := binary.LittleEndian.Uint32(r.bytes)
	r.bytes = r.bytes[4:]
	return int(n)
}

func (r *reader) blob() []byte {
	n := r.number()
	b := r.bytes[:n:n]
	r.bytes = r.bytes[n:]
	return b
}

func (r *reader) text() string { return string(r.blob()) }

func (r *reader) flag() bool { return r.number() == 1 }

// writer puts a response together in the same form.
type writer struct{ bytes []byte }

func (w *writer) number(n int) {
	w.bytes = binary.LittleEndian.AppendUint32(w.bytes, uint32(n))
}

func (w *writer) text(s string) {
	w.number(len(s))
	w.bytes = append(w.bytes, s...)
}

func (w *writer) flag(b bool) {
	if b {
		w.number(1)
	} else {
		w.number(0)
	}
}
