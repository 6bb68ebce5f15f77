package main

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"jitaudit/correlate"
	"jitaudit/correlate/policy"
	"jitaudit/internal/scan"
	"jitaudit/schemas"
)

func TestTableFitsTheTerminal(t *testing.T) {
	for _, tt := range []struct {
		name     string
		terminal terminal
		opts     tableOptions
	}{
		{"narrow", terminal{width: 80}, tableOptions{limit: 500}},
		{"wide", terminal{width: 160}, tableOptions{limit: 500}},
		{"colour", terminal{width: 100, colour: true}, tableOptions{limit: 500}},
		{"limited", terminal{width: 80}, tableOptions{limit: 1}},
		{"brief", terminal{width: 100}, tableOptions{limit: 1, brief: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			p := newTable(&out, tt.terminal, smallPolicies(t), nil, tt.opts)
			if err := p.Result(someResult()); err != nil {
				t.Fatal(err)
			}
			for i := range int64(2) {
				if err := p.DeadLetter(&schemas.DeadLetter{File: "okta/a.ndjson", Record: i + 7, Offset: 4711, Reason: "it is no JSON: unexpected end"}); err != nil {
					t.Fatal(err)
				}
			}
			sum := someSummary()
			if tt.opts.brief { // a database knows neither
				sum.Files, sum.Ledgers = 0, nil
			}
			if err := p.Finish(sum); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(out.String()) {
				if w := width(strings.TrimSuffix(line, "\n")); !tt.terminal.colour && w > tt.terminal.width {
					t.Errorf("%d columns: %s", w, line)
				}
			}
			golden(t, "table-"+tt.name, out.String())
		})
	}
}

