package clickhouse

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

// schema has what the migrations make, line by line: an object or a column, and
// between which migrations it is so. A test of sinks/clickhouse writes it.
//
//go:embed schema.tsv
var schema string

// Part is a table, a view, or a column of one, as the migrations make it.
type Part struct {
	// Table is the name of the table or view; Column is empty for itself.
	Table, Column string
	// View tells a view. Nothing is said of its columns but their names: what
	// types they have is up to the server.
	View bool
	// Is is what it is: a column's type; a table's engine, partition key and
	// sorting key.
	Is string
	// Since is the number of the migration from which on it is so, Until that of
	// the last; 0: it still is.
	Since, Until int
}

// Holds reports whether it is so after a migration.
func (p *Part) Holds(migration int) bool {
	return p.Since <= migration && (p.Until == 0 || migration <= p.Until)
}

// Schema returns what all migrations make, and have made.
func Schema() ([]Part, error) {
	var out []Part
	for line := range strings.Lines(schema) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 6 {
			return nil, fmt.Errorf("read the embedded schema of ClickHouse: %q has %d fields, want 6", line, len(f))
		}
		since, err := strconv.Atoi(f[4])
		until, again := strconv.Atoi(f[5])
		if err != nil || again != nil {
			return nil, fmt.Errorf("read the embedded schema of ClickHouse: %q does not say when", line)
		}
		out = append(out, Part{Table: f[0], View: f[1] == "view", Column: f[2], Is: f[3], Since: since, Until: until})
	}
	return out, nil
}

// Line is the part as Schema reads it.
func (p *Part) Line() string {
	kind := "table"
	if p.View {
		kind = "view"
	}
	return strings.Join([]string{p.Table, kind, p.Column, p.Is, strconv.Itoa(p.Since), strconv.Itoa(p.Until)}, "\t") + "\n"
}
