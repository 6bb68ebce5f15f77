package scan

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"jitaudit/correlate/policy"
	"jitaudit/internal/organisation"
	"jitaudit/internal/scan/truth"
	"jitaudit/schemas"
)

// judged feeds a check with findings.
type judged struct {
	check    *truth.Check
	sessions int
}

func (j *judged) Result(r *Result) error {
	for i := range r.Findings {
		j.check.Add(&r.Findings[i])
	}
	j.sessions += len(r.Sessions)
	return nil
}

func (j *judged) DeadLetter(*schemas.DeadLetter) error { return nil }

// TestPlantedBreachesAreFoundAndNothingElse goes through 50 organisations, or
// as many as JITAUDIT_TEST_SEEDS says, 3 with -short.
func TestPlantedBreachesAreFoundAndNothingElse(t *testing.T) {
	seeds := 50
	if testing.Short() {
		seeds = 3
	}
	if s := os.Getenv("JITAUDIT_TEST_SEEDS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		seeds = n
	}
	for seed := range seeds {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Parallel()
			h, err := organisation.Generate(organisation.Config{Seed: uint64(seed)})
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := h.Write(dir); err != nil {
				t.Fatal(err)
			}
			sink := &judged{check: truth.New(h.Truth)}
			sum, err := Run(t.Context(), madeUp(t, dir, h.Truth), sink)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range sink.check.Differences() {
				t.Error(d)
			}
			for i, want := range []organisation.LogRecords{h.Truth.Records.Okta, h.Truth.Records.CloudTrail} {
				l := sum.Ledgers[i]
				got := organisation.LogRecords{Read: int(l.Read), Duplicates: int(l.Duplicate), Corrected: int(l.Corrected)}
				if got != want || l.Dead != 0 {
					t.Errorf("%s: got %+v with %d dead, want %+v", l.Source, got, l.Dead, want)
				}
			}
		})
	}
}

// madeUp are the options to scan what the generator wrote to dir.
func madeUp(t testing.TB, dir string, truth organisation.Truth) Options {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Parse("policy.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	opts := Options{
		Inputs: []Input{
			{Source: schemas.Okta, Org: p.Orgs()[0], Path: filepath.Join(dir, "okta")},
			{Source: schemas.CloudTrail, Path: filepath.Join(dir, "cloudtrail")},
		},
		Policies: set,
		Complete: []Complete{{From: truth.Complete.From, To: truth.Complete.To}},
	}
	for _, g := range truth.Gaps {
		opts.Gaps = append(opts.Gaps, Gap{Shard: g.Shard, From: g.From, To: g.To})
	}
	return opts
}
