package engine

import (
	"errors"
	"runtime"
	"unsafe"
)

// connection is a chdb_connection: a session of the engine, which runs one
// statement at a time.
type connection struct {
	api *api
	ptr unsafe.Pointer // chdb_connection *
}

// open connects with arguments as a command line has them. The first connection
// starts the engine.
func (a *api) open(args ...string) (*connection, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	argv := make([]unsafe.Pointer, len(args)+1) // ends with nil
	for i, arg := range args {
		text := append([]byte(arg), 0)
		pin.Pin(&text[0])
		argv[i] = unsafe.Pointer(&text[0])
	}
	pin.Pin(&argv[0])
	ptr := a.connect(int32(len(args)), unsafe.Pointer(&argv[0]))
	if ptr == nil || *(*unsafe.Pointer)(ptr) == nil {
		return nil, errors.New("libchdb refused the connection and wrote the reason to standard error")
	}
	return &connection{api: a, ptr: ptr}, nil
}

// close ends the session and what runs in it.
func (c *connection) close() { c.api.disconnect(c.ptr) }

// handle is the connection as all functions but the one that closes it take it.
func (c *connection) handle() unsafe.Pointer { return *(*unsafe.Pointer)(c.ptr) }

// call gives a statement to one of the library's functions, which copies it.
func (c *connection) call(f statementFunc, s Statement) unsafe.Pointer {
	var pin runtime.Pinner
	defer pin.Unpin()
	// The library refuses nil where a string is, even for an empty one.
	text := func(s string) unsafe.Pointer {
		at := unsafe.StringData(s + "\x00")
		pin.Pin(at)
		return unsafe.Pointer(at)
	}
	n := len(s.Params)
	names, nameLens := make([]unsafe.Pointer, 0, n+1), make([]uintptr, 0, n+1)
	values, valueLens := make([]unsafe.Pointer, 0, n+1), make([]uintptr, 0, n+1)
	for name, value := range s.Params {
		names, nameLens = append(names, text(name)), append(nameLens, uintptr(len(name)))
		values, valueLens = append(values, text(value)), append(valueLens, uintptr(len(value)))
	}
	array := func(first unsafe.Pointer) unsafe.Pointer {
		pin.Pin(first)
		return first
	}
	return f(c.handle(), text(s.SQL), uintptr(len(s.SQL)), text(s.Format), uintptr(len(s.Format)),
		array(unsafe.Pointer(unsafe.SliceData(names))), array(unsafe.Pointer(unsafe.SliceData(nameLens))),
		array(unsafe.Pointer(unsafe.SliceData(values))), array(unsafe.Pointer(unsafe.SliceData(valueLens))), uintptr(n))
}

// run runs a statement to its end.
func (c *connection) run(s Statement) (*Result, error) {
	return c.api.result(c.call(c.api.query, s))
}

// result takes over a chdb_result of the library, or frees it and returns the
// exception it holds.
func (a *api) result(ptr unsafe.Pointer) (*Result, error) {
	if message := a.resultError(ptr); message != "" {
		a.destroy(ptr)
		return nil, exception(message)
	}
	return &Result{api: a, ptr: ptr}, nil
}

// Result is the answer to a statement, in memory of the engine.
type Result struct {
	api *api
	ptr unsafe.Pointer
}

// Bytes is the answer in the format that was asked for. It must not be changed,
// nor used after Close.
func (r *Result) Bytes() []byte {
	n := r.api.length(r.ptr)
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(r.api.buffer(r.ptr)), n)
}

// Stats is what the statement read and wrote.
func (r *Result) Stats() Stats {
	return Stats{
		RowsRead: r.api.rowsRead(r.ptr), BytesRead: r.api.bytesRead(r.ptr),
		RowsWritten: r.api.rowsWritten(r.ptr), BytesWritten: r.api.bytesWritten(r.ptr),
	}
}

// Close frees the answer. It may be called once.
func (r *Result) Close() { r.api.destroy(r.ptr) }

// Stats counts what a statement read from and wrote to tables. What
// materialized views wrote is counted too.
type Stats struct {
	RowsRead, BytesRead, RowsWritten, BytesWritten uint64
}
