package engine

import "unsafe"

// statementFunc is the shape of the three functions of libchdb that take a
// statement with its format and parameters: a connection, two strings, and four
// arrays of the parameters' names, their lengths, the values and their lengths.
type statementFunc func(conn, sql unsafe.Pointer, sqlLen uintptr, format unsafe.Pointer, formatLen uintptr,
	names, nameLens, values, valueLens unsafe.Pointer, n uintptr) unsafe.Pointer

// api is what is used of libchdb's C interface, as its header chdb.h of version
// 26.7 has it. Everything that a function returns is the library's memory.
type api struct {
	setSignalHandlers func(enabled int32)
	connect           func(argc int32, argv unsafe.Pointer) unsafe.Pointer // chdb_connection *, nil on failure
	disconnect        func(conn unsafe.Pointer)                            // takes a chdb_connection *

	query       statementFunc // chdb_result *
	streamQuery statementFunc // chdb_result *, to be fetched from
	fetch       func(conn, stream unsafe.Pointer) unsafe.Pointer
	cancelQuery func(conn, stream unsafe.Pointer)

	streamInsert  statementFunc // chdb_insert_stream
	append        func(insert, data unsafe.Pointer, n uintptr) int32
	done          func(insert unsafe.Pointer) unsafe.Pointer // chdb_result *
	cancelInsert  func(insert unsafe.Pointer)
	insertError   func(insert unsafe.Pointer) string
	destroyInsert func(insert unsafe.Pointer)

	destroy      func(result unsafe.Pointer)
	resultError  func(result unsafe.Pointer) string
	buffer       func(result unsafe.Pointer) unsafe.Pointer
	length       func(result unsafe.Pointer) uintptr
	rowsRead     func(result unsafe.Pointer) uint64
	bytesRead    func(result unsafe.Pointer) uint64
	rowsWritten  func(result unsafe.Pointer) uint64
	bytesWritten func(result unsafe.Pointer) uint64
}

// symbols are the names of the functions and the fields they go into.
func (a *api) symbols() map[string]any {
	return map[string]any{
		"chdb_set_signal_handlers_enabled": &a.setSignalHandlers,
		"chdb_connect":                     &a.connect,
		"chdb_close_conn":                  &a.disconnect,
		"chdb_query_with_params_n":         &a.query,
		"chdb_stream_query_with_params_n":  &a.streamQuery,
		"chdb_stream_fetch_result":         &a.fetch,
		"chdb_stream_cancel_query":         &a.cancelQuery,
		"chdb_stream_insert_with_params_n": &a.streamInsert,
		"chdb_stream_append":               &a.append,
		"chdb_stream_done":                 &a.done,
		"chdb_stream_cancel_insert":        &a.cancelInsert,
		"chdb_stream_insert_error":         &a.insertError,
		"chdb_destroy_insert_stream":       &a.destroyInsert,
		"chdb_destroy_query_result":        &a.destroy,
		"chdb_result_error":                &a.resultError,
		"chdb_result_buffer":               &a.buffer,
		"chdb_result_length":               &a.length,
		"chdb_result_storage_rows_read":    &a.rowsRead,
		"chdb_result_storage_bytes_read":   &a.bytesRead,
		"chdb_result_rows_written":         &a.rowsWritten,
		"chdb_result_bytes_written":        &a.bytesWritten,
	}
}
