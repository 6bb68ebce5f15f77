package server

import (
	"fmt"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

const displayName = "jitaudit embedded ClickHouse"

// isHello reports whether the statement is the one by which clickhouse-go
// (conn_http.go, queryHello) learns the server's protocol revision.
func (q *request) isHello(st statement) bool {
	return q.revision > 0 && strings.TrimSpace(st.text) == "SELECT displayName(), version(), revision(), timezone()"
}

// hello answers with revision 0. The engine writes Native as revision 0 has it,
// whatever the client speaks, and so the client is told to read it; this one
// answer is in the client's revision, which it cannot yet know better.
func (h *Handler) hello(q *request, a *answer) error {
	revision := proto.ColUInt32{0}
	columns := []proto.InputColumn{
		{Name: "displayName()", Data: texts(displayName)},
		{Name: "version()", Data: texts(h.Engine.Version())},
		{Name: "revision()", Data: &revision},
		{Name: "timezone()", Data: texts("UTC")},
	}
	var b proto.Buffer
	block := proto.Block{Info: proto.BlockInfo{BucketNum: -1}, Columns: len(columns), Rows: 1}
	if err := block.EncodeBlock(&b, q.revision, columns); err != nil {
		return fmt.Errorf("encode the answer to a client's hello: %w", err)
	}
	if _, err := a.Write(b.Buf); err != nil {
		return err
	}
	return a.end()
}

func texts(s string) *proto.ColStr {
	c := &proto.ColStr{}
	c.Append(s)
	return c
}
