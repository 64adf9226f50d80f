// The Go libraries that give External Secrets manifests their meaning, as one WebAssembly module. The host writes a
// request into memory that it asked for, names an operation, and reads the response. One call at a time.
package main

import (
	"runtime/debug"
	"unsafe"
)

// Collect harder when memory gets scarce: the module's memory is capped (scripts/go-module/memory-limit.ts), and what
// is garbage must not fill it.
const softMemoryLimitBytes = 192 << 20

// No Secret is nearly as large, and the host has no such cap.
const largestResponseBytes = 8 << 20

// Numbers as in src/go/go-libraries.ts. Templates come in with the build tag of that name: they make the module three
// times as large, for those who use them (render.go).
var operations = map[uint32]func(*reader, *writer) error{
	1: jsonPaths,
	2: matches,
	3: replaceAll,
	4: yamlMap,
}

// Kept here so that the garbage collector leaves them alone while the host reads and writes them.
var request, response []byte

func init() {
	debug.SetMemoryLimit(softMemoryLimitBytes)
}

// main is never called: the module is a library.
func main() {}

// allocate makes room for a request and tells where it is.
//
//go:wasmexport allocate
func allocate(sizeBytes uint32) unsafe.Pointer {
	request = make([]byte, sizeBytes)
	return unsafe.Pointer(unsafe.SliceData(request))
}

// run works on the request and returns how long the response is.
//
//go:wasmexport run
func run(operation uint32) uint32 {
	response = answer(operation, &reader{request})
	request = nil
	return uint32(len(response))
}

// responseAt tells where the response is.
//
//go:wasmexport responseAt
func responseAt() unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(response))
}

// answer is the status and what the operation wrote. A library that panics has failed at this request and no other.
func answer(operation uint32, in *reader) (out []byte) {
	defer func() {
		if recover() != nil {
			out = failed(failure{kind: "panic"})
		}
	}()
	w := &writer{}
	w.text("")
	if err := operations[operation](in, w); err != nil {
		return failed(err)
	}
	if len(w.bytes) > largestResponseBytes {
		return failed(failure{kind: "too-large"})
	}
	return w.bytes
}

// failed never writes the error's own text, which quotes what the library choked on.
func failed(err error) []byte {
	f, ok := err.(failure)
	if !ok {
		f = failure{kind: "unknown"}
	}
	w := &writer{}
	w.text(f.kind)
	w.text(f.detail)
	w.flag(f.place != nil)
	if f.place != nil {
		w.number(f.place.template)
		w.number(f.place.line)
		w.number(f.place.column)
		w.text(f.place.function)
	}
	return w.bytes
}
