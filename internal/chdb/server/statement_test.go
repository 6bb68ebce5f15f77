package server

import (
	"errors"
	"testing"

	"jitaudit/internal/chdb/engine"
)

func TestStatementsAreToldApart(t *testing.T) {
	tests := []struct {
		name, text string
		want       statement // its text may be left out when it is the whole
	}{
		{"select", "SELECT 1", statement{kind: query}},
		{"select in small letters behind comments", "-- why\n/* ; */ # so\n select 1", statement{kind: query}},
		{"with", "WITH 1 AS x SELECT x", statement{kind: query}},
		{"from first", "FROM t SELECT a", statement{kind: query}},
		{"in parentheses", "((SELECT 1)) UNION ALL (SELECT 2)", statement{kind: query}},
		{"format", "SELECT 1 FORMAT JSON", statement{kind: query, format: "JSON"}},
		{"format and a semicolon", "SELECT 1 FORMAT CSV ;\n", statement{kind: query, format: "CSV"}},
		{"format and settings", "SELECT 1 FORMAT CSV SETTINGS max_threads = 1", statement{kind: query, format: "CSV"}},
		{"a column named format", "SELECT format FROM t", statement{kind: query}},
		{"format in a string", "SELECT 'it''s \\' FORMAT CSV'", statement{kind: query}},
		{"format in a comment", "SELECT 1 -- FORMAT CSV", statement{kind: query}},
		{"a table named infile", "SELECT * FROM infile", statement{kind: query}},
		{"a semicolon in a heredoc", "SELECT $x$ a; b $x$", statement{kind: query}},
		{"show", "SHOW TABLES FORMAT TSV", statement{kind: other, format: "TSV"}},
		{"create", "CREATE TABLE t (a Int8) ENGINE = Memory", statement{kind: other}},
		{"drop", "DROP TABLE sync", statement{kind: other}},

		{"insert select", "INSERT INTO t (a) SELECT 1", statement{kind: other}},
		{"with before insert", "WITH 1 AS x INSERT INTO t SELECT x", statement{kind: other}},
		{"insert without an end", "INSERT INTO t", statement{kind: other}},
		{"insert native", "INSERT INTO d.t (a, `FORMAT`) FORMAT Native", statement{kind: insertData, text: "INSERT INTO d.t (a, `FORMAT`) ", format: "Native"}},
		{"data behind the format", "INSERT INTO t FORMAT CSV \n1,2\n", statement{kind: insertData, text: "INSERT INTO t ", format: "CSV", rest: "1,2\n"}},
		{"data on the same line", "insert into t format JSONEachRow {\"a\":1}", statement{kind: insertData, text: "insert into t ", format: "JSONEachRow", rest: "{\"a\":1}"}},
		{"an empty first line of data", "INSERT INTO t FORMAT CSV\r\n\n1", statement{kind: insertData, text: "INSERT INTO t ", format: "CSV", rest: "\n1"}},
		{"settings before the format", "INSERT INTO t SETTINGS async_insert=1 FORMAT CSV\n1", statement{kind: insertData, text: "INSERT INTO t SETTINGS async_insert=1 ", format: "CSV", rest: "1"}},
		{"values", "INSERT INTO t VALUES (1), (2)", statement{kind: insertData, text: "INSERT INTO t ", format: "Values", values: true, rest: " (1), (2)"}},
		{"a table named values", "INSERT INTO values FORMAT CSV\n1", statement{kind: insertData, text: "INSERT INTO values ", format: "CSV", rest: "1"}},
		{"a function", "INSERT INTO FUNCTION null('a Int8') VALUES (1)", statement{kind: insertData, text: "INSERT INTO FUNCTION null('a Int8') ", format: "Values", values: true, rest: " (1)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want.text == "" {
				tt.want.text = tt.text
			}
			got, err := parseStatement(tt.text)
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestWhatIsRefused(t *testing.T) {
	tests := []struct {
		name, text string
		code       int
	}{
		{"nothing", " \n-- only a comment", codeSyntax},
		{"two statements", "SELECT 1; DROP TABLE t", codeSyntax},
		{"a file as target", "SELECT 1 INTO OUTFILE '/tmp/x'", codeNotImplemented},
		{"a file as source", "INSERT INTO t FROM INFILE '/tmp/x' FORMAT CSV", codeNotImplemented},
		{"drop sync", "DROP TABLE t SYNC", codeNotImplemented},
		{"kill sync", "KILL QUERY WHERE 1 SYNC", codeNotImplemented},
		{"a semicolon before data", "INSERT INTO t FORMAT CSV; 1", codeSyntax},
		{"settings behind the format", "INSERT INTO t FORMAT CSV SETTINGS a = 1", codeSyntax},
		{"no name of a format", "INSERT INTO t FORMAT 'CSV'", codeSyntax},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parseStatement(tt.text)
			var e *engine.Exception
			if !errors.As(err, &e) || e.Code != tt.code {
				t.Errorf("got %v, want code %d", err, tt.code)
			}
		})
	}
}

func FuzzParseStatement(f *testing.F) {
	for _, seed := range []string{"SELECT 1 FORMAT JSON", "INSERT INTO t (a) FORMAT CSV\n1", "/* 'a\" `b", "$x$ $x", "(((", "INSERT INTO a.b VALUES ("} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		st, err := parseStatement(text)
		if err == nil && st.kind == insertData && len(st.text)+len(st.rest) > len(text) {
			t.Errorf("%q was taken apart into more than there is: %+v", text, st)
		}
	})
}
