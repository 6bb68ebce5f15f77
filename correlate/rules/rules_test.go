package rules

import (
	"slices"
	"strings"
	"testing"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

const rulesPolicy = `
accounts: {prod: "111111111111"}
providers:
  - {name: okta, arn: "arn:aws:iam::*:saml-provider/Okta", federation: direct, okta_org: example, apps: [0oa1]}
time_intervals:
  - {name: office, time_intervals: [{times: [{start_time: '08:00', end_time: '18:00'}]}]}
approved_hours: [{accounts: [prod], within: [office]}]
max_session: [{accounts: [prod], limit: 4h}]
break_glass: [{roles: [Emergency]}]
`

// noon is when the assumptions of these tests are made.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func testPolicy(t *testing.T) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("test.yaml", []byte(rulesPolicy))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// honest is an assumption that breaks no rule.
func honest(p *policy.Policy, at time.Time) *Assumption {
	f := &schemas.Fact{ID: "assume", Kind: schemas.Assumed, At: at, Who: schemas.Identity{AssertionID: "id1"}}
	f.Assume = &schemas.Assume{
		Account: "111111111111", Role: "Admin", Federation: schemas.Direct,
		ProviderARN: "arn:aws:iam::111111111111:saml-provider/Okta", Expires: at.Add(time.Hour),
	}
	return &Assumption{
		Fact: f, Policy: p, Provider: p.Provider(f.Assume.ProviderARN),
		Person:     schemas.Person{Key: "okta:example/1", Name: "ada@example.com", Org: "example"},
		Scope:      policy.Scope{Account: f.Assume.Account, Role: f.Assume.Role},
		SignOn:     &schemas.Fact{ID: "sso", Shard: "okta/example", At: at.Add(-time.Minute), SignOn: &schemas.SignOn{}, Who: schemas.Identity{AssertionID: "id1"}},
		JoinedBy:   schemas.JoinAssertion,
		MFA:        schemas.MFAYes,
		Containing: []*Grant{grant(p, at.Add(-10*time.Minute), time.Time{})},
		Limit:      at.Add(55 * time.Minute),
	}
}

func grant(p *policy.Policy, opened, removed time.Time) *Grant {
	add := &schemas.Fact{ID: "add", Kind: schemas.GroupAdded, Shard: "okta/example", At: opened}
	g := &Grant{
		Policy: p, Org: "example", Opener: add, Events: []*schemas.Fact{add},
		From: opened.Add(-2 * time.Minute), Limit: opened.Add(65 * time.Minute),
		Record: &schemas.Grant{
			ID: "grt", Account: "111111111111", Role: "Admin", Source: schemas.ByMembership,
			Group: "AWS-prod-Admin", Opened: opened, ApprovedUntil: opened.Add(time.Hour),
			Person: schemas.Person{Name: "ada@example.com"}, Evidence: []string{"add"},
		},
	}
	if !removed.IsZero() {
		g.Removal = &schemas.Fact{ID: "remove", Kind: schemas.GroupRemoved, At: removed}
		g.Events = append(g.Events, g.Removal)
		g.Record.Removed, g.Record.Evidence = removed, []string{"add", "remove"}
	}
	return g
}

func named(t *testing.T, name string) Rule {
	t.Helper()
	for _, r := range All() {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("no rule %s", name)
	return Rule{}
}

func TestAnHonestAssumptionBreaksNoRule(t *testing.T) {
	a := honest(testPolicy(t), noon)
	for _, r := range All() {
		if r.Assumption == nil {
			continue
		}
		if b := r.Assumption(a); b != nil {
			t.Errorf("%s: %s", r.Name, b.Why)
		}
	}
}

func TestAssumptionRules(t *testing.T) {
	p := testPolicy(t)
	need := func(from, to time.Duration) []Need {
		return []Need{{Shard: "okta/example", From: noon.Add(from), To: noon.Add(to)}}
	}
	for _, c := range []struct {
		rule, name string
		change     func(*Assumption)
		why        string // a part of it; empty: no breach
		needs      []Need
		evidence   string
	}{
		{"no_grant", "none near", func(a *Assumption) { a.Containing = nil }, "no grant for it is known within 24h", need(-24*time.Hour, 2*time.Minute), ""},
		{"no_grant", "one near", func(a *Assumption) { a.Near, a.Containing = a.Containing, nil }, "", nil, ""},
		{"outside_grant", "too early", func(a *Assumption) {
			a.Near, a.Containing = []*Grant{grant(p, noon.Add(10*time.Minute), time.Time{})}, nil
		}, "10m before the nearest grant (AWS-prod-Admin) opened", need(-24*time.Hour, 2*time.Minute), "add"},
		{"outside_grant", "after the removal", func(a *Assumption) {
			a.Near, a.Containing = []*Grant{grant(p, noon.Add(-time.Hour), noon.Add(-time.Minute))}, nil
		}, "1m after the nearest grant (AWS-prod-Admin) was removed", need(-24*time.Hour, 2*time.Minute), "add remove"},
		{"outside_grant", "after the approved end", func(a *Assumption) {
			a.Near, a.Containing = []*Grant{grant(p, noon.Add(-2*time.Hour), time.Time{})}, nil
		}, "1h after the approved end of the nearest grant (AWS-prod-Admin), which had not been taken away", need(-24*time.Hour, 2*time.Minute), "add"},
		{"outside_grant", "before one of which only the removal is known", func(a *Assumption) {
			a.Near, a.Containing = []*Grant{unopened(grant(p, noon, noon.Add(30*time.Hour)))}, nil
		}, "6h before the nearest grant (AWS-prod-Admin) is known to have begun", need(-24*time.Hour, 2*time.Minute), ""},
		{"outside_grant", "after Okta listed the member for the last time", func(a *Assumption) {
			g := endless(grant(p, noon.Add(-2*time.Hour), time.Time{}))
			g.Record.Removed, g.Limit = noon.Add(-time.Hour), noon.Add(-time.Hour+2*time.Second)
			a.Near, a.Containing = []*Grant{g}, nil
		}, "1h after Okta no longer listed them for the nearest grant (AWS-prod-Admin)", need(-24*time.Hour, 2*time.Minute), "add"},
		{"outside_grant", "after an approval was withdrawn", func(a *Assumption) {
			g := approval(grant(p, noon.Add(-30*time.Minute), time.Time{}))
			g.Record.Removed, g.Limit = noon.Add(-time.Minute), noon.Add(-58*time.Second)
			a.Near, a.Containing = []*Grant{g}, nil
		}, "1m after the nearest grant (Admin in prod) was withdrawn", need(-24*time.Hour, 2*time.Minute), "add"},
		{"outside_grant", "after an approval was over", func(a *Assumption) {
			a.Near, a.Containing = []*Grant{approval(grant(p, noon.Add(-2*time.Hour), time.Time{}))}, nil
		}, "1h after the approved end of the nearest grant (Admin in prod).", need(-24*time.Hour, 2*time.Minute), "add"},
		{"outside_grant", "nothing near", func(a *Assumption) { a.Containing = nil }, "", nil, ""},
		{"outside_hours", "at night", func(a *Assumption) { a.Fact.At = noon.Add(-5 * time.Hour) }, "outside the approved hours (office)", nil, ""},
		{"no_sign_on", "none", func(a *Assumption) { a.SignOn = nil }, "by assertion id or within 10m", need(-10*time.Minute, 2*time.Second), ""},
		{"no_sign_on", "none with that id", func(a *Assumption) {
			strict := *a.Provider
			strict.RequireAssertionID = true
			a.SignOn, a.Provider = nil, &strict
		}, "no Okta sign-on carries its assertion id id1", need(-10*time.Minute, 2*time.Second), ""},
		{"no_sign_on", "no portal session", func(a *Assumption) {
			portal := *a.Provider
			portal.Federation = schemas.IdentityCenter
			a.SignOn, a.Provider = nil, &portal
		}, "no Okta sign-on opened a portal session in the 8h before", need(-8*time.Hour, 2*time.Second), ""},
		{"assertion_mismatch", "another id", func(a *Assumption) { a.JoinedBy, a.Fact.Who.AssertionID = schemas.JoinSubject, "id2" }, "with assertion id2; the sign-on at 2026-03-02 11:59:00Z that fits issued id1", nil, "sso"},
		{"assertion_mismatch", "by email", func(a *Assumption) { a.JoinedBy, a.Fact.Who.AssertionID = schemas.JoinEmail, "id2" }, "id2", nil, "sso"},
		{"assertion_mismatch", "no id in AWS", func(a *Assumption) { a.JoinedBy, a.Fact.Who.AssertionID = schemas.JoinSubject, "" }, "", nil, ""},
		{"assertion_mismatch", "no id in Okta", func(a *Assumption) { a.JoinedBy, a.SignOn.Who.AssertionID = schemas.JoinSubject, "" }, "", nil, ""},
		{"assertion_mismatch", "through the portal", func(a *Assumption) { a.JoinedBy, a.Fact.Who.AssertionID = schemas.JoinPortal, "_aws" }, "", nil, ""},
		{"no_mfa", "no factor", func(a *Assumption) { a.MFA = schemas.MFANo }, "no second factor", need(-24*time.Hour-time.Minute, -58*time.Second), "sso"},
		{"no_mfa", "unexplained", func(a *Assumption) { a.MFA, a.SignOn = schemas.MFAUnknown, nil }, "", nil, ""},
		{"outlived_grant", "used late", func(a *Assumption) { a.LateUse = &Use{"call", noon.Add(56 * time.Minute)} }, "were used at 2026-03-02 12:56:00Z, 1m after the grant", need(55*time.Minute, 58*time.Minute), "call add"},
		{"outlived_grant", "valid for long", func(a *Assumption) { a.Fact.Assume.Expires = noon.Add(115*time.Minute + time.Second) }, "1h0m1s after the grant (AWS-prod-Admin) ended; 1h is allowed", need(55*time.Minute, 117*time.Minute+time.Second), "add"},
		{"outlived_grant", "valid as long as allowed", func(a *Assumption) { a.Fact.Assume.Expires = noon.Add(115 * time.Minute) }, "", nil, ""},
		{"outlived_grant", "a grant without end", func(a *Assumption) { a.Limit, a.Fact.Assume.Expires = time.Time{}, noon.Add(12*time.Hour) }, "", nil, ""},
		{"outlived_grant", "used after the expiry", func(a *Assumption) { a.Fact.Assume.Expires, a.Ends = noon.Add(time.Hour), noon.Add(3*time.Hour) }, "", nil, ""},
		{"outlived_grant", "in no grant", func(a *Assumption) { a.Containing, a.LateUse = nil, &Use{"call", noon.Add(time.Hour)} }, "", nil, ""},
		{"break_glass", "its role", func(a *Assumption) { a.Scope.Role, a.Fact.Assume.Role = "Emergency", "Emergency" }, "used the break-glass role Emergency in prod", nil, ""},
		{"unattributed", "nobody", func(a *Assumption) { a.Person = schemas.Person{Key: "aws:eve", Name: "eve"} }, `"eve" assumed Admin in prod`, need(-24*time.Hour, 2*time.Minute), ""},
		{"unattributed", "nobody, no provider", func(a *Assumption) { a.Person, a.Provider = schemas.Person{Key: "aws:eve", Name: "eve"}, nil }, "nobody in Okta", need(-24*time.Hour, 2*time.Minute), ""},
	} {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			a := honest(p, noon)
			c.change(a)
			b := named(t, c.rule).Assumption(a)
			check(t, b, c.why, c.needs, c.evidence)
			if b != nil && b.Anchor != a.Fact {
				t.Errorf("hangs on %s", b.Anchor.ID)
			}
		})
	}
}

