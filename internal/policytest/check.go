package policytest

import (
	"fmt"
	"slices"
	"strings"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

// check holds what was read against what there is: rules, accounts, orgs.
func (d *decoder) check(s *Suite) {
	if len(s.Tests) == 0 && len(d.errs) == 0 {
		d.errorf(1, "tests is an empty list: there is nothing to run")
	}
	names := map[string]int{}
	for i := range s.Tests {
		t := &s.Tests[i]
		path := fmt.Sprintf("tests[%d]", i)
		if first := names[t.Name]; first > 0 && t.Name != "" {
			d.errorf(t.Line, "%s.name: %q is the name of the test on line %d, too", path, t.Name, first)
		}
		names[t.Name] = t.Line
		d.test(t, s.policies, path)
	}
}

func (d *decoder) test(t *Test, set *policy.Set, path string) {
	if len(t.Facts)+len(t.Events.Okta)+len(t.Events.CloudTrail)+len(t.Events.Approvals) == 0 {
		d.errorf(t.Line, "%s: nothing happens: it needs facts or events", path)
	}
	switch orgs := orgsOf(set); {
	case t.Org == "" && len(orgs) > 0:
		t.Org = orgs[0]
	case t.Org == "":
		d.errorf(t.Line, "%s.org is missing: the policy names no okta_org", path)
	case len(orgs) > 0 && !slices.Contains(orgs, t.Org):
		d.errorf(t.Line, "%s.org: %q is no okta_org of the policy%s", path, t.Org, policy.Suggestion(t.Org, orgs))
	}
	ids := map[string]bool{}
	for i := range t.Facts {
		d.fact(&t.Facts[i], fmt.Sprintf("%s.facts[%d]", path, i), ids)
	}
	d.complete(t, path)
	d.expect(&t.Expect, set, path+".expect")
}

// orgsOf are the orgs of all policies; the first policy that has any comes first.
func orgsOf(set *policy.Set) (all []string) {
	for _, p := range set.All() {
		all = append(all, p.Orgs()...)
	}
	return all
}

func (d *decoder) complete(t *Test, path string) {
	if t.Complete != nil && t.Coverage != nil {
		d.errorf(t.Complete.Line, "%s.complete does not go with coverage: write one of them", path)
	}
	if w := t.Complete; w != nil && !w.From.Before(w.To) && !w.To.IsZero() {
		d.errorf(w.Line, "%s.complete: to is not after from", path)
	}
	for i := range t.Coverage {
		c := &t.Coverage[i]
		if source, rest, _ := strings.Cut(c.Shard, "/"); c.Shard != "" && (source != "okta" && source != "aws" || rest == "" || source == "aws" && strings.Count(rest, "/") != 1) {
			d.errorf(c.Line, "%s.coverage[%d].shard: %q is no log: write okta/ORG or aws/ACCOUNT/REGION", path, i, c.Shard)
		}
		if !c.From.Before(c.To) && !c.To.IsZero() {
			d.errorf(c.Line, "%s.coverage[%d]: to is not after from", path, i)
		}
	}
}

func (d *decoder) expect(e *Expect, set *policy.Set, path string) {
	if e.Ignore != nil && e.None != nil {
		d.errorf(e.Line, "%s: ignore does not go with none, beside which all other rules are ignored", path)
	}
	for i, r := range e.Ignore {
		d.word(r.Line, fmt.Sprintf("%s.ignore[%d]", path, i), r.Name, policy.Rules()...)
	}
	for i, r := range e.None {
		d.word(r.Line, fmt.Sprintf("%s.none[%d]", path, i), r.Name, policy.Rules()...)
	}
	for i := range e.Findings {
		f, at := &e.Findings[i], fmt.Sprintf("%s.findings[%d]", path, i)
		d.word(f.Line, at+".rule", f.Rule, policy.Rules()...)
		d.word(f.Line, at+".status", f.Status, string(schemas.Open), string(schemas.Resolved))
		d.word(f.Line, at+".severity", f.Severity, string(schemas.Info), string(schemas.Low), string(schemas.Medium), string(schemas.High), string(schemas.Critical))
		f.Account = d.account(f.Line, at+".account", f.Account, set)
	}
	for i := range e.Sessions {
		s, at := &e.Sessions[i], fmt.Sprintf("%s.sessions[%d]", path, i)
		d.word(s.Line, at+".verdict", s.Verdict, string(schemas.VerdictAllowed), string(schemas.VerdictFinding), string(schemas.VerdictUnknown))
		d.word(s.Line, at+".mfa", s.MFA, string(schemas.MFAYes), string(schemas.MFANo), string(schemas.MFAUnknown))
		s.Account = d.account(s.Line, at+".account", s.Account, set)
	}
}

// word refuses what is none of the known words; nothing is left out.
func (d *decoder) word(line int, path, s string, known ...string) {
	if s != "" && !slices.Contains(known, s) {
		d.errorf(line, "%s: unknown value %q%s", path, s, policy.Suggestion(s, known))
	}
}

// account is the id of an account that is given by id or by name.
func (d *decoder) account(line int, path, s string, set *policy.Set) string {
	if s == "" {
		return ""
	}
	for _, p := range set.All() {
		if id := p.AccountID(s); id != "" {
			return id
		}
	}
	d.errorf(line, "%s: %q is no account: write 12 digits, or a name that the policy gives", path, s)
	return ""
}