// golden compares with a file of testdata, which -update writes.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func smallPolicies(t *testing.T) *policy.Set {
	t.Helper()
	set, err := readPolicies([]string{"testdata/small/policy.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func at(clock string) time.Time {
	t, err := time.Parse(time.DateTime, "2026-03-02 "+clock)
	if err != nil {
		panic(err)
	}
	return t
}

func someResult() *scan.Result {
	ada := schemas.Person{Key: "okta:example/00u1", Name: "ada.lovelace-of-the-analytical-engine@example.com", Org: "example"}
	session := func(id string, from, to string, verdict schemas.Verdict, mfa schemas.MFA) schemas.Session {
		return schemas.Session{
			ID: id, Person: ada, Account: "111111111111", Role: "DatabaseAdministrator",
			Start: at(from), End: at(to), Verdict: verdict, MFA: mfa,
		}
	}
	fine := session("ses_1", "08:00:00", "09:02:03", schemas.VerdictAllowed, schemas.MFAYes)
	fine.SignOn = &schemas.SignOnRef{JoinedBy: schemas.JoinAssertion}
	fine.Grant = "grt_1"
	unknown := session("ses_2", "09:00:00", "09:00:40", schemas.VerdictUnknown, schemas.MFAUnknown)
	unknown.Unjudged = []schemas.Unjudged{{Reason: schemas.InGap}, {Reason: schemas.BeforeCoverage}, {Reason: schemas.InGap}}
	broken := session("ses_3", "10:00:00", "10:15:00", schemas.VerdictFinding, schemas.MFANo)
	broken.Account, broken.SignOn = "222222222222", &schemas.SignOnRef{JoinedBy: schemas.JoinPortal}
	finding := func(rule string, severity schemas.Severity, status schemas.Status, clock, why string, evidence ...string) schemas.Finding {
		return schemas.Finding{
			ID: "fnd_" + rule + clock, Rule: rule, Severity: severity, Status: status, Person: ada, At: at(clock),
			Session: "ses_3", Why: why, Evidence: evidence,
		}
	}
	const id = "5005a7a6-1615-4c39-b0b9-237198ffa5c"
	return &scan.Result{
		Person: ada,
		Outcome: correlate.Outcome{
			Sessions: []schemas.Session{fine, unknown, broken},
			Findings: []schemas.Finding{
				finding("no_mfa", schemas.High, schemas.Open, "10:00:00", ada.Name+" assumed DatabaseAdministrator; no second factor is in the Okta session.", id+"1", id+"2"),
				finding("outside_hours", schemas.Low, schemas.Open, "10:00:00", ada.Name+" came at night.", id+"1"),
				finding("outside_hours", schemas.Low, schemas.Open, "09:00:00", ada.Name+" came early.", id+"1"),
				finding("no_sign_on", schemas.Critical, schemas.Open, "10:00:00", "No sign-on explains it.", id+"1", id+"2", id+"3", id+"4", id+"5", id+"6"),
				finding("lingering_membership", schemas.High, schemas.Resolved, "07:00:00", ada.Name+" was still a member.", id+"7"),
			},
		},
		Activity: []schemas.ActivityCounts{{Session: "ses_1", Calls: 12345}, {Session: "ses_2"}, {Session: "ses_3", Calls: 7}},
	}
}

func someSummary() *scan.Summary {
	cover := func(shard, from, to string) schemas.Coverage {
		return schemas.Coverage{Shard: shard, From: at(from), To: at(to)}
	}
	return &scan.Summary{
		Files: 1234, People: 1, First: at("00:00:00"), Last: at("23:59:59"),
		Skipped: []scan.Skipped{{Path: "okta/README.md", Reason: "not named like a log file"}},
		Coverage: []schemas.Coverage{
			cover("aws/111111111111/eu-central-1", "00:00:00", "23:00:00"),
			cover("aws/222222222222/eu-central-1", "00:00:00", "23:00:00"),
			cover("okta/example", "00:00:00", "08:00:00"),
			cover("okta/example", "09:30:00", "23:00:00"),
		},
		Facts: map[schemas.FactKind]int64{schemas.AssumeFailed: 3},
		Ledgers: []schemas.Ledger{
			{Source: schemas.Okta, Read: 1234, Used: 1000, Irrelevant: 232, Dead: 2},
			{Source: schemas.CloudTrail, Read: 1234567, Used: 1234000, Irrelevant: 500, Duplicate: 60, Corrected: 7},
		},
	}
}

func TestBestKeepsTheFirstOfAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		limit, n := r.IntN(6), r.IntN(40)
		b := best[int]{limit: limit, compare: cmp.Compare[int]}
		var all []int
		for range n {
			v := r.IntN(20)
			all = append(all, v)
			b.add(v)
			if limit > 0 && len(b.kept) > 2*limit {
				t.Fatalf("%d are kept for a limit of %d", len(b.kept), limit)
			}
		}
		slices.Sort(all)
		want := all
		if limit > 0 {
			want = all[:min(limit, n)]
		}
		got, more := b.list()
		if !slices.Equal(got, want) || more != n-len(want) {
			t.Fatalf("limit %d of %v: got %v and %d more, want %v", limit, all, got, more, want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		in            string
		columns, most int
		want          []string
	}{
		{"", 10, 3, nil},
		{"one two three", 7, 3, []string{"one two", "three"}},
		{"abcdefghij kl", 4, 9, []string{"abcd", "efgh", "ij", "kl"}},
		{"漢字漢字漢", 5, 9, []string{"漢字", "漢字", "漢"}},
		{"one two three four five", 5, 2, []string{"one", "two …"}},
		{strings.Repeat("x", 100), 10, 2, []string{"xxxxxxxxxx", "xxxxxxx… …"}},
	} {
		if got := wrap(tt.in, tt.columns, tt.most); !slices.Equal(got, tt.want) {
			t.Errorf("wrap(%.20q, %d, %d) = %q, want %q", tt.in, tt.columns, tt.most, got, tt.want)
		}
	}
}

func TestLength(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 59 * time.Second: "59s", 60 * time.Second: "1m", 3599 * time.Second: "59m", time.Hour: "1h00m",
		25*time.Hour - time.Minute: "1d00h", 50 * time.Hour: "2d02h", 23*time.Hour + 59*time.Minute: "23h59m",
	} {
		if got := length(d); got != want {
			t.Errorf("length(%v) = %s, want %s", d, got, want)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567", 123456: "123,456"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %s, want %s", n, got, want)
		}
	}
}
