package rules

import (
	"testing"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

const originsPolicy = rulesPolicy + `
networks: [{name: office, cidrs: [100.64.0.0/22, "2001:db8:1::/48"]}]
`

// elsewhere is an honest assumption that came from one address after a sign-on
// from another.
func elsewhere(p *policy.Policy, signOn, assumption string) *Assumption {
	a := honest(p, noon)
	a.SignOn.SignOn.IP, a.Fact.Assume.IP = signOn, assumption
	return a
}

// called is an honest assumption under a role session name.
func called(p *policy.Policy, name string) *Assumption {
	a := honest(p, noon)
	a.Fact.Who.SessionName, a.Fact.Who.NameID = name, "Ada@Example.com"
	a.Handles = []string{"ada@example.com", "ada"}
	return a
}

func TestRulesOfWhereAndByWhatName(t *testing.T) {
	p, err := policy.Parse("test.yaml", []byte(originsPolicy))
	if err != nil {
		t.Fatal(err)
	}
	with := func(a *Assumption, change func(*Assumption)) *Assumption { change(a); return a }
	day := []Need{{"okta/example", noon.Add(-24 * time.Hour), noon.Add(2 * time.Second)}}
	for _, c := range []struct {
		rule, name string
		a          *Assumption
		why        string // a part of it; empty: no breach
		needs      []Need
		evidence   string
	}{
		{"source_mismatch", "the same address", elsewhere(p, "203.0.113.7", "203.0.113.7"), "", nil, ""},
		{"source_mismatch", "the same address, mapped", elsewhere(p, "203.0.113.7", "::ffff:203.0.113.7"), "", nil, ""},
		{"source_mismatch", "another address", elsewhere(p, "203.0.113.7", "203.0.113.8"), "signed on from 203.0.113.7 at 2026-03-02 11:59:00Z, and assumed Admin in prod from 203.0.113.8 at 2026-03-02 12:00:00Z.", nil, "sso"},
		{"source_mismatch", "one network", elsewhere(p, "100.64.0.0", "100.64.3.255"), "", nil, ""},
		{"source_mismatch", "just behind the network", elsewhere(p, "100.64.0.0", "100.64.4.0"), "from 100.64.4.0", nil, "sso"},
		{"source_mismatch", "one network in both families", elsewhere(p, "100.64.0.1", "2001:db8:1::9"), "", nil, ""},
		{"source_mismatch", "by IPv6", elsewhere(p, "203.0.113.7", "2001:db8:17::9"), "from 2001:db8:17::9", nil, "sso"},
		{"source_mismatch", "AWS itself", elsewhere(p, "203.0.113.7", "AWS Internal"), "", nil, ""},
		{"source_mismatch", "a service of AWS", elsewhere(p, "203.0.113.7", "signin.amazonaws.com"), "", nil, ""},
		{"source_mismatch", "no address in Okta", elsewhere(p, "", "203.0.113.8"), "", nil, ""},
		{"source_mismatch", "no address in AWS", elsewhere(p, "203.0.113.7", ""), "", nil, ""},
		{"source_mismatch", "a browser", with(elsewhere(p, "203.0.113.7", "203.0.113.8"), func(a *Assumption) { a.Fact.Assume.Browser = true }), "", nil, ""},
		{"source_mismatch", "through the portal", with(elsewhere(p, "203.0.113.7", "203.0.113.8"), func(a *Assumption) {
			portal := *a.Provider
			portal.Federation = schemas.IdentityCenter
			a.Provider = &portal
		}), "", nil, ""},
		{"source_mismatch", "unexplained", with(elsewhere(p, "203.0.113.7", "203.0.113.8"), func(a *Assumption) { a.SignOn = nil }), "", nil, ""},
		{"source_mismatch", "no provider", with(elsewhere(p, "203.0.113.7", "203.0.113.8"), func(a *Assumption) { a.SignOn, a.Provider = nil, nil }), "", nil, ""},

		{"name_mismatch", "the login", called(p, "ada@example.com"), "", nil, ""},
		{"name_mismatch", "the login in capitals", called(p, " ADA@Example.com "), "", nil, ""},
		{"name_mismatch", "another address", called(p, "eve@example.com"), `under the session name "eve@example.com", which is none of their names`, day, "sso"},
		{"name_mismatch", "a tool's name", called(p, "botocore-session-1"), "", nil, ""},
		{"name_mismatch", "a tool's name where names are required", with(called(p, "botocore-session-1"), requireName), `"botocore-session-1"`, day, "sso"},
		{"name_mismatch", "an alias where names are required", with(called(p, "ada"), requireName), "", nil, ""},
		{"name_mismatch", "no name", with(called(p, ""), requireName), "", nil, ""},
		{"name_mismatch", "unexplained, with the person's subject", with(called(p, "eve@example.com"), func(a *Assumption) { a.SignOn = nil }), `"eve@example.com"`, day, ""},
		{"name_mismatch", "unexplained, known by the session name", with(called(p, "eve@example.com"), func(a *Assumption) { a.SignOn, a.Fact.Who.NameID = nil, "x-1" }), "", nil, ""},
		{"name_mismatch", "unexplained, no subject", with(called(p, "eve@example.com"), func(a *Assumption) { a.SignOn, a.Fact.Who.NameID = nil, "" }), "", nil, ""},
		{"name_mismatch", "no provider", with(called(p, "eve@example.com"), func(a *Assumption) { a.SignOn, a.Provider = nil, nil }), "", nil, ""},

		{"unknown_provider", "a known one", honest(p, noon), "", nil, ""},
		{"unknown_provider", "none", with(honest(p, noon), func(a *Assumption) { a.Provider = nil }), "through arn:aws:iam::111111111111:saml-provider/Okta, which the policy does not know", nil, ""},
		{"unknown_provider", "none, and not named", with(honest(p, noon), func(a *Assumption) { a.Provider, a.Fact.Assume.ProviderARN = nil, "" }), "through a SAML provider that the event does not name", nil, ""},
	} {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			r := named(t, c.rule)
			b := r.Assumption(c.a)
			check(t, b, c.why, c.needs, c.evidence)
			declared(t, r, b)
			if b != nil && b.Anchor != c.a.Fact {
				t.Errorf("hangs on %s", b.Anchor.ID)
			}
		})
	}
}

