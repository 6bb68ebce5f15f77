package policytest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/internal/scan"
	"jitaudit/schemas"
)

// Run runs the tests of a suite under its policies, in order.
func (s *Suite) Run(ctx context.Context, set *policy.Set) ([]Result, error) {
	out := make([]Result, 0, len(s.Tests))
	for i := range s.Tests {
		problems, err := s.Tests[i].run(ctx, set)
		if err != nil {
			return out, fmt.Errorf("%s: test %q: %w", s.File, s.Tests[i].Name, err)
		}
		out = append(out, Result{s.Tests[i].Name, problems})
	}
	return out, nil
}

func (t *Test) run(ctx context.Context, set *policy.Set) ([]string, error) {
	first := set.All()[0]
	x := newExpander(first)
	for i := range t.Facts {
		if err := x.add(&t.Facts[i]); err != nil {
			return nil, fmt.Errorf("facts[%d]: %w", i, err)
		}
	}
	org := t.Org
	if orgs := first.Orgs(); org == "" && len(orgs) > 0 {
		org = orgs[0]
	}
	logs := scan.Logs{Policies: set, CloudTrail: lines(append(x.trail, t.Events.CloudTrail...))}
	if events := append(x.okta, t.Events.Okta...); len(events) > 0 {
		logs.Okta = map[string][]byte{org: lines(events)}
	}
	if feed := append(x.feed, t.Events.Approvals...); len(feed) > 0 {
		logs.Approvals = map[string][]byte{"test": lines(feed)}
	}
	seen, err := scan.Raw(ctx, logs)
	if err != nil {
		return nil, err
	}
	if len(seen.DeadLetters) > 0 {
		d := seen.DeadLetters[0]
		return nil, fmt.Errorf("record %d of %s cannot be read: %s", d.Record, d.File, d.Reason)
	}
	logs.Coverage = t.coverage(&seen.Summary, org, append(x.trail, t.Events.CloudTrail...), first)
	all, err := scan.Raw(ctx, logs)
	if err != nil {
		return nil, err
	}
	return append(t.compareFindings(all.Findings(), first), t.compareSessions(all.Sessions(), first)...), nil
}

// lines is nil for no events.
func lines(events []map[string]any) []byte {
	if len(events) == 0 {
		return nil
	}
	var b bytes.Buffer
	for _, e := range events {
		raw, err := json.Marshal(e)
		if err != nil {
			// What YAML holds can always be written, but for a NaN, which no event has.
			raw = []byte("null")
		}
		b.Write(append(raw, '\n'))
	}
	return b.Bytes()
}

// usualRegion is where the global endpoint of STS logs (IAM user guide).
const usualRegion = "us-east-1"

// around is how far before and after its events a test's logs are complete.
const around = 3 * 24 * time.Hour

// coverage takes Okta's log and, of every account that the policy names or an event
// is of, each region that is seen (else one) to be complete.
func (t *Test) coverage(sum *scan.Summary, org string, trail []map[string]any, p *policy.Policy) (out []schemas.Coverage) {
	from, to := sum.First.Add(-around), sum.Last.Add(around)
	if t.Complete != nil {
		from, to = t.Complete.From.UTC(), t.Complete.To.UTC()
	}
	shards := []string{schemas.OktaShard(org)}
	add := func(account, region string) {
		if s := schemas.AWSShard(account, region); account != "" && !slices.Contains(shards, s) {
			shards = append(shards, s)
		}
	}
	for _, account := range p.Accounts() {
		add(account, usualRegion)
	}
	for _, e := range trail {
		account, _ := e["recipientAccountId"].(string)
		region, _ := e["awsRegion"].(string)
		add(account, region)
	}
	for _, s := range shards {
		out = append(out, schemas.Coverage{Shard: s, From: from, To: to, Basis: schemas.CoverageAssumed})
	}
	return out
}

func (t *Test) compareFindings(got []schemas.Finding, p *policy.Policy) (problems []string) {
	got = slices.DeleteFunc(got, func(f schemas.Finding) bool { return slices.Contains(t.Expect.Ignore, f.Rule) })
	for _, want := range t.Expect.Findings {
		i := slices.IndexFunc(got, func(f schemas.Finding) bool { return want.fits(&f, p.AccountID(want.Account)) })
		if i < 0 {
			problems = append(problems, "missing: "+want.String())
			continue
		}
		got = slices.Delete(got, i, i+1)
	}
	for _, f := range got {
		problems = append(problems, fmt.Sprintf("not expected: %s (%s, %s): %s", f.Rule, f.Severity, f.Status, f.Why))
	}
	return problems
}

func (t *Test) compareSessions(got []schemas.Session, p *policy.Policy) (problems []string) {
	if t.Expect.Sessions == nil {
		return nil
	}
	for _, want := range t.Expect.Sessions {
		i := slices.IndexFunc(got, func(s schemas.Session) bool { return want.fits(&s, p.AccountID(want.Account)) })
		if i < 0 {
			problems = append(problems, "missing: "+want.String())
			continue
		}
		got = slices.Delete(got, i, i+1)
	}
	for _, s := range got {
		problems = append(problems, fmt.Sprintf("not expected: session of %s as %s in %s, verdict %s, second factor %s", s.Person.Name, s.Role, s.Account, s.Verdict, s.MFA))
	}
	return problems
}

// String is what is expected, without what may be anything.
func (f *Finding) String() string {
	out := "finding " + f.Rule
	for _, part := range [][2]string{{"status", f.Status}, {"severity", f.Severity}, {"person", f.Person}, {"account", f.Account}, {"role", f.Role}} {
		if part[1] != "" {
			out += ", " + part[0] + " " + part[1]
		}
	}
	if f.Suppressed != nil {
		out += fmt.Sprintf(", suppressed %v", *f.Suppressed)
	}
	return out
}

// String is what is expected, without what may be anything.
func (s *Session) String() string {
	out := "session"
	for _, part := range [][2]string{{"person", s.Person}, {"account", s.Account}, {"role", s.Role}, {"verdict", s.Verdict}, {"mfa", s.MFA}} {
		if part[1] != "" {
			out += ", " + part[0] + " " + part[1]
		}
	}
	return out
}
