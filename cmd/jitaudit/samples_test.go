package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jitaudit/schemas"
)

// TestPublishedSamples scans real events as their owners published them, from
// the folder JITAUDIT_SAMPLES with one folder for each source, by the example of
// a policy.
func TestPublishedSamples(t *testing.T) {
	dir := os.Getenv("JITAUDIT_SAMPLES")
	if dir == "" {
		t.Skip("JITAUDIT_SAMPLES names no folder of published samples")
	}
	args := []string{
		"scan", "--exit-zero", "--okta", filepath.Join(dir, "okta"), "--cloudtrail", filepath.Join(dir, "cloudtrail"),
		"--policy", "../../examples/policy.yaml",
	}
	if _, out, _ := run(t, args...); !strings.Contains(out, "; 1 assumption was refused by AWS\n") {
		t.Errorf("the refused assumption is not counted in\n%s", out)
	}
	code, out, stderr := run(t, append(args, "--format", "json")...)
	if code != exitFine || strings.Contains(stderr, "Error") {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	kinds := map[string]int{}
	for line := range strings.Lines(out) {
		var record struct {
			Kind string `json:"kind"`
			schemas.Ledger
		}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		kinds[record.Kind]++
		if record.Kind == "ledger" && (!record.Balanced() || record.Read == 0) {
			t.Errorf("ledger %+v does not add up", record.Ledger)
		}
	}
	if kinds["deadletter"] != 0 || kinds["assumption"] != 2 || kinds["ledger"] != 2 {
		t.Errorf("got %v, want no deadletter, 2 assumptions and 2 ledgers", kinds)
	}
	if !strings.HasPrefix(lastLine(out), `{"kind":"ledger","source":"cloudtrail",`) {
		t.Errorf("the last line is %s", lastLine(out))
	}
}

func lastLine(s string) string {
	s = strings.TrimSuffix(s, "\n")
	return s[strings.LastIndexByte(s, '\n')+1:]
}
