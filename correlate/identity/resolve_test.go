package identity

import (
	"testing"
	"time"

	"jitaudit/schemas"
)

const allPolicies = `
providers:
  - {name: a, arn: "arn:aws:iam::*:saml-provider/A", federation: direct, okta_org: a, apps: [0oaa]}
people:
  - {login: ada@example.com, aliases: ['iam:111111111111/Ada', {name: 'iam:111111111111/old', until: 2026-03-02T10:00:00Z}]}
  - {login: nobody@example.com, aliases: ['iam:111111111111/ghost']}
watched:
  - {accounts: ['111111111111'], roles: [Admin]}
`

func TestEachKindIsItsPersons(t *testing.T) {
	people := []*schemas.Fact{
		oktaUser("a", "1", "ada@example.com", 0), oktaUser("b", "2", "bob@example.com", 0), oktaUser("a", "3", "bob@example.com", hours(-1)),
		observed("p-1", "ada.smith", "ada@example.com", 0), observed("p-2", "robot", "", 0),
	}
	okta := func(kind schemas.FactKind, actor schemas.Actor) *schemas.Fact {
		f := oktaFact(kind, "1", "", 0)
		f.Deed = &schemas.Deed{Actor: actor}
		return f
	}
	called := func(f *schemas.Fact, principal string) *schemas.Fact {
		f.Call = &schemas.Call{PrincipalID: principal}
		return f
	}
	entered := func(way schemas.EntryWay, who schemas.Identity, after time.Duration) *schemas.Fact {
		f := awsFact(schemas.Entered, who, after)
		f.Entry.Way = way
		return f
	}
	step := oktaFact(schemas.Requested, "1", "", 0)
	step.Request = &schemas.Request{Origin: schemas.OriginGovernance}
	shared := func(kind schemas.FactKind) *schemas.Fact { return oktaFact(kind, "1", "ada@example.com", 0) }
	for _, c := range []struct {
		name string
		fact *schemas.Fact
		want string // empty: nobody
	}{
		{"an Okta fact", oktaFact(schemas.SecondFactor, "1", "", 0), "okta:a/1"},
		{"somebody new", oktaFact(schemas.GroupAdded, "7", "", 0), "okta:a/7"},
		{"a change of name", renamed("1", "", "x", "y", 0), "okta:a/1"},
		{"a deactivation", deactivated("1", "", 0), "okta:a/1"},
		{"a request in Okta", step, "okta:a/1"},
		{"a deed in Okta", okta(schemas.TrustChanged, schemas.Actor{Type: "User"}), "okta:a/1"},
		{"a machine's deed in Okta", okta(schemas.LogTampered, schemas.Actor{Type: "PublicClientApp"}), "okta:a/1"},

		{"a snapshot", shared(schemas.SnapshotComplete), ""},
		{"a condition", shared(schemas.ConditionSet), ""},
		{"a revocation", called(shared(schemas.SessionsRevoked), "AROA:ada@example.com"), ""},

		{"approved for a login", requested(schemas.Identity{Login: "Ada@example.com"}, 0), "okta:a/1"},
		{"approved for a NameID", requested(schemas.Identity{NameID: "ada@example.com"}, 0), "okta:a/1"},
		{"approved for an address", requested(schemas.Identity{Email: "ada@example.com"}, 0), "okta:a/1"},
		{"approved, by the login before the rest", requested(schemas.Identity{Login: "ada@example.com", NameID: "bob@example.com", Email: "bob@example.com"}, 0), "okta:a/1"},
		{"approved, by the NameID before the address", requested(schemas.Identity{Login: "x", NameID: "ada@example.com", Email: "bob@example.com"}, 0), "okta:a/1"},
		{"approved in an org", requested(schemas.Identity{Org: "a", Login: "bob@example.com"}, 0), "okta:a/3"},
		{"approved in any org", requested(schemas.Identity{Login: "bob@example.com"}, 0), "okta:b/2"},
		{"approved for a stranger", requested(schemas.Identity{Login: " Zoe@example.com "}, 0), "aws:zoe@example.com"},
		{"approved for a stranger's NameID", requested(schemas.Identity{NameID: "zoe", Email: "z@example.com"}, 0), "aws:zoe"},
		{"approved for a stranger's address", requested(schemas.Identity{Email: "z@example.com"}, 0), "aws:z@example.com"},
		{"approved for nobody", requested(schemas.Identity{Name: "Zoe", Login: " "}, 0), ""},

		{"listed", observed("p-1", "", "", 0), "okta:a/1"},
		{"listed by a name that nobody has", observed("p-2", "robot", "", 0), ""},
		{"listed by an address", observed("p-9", "", "ada@example.com", 0), "okta:a/1"},
		{"a refused assumption", &schemas.Fact{Kind: schemas.AssumeFailed, At: monday, Who: schemas.Identity{NameID: "ada@example.com"}, Assume: &schemas.Assume{}}, "okta:a/1"},
		{"a use of the portal", &schemas.Fact{Kind: schemas.PortalUsed, At: monday, Who: schemas.Identity{PortalUserID: "p-1"}, Portal: &schemas.Portal{}}, "okta:a/1"},
		{"a use of the portal by a name", &schemas.Fact{Kind: schemas.PortalUsed, At: monday, Portal: &schemas.Portal{UserName: "ada@example.com"}}, "okta:a/1"},
		{"assigned", called(awsFact(schemas.AccountAssigned, schemas.Identity{PortalUserID: "p-1", SessionName: "bob@example.com"}, 0), "AROA:bob@example.com"), "okta:a/1"},
		{"assigned to somebody unknown", awsFact(schemas.AccountUnassigned, schemas.Identity{PortalUserID: "p-3"}, 0), ""},

		{"an IAM user's deed", awsFact(schemas.TrustChanged, schemas.Identity{IAMUser: "111111111111/Deploy"}, 0), "aws:iam/111111111111/deploy"},
		{"of an IAM user with an alias", awsFact(schemas.CredentialCreated, schemas.Identity{IAMUser: "111111111111/ada"}, 0), "okta:a/1"},
		{"of one of another account", awsFact(schemas.CredentialCreated, schemas.Identity{IAMUser: "222222222222/ada"}, 0), "aws:iam/222222222222/ada"},
		{"of one whose alias Okta does not know", awsFact(schemas.LogTampered, schemas.Identity{IAMUser: "111111111111/ghost"}, 0), "aws:iam/111111111111/ghost"},
		{"of one whose alias holds", entered(schemas.ByIAMUser, schemas.Identity{IAMUser: "111111111111/old"}, hours(1)-time.Second), "okta:a/1"},
		{"of one whose alias is over", entered(schemas.ByIAMUser, schemas.Identity{IAMUser: "111111111111/old"}, hours(1)), "aws:iam/111111111111/old"},
		{"of the root user", entered(schemas.ByRoot, schemas.Identity{IAMUser: "111111111111/root"}, 0), "aws:iam/111111111111/root"},
		{"entered by a web identity", entered(schemas.ByWebIdentity, schemas.Identity{SessionName: "ci", NameID: "ada@example.com"}, 0), "okta:a/1"},
		{"entered by a web identity of nobody's", entered(schemas.ByWebIdentity, schemas.Identity{SessionName: "ci", NameID: "repo:example/app"}, 0), "aws:ci"},

		{"a role session's deed", called(awsFact(schemas.TrustChanged, schemas.Identity{SessionName: "ada@example.com"}, 0), "AROA:ada@example.com"), "okta:a/1"},
		{"by the session name before the source identity", awsFact(schemas.LogTampered, schemas.Identity{SessionName: "ada@example.com", SourceIdentity: "bob@example.com"}, 0), "okta:a/1"},
		{"by the source identity", awsFact(schemas.LogTampered, schemas.Identity{SessionName: "x", SourceIdentity: "ada@example.com"}, 0), "okta:a/1"},
		{"of which nothing is told", awsFact(schemas.LogTampered, schemas.Identity{}, 0), "aws:unnamed"},
		{"a credential by a role session", called(awsFact(schemas.CredentialCreated, schemas.Identity{SessionName: "ada@example.com"}, 0), "AROA:ada@example.com"), ""},
		{"a further role", session{"AROA:ada@example.com", ""}.made(session{"AROA2:x", ""}, 0), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for form, d := range map[string]*Directory{"built": built(policySet(t, allPolicies), people...), "learnt": learnt(policySet(t, allPolicies), people...)} {
				p, ok := d.Resolve(c.fact)
				if p.Key != c.want || ok != (c.want != "") {
					t.Errorf("%s: got %q %v, want %q", form, p.Key, ok, c.want)
				}
			}
		})
	}
}