func check(t *testing.T, b *Breach, why string, needs []Need, evidence string) {
	t.Helper()
	if b == nil || why == "" {
		if (b != nil) != (why != "") {
			t.Fatalf("breach %+v, want one that says %q", b, why)
		}
		return
	}
	if !strings.Contains(b.Why, why) {
		t.Errorf("says %q, want %q in it", b.Why, why)
	}
	if !slices.Equal(b.Needs, needs) {
		t.Errorf("needs %v, want %v", b.Needs, needs)
	}
	if got := strings.Join(b.Evidence, " "); got != evidence {
		t.Errorf("evidence %q, want %q", got, evidence)
	}
}

func TestNoMFACannotBeJudgedWithoutAnOktaSession(t *testing.T) {
	a := honest(testPolicy(t), noon)
	a.MFA = schemas.MFAUnknown
	if b := named(t, "no_mfa").Assumption(a); b == nil || b.Cannot != schemas.NoOktaSession {
		t.Errorf("got %+v", b)
	}
}

func TestOutlivedGrantIsGraverWhenUsed(t *testing.T) {
	a := honest(testPolicy(t), noon)
	a.Fact.Assume.Expires = noon.Add(12 * time.Hour)
	if b := named(t, "outlived_grant").Assumption(a); b.Severity != schemas.Medium {
		t.Errorf("merely valid: severity %q", b.Severity)
	}
	a.LateUse = &Use{"call", noon.Add(2 * time.Hour)}
	if b := named(t, "outlived_grant").Assumption(a); b.Severity != "" {
		t.Errorf("used: severity %q, want the rule's own", b.Severity)
	}
}

