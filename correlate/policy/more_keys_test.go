package policy_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

func more(t *testing.T) *policy.Policy {
	return mustParse(t, string(read(t, "testdata/good/more_keys.yaml")))
}

func TestWhoMayGiveMemberships(t *testing.T) {
	listed, usual := more(t), mustParse(t, "bounds: {}")
	for _, tt := range []struct {
		actor         schemas.Actor
		listed, usual bool
	}{
		{schemas.Actor{Type: "User", ID: "00u1", Name: "Ada"}, false, false},
		{schemas.Actor{Type: "SystemPrincipal", Name: "Okta System"}, false, true},
		{schemas.Actor{Type: "PublicClientAppEntity", Name: "JIT flow"}, true, true},
		{schemas.Actor{Type: "PublicClientAppEntity", ID: "0oaw"}, true, true},
		{schemas.Actor{Type: "PublicClientAppEntity", ID: "0oax"}, false, true},
		{schemas.Actor{Type: "User", ID: "0oaw"}, false, false},
	} {
		if got := listed.TrustsGrantor(tt.actor); got != tt.listed {
			t.Errorf("%+v: trusted by the list %v", tt.actor, got)
		}
		if got := usual.TrustsGrantor(tt.actor); got != tt.usual {
			t.Errorf("%+v: trusted by default %v", tt.actor, got)
		}
	}
}

func TestWhichGroupsLookLikeAWS(t *testing.T) {
	listed, usual := more(t), mustParse(t, "bounds: {}")
	for name, want := range map[string][2]bool{
		"CLOUD-prod": {true, false}, "AWS-prod-Admin": {false, true}, "aws-prod": {false, true}, "aws#a#b#1": {false, true}, "aws_(1)_(x)": {false, true},
		"arn:aws:iam::111111111111:role/x": {false, true}, "Employees": {false, false}, "My AWS-prod": {false, false}, "AWS-": {false, false},
	} {
		if got := [2]bool{listed.LooksLikeAWS(name), usual.LooksLikeAWS(name)}; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestWhatIsWatched(t *testing.T) {
	p := more(t)
	for _, tt := range []struct {
		account, role string
		want          bool
	}{
		{"111111111111", "", true}, {"111111111111", "Any", true}, {"222222222222", "", true}, {"222222222222", "Admin", true},
		{"222222222222", "Reader", false}, {"333333333333", "Admin", false},
	} {
		if got := p.Watched(tt.account, tt.role); got != tt.want {
			t.Errorf("%s/%s watched: %v", tt.account, tt.role, got)
		}
	}
	everywhere := mustParse(t, "watched: [{roles: [Admin]}]")
	if !everywhere.Watched("111111111111", "Admin") || everywhere.Watched("111111111111", "") {
		t.Error("a role that is watched in all accounts watches no account as such")
	}
	if mustParse(t, "bounds: {}").Watched("111111111111", "") {
		t.Error("watched by default")
	}
}

func TestSamePlace(t *testing.T) {
	p := more(t)
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"192.0.2.1", "192.0.2.254", true}, {"192.0.2.1", "2001:db8::1", true}, {"192.0.2.1", "192.0.3.1", false}, {"203.0.113.9", "203.0.113.9", true},
		{"::ffff:192.0.2.1", "192.0.2.7", true}, {"198.51.100.3", "::ffff:198.51.100.4", true}, {"198.51.100.3", "198.51.101.3", false}, {"203.0.113.9", "::ffff:203.0.113.9", true},
	} {
		if got := p.SameNetwork(netip.MustParseAddr(tt.a), netip.MustParseAddr(tt.b)); got != tt.want {
			t.Errorf("%s and %s: %v", tt.a, tt.b, got)
		}
	}
}

