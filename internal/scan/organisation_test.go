package scan

import (
	"fmt"
	"os"
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
			sink := &judged{check: truth.New(h.Truth)}
			sum, err := run(t.Context(), inMemory(h), madeUp(t, h), sink)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range sink.check.Differences() {
				t.Error(d)
			}
			for i, want := range []organisation.LogRecords{h.Truth.Records.Okta, h.Truth.Records.CloudTrail} {
				l := sum.Ledgers[i]
				if l.Source == schemas.Okta {
					want.Read += len(h.Listings)
				}
				got := organisation.LogRecords{Read: int(l.Read), Duplicates: int(l.Duplicate), Corrected: int(l.Corrected)}
				if got != want || l.Dead != 0 {
					t.Errorf("%s: got %+v with %d dead, want %+v", l.Source, got, l.Dead, want)
				}
			}
		})
	}
}

// inMemory are the history's logs, CloudTrail's in several files, and what else
// there is of it.
func inMemory(h *organisation.History) []file {
	files := []file{{source: schemas.Okta, org: testOrg, name: "okta", data: content(lines(h.Okta))}}
	const parts = 5
	for n := range parts {
		body := []byte(`{"Records":[`)
		for i := n; i < len(h.CloudTrail); i += parts {
			if i > n {
				body = append(body, ',')
			}
			body = h.CloudTrail[i].AppendJSON(body)
		}
		files = append(files, file{source: schemas.CloudTrail, name: fmt.Sprint("trail-", n), data: append(body, "]}"...)})
	}
	if len(h.Approvals) > 0 {
		files = append(files, file{source: schemas.Approvals, org: "tickets", name: "approvals", data: lines(h.Approvals)})
	}
	if len(h.Listings) > 0 {
		files = append(files, file{source: schemas.Okta, org: testOrg, snapshot: true, name: "snapshots", data: lines(h.Listings)})
	}
	return files
}

func lines(events []organisation.Event) (out []byte) {
	for i := range events {
		out = append(events[i].AppendJSON(out), '\n')
	}
	return out
}

// testOrg is the Okta org of made-up organisations.
const testOrg = "example"

// madeUp are the options for a history.
func madeUp(t testing.TB, h *organisation.History) Options {
	t.Helper()
	p, err := policy.Parse("policy.yaml", h.Policy)
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	opts := Options{
		Policies: set,
		Complete: []Complete{{From: h.Truth.Complete.From, To: h.Truth.Complete.To}},
	}
	for _, g := range h.Truth.Gaps {
		opts.Gaps = append(opts.Gaps, Gap{Shard: g.Shard, From: g.From, To: g.To})
	}
	return opts
}
