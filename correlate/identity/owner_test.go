package identity

import (
	"testing"

	"jitaudit/schemas"
)

const adminRole = "arn:aws:iam::111111111111:role/Admin"

func TestWhatIsACallTooIsOfWhoseCredentialsItWasMadeWith(t *testing.T) {
	facts := []*schemas.Fact{
		oktaUser("a", "1", "ada@example.com", 0), oktaUser("a", "2", "bob@example.com", 0), observed("p-2", "bob@example.com", "", 0),
		hub.assumed("ada@example.com", 0), hub.made(one, hours(1)), session{"AROAROBOT:ci", "ASIAROBOT"}.entered(schemas.ByWebIdentity, 0),
	}
	// by makes a fact a call with a role session's credentials.
	by := func(f *schemas.Fact, s session) *schemas.Fact {
		f.Call = &schemas.Call{PrincipalID: s.principal, AccessKeyID: s.key}
		return f
	}
	unknown := session{"AROAOTHER:bob@example.com", "ASIAOTHER"}
	who := schemas.Identity{SessionName: "bob@example.com"}
	keyless := by(awsFact(schemas.Acted, who, hours(2)), session{"AROAROBOT:ci", hub.key})
	keyless.Call.Console = true
	for _, c := range []struct {
		name string
		fact *schemas.Fact
		want string // empty: nobody
	}{
		{"a call", by(awsFact(schemas.Acted, who, hours(2)), hub), "okta:a/1"},
		{"a call by what was made with them", by(awsFact(schemas.Acted, who, hours(2)), one), "okta:a/1"},
		{"a call of nobody's", by(awsFact(schemas.Acted, who, hours(2)), unknown), ""},
		{"a call whose key does not tell", keyless, ""},
		{"a further role", hub.made(two, hours(2)), "okta:a/1"},
		{"a further role of nobody's", unknown.made(two, hours(2)), ""},
		{"minted keys of nobody's", by(awsFact(schemas.Minted, who, hours(2)), unknown), ""},
		{"a change of trust", by(awsFact(schemas.TrustChanged, who, hours(2)), hub), "okta:a/1"},
		{"a change of trust with unknown credentials", by(awsFact(schemas.TrustChanged, who, hours(2)), unknown), "okta:a/2"},
		{"a log that was tampered with", by(awsFact(schemas.LogTampered, who, hours(2)), hub), "okta:a/1"},
		{"the same with unknown credentials", by(awsFact(schemas.LogTampered, who, hours(2)), unknown), "okta:a/2"},
		{"a credential", by(awsFact(schemas.CredentialCreated, who, hours(2)), hub), "okta:a/1"},
		{"a credential with unknown credentials", by(awsFact(schemas.CredentialCreated, who, hours(2)), unknown), ""},
		{"a credential by an IAM user", awsFact(schemas.CredentialCreated, schemas.Identity{IAMUser: "111111111111/Ada"}, hours(2)), "okta:a/1"},
		{"an assignment is of whom it is for", by(awsFact(schemas.AccountAssigned, schemas.Identity{PortalUserID: "p-2"}, hours(2)), hub), "okta:a/2"},
		{"and so is its end", by(awsFact(schemas.AccountUnassigned, schemas.Identity{PortalUserID: "p-2"}, hours(2)), hub), "okta:a/2"},
		{"a revocation, as a call", by(awsFact(schemas.SessionsRevoked, who, hours(2)), hub), "okta:a/1"},
		{"a revocation with unknown credentials", by(awsFact(schemas.SessionsRevoked, who, hours(2)), unknown), ""},
		{"what is no call", facts[0], "okta:a/1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ps := policySet(t, allPolicies)
			built := built(ps, facts...)
			apart := callers(t, facts...)["of anchors"]
			p, ok := built.OwnerOf(c.fact)
			q, alike := apart.Owner(learnt(ps, facts...), c.fact)
			if p.Key != c.want || ok != (c.want != "") || q.Key != p.Key || alike != ok {
				t.Errorf("got %q %v, and of anchors %q %v, want %q", p.Key, ok, q.Key, alike, c.want)
			}
		})
	}
}

// Where everything is watched, something must still be known of the role.
func TestARoleThatIsNotToldIsNotWatched(t *testing.T) {
	d := built(policySet(t, "watched: [{accounts: ['*']}]\n"))
	for role, want := range map[string]bool{adminRole: true, "": false, "arn:aws:iam::111111111111:user/Admin": false} {
		if _, ok := d.Orphan("AROA9:ada", role, monday); ok != want {
			t.Errorf("%q: %v", role, ok)
		}
	}
}

func TestUsesThatNothingExplainsAreToldOfWhomTheyAreNamedAfter(t *testing.T) {
	facts := []*schemas.Fact{
		oktaUser("a", "1", "ada@example.com", 0), hub.assumed("ada@example.com", 0), hub.made(one, 0), session{"AROAROBOT:ci", ""}.entered(schemas.ByWebIdentity, 0),
	}
	d := built(policySet(t, allPolicies), facts...)
	for _, c := range []struct {
		name, principal, role string
		want                  string // empty: nobody
	}{
		{"a watched role", "AROA9:ada@example.com", adminRole, "okta:a/1"},
		{"a name that nobody goes by", "AROA9:Zoe", adminRole, "aws:zoe"},
		{"no name", "AROA9", adminRole, "aws:unnamed"},
		{"a role that is not watched", "AROA9:ada@example.com", "arn:aws:iam::111111111111:role/Reader", ""},
		{"a role of another account", "AROA9:ada@example.com", "arn:aws:iam::222222222222:role/Admin", ""},
		{"no role", "AROA9:ada@example.com", "", ""},
		{"assumed by SAML", hub.principal, adminRole, ""},
		{"made by another role", one.principal, adminRole, ""},
		{"entered otherwise", "AROAROBOT:ci", adminRole, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if p, ok := d.Orphan(c.principal, c.role, monday); p.Key != c.want || ok != (c.want != "") {
				t.Errorf("got %q %v, want %q", p.Key, ok, c.want)
			}
		})
	}
}
