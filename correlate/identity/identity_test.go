package identity

import (
	"slices"
	"testing"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

const policies = `
providers:
  - {name: a, arn: "arn:aws:iam::*:saml-provider/A", federation: direct, okta_org: a, apps: [0oaa]}
  - {name: b, arn: "arn:aws:iam::*:saml-provider/B", federation: direct, okta_org: b, apps: [0oab]}
people:
  - {login: ada@example.com, aliases: [ada, ada.smith]}
  - {login: nobody@example.com, aliases: [ghost]}
`

func set(t testing.TB) *policy.Set {
	t.Helper()
	p, err := policy.Parse("test.yaml", []byte(policies))
	if err != nil {
		t.Fatal(err)
	}
	s, err := policy.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func oktaUser(org, id, login string, after time.Duration) *schemas.Fact {
	return &schemas.Fact{
		ID: "u" + org + id + login, Kind: schemas.SignedOn, Source: schemas.Okta, At: monday.Add(after),
		Who:    schemas.Identity{Org: org, OktaUserID: id, Login: login},
		SignOn: &schemas.SignOn{},
	}
}

func role(provider string, who schemas.Identity, after time.Duration) *schemas.Fact {
	return &schemas.Fact{
		ID: "r" + provider + who.SessionName + after.String(), Kind: schemas.Assumed, Source: schemas.CloudTrail, At: monday.Add(after), Who: who,
		Assume: &schemas.Assume{ProviderARN: "arn:aws:iam::111111111111:saml-provider/" + provider, PrincipalID: "AROA:" + who.SessionName},
	}
}

func directory(t testing.TB, facts ...*schemas.Fact) *Directory {
	b := NewBuilder(set(t))
	for _, f := range facts {
		b.Observe(f)
	}
	return b.Directory()
}

func TestAssumptionsAreResolvedByTheStrongestHandle(t *testing.T) {
	known := []*schemas.Fact{
		oktaUser("a", "1", "ada@example.com", 0),
		oktaUser("a", "2", "bob@example.com", 0),
		oktaUser("b", "9", "bob@example.com", 0),
		oktaUser("a", "3", "bob+aws@example.com", 0),
	}
	known[1].Who.AssertionID, known[1].Who.NameID = "id77", "b.ob"
	known = append(known, &schemas.Fact{
		ID: "portal", Kind: schemas.PortalUsed, At: monday,
		Who: schemas.Identity{PortalUserID: "p-1", NameID: "ADA@example.com"}, Portal: &schemas.Portal{},
	})
	d := directory(t, known...)
	for _, c := range []struct {
		name, provider string
		who            schemas.Identity
		want           string
	}{
		{"login", "A", schemas.Identity{SessionName: "ada@example.com"}, "okta:a/1"},
		{"case and space do not matter", "A", schemas.Identity{SessionName: " ADA@Example.COM "}, "okta:a/1"},
		{"a tag is another mailbox", "A", schemas.Identity{SessionName: "bob+aws@example.com"}, "okta:a/3"},
		{"a tag nobody has", "A", schemas.Identity{SessionName: "ada+aws@example.com"}, "aws:ada+aws@example.com"},
		{"name id", "A", schemas.Identity{SessionName: "whoever", NameID: "b.ob"}, "okta:a/2"},
		{"name id before session name", "A", schemas.Identity{SessionName: "ada@example.com", NameID: "b.ob"}, "okta:a/2"},
		{"assertion before name id", "A", schemas.Identity{SessionName: "botocore-session-1", NameID: "ada@example.com", AssertionID: "id77"}, "okta:a/2"},
		{"source identity", "A", schemas.Identity{SessionName: "s-1", SourceIdentity: "ada@example.com"}, "okta:a/1"},
		{"policy alias", "A", schemas.Identity{SessionName: "Ada.Smith"}, "okta:a/1"},
		{"alias of somebody Okta does not know", "A", schemas.Identity{SessionName: "ghost"}, "aws:ghost"},
		{"portal user id", "A", schemas.Identity{SessionName: "x", PortalUserID: "p-1"}, "okta:a/1"},
		{"the provider's org decides", "B", schemas.Identity{SessionName: "bob@example.com"}, "okta:b/9"},
		{"no org of that name", "B", schemas.Identity{SessionName: "ada@example.com"}, "aws:ada@example.com"},
		{"a provider nobody configured looks everywhere", "C", schemas.Identity{SessionName: "ada@example.com"}, "okta:a/1"},
		{"nobody", "A", schemas.Identity{SessionName: "Eve"}, "aws:eve"},
		{"nobody, of whom only the NameID is told", "A", schemas.Identity{NameID: "Eve@example.com"}, "aws:eve@example.com"},
		{"no name at all", "A", schemas.Identity{}, "aws:unnamed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, ok := d.Resolve(role(c.provider, c.who, time.Minute))
			if !ok || p.Key != c.want {
				t.Errorf("got %q, want %q", p.Key, c.want)
			}
			if p.Attributed() != (c.want[:4] == "okta") {
				t.Errorf("attributed: %v", p.Attributed())
			}
		})
	}
}

func TestAHandleIsReadAsOfTheTime(t *testing.T) {
	d := directory(t,
		oktaUser("a", "old", "sam@example.com", 0),
		oktaUser("a", "old", "sam@example.com", 2*time.Hour),
		oktaUser("a", "new", "sam@example.com", 100*time.Hour),
	)
	for after, want := range map[time.Duration]string{
		-time.Hour: "okta:a/old", time.Hour: "okta:a/old", 99 * time.Hour: "okta:a/old",
		100 * time.Hour: "okta:a/new", 1000 * time.Hour: "okta:a/new",
	} {
		if p, _ := d.Resolve(role("A", schemas.Identity{SessionName: "sam@example.com"}, after)); p.Key != want {
			t.Errorf("after %s: got %s, want %s", after, p.Key, want)
		}
	}
}

func TestThePersonIsNamedByTheLatestLogin(t *testing.T) {
	for want, facts := range map[string][]*schemas.Fact{
		"a@example.com": {oktaUser("a", "1", "a@example.com", time.Hour), oktaUser("a", "1", "b@example.com", 0), oktaUser("a", "1", " ", hours(2))},
		"b@example.com": {oktaUser("a", "1", "a@example.com", time.Hour), oktaUser("a", "1", "b@example.com", time.Hour)}, // of two at one instant
		"C@example.com": {oktaUser("a", "1", " C@example.com ", 0)},
		"okta:a/1":      {oktaUser("a", "1", "", 0)},
		"d@example.com": {oktaUser("a", "1", "d@example.com", 0), oktaUser("a", "2", "e@example.com", time.Hour)},
	} {
		for range 2 {
			p, _ := directory(t, facts...).Resolve(oktaUser("a", "1", "", 0))
			if want := (schemas.Person{Key: "okta:a/1", Name: want, Org: "a"}); p != want {
				t.Errorf("got %+v, want %+v", p, want)
			}
			slices.Reverse(facts)
		}
	}
}

// What a feed calls somebody is no name that Okta gave.
func TestNoFeedNamesAPerson(t *testing.T) {
	d := directory(t, oktaUser("a", "", "zoe@example.com", 0), requested(schemas.Identity{Org: "a", Login: "ZOE@example.com"}, time.Hour))
	if p, _ := d.Resolve(oktaUser("a", "", "zoe@example.com", 0)); p.Name != "zoe@example.com" {
		t.Errorf("got %q", p.Name)
	}
}

func TestWhatNamesNobodyConcernsNobody(t *testing.T) {
	nameless := &schemas.Fact{Kind: schemas.SecondFactor, At: monday, Factor: &schemas.Factor{}}
	d := directory(t, nameless)
	if p, ok := d.Resolve(nameless); ok {
		t.Errorf("an Okta event without user is %s's", p.Key)
	}
	if p, ok := d.Resolve(&schemas.Fact{Kind: schemas.PortalUsed, Portal: &schemas.Portal{}}); ok {
		t.Errorf("a portal event without user is %s's", p.Key)
	}
	if p, ok := d.Resolve(&schemas.Fact{Kind: schemas.Acted, Call: &schemas.Call{}}); ok {
		t.Errorf("a call is %s's", p.Key)
	}
}

func TestCallsGoToWhoMadeTheCredentials(t *testing.T) {
	ada, bob := role("A", schemas.Identity{SessionName: "admin", NameID: "ada@example.com"}, 0), role("A", schemas.Identity{SessionName: "admin", NameID: "bob@example.com"}, time.Hour)
	ada.ID, bob.ID = "1", "2"
	ada.Assume.AccessKeyID, bob.Assume.AccessKeyID = "ASIAADA", "ASIABOB"
	keyless := role("A", schemas.Identity{SessionName: "other", NameID: "bob@example.com"}, -time.Hour)
	d := directory(t, oktaUser("a", "1", "ada@example.com", 0), oktaUser("a", "2", "bob@example.com", 0), ada, bob, keyless)
	at := func(after time.Duration) time.Time { return monday.Add(after) }
	for _, c := range []struct {
		name, key string
		created   time.Time
		at        time.Time
		want      string
	}{
		{"by key, whatever the times say", "ASIAADA", at(time.Hour), at(2 * time.Hour), "okta:a/1"},
		{"by creation date", "ASIAOTHER", at(2 * time.Second), at(2 * time.Hour), "okta:a/1"},
		{"by the nearer creation date", "", at(59 * time.Minute), at(2 * time.Hour), "okta:a/2"},
		{"without creation date by the latest before", "", time.Time{}, at(59 * time.Minute), "okta:a/1"},
		{"at the very second", "", time.Time{}, at(time.Hour), "okta:a/2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, ok := d.ResolveCall("AROA:admin", c.key, c.created, c.at)
			if !ok || p.Key != c.want {
				t.Errorf("got %q %v, want %q", p.Key, ok, c.want)
			}
		})
	}
	if p, ok := d.ResolveCall("AROA:lambda", "ASIALAMBDA", at(0), at(0)); ok {
		t.Errorf("a call of no SAML session is %s's", p.Key)
	}
}