func TestRangesOfIPv4MayBeWrittenAsIPv6(t *testing.T) {
	for _, tt := range []struct {
		cidr, a, b string
		want       bool
	}{
		{"::ffff:0.0.0.0/96", "192.0.2.1", "203.0.113.9", true},
		{"::ffff:192.0.2.0/120", "192.0.2.1", "192.0.3.1", false},
		{"::ffff:192.0.2.0/90", "::fffe:0:1", "::fffe:0:2", true}, // more than all of IPv4
		{"2001:db8::/112", "2001:db8::1", "2001:db8::2", true},
		{"2001:db8::/112", "2001:db8::1", "2001:db8::1:1", false},
	} {
		p := mustParse(t, "networks: [{name: x, cidrs: ['"+tt.cidr+"']}]")
		if got := p.SameNetwork(netip.MustParseAddr(tt.a), netip.MustParseAddr(tt.b)); got != tt.want {
			t.Errorf("%s: %s and %s: %v", tt.cidr, tt.a, tt.b, got)
		}
	}
}

func TestWhatApplicationsAndAssignmentsOpen(t *testing.T) {
	p := more(t)
	if got := p.AppTargets("0oa9"); !slices.Equal(got, []policy.Target{{Account: "222222222222", Role: "ReadOnly"}}) {
		t.Errorf("application: %v", got)
	}
	if got := p.AppTargets(""); got != nil {
		t.Errorf("no application: %v", got)
	}
	if got := p.Targets("", ""); got != nil {
		t.Errorf("a group without a name: %v", got)
	}
	const arn = "arn:aws:sso:::permissionSet/ssoins-1/ps-1"
	if got := p.AssignmentTargets("111111111111", arn); !slices.Equal(got, []policy.Target{{Account: "111111111111", Role: "ReadOnly", Duration: 720 * time.Hour}}) {
		t.Errorf("assignment: %v", got)
	}
	if got := p.AssignmentTargets("111111111111", arn+"x"); got != nil {
		t.Errorf("unknown permission set: %v", got)
	}
	if got := p.AssignmentTargets("x", arn); got != nil {
		t.Errorf("no account: %v", got)
	}
	if got, want := p.Bounds.GrantLookback, 30*24*time.Hour+p.Bounds.RevocationTolerance; got != want {
		t.Errorf("assignments of 30 days are looked for %s back, want %s", got, want)
	}
	if !p.IsApp("0oa1") || p.IsApp("0oa2") {
		t.Error("applications of the providers")
	}
}