func TestGrantRules(t *testing.T) {
	p := testPolicy(t)
	due := noon.Add(65 * time.Minute)
	for _, c := range []struct {
		rule, name string
		grant      *Grant
		why        string
		resolved   bool
		needs      []Need
		evidence   string
	}{
		{"late_revocation", "at the bound", grant(p, noon, due), "", false, nil, ""},
		{"late_revocation", "a millisecond late", grant(p, noon, due.Add(time.Millisecond)), "5m0.001s after the approved end", false, nil, "add remove"},
		{"late_revocation", "not removed", grant(p, noon, time.Time{}), "", false, nil, ""},
		{"lingering_membership", "at the bound", grant(p, noon, due), "", false, nil, ""},
		{"lingering_membership", "a millisecond late", grant(p, noon, due.Add(time.Millisecond)), "until the removal at", true, nil, "add remove"},
		{"lingering_membership", "not removed", grant(p, noon, time.Time{}), "still has AWS-prod-Admin; the approved end was 2026-03-02 13:00:00Z", false, []Need{{"okta/example", noon, due}}, "add"},
		{"lingering_membership", "renewed", renewed(grant(p, noon, time.Time{}), due.Add(time.Hour)), "until it was granted anew", true, nil, "add"},
		{"lingering_membership", "no approved end", endless(grant(p, noon, time.Time{})), "", false, nil, ""},
		{"late_revocation", "no approved end", endless(grant(p, noon, noon.AddDate(1, 0, 0))), "", false, nil, ""},
	} {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			b := named(t, c.rule).Grant(c.grant)
			check(t, b, c.why, c.needs, c.evidence)
			if b != nil && (b.Resolved != c.resolved || b.Anchor != c.grant.Opener) {
				t.Errorf("resolved %v, anchor %s", b.Resolved, b.Anchor.ID)
			}
		})
	}
}

