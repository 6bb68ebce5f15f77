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
	harmless := regexp.MustCompile(`^(CREATE (TABLE|VIEW|MATERIALIZED VIEW) IF NOT EXISTS|CREATE OR REPLACE VIEW|DROP (TABLE|VIEW) IF EXISTS|ALTER TABLE \w+\s+(ADD|DROP|MODIFY|MATERIALIZE) (COLUMN|INDEX) IF (NOT )?EXISTS|INSERT INTO findings_history_log\s) ?`) // what is inserted again replaces itself
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
	want := map[string]string{
		"0001_tables": "0e2eafaa716e355aebdca2337ab72c7b9b528bdc3f86a77c0c9711ff99a4a06c",
		"0002_views":  "92ec0d85769f99dd45642e482e16e32f8b4b659a3e802fb1b07fe73fe38250ab",

		"0005_indexes":  "64ebf66118a4329f00f9b31cefc1799a97662e54aaf204d38be35e352bb687ff",
		"0006_policies": "b158c68f8c0a3ae0361bfe6e524bfe51a114d3edadfa5e9239c5c6a969c36d3f",

		"0004_history": "53f1d010403715457df7483659564acf80a8a39adfaaafd48607f4f790934869",

		"0003_whole_engine": "560242ad70492fbfbfeca27c04d56892dbf4a67b9dcd976793e2841e49bf3e9a",
	}
	all, err := clickhouse.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if want[m.Name] != m.Checksum() {
			t.Errorf("%s has the SHA-256 %s, want %q", m.Name, m.Checksum(), want[m.Name])
		}
	}
	if len(all) != len(want) {
		t.Errorf("there are %d migrations, want %d", len(all), len(want))
	}
}
