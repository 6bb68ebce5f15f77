package correlate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"jitaudit/schemas"
)

func usedPortal(id string, when time.Time, p schemas.Portal) *schemas.Fact {
	f := fact(schemas.PortalUsed, id, when)
	f.Source, f.Who = schemas.CloudTrail, schemas.Identity{}
	f.Portal = &p
	return f
}

func TestANameIsThePersonsByWhatIsKnownAroundTheSession(t *testing.T) {
	const other = "other@example.com"
	noon := at("12:00:00")
	signedOnAs := func(login, nameID string) *schemas.Fact {
		f := signedOn("sso", oktaApp, "jti", "s", noon.Add(-time.Minute))
		f.Who.Login, f.Who.NameID = login, nameID
		return f
	}
	toPortal := signedOn("sso", portal, "jti", "s", noon.Add(-time.Minute))
	named := func(when time.Time) *schemas.Fact {
		return usedPortal("portal", when, schemas.Portal{Event: "Authenticate", UserName: other})
	}
	bySubject := usedPortal("portal", noon, schemas.Portal{Event: "Authenticate"})
	bySubject.Who.NameID = other
	const session = 24 * time.Hour // okta_session
	for _, c := range []struct {
		name     string
		provider string
		nameID   string // of the assumption
		facts    []*schemas.Fact
		goesBy   string // besides
		foreign  bool
	}{
		{name: "nobody's", provider: "Okta", nameID: "ada@example.com", facts: []*schemas.Fact{signedOnAs("ada@example.com", "ada@example.com")}, foreign: true},
		{name: "the login of the sign-on", provider: "Okta", nameID: "ada@example.com", facts: []*schemas.Fact{signedOnAs(other, "ada@example.com")}},
		{name: "the subject of the sign-on", provider: "Okta", nameID: other, facts: []*schemas.Fact{signedOnAs("ada@example.com", other)}},
		{name: "told of the person elsewhere", provider: "Okta", nameID: "ada@example.com", facts: []*schemas.Fact{signedOnAs("ada@example.com", "ada@example.com")}, goesBy: other},
		{name: "nobody's, without a sign-on", provider: "Okta", nameID: "ada@example.com", foreign: true},
		{name: "nobody's, nor is the subject", provider: "Okta", nameID: "third@example.com"},
		{name: "nobody's, but the subject is the person's", provider: "Okta", nameID: "third@example.com", goesBy: "third@example.com", foreign: true},
		{name: "nobody's, without a subject", provider: "AWSSSO_1", facts: []*schemas.Fact{usedPortal("portal", noon, schemas.Portal{Event: "Authenticate"})}},
		{name: "nobody's at the portal", provider: "AWSSSO_1", facts: []*schemas.Fact{toPortal}, foreign: true},
		{name: "what the portal calls them", provider: "AWSSSO_1", facts: []*schemas.Fact{toPortal, named(noon)}},
		{name: "as the portal's subject", provider: "AWSSSO_1", facts: []*schemas.Fact{toPortal, bySubject}},
		{name: "an Okta session before", provider: "AWSSSO_1", facts: []*schemas.Fact{toPortal, named(noon.Add(-session))}},
		{name: "a millisecond more", provider: "AWSSSO_1", facts: []*schemas.Fact{toPortal, named(noon.Add(-session - time.Millisecond))}, foreign: true},
		{name: "an Okta session after", provider: "AWSSSO_1", facts: []*schemas.Fact{toPortal, named(noon.Add(session))}},
		{name: "a millisecond later", provider: "AWSSSO_1", facts: []*schemas.Fact{toPortal, named(noon.Add(session + time.Millisecond))}, foreign: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := assumed("asm", c.provider, account, "Admin", "", noon, time.Hour)
			a.Who.SessionName, a.Who.NameID = other, c.nameID
			in := Input{Person: ada, Facts: append(c.facts, a), Policies: parsePolicy(t, testPolicy), Coverage: covered(day.AddDate(0, 0, -5), day.AddDate(0, 0, 5))}
			if c.goesBy != "" {
				in.GoesBy = func(name string, when time.Time) bool { return name == c.goesBy && when.Equal(noon) }
			}
			got := slices.ContainsFunc(Rebuild(in).Findings, func(f schemas.Finding) bool { return f.Rule == "name_mismatch" })
			if got != c.foreign {
				t.Errorf("name_mismatch: %v, want %v", got, c.foreign)
			}
		})
	}
}