func renewed(g *Grant, at time.Time) *Grant {
	g.Renewal = &schemas.Fact{ID: "again", Kind: schemas.GroupAdded, At: at}
	return g
}

// unopened makes a grant one of which only the removal is known.
func unopened(g *Grant) *Grant {
	g.Opener, g.Events, g.Record.Opened = nil, []*schemas.Fact{g.Removal}, time.Time{}
	g.From = g.Removal.At.Add(-24 * time.Hour)
	return g
}

// approval makes a grant one that only an approved request tells of.
func approval(g *Grant) *Grant {
	g.Record.Source, g.Record.Group = schemas.ByRequest, ""
	return g
}

func endless(g *Grant) *Grant {
	g.Record.ApprovedUntil = time.Time{}
	return g
}

func TestSessionRules(t *testing.T) {
	p := testPolicy(t)
	first := honest(p, noon)
	s := &Session{
		Record: &schemas.Session{Start: noon, End: noon.Add(4 * time.Hour)},
		Person: first.Person, Policy: p, Scope: first.Scope, Assumptions: []*Assumption{first}, LastEvent: "call",
	}
	long, gap := named(t, "long_session").Session, named(t, "source_gap").Session
	check(t, long(s), "", nil, "")
	check(t, gap(s), "", nil, "")

	s.Record.End = s.Record.End.Add(time.Second)
	check(t, long(s), "lasted 4h0m1s", nil, "call")

	for reason, why := range map[schemas.UnjudgedReason]string{
		schemas.InGap: "no_grant could not be judged", schemas.BeforeCoverage: "no_grant could not be judged",
		schemas.Pending: "", schemas.NoProvider: "", schemas.NoOktaSession: "",
	} {
		s.Unjudged, s.Gapped = []schemas.Unjudged{{Rule: "no_grant", Reason: reason, Shard: "okta/example"}}, []string{"assume"}
		evidence := ""
		if why != "" {
			evidence = "assume"
		}
		check(t, gap(s), why, nil, evidence)
	}
}

func TestSpansAndInstantsReadWell(t *testing.T) {
	for d, want := range map[time.Duration]string{
		24 * time.Hour: "24h", 90 * time.Minute: "1h30m", time.Minute: "1m", 61 * time.Second: "1m1s", time.Second: "1s",
		time.Hour + time.Second: "1h0m1s", 1500 * time.Millisecond: "1.5s", 0: "0s",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%v) = %q, want %q", d, got, want)
		}
	}
	if got := clock(noon.Add(5 * time.Millisecond)); got != "2026-03-02 12:00:00.005Z" {
		t.Errorf("clock = %q", got)
	}
}