func TestExceptions(t *testing.T) {
	p := more(t)
	july := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	dev := policy.Scope{Account: "222222222222", Role: "Admin"}
	for _, tt := range []struct {
		name  string
		rule  string
		at    time.Time
		scope policy.Scope
		want  bool
	}{
		{"fits", "no_mfa", july.Add(-time.Nanosecond), dev, true},
		{"has ended", "no_mfa", july, dev, false},
		{"by a single rule", "long_session", july.Add(-time.Hour), policy.Scope{Account: "333333333333"}, true},
		{"another rule", "no_grant", july.Add(-time.Hour), dev, false},
		{"another account", "no_mfa", july.Add(-time.Hour), policy.Scope{Account: "111111111111", Role: "Admin"}, false},
	} {
		got := p.Suppressed(&schemas.Finding{Rule: tt.rule, At: tt.at}, tt.scope)
		if (got != nil) != tt.want {
			t.Errorf("%s: %+v", tt.name, got)
		}
		if got != nil && (got.Reason != "lab" || got.Owner != "lab@example.com" || !got.Until.Equal(july)) {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
	if got := p.Severity("no_mfa", schemas.High, policy.Scope{Account: "111111111111"}); got != schemas.Critical {
		t.Errorf("override: %s", got)
	}
	if got := p.Severity("no_mfa", schemas.High, dev); got != schemas.High {
		t.Errorf("outside the override: %s", got)
	}
	if p.Burst() != 3 || mustParse(t, "bounds: {}").Burst() != 5 {
		t.Error("burst")
	}
}

func TestEntriesForGroupsAndHolidays(t *testing.T) {
	p := more(t)
	christmas := time.Date(2026, 12, 24, 23, 0, 0, 0, time.UTC) // midnight in Berlin
	for _, tt := range []struct {
		groups []string
		at     time.Time
		want   bool
	}{
		{[]string{"OnCall-1"}, christmas, false},
		{[]string{"OnCall-1"}, christmas.Add(-time.Millisecond), true},
		{[]string{"OnCall-1"}, christmas.Add(24 * time.Hour), true},
		{[]string{"Other"}, christmas, true},
		{nil, christmas, true},
	} {
		if got, _ := p.WithinHours(policy.Scope{Account: "111111111111", Role: "Admin", Groups: tt.groups}, tt.at); got != tt.want {
			t.Errorf("%v at %s: %v", tt.groups, tt.at, got)
		}
	}
}

// One name may belong to several persons, in any order, at different times.
func TestWhenTwoPersonsMayHaveOneName(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		fine bool
	}{
		{"until: 2026-06-01T00:00:00Z", "from: 2026-06-01T00:00:00Z", true},
		{"from: 2026-06-01T00:00:00Z", "until: 2026-06-01T00:00:00Z", true},
		{"from: 2026-06-01T00:00:00Z, until: 2026-07-01T00:00:00Z", "from: 2026-07-01T00:00:00Z, until: 2026-08-01T00:00:00Z", true},
		{"from: 2026-07-01T00:00:00Z, until: 2026-08-01T00:00:00Z", "from: 2026-06-01T00:00:00Z, until: 2026-07-01T00:00:00Z", true},
		{"from: 2026-07-01T00:00:00Z, until: 2026-08-01T00:00:00Z", "from: 2026-06-01T00:00:00Z, until: 2026-07-01T00:00:01Z", false},
		{"from: 2026-06-01T00:00:00Z", "from: 2027-06-01T00:00:00Z", false},
		{"until: 2026-06-01T00:00:00Z", "until: 2025-06-01T00:00:00Z", false},
	} {
		text := "people: [{login: a@example.com, aliases: [{name: ops, " + tt.a + "}]}, {login: b@example.com, aliases: [{name: ops, " + tt.b + "}]}]"
		if _, err := policy.Parse("p.yaml", []byte(text)); (err == nil) != tt.fine {
			t.Errorf("%s and %s: %v", tt.a, tt.b, err)
		}
	}
}

func TestAliasesHaveIntervals(t *testing.T) {
	p := more(t)
	june := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	bob, eve := p.People()[0].Aliases, p.People()[1].Aliases
	if !bob[0].Valid(time.Time{}) || !bob[1].Valid(june.Add(-1)) || bob[1].Valid(june) || eve[0].Valid(june.Add(-1)) || !eve[0].Valid(june) {
		t.Errorf("%+v %+v", bob, eve)
	}
	if !p.StripTags() || !slices.Equal(p.Domains(), []string{"example.com"}) || !p.Provider("arn:aws:iam::1:saml-provider/Okta").RequireSessionName {
		t.Error("identity")
	}
	if g := p.BreakGlass(policy.Scope{Role: "BreakGlass"}); g.JustifyWithin() != 24*time.Hour {
		t.Errorf("%+v", g)
	}
}

func TestWhoGoesByANameAt(t *testing.T) {
	p := mustParse(t, `
people:
  - {login: Bob@example.com, aliases: [bob, {name: ops, until: 2026-06-01T00:00:00Z}]}
  - {login: eve@example.com, aliases: [{name: ops, from: 2026-06-01T00:00:00Z}]}
  - {login: dan@example.com, aliases: [{name: desk, until: 2026-02-01T00:00:00Z}, dan, {name: desk, from: 2026-04-01T00:00:00Z}]}
`)
	for _, tt := range []struct {
		name, day string
		want      []string
	}{
		{"bob@example.com", "2026-05-31", []string{"bob", "ops"}},
		{"bob@example.com", "2026-06-01", []string{"bob"}},
		{"bob", "2026-06-01", []string{"bob@example.com"}},
		{"ops", "2026-05-31", []string{"bob", "bob@example.com"}},
		{"ops", "2026-06-01", []string{"eve@example.com"}},
		{"desk", "2026-01-01", []string{"dan", "dan@example.com"}},
		{"desk", "2026-03-01", nil},
		{"desk", "2026-05-01", []string{"dan", "dan@example.com"}},
		{"dan@example.com", "2026-05-01", []string{"dan", "desk"}},
		{"nobody@example.com", "2026-05-01", nil},
	} {
		day, err := time.Parse(time.DateOnly, tt.day)
		if err != nil {
			t.Fatal(err)
		}
		got := p.OtherNames(tt.name, day)
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s on %s is also %q, want %q", tt.name, tt.day, got, tt.want)
		}
	}
}