func TestAStrangerGoesByTheNameAsWritten(t *testing.T) {
	d := built(policySet(t, allPolicies))
	p, _ := d.Resolve(requested(schemas.Identity{Login: " Zoe@example.com "}, 0))
	if want := (schemas.Person{Key: "aws:zoe@example.com", Name: "Zoe@example.com"}); p != want {
		t.Errorf("got %+v, want %+v", p, want)
	}
	p, _ = d.Resolve(awsFact(schemas.Entered, schemas.Identity{IAMUser: "111111111111/Deploy"}, 0))
	if want := (schemas.Person{Key: "aws:iam/111111111111/deploy", Name: "iam/111111111111/Deploy"}); p != want {
		t.Errorf("got %+v, want %+v", p, want)
	}
}

// Facts that say nothing of handles claim none.
func TestWhatClaimsNothing(t *testing.T) {
	machine := oktaFact(schemas.TrustChanged, "0oa1", "api", 0)
	machine.Deed = &schemas.Deed{Actor: schemas.Actor{Type: "PublicClientApp"}}
	ada := schemas.Identity{SessionName: "ada", NameID: "ada", Login: "ada", OktaUserID: "1", Org: "a", PortalUserID: "p-1", Email: "ada", IAMUser: "1/ada"}
	nameless := oktaFact(schemas.SignedOn, "", "", 0)
	nameless.Who.NameID, nameless.Who.AssertionID = "ada", "id1"
	log := oktaFact(schemas.LogTampered, "0oa1", "api", 0)
	log.Deed = machine.Deed
	deed := awsFact(schemas.TrustChanged, ada, 0)
	deed.Deed.Actor.Type = "User"
	facts := []*schemas.Fact{
		machine, role("A", ada, 0), requested(ada, 0), awsFact(schemas.Entered, ada, 0), awsFact(schemas.TrustChanged, ada, 0),
		awsFact(schemas.LogTampered, ada, 0), awsFact(schemas.CredentialCreated, ada, 0), awsFact(schemas.AccountAssigned, ada, 0),
		oktaFact(schemas.SignedOn, "", "", 0), nameless, log, deed, observed("", "ada", "", 0), observed("p-1", "", " ", 0),
	}
	for _, kind := range []schemas.FactKind{
		schemas.Acted, schemas.AssumeFailed, schemas.Chained, schemas.Minted, schemas.SnapshotComplete, schemas.ConditionSet, schemas.SessionsRevoked,
	} {
		facts = append(facts, &schemas.Fact{Kind: kind, Source: schemas.Okta, At: monday, Who: ada})
	}
	for _, f := range facts {
		if got := Claims(f); got != nil {
			t.Errorf("%s: %+v", f.Kind, got)
		}
	}
}

func TestAUsersDeedClaimsTheLogin(t *testing.T) {
	f := oktaFact(schemas.TrustChanged, "1", "ada@example.com", 0)
	f.Deed = &schemas.Deed{Actor: schemas.Actor{Type: "User"}}
	d := learnt(policySet(t, allPolicies), f)
	if p, _ := d.Resolve(role("A", schemas.Identity{SessionName: "ada@example.com"}, 0)); p.Key != "okta:a/1" {
		t.Errorf("got %s", p.Key)
	}
}

// A machine is named by what Okta calls it, and claims nothing.
func TestAMachineHasAName(t *testing.T) {
	f := oktaFact(schemas.TrustChanged, "0oa1", "workflows", 0)
	f.Deed = &schemas.Deed{Actor: schemas.Actor{Type: "PublicClientApp"}}
	d := built(policySet(t, allPolicies), f)
	if p, _ := d.Resolve(f); p.Name != "workflows" {
		t.Errorf("it goes by %s", p.Name)
	}
	if p, _ := d.Resolve(role("A", schemas.Identity{SessionName: "workflows"}, 0)); p.Attributed() {
		t.Errorf("a role session of the name is %s's", p.Key)
	}
}
