package clickhouse_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"jitaudit/schemas/clickhouse"
)

func TestStatementsAreCutAtSemicolonsAtTheEndOfALine(t *testing.T) {
	tests := []struct {
		name, sql string
		want      []string
	}{
		{"one", "SELECT 1;\n", []string{"SELECT 1"}},
		{"without its last semicolon", "SELECT 1;\nSELECT 2", []string{"SELECT 1", "SELECT 2"}},
		{"without its last line end", "SELECT 1;", []string{"SELECT 1"}},
		{"comments between", "-- a; b\n\nSELECT 1;\n-- c\n-- d\nSELECT 2;\n-- end\n", []string{"SELECT 1", "SELECT 2"}},
		{"a comment within", "SELECT\n-- a\n1;\n", []string{"SELECT\n-- a\n1"}},
		{"a semicolon within a line", "SELECT ';' AS a;\n", []string{"SELECT ';' AS a"}},
		{"nothing", "\n-- nothing\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, clickhouse.Migration{SQL: tt.sql}.Statements()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestEveryStatementMayRunAgain keeps two instances that start at once out of
// each other's way.
func TestEveryStatementMayRunAgain(t *testing.T) {
	all, err := clickhouse.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	harmless := regexp.MustCompile(`^(CREATE (TABLE|VIEW|MATERIALIZED VIEW) IF NOT EXISTS|CREATE OR REPLACE VIEW|DROP (TABLE|VIEW) IF EXISTS|ALTER TABLE \w+ (ADD|DROP|MODIFY) (COLUMN|INDEX) IF (NOT )?EXISTS) `)
	for _, m := range all {
		for _, s := range m.Statements() {
			if !harmless.MatchString(s) {
				first, _, _ := strings.Cut(s, "\n")
				t.Errorf("%s: %s", m.Name, first)
			}
		}
	}
}

// TestReleasedMigrationsNeverChange: a database that has seen one refuses
// another of its number. Add a file, and its line here.
func TestReleasedMigrationsNeverChange(t *testing.T) {
	want := map[string]string{}
	all, err := clickhouse.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("there are no migrations")
	}
	for _, m := range all {
		if sum, released := want[m.Name]; released && sum != m.Checksum() {
			t.Errorf("%s has changed since it was released (SHA-256 %s)", m.Name, m.Checksum())
		}
	}
}
