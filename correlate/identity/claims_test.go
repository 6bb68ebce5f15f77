package identity

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/schemas"
)

func TestWhatAFactClaims(t *testing.T) {
	const me = "okta:a/1"
	at := monday.UnixMicro()
	seen := func(handle, day string) Claim {
		return Claim{Kind: HandleClaim, Handle: handle, Person: me, Org: "a", Name: day, Since: at}
	}
	taken := func(handle string) Claim {
		return Claim{Kind: TakenClaim, Handle: handle, Person: me, Org: "a", Name: "2026-03-02T09:00:00Z", Until: at}
	}
	given := func(handle string) Claim {
		return Claim{Kind: GivenClaim, Handle: handle, Person: me, Org: "a", Name: "2026-03-02T09:00:00Z", Since: at}
	}
	signOn := oktaFact(schemas.SignedOn, "1", "Ada+x@Example.com ", 0)
	signOn.Who.NameID, signOn.Who.Email, signOn.Who.AssertionID = "ada", " ADA", "Id1"
	portal := awsFact(schemas.PortalUsed, schemas.Identity{PortalUserID: "p-1", NameID: "Ada", Login: "ada@example.com"}, 0)
	portal.Portal = &schemas.Portal{UserName: "ada.smith"}
	tie := func(name string) Claim { return Claim{Kind: PortalClaim, Handle: "p-1", Name: name} }
	for _, c := range []struct {
		name string
		fact *schemas.Fact
		want []Claim
	}{
		{"a sign-on", signOn, []Claim{
			{Kind: TagClaim, Handle: "ada@example.com", Name: "ada+x@example.com"}, seen("ada+x@example.com", "2026-03-02"), seen("ada", "2026-03-02"),
			{Kind: AssertionClaim, Handle: "Id1", Person: me, Org: "a", Since: at},
		}},
		{"a removal", oktaFact(schemas.GroupRemoved, "1", "ada", 0), []Claim{seen("ada", "")}},
		{"a change of name", renamed("1", "ada", "Old+1@example.com", "new+2@example.com", 0), []Claim{
			seen("ada", "2026-03-02"),
			{Kind: TagClaim, Handle: "new@example.com", Name: "new+2@example.com"}, given("new+2@example.com"),
			{Kind: TagClaim, Handle: "old@example.com", Name: "old+1@example.com"}, taken("old+1@example.com"),
		}},
		{"a change of name from one that stays", renamed("1", "ada", "ADA", "new", 0), []Claim{seen("ada", "2026-03-02"), given("new")}},
		{"a change of name from one not told", renamed("1", "", "", "new", 0), []Claim{given("new")}},
		{"a deactivation", deactivated("1", "ada", 0), []Claim{
			taken("ada"), {Kind: PersonClaim, Handle: me, Person: me, Org: "a", Name: "2026-03-02T09:00:00Z", Until: at},
		}},
		{"a use of the portal", portal, []Claim{tie("ada"), tie("ada.smith"), tie("ada@example.com")}},
		{"a user in a list", observed("p-1", "Ada", "ADA", 0), []Claim{tie("ada")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Claims(c.fact)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Each kind that is about an Okta user tells of the login.
func TestWhichKindsTellOfALogin(t *testing.T) {
	for _, kind := range []schemas.FactKind{
		schemas.GroupAdded, schemas.GroupRemoved, schemas.MemberObserved, schemas.SignedOn, schemas.SecondFactor, schemas.AppAssigned,
		schemas.AppUnassigned, schemas.Renamed, schemas.Deactivated, schemas.Requested, schemas.TrustChanged, schemas.LogTampered,
	} {
		f := oktaFact(kind, "1", "ada@example.com", 0)
		f.Rename, f.Deed = &schemas.Rename{}, &schemas.Deed{Actor: schemas.Actor{Type: "User"}}
		d := learnt(policySet(t, allPolicies), f)
		if p, _ := d.Resolve(role("A", schemas.Identity{SessionName: "ada@example.com"}, 0)); p.Key != "okta:a/1" {
			t.Errorf("%s tells nothing", kind)
		}
		if p, ok := d.Resolve(f); p.Key != "okta:a/1" || !ok {
			t.Errorf("%s is %q's", kind, p.Key)
		}
	}
}

// The claims on which facts depend.
func TestHandles(t *testing.T) {
	const strips = `
people: [{login: Tag+own@example.com, aliases: [ada+x@example.org]}]
identity: {strip_tags: true, domains: [example.org, example.com]}
`
	const later = "effective_from: 2026-06-01T00:00:00Z\nidentity: {domains: [example.com]}\n"
	who := schemas.Identity{NameID: "Ada.Smith", SessionName: "x@example.com", SourceIdentity: "s", PortalUserID: "p-1", AssertionID: "Id1"}
	portal := awsFact(schemas.PortalUsed, schemas.Identity{PortalUserID: "p-1"}, 0)
	portal.Portal = &schemas.Portal{UserName: "U"}
	deed := awsFact(schemas.TrustChanged, schemas.Identity{IAMUser: "111111111111/Ada"}, 0)
	called := awsFact(schemas.LogTampered, schemas.Identity{}, 0)
	called.Call = &schemas.Call{PrincipalID: "AROA:Name"}
	people := []*schemas.Fact{
		observed("p-1", "tied", "", 0), oktaUser("a", "1", "x@example.com", 0), oktaUser("b", "2", "x@example.com", 0),
		oktaUser("a", "1", "tag+1@example.com", 0), oktaUser("a", "3", "only@example.com", 0),
	}
	for _, c := range []struct {
		name     string
		policies []string
		fact     *schemas.Fact
		want     []string
	}{
		{"an assumption", []string{policies}, role("A", who, 0), []string{
			"assertion Id1", "portal p-1", "handle ada.smith", "handle ada@example.com", "handle x@example.com", "person okta:a/1", "person okta:b/2",
			"handle s", "handle p-1", "handle tied",
		}},
		{"one carrier only", []string{policies}, role("A", schemas.Identity{SessionName: "only@example.com"}, 0), []string{"handle only@example.com"}},
		{"a use of the portal", []string{policies}, portal, []string{"portal p-1", "handle u", "handle p-1", "handle tied"}},
		{"an IAM user", []string{allPolicies}, deed, []string{"handle iam:111111111111/ada", "handle ada@example.com"}},
		{"a call", []string{policies}, called, []string{"handle name"}},
		{"a request of a feed", []string{policies}, requested(schemas.Identity{Login: "L", Email: "E"}, 0), []string{"handle l", "handle e"}},
		{"with domains and tags", []string{strips, later}, role("A", schemas.Identity{SessionName: "Ada"}, 0), []string{
			"tag ada", "handle ada", "tag ada@example.com", "handle ada@example.com", "tag ada@example.org", "handle ada@example.org",
			"tag tag@example.com", "handle tag+1@example.com", "handle tag+own@example.com", "handle tag@example.com",
		}},
		{"a tag", []string{strips, later}, role("A", schemas.Identity{SessionName: "tag+1@example.com"}, 0), []string{
			"tag tag@example.com", "handle tag+1@example.com", "handle tag@example.com",
		}},
		{"a tag that nobody has", []string{strips, later}, role("A", schemas.Identity{SessionName: "x+2@example.com"}, 0), []string{
			"tag x@example.com", "handle x+2@example.com", "handle x@example.com", "person okta:a/1", "person okta:b/2",
		}},
		{"nothing", []string{strips, later}, role("A", schemas.Identity{}, 0), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := learnt(policySet(t, c.policies...), people...).Handles(c.fact)
			slices.Sort(got)
			slices.Sort(c.want)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Of what was learnt that which others have outdone need not be remembered.
func TestHolds(t *testing.T) {
	var all []*schemas.Fact
	for _, at := range []int{0, 3, 24, 48, 51} {
		f := oktaFact(schemas.SignedOn, "1", "ada", hours(at))
		f.Who.AssertionID = "id1"
		all = append(all, f)
	}
	all = append(all, oktaFact(schemas.GroupRemoved, "1", "ada", hours(50)), oktaFact(schemas.GroupRemoved, "2", "ada", hours(1)))
	d := learnt(set(t), all...)
	for i, want := range []bool{true, false, false, true, true, false, true} {
		if c := Claims(all[i])[0]; d.Holds(c) != want {
			t.Errorf("%+v is needed: %v, want %v", c, !want, want)
		}
	}
	for i, want := range []bool{true, false} {
		c := Claims(all[i])[1]
		if d.Holds(c) != want {
			t.Errorf("%+v is needed: %v, want %v", c, !want, want)
		}
		if c.Person = "okta:a/2"; d.Holds(c) {
			t.Errorf("%+v was never said", c)
		}
	}
	never := Claims(oktaFact(schemas.SignedOn, "3", "ada", 0))[0]
	if d.Holds(never) {
		t.Errorf("%+v was never said", never)
	}
	never.Person, never.Handle = "okta:a/1", "bob"
	if d.Holds(never) {
		t.Errorf("%+v was never said", never)
	}
	for _, f := range []*schemas.Fact{deactivated("1", "", 0), observed("p-1", "ada", "", 0)} {
		if !d.Holds(Claims(f)[0]) {
			t.Errorf("%s: nothing outdoes it", f.Kind)
		}
	}
}

// An assertion is its sign-on's. Ids of several orgs may be alike.
func TestAssertionsThatAreAlike(t *testing.T) {
	signOn := func(org, id string, after time.Duration) *schemas.Fact {
		f := oktaUser(org, id, "", after)
		f.Who.AssertionID = "id1"
		return f
	}
	facts := []*schemas.Fact{
		signOn("a", "2", 0), signOn("a", "1", 0), signOn("a", "3", hours(5)), signOn("a", "1", hours(9)), signOn("b", "9", hours(2)), signOn("a", "5", hours(8)), signOn("a", "4", hours(8)),
		signOn("a", "0", hours(100)),
	}
	for form, d := range map[string]*Directory{"built": built(set(t), facts...), "learnt": learnt(set(t), facts...)} {
		for _, c := range []struct {
			provider string
			after    time.Duration
			want     string
		}{
			{"A", hours(-1), "okta:a/1"}, {"A", hours(0), "okta:a/1"}, {"A", hours(4), "okta:a/1"}, {"A", hours(5), "okta:a/3"}, {"A", hours(7), "okta:a/3"},
			{"A", hours(8), "okta:a/4"}, {"A", hours(99), "okta:a/4"}, {"A", hours(100), "okta:a/0"}, {"B", hours(-1), "okta:b/9"}, {"B", hours(99), "okta:b/9"},
			{"C", hours(3), "okta:b/9"}, {"C", hours(1), "okta:a/1"},
		} {
			if p, _ := d.Resolve(role(c.provider, schemas.Identity{SessionName: "s", AssertionID: "id1"}, c.after)); p.Key != c.want {
				t.Errorf("%s, provider %s, %s after: got %s, want %s", form, c.provider, c.after, p.Key, c.want)
			}
		}
	}
}
