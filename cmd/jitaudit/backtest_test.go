package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"jitaudit/internal/backtest"
	"jitaudit/schemas"
)

func someReport() *backtest.Report {
	day := time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)
	finding := func(id, rule string, severity schemas.Severity, why string) *schemas.Finding {
		return &schemas.Finding{ID: "fnd_" + id, Rule: rule, Severity: severity, Status: schemas.Open, At: day, Why: why}
	}
	added := finding("0bb6ed4cd1e71dbf8d51f3c1f3a5d3aa", "long_session", schemas.Medium,
		"The session of ada@example.com as Admin in prod lasted 1h30m, from 2026-05-04 08:15:30Z to 2026-05-04 09:45:30Z; 1h is allowed.")
	was := finding("8c1f7a52e0b94d6d90b0a8e7f1c2d3e4", "manual_grant", schemas.High, "bob@example.com gave ada@example.com AWS-dev-Admin by hand at 2026-05-04 08:14:58Z.")
	accepted := *was
	accepted.Severity = schemas.Low
	accepted.Suppressed = &schemas.Suppression{Reason: "the flow is rebuilt", Owner: "platform@example.com", Until: day.AddDate(0, 2, 0)}
	removed := finding("f00dfeed00000000000000000000cafe", "outside_hours", schemas.Medium, "eve@example.com assumed Admin in prod at 2026-05-04 22:10:00Z, outside of office hours.")
	return &backtest.Report{
		Since: day, Events: 8607,
		Old:  backtest.Counts{Findings: 42, Sessions: map[schemas.Verdict]int{schemas.VerdictAllowed: 222, schemas.VerdictFinding: 31, schemas.VerdictUnknown: 2}},
		New:  backtest.Counts{Findings: 42, Sessions: map[schemas.Verdict]int{schemas.VerdictAllowed: 222, schemas.VerdictFinding: 31, schemas.VerdictUnknown: 2}},
		Same: 40,
		Differences: []backtest.Difference{
			{Change: backtest.Added, New: added},
			{Change: backtest.Changed, Fields: []string{"severity", "suppressed"}, Old: was, New: &accepted},
			{Change: backtest.Removed, Old: removed},
		},
		Coverage: []schemas.Coverage{{Shard: "okta/example", From: day, To: day.AddDate(0, 0, 1), Basis: schemas.CoverageAssumed}},
	}
}

func TestTextOfABacktest(t *testing.T) {
	golden(t, "backtest", backtestText(someReport(), terminal{width: 100}))
}

func TestTextOfABacktestThatMakesNoDifference(t *testing.T) {
	r := someReport()
	r.Differences, r.Coverage = nil, nil
	contains(t, backtestText(r, terminal{width: 100}), "No difference.", "No log is known to be complete in the raw events")
}

func TestWhatFindingsSayMakesNoLineOfABacktest(t *testing.T) {
	r := someReport()
	r.Differences[0].New.Why, r.Differences[1].New.Suppressed.Reason, r.Differences[1].Old.Why = "x\nRemoved\x1b[31m", "x\nRemoved", "x\nRemoved"
	r.Differences[1].Fields = []string{"why", "status", "evidence", "suppressed"}
	text := backtestText(r, terminal{width: 100})
	if strings.Count(text, "\nRemoved\n") != 1 || strings.Contains(text, "\x1b") {
		t.Errorf("got\n%s", text)
	}
	contains(t, text, `before: x\nRemoved`, "status was open", "evidence differs")
}

func TestSinceIsALengthADayOrATime(t *testing.T) {
	now := time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)
	for s, want := range map[string]string{
		"12h": "2026-05-03T20:00:00Z", "30d": "2026-04-04T08:00:00Z", "0d": "2026-05-04T08:00:00Z",
		"2026-01-31": "2026-01-31T00:00:00Z", "2026-01-31T08:00:00+02:00": "2026-01-31T06:00:00Z",
	} {
		got, err := sinceWhen(s, now)
		if err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%s: got %s (%v), want %s", s, got, err, want)
		}
	}
	for _, s := range []string{"", "d", "-1d", "-1h", "1.5d", "99999999999d", "2026-13-01", "soon"} {
		if got, err := sinceWhen(s, now); err == nil {
			t.Errorf("%q: got %s, want an error", s, got)
		}
	}
}

// TestTheGuideShowsWhatTheProgramSays: its examples are those of the tests.
func TestTheGuideShowsWhatTheProgramSays(t *testing.T) {
	guide, err := os.ReadFile("../../docs/verbs.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{}
	for _, f := range readScript(t, "testdata/script/explain.txtar") {
		if strings.HasSuffix(f.Name, ".golden") {
			shown[f.Name] = string(f.Data)
		}
	}
	text, err := os.ReadFile("testdata/backtest.golden")
	if err != nil {
		t.Fatal(err)
	}
	shown["backtest.golden"] = string(text)
	for name, want := range shown {
		if !strings.Contains(string(guide), "```\n"+want+"```\n") {
			t.Errorf("docs/verbs.md does not show %s", name)
		}
	}
}

func readScript(t *testing.T, path string) []txtar.File {
	t.Helper()
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return a.Files
}
