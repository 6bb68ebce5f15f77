// Package identity decides whose each fact is. A person is an Okta user; every
// other name is a handle that somebody carries from some time on, and until
// another: see Claim for what tells of that, and carrier for what follows from it.
package identity

import (
	"cmp"
	"strings"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

// Directory knows who carries which handle. One from a Builder does not change;
// one from NewDirectory learns.
type Directory struct {
	policies *policy.Set
	users    map[string]*user // by person key
	handles  handles
	// assertions are unique: the sign-on that issued one is its owner.
	assertions claims
	// portal are the names that Identity Center user ids go by.
	portal ties
	// tagged are the addresses with a "+tag" by what they are without.
	tagged ties
	rules  naming
	calls  Callers
}

// user is an Okta user, with the latest name they were seen with.
type user struct {
	key, org, name string
	named          time.Time
	// left are when they were deactivated, sorted.
	left []int64
}

// Resolve says whose a fact is; false when it concerns nobody. What was done with
// the credentials of a role session is resolved by OwnerOf.
func (d *Directory) Resolve(f *schemas.Fact) (schemas.Person, bool) {
	if ofOkta(f) {
		return d.oktaUser(f)
	}
	switch f.Kind {
	case schemas.Assumed, schemas.AssumeFailed:
		return d.assumer(f), true
	case schemas.PortalUsed, schemas.UserObserved, schemas.AccountAssigned, schemas.AccountUnassigned:
		return d.portalUser(f)
	case schemas.Entered, schemas.TrustChanged, schemas.LogTampered:
		return d.doer(f), true
	case schemas.CredentialCreated:
		if f.Call == nil {
			return d.doer(f), true
		}
	case schemas.Requested:
		return d.grantee(f)
	}
	return schemas.Person{}, false
}

func (d *Directory) oktaUser(f *schemas.Fact) (schemas.Person, bool) {
	key := OktaKey(&f.Who)
	if u := d.users[key]; u != nil {
		return u.person(), true
	}
	return schemas.Person{Key: key, Name: key, Org: f.Who.Org}, key != ""
}

// OktaKey is the key of the Okta user that an Okta event names; empty where it
// names none. A user of whom no id is given is known by the login.
func OktaKey(w *schemas.Identity) string {
	switch {
	case w.OktaUserID != "":
		return "okta:" + w.Org + "/" + w.OktaUserID
	case Fold(w.Login) != "":
		return "okta:" + w.Org + "/" + Fold(w.Login)
	}
	return ""
}

// Fold is how handles are compared: without surrounding space and case. A
// "+tag" stays: it may be a different mailbox.
func Fold(handle string) string { return strings.ToLower(strings.TrimSpace(handle)) }

// assumer finds who assumed a role, by the strongest handle first.
func (d *Directory) assumer(f *schemas.Fact) schemas.Person {
	p := d.policies.At(f.At)
	org := ""
	if f.Assume != nil {
		if pr := p.Provider(f.Assume.ProviderARN); pr != nil {
			org = pr.OktaOrg
		}
	}
	if c, ok := asOf(d.assertions[f.Who.AssertionID], org, f.At); ok {
		return c.who.person()
	}
	handles := []string{f.Who.NameID, f.Who.SessionName, f.Who.SourceIdentity}
	handles = append(handles, d.portal[f.Who.PortalUserID]...)
	handles = append(handles, f.Who.PortalUserID)
	for _, h := range handles {
		if u := d.find(p, h, org, f.At); u != nil {
			return u.person()
		}
	}
	return stranger(cmp.Or(f.Who.SessionName, f.Who.NameID, "unnamed"))
}

// portalUser finds whose Identity Center user it is that an event names, if
// anybody's.
func (d *Directory) portalUser(f *schemas.Fact) (schemas.Person, bool) {
	p := d.policies.At(f.At)
	handles := append(portalNames(f), f.Who.PortalUserID)
	for _, h := range append(handles, d.portal[f.Who.PortalUserID]...) {
		if u := d.find(p, h, "", f.At); u != nil {
			return u.person(), true
		}
	}
	return schemas.Person{}, false
}

// doer finds who did something in AWS: an IAM user, who is somebody's only if the
// policy says so, or whoever the role session is named after.
func (d *Directory) doer(f *schemas.Fact) schemas.Person {
	if f.Who.IAMUser == "" {
		return d.assumer(f)
	}
	p := d.policies.At(f.At)
	if u := d.aliased(p, iamAlias(f.Who.IAMUser), "", f.At); u != nil {
		return u.person()
	}
	return stranger("iam/" + f.Who.IAMUser)
}

// iamAlias is what the policy calls an IAM user, "ACCOUNT/NAME".
func iamAlias(user string) string { return Fold("iam:" + user) }

// sessionName is the name in "AROA…:name".
func sessionName(principalID string) string {
	_, name, _ := strings.Cut(principalID, ":")
	return name
}

// grantee finds for whom a request is that a feed tells of.
func (d *Directory) grantee(f *schemas.Fact) (schemas.Person, bool) {
	p := d.policies.At(f.At)
	for _, h := range [...]string{f.Who.Login, f.Who.NameID, f.Who.Email} {
		if u := d.find(p, h, f.Who.Org, f.At); u != nil {
			return u.person(), true
		}
	}
	name := strings.TrimSpace(cmp.Or(f.Who.Login, f.Who.NameID, f.Who.Email))
	if name == "" {
		return schemas.Person{}, false
	}
	return stranger(name), true
}

func (u *user) person() schemas.Person {
	return schemas.Person{Key: u.key, Name: cmp.Or(u.name, u.key), Org: u.org}
}

// stranger is a person whom only AWS knows.
func stranger(name string) schemas.Person {
	return schemas.Person{Key: "aws:" + Fold(name), Name: strings.TrimSpace(name)}
}