func TestThePortalTellsHowItsOwnSessionsWereUsed(t *testing.T) {
	for _, c := range []struct {
		name, provider, account, role string
		want                          bool
	}{
		{"the role", "AWSSSO_1", account, "Reader", true},
		{"the role as it is called in the account", "AWSSSO_1", account, "AWSReservedSSO_Reader_0123456789abcdef", true},
		{"another role", "AWSSSO_1", account, "Admin", false},
		{"another account", "AWSSSO_1", account2, "Reader", false},
		{"direct federation", "Okta", account, "Reader", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := rebuilt(t, []*schemas.Fact{
				assumed("asm", c.provider, account, "Reader", "", at("12:00:00"), time.Hour),
				usedPortal("portal", at("12:00:00"), schemas.Portal{Event: "Federate", Account: c.account, Role: c.role}),
			}, nil)
			if got := slices.Contains(o.Sessions[0].Origins, schemas.FromConsole); got != c.want {
				t.Errorf("by the console: %v, want %v", got, c.want)
			}
		})
	}
}

func TestTheRequestThatWasDecidedFirstJustifiesAnEmergency(t *testing.T) {
	role := askedFor(func(q *schemas.Request) { q.Account, q.Role = account, "BreakGlass" })
	facts := []*schemas.Fact{assumed("asm", "Okta", account, "BreakGlass", "", at("09:00:00"), time.Hour)}
	for _, q := range []struct{ id, made, decided string }{{"A", "07:00:00", "10:30:00"}, {"B", "07:30:00", "10:00:00"}, {"C", "08:00:00", "10:45:00"}} {
		facts = append(facts, step(q.id+"1", q.id, schemas.StepCreated, at(q.made), role), step(q.id+"2", q.id, schemas.StepApproved, at(q.decided), role))
	}
	f := byID(rebuilt(t, facts, nil).Findings)[schemas.FindingID("break_glass", ada.Key, "asm")]
	if f.Status != schemas.Resolved || !slices.Equal(f.Evidence, []string{"asm", "B1", "B2"}) {
		t.Errorf("%s by %v, want it resolved by B", f.Status, f.Evidence)
	}
}

func TestAnEmergencyIsJustifiedByAGroupThatOpensTheRole(t *testing.T) {
	text := strings.Replace(testPolicy, "groups:\n", `groups:
  - {id: 00gglass, targets: [{account: dev, role: Reader}, {account: prod, role: BreakGlass}]}
  - {id: 00gother, targets: [{account: dev, role: BreakGlass}, {account: prod, role: Reader}]}
`, 1)
	for id, want := range map[string]schemas.Status{"00gglass": schemas.Resolved, "00gother": schemas.Open} {
		facts := []*schemas.Fact{
			assumed("asm", "Okta", account, "BreakGlass", "", at("09:00:00"), time.Hour),
			step("ask", "REQ", schemas.StepApproved, at("08:00:00"), func(q *schemas.Request) { q.GroupID = id }),
		}
		out := Rebuild(Input{Person: ada, Facts: facts, Policies: parsePolicy(t, text)})
		if f := byID(out.Findings)[schemas.FindingID("break_glass", ada.Key, "asm")]; f.Status != want {
			t.Errorf("%s: %q, want %q", id, f.Status, want)
		}
	}
}

func TestWhatAnApprovalCovers(t *testing.T) {
	const window = 24 * time.Hour
	decided := at("08:00:00")
	for _, c := range []struct {
		name     string
		said     schemas.Request
		from, to time.Time
	}{
		{"no bounds", schemas.Request{}, decided.Add(-window), decided.Add(window)},
		{"from", schemas.Request{From: at("09:00:00")}, at("09:00:00"), decided.Add(window)},
		{"until", schemas.Request{Until: at("09:00:00")}, decided.Add(-window), at("09:00:00")},
		{"from and until, whatever its length", schemas.Request{From: at("09:00:00"), Until: at("10:00:00"), Seconds: 60}, at("09:00:00"), at("10:00:00")},
		{"a length", schemas.Request{Seconds: 3600}, decided.Add(-window), at("09:00:00")},
		{"a length from its beginning", schemas.Request{From: at("09:00:00"), Seconds: 3600}, at("09:00:00"), at("10:00:00")},
	} {
		r := request{said: c.said, decision: &schemas.Fact{At: decided}}
		for _, at := range []struct {
			t    time.Time
			want bool
		}{{c.from.Add(-1), false}, {c.from, true}, {c.to, true}, {c.to.Add(1), false}} {
			if got := r.covers(at.t, window); got != at.want {
				t.Errorf("%s: covers %s: %v, want %v", c.name, at.t, got, at.want)
			}
		}
	}
}

func TestNobodyAloneApprovesForThemselves(t *testing.T) {
	self, boss := schemas.Actor{AlternateID: "ada@example.com"}, schemas.Actor{AlternateID: "boss@example.com"}
	for _, c := range []struct {
		approvers []schemas.Actor
		want      bool
	}{{nil, false}, {[]schemas.Actor{self, self}, true}, {[]schemas.Actor{boss}, false}, {[]schemas.Actor{self, boss}, false}} {
		if got := (&request{approvers: c.approvers}).byOneself(ada); got != c.want {
			t.Errorf("%v: %v, want %v", c.approvers, got, c.want)
		}
	}
}
