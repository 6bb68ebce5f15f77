// Package clickhouse holds the tables and views of jitaudit in ClickHouse, as
// numbered migrations. Every statement may be run again, and by two at once.
// A file that was released never changes; what changes is a new file.
package clickhouse

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

//go:embed *.sql
var files embed.FS

// Migration is one file of SQL.
type Migration struct {
	// Number counts from 1 without gaps; Name is the file's without ".sql".
	Number int
	Name   string
	SQL    string
}

// Checksum is the SHA-256 of the SQL, in hex.
func (m Migration) Checksum() string {
	sum := sha256.Sum256([]byte(m.SQL))
	return hex.EncodeToString(sum[:])
}

// Statements returns the single statements, without comments between them. A
// statement ends with a semicolon at the end of a line.
func (m Migration) Statements() []string {
	var out []string
	for part := range strings.SplitSeq(m.SQL+"\n", ";\n") {
		if part = withoutLeadingComments(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func withoutLeadingComments(sql string) string {
	for {
		sql = strings.TrimSpace(sql)
		if !strings.HasPrefix(sql, "--") {
			return sql
		}
		_, sql, _ = strings.Cut(sql, "\n")
	}
}

// Migrations returns all, in order.
func Migrations() ([]Migration, error) {
	entries, err := files.ReadDir(".") // sorted by name
	if err != nil {
		return nil, fmt.Errorf("list the embedded migrations: %w", err)
	}
	out := make([]Migration, 0, len(entries))
	for i, e := range entries {
		sql, err := files.ReadFile(e.Name())
		if err != nil {
			return nil, fmt.Errorf("read embedded migration %s: %w", e.Name(), err)
		}
		name := strings.TrimSuffix(e.Name(), ".sql")
		digits, _, _ := strings.Cut(name, "_")
		n, err := strconv.Atoi(digits)
		if err != nil || n != i+1 {
			return nil, fmt.Errorf("embedded migration %s: want number %04d", e.Name(), i+1)
		}
		out = append(out, Migration{Number: n, Name: name, SQL: string(sql)})
	}
	return out, nil
}
