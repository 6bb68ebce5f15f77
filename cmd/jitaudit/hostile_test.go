package main

import (
	"encoding/csv"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"jitaudit/internal/hostile"
	"jitaudit/internal/visible"
)

// more are texts that an attacker might put into a log, to harm whoever reads it in
// a terminal.
func more() map[string]string {
	return map[string]string{
		"ansi":        "eve\x1b[2J\x1b[1;31mroot\x1b]0;title\x07",
		"c1":          "eve\u009b31mred",
		"line feeds":  "eve\r\nfake: allowed\n",
		"bidi":        "eve\u202egnp.exe\u2066x\u2069",
		"invisible":   "e\u200bv\u00ade\ufeff\u3164",
		"nul":         "eve\x00admin",
		"del":         "eve\x7f",
		"formula":     `=HYPERLINK("http://example.net/"&A1)`,
		"plus":        "+1+1",
		"minus":       "-2+3",
		"at":          "@SUM(A1)",
		"tab":         "\t=1",
		"return":      "\r=1",
		"wide":        strings.Repeat("漢字", 40),
		"marks":       "e" + strings.Repeat("\u0301", 50),
		"long":        strings.Repeat("eve", 20_000),
		"quotes":      `a"b,c'd;e`,
		"lone mark":   "\u0301eve",
		"backslashes": `\x1b\u202e`,
		"full width":  "＝1+1",
		"tags":        "eve\U000e0041\U000e007f",
	}
}

// TestHostileTextsAreHarmless puts texts in all places of a log from which they
// come out.
func TestHostileTextsAreHarmless(t *testing.T) {
	all := hostile.Texts()
	maps.Copy(all, more())
	for name, text := range all {
		if text == "" {
			continue // a name that is missing is no name
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if len(text) >= hostile.Long { // four of them are more than a record may have
				text = strings.ToValidUTF8(text[:100<<10], "")
			}
			args := hostileScan(t, text)
			checkTable(t, args)
			checkJSON(t, args, text)
			for _, records := range []string{"sessions", "findings", "grants", "assumptions"} {
				checkCSV(t, append(args, "--format", "csv", "--records", records))
			}
		})
	}
}

// hostileScan writes logs in which Bob's name, his role and an event id are the
// text, as is the name of who granted.
func hostileScan(t *testing.T, text string) []string {
	t.Helper()
	dir := t.TempDir()
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	inner := string(quoted[1 : len(quoted)-1])
	put := func(file string, replace ...string) string {
		data, err := os.ReadFile(filepath.Join("testdata/small", file))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, []byte(strings.NewReplacer(replace...).Replace(string(data))), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return []string{
		"scan", "--complete", "2026-03-01/2026-03-08", "--policy", "testdata/small/policy.yaml",
		"--okta", put("okta.ndjson", "JIT access flow", inner, `"add-1"`, string(quoted)),
		"--cloudtrail", put("cloudtrail.json", "bob@example.com", inner, "assume-2", inner, "aws-cli/2.24.15", inner),
	}
}

func checkTable(t *testing.T, args []string) {
	t.Helper()
	code, out, stderr := run(t, args...)
	if code != exitFindings {
		t.Errorf("table: exit code %d: %.300s", code, stderr)
	}
	for i, line := range strings.Split(out, "\n") {
		if w := width(line); w > widthElsewhere {
			t.Errorf("table: line %d is %d wide: %.150q", i+1, w, line)
		}
		noneHidden(t, "table", line)
	}
}

// noneHidden finds characters that do more than be seen.
func noneHidden(t *testing.T, what, line string) {
	t.Helper()
	if !utf8.ValidString(line) {
		t.Errorf("%s: no UTF-8: %.150q", what, line)
	}
	for _, r := range line {
		if visible.Hidden(r) {
			t.Errorf("%s: %q in %.150q", what, r, line)
			return
		}
	}
}

func checkJSON(t *testing.T, args []string, text string) {
	t.Helper()
	code, out, stderr := run(t, append(args, "--format", "json")...)
	if code != exitFindings {
		t.Errorf("json: exit code %d: %.300s", code, stderr)
	}
	found := false
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		noneHidden(t, "json", line)
		var record struct {
			Kind        string `json:"kind"`
			SessionName string `json:"session_name"`
		}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Errorf("json: %v in %.150s", err, line)
		}
		found = found || record.Kind == "assumption" && record.SessionName == string([]rune(text))
	}
	if !found {
		t.Errorf("json: no assumption has the role session name %.100q", text)
	}
}

func checkCSV(t *testing.T, args []string) {
	t.Helper()
	code, out, stderr := run(t, args...)
	if code != exitFindings {
		t.Errorf("csv: exit code %d: %.300s", code, stderr)
	}
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatalf("csv: %v", err)
	}
	if n := strings.Count(out, "\n"); n != len(rows) {
		t.Errorf("csv: %d lines for %d rows", n, len(rows))
	}
	for _, row := range rows {
		for _, v := range row {
			noneHidden(t, "csv", v)
			if v != "" && strings.ContainsAny(v[:1], "=+-@\t\r") {
				t.Errorf("csv: %.100q could be taken for a formula", v)
			}
		}
	}
}

func TestQuotedIsOneWordOfAShell(t *testing.T) {
	for in, want := range map[string]string{
		"":                   "''",
		"org/okta":           "org/okta",
		"my org/okta":        "'my org/okta'",
		"it's":               `'it'\''s'`,
		"$(reboot)":          "'$(reboot)'",
		"2026-03-02T00:00Z":  "2026-03-02T00:00Z",
		"~/demo":             "'~/demo'",
		"okta/example=A,B+C": "'okta/example=A,B+C'",
	} {
		if got := quoted(in); got != want {
			t.Errorf("quoted(%q) = %s, want %s", in, got, want)
		}
	}
}
