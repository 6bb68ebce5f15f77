package policytest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"jitaudit/internal/scan"
	"jitaudit/schemas"
)

// Result is what became of one test.
type Result struct {
	Test string
	Line int // of the test in its file
	// Problems say what differs, each on one line; empty when it passed.
	Problems []string
}

// feed is the name of the approvals feed of all tests.
const feed = "test"

// Run runs the tests of a suite, in order. What a test expects and does not get is
// in its result; an error is that of the scan itself.
func (s *Suite) Run(ctx context.Context) ([]Result, error) {
	out := make([]Result, 0, len(s.Tests))
	for i := range s.Tests {
		t := &s.Tests[i]
		problems, err := s.run(ctx, t)
		if err != nil {
			return out, fmt.Errorf("%s:%d: test %q: %w", s.File, t.Line, t.Name, err)
		}
		out = append(out, Result{t.Name, t.Line, problems})
	}
	return out, nil
}

func (s *Suite) run(ctx context.Context, t *Test) ([]string, error) {
	logs := scan.Logs{Policies: s.policies, CloudTrail: t.records.data(schemas.CloudTrail), Okta: map[string][]byte{}, Approvals: map[string][]byte{}}
	if data := t.records.data(schemas.Okta); data != nil {
		logs.Okta[t.Org] = data
	}
	if data := t.records.data(schemas.Approvals); data != nil {
		logs.Approvals[feed] = data
	}
	// How far logs are complete depends on what is in them, so there are two scans.
	seen, err := scan.Raw(ctx, logs)
	if err != nil {
		return nil, err
	}
	if problems := t.unread(seen.DeadLetters); len(problems) > 0 {
		return problems, nil
	}
	logs.Coverage = s.coverage(t, &seen.Summary)
	all, err := scan.Raw(ctx, logs)
	if err != nil {
		return nil, err
	}
	sessions := all.Sessions()
	return append(t.Expect.findings(all.Findings(), sessions), t.Expect.sessions(sessions)...), nil
}

// unread says which events no reader makes out.
func (t *Test) unread(letters []schemas.DeadLetter) (problems []string) {
	for i := range letters {
		l := &letters[i]
		from := place{t.Line, fmt.Sprintf("record %d of %s", l.Record, l.File)}
		if log := t.records[l.Source]; log != nil && l.Record > 0 && l.Record <= int64(len(log.from)) {
			from = log.from[l.Record-1]
		}
		problems = append(problems, fmt.Sprintf("cannot be read: %s (line %d): %s", from.what, from.line, l.Reason))
	}
	return problems
}

// around is how far before and after its events a test's logs are complete.
const around = 3 * 24 * time.Hour

// coverage is what the test says; else it takes Okta's log and, of every account that
// a policy names or an event is of, each region that is seen (and the usual one) to
// be complete.
func (s *Suite) coverage(t *Test, sum *scan.Summary) []schemas.Coverage {
	out := []schemas.Coverage{}
	if t.Coverage != nil {
		for _, c := range t.Coverage {
			out = append(out, schemas.Coverage{Shard: c.Shard, From: c.From, To: c.To, Basis: schemas.CoverageAssumed})
		}
		return out
	}
	from, to := sum.First.Add(-around), sum.Last.Add(around)
	if t.Complete != nil {
		from, to = t.Complete.From, t.Complete.To
	}
	shards := map[string]bool{schemas.OktaShard(t.Org): true}
	for _, p := range s.policies.All() {
		for _, account := range p.Accounts() {
			shards[schemas.AWSShard(account, usualRegion)] = true
		}
	}
	for shard := range t.trails() {
		shards[shard] = true
	}
	for _, shard := range slices.Sorted(maps.Keys(shards)) {
		out = append(out, schemas.Coverage{Shard: shard, From: from, To: to, Basis: schemas.CoverageAssumed})
	}
	return out
}

// trails are the logs of AWS that the events of a test are from.
func (t *Test) trails() map[string]bool {
	out := map[string]bool{}
	for line := range bytes.Lines(t.records.data(schemas.CloudTrail)) {
		var e struct{ RecipientAccountID, AWSRegion string }
		if json.Unmarshal(line, &e) == nil && e.RecipientAccountID != "" {
			out[schemas.AWSShard(e.RecipientAccountID, e.AWSRegion)] = true
		}
	}
	return out
}