func requireName(a *Assumption) {
	strict := *a.Provider
	strict.RequireSessionName = true
	a.Provider = &strict
}

// declared holds what a breach needs against what its rule says of it.
func declared(t *testing.T, r Rule, b *Breach) {
	t.Helper()
	if b != nil && len(b.Needs) > 0 && r.saysWhatIsSeen() {
		t.Errorf("needs %v, and the rule says that it needs %s", b.Needs, r.Needs)
	}
}

func TestBreakGlassIsResolvedByItsJustification(t *testing.T) {
	used := func(q *Request) *Breach {
		a := honest(testPolicy(t), noon)
		a.Scope.Role, a.Fact.Assume.Role, a.Justified = "Emergency", "Emergency", q
		return named(t, "break_glass").Assumption(a)
	}
	decided := &Request{
		RequestRef: schemas.RequestRef{ID: "INC-7", Approvers: []string{"bob@example.com", "eve@example.com"}, Justification: "database down", Evidence: []string{"asked", "decided"}},
		Decision:   &schemas.Fact{ID: "decided", At: noon.Add(time.Hour)},
	}
	unnamed := &Request{RequestRef: schemas.RequestRef{ID: "INC-8", Evidence: []string{"decided"}}, Decision: decided.Decision}
	for _, c := range []struct {
		name, why, evidence string
		request             *Request
	}{
		{"not justified", "used the break-glass role Emergency in prod at 2026-03-02 12:00:00Z.", "", nil},
		{"justified", "bob@example.com, eve@example.com approved it at 2026-03-02 13:00:00Z (database down)", "asked decided", decided},
		{"justified by nobody knows whom", "somebody unknown approved it at 2026-03-02 13:00:00Z (INC-8)", "decided", unnamed},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := used(c.request)
			check(t, b, c.why, nil, c.evidence)
			if b.Resolved != (c.request != nil) {
				t.Errorf("resolved: %v", b.Resolved)
			}
		})
	}
}
