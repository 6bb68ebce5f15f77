// Package identity decides whose each fact is. A person is an Okta user; every
// other name is a handle that somebody carries from some time on.
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
	handles  claims
	// assertions are unique: the sign-on that issued one is its owner.
	assertions claims
	// portal are the names that Identity Center user ids go by.
	portal  map[string][]string
	aliases map[*policy.Policy]map[string]string
	calls   Callers
}

// user is an Okta user, with the latest name they were seen with.
type user struct {
	key, org, name string
	named          time.Time
}

// claims are who carried a handle and since when. There is one for every
// assertion of every sign-on, so they are small.
type claims map[string][]claim

type claim struct {
	who   *user
	since int64 // microseconds since 1970
}

// Resolve says whose a fact is; false when it concerns nobody. Calls are
// resolved by ResolveCall.
func (d *Directory) Resolve(f *schemas.Fact) (schemas.Person, bool) {
	switch f.Kind {
	case schemas.Acted:
		return schemas.Person{}, false
	case schemas.Assumed, schemas.AssumeFailed:
		return d.assumer(f), true
	case schemas.PortalUsed:
		return d.portalUser(f)
	default:
		key := OktaKey(&f.Who)
		if u := d.users[key]; u != nil {
			return u.person(), true
		}
		return schemas.Person{Key: key, Name: key, Org: f.Who.Org}, key != ""
	}
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
	if pr := p.Provider(f.Assume.ProviderARN); pr != nil {
		org = pr.OktaOrg
	}
	if c, ok := asOf(d.assertions[f.Who.AssertionID], org, f.At); ok && f.Who.AssertionID != "" {
		return c.who.person()
	}
	handles := []string{f.Who.NameID, f.Who.SessionName, f.Who.SourceIdentity}
	handles = append(handles, d.portal[f.Who.PortalUserID]...)
	handles = append(handles, f.Who.PortalUserID)
	for _, h := range handles {
		if c, ok := d.find(p, h, org, f.At); ok {
			return c.who.person()
		}
	}
	return stranger(cmp.Or(f.Who.SessionName, f.Who.NameID, "unnamed"))
}

// portalUser finds whose Identity Center event it is, if anybody's.
func (d *Directory) portalUser(f *schemas.Fact) (schemas.Person, bool) {
	p := d.policies.At(f.At)
	handles := append([]string{f.Who.NameID, f.Portal.UserName, f.Who.PortalUserID}, d.portal[f.Who.PortalUserID]...)
	for _, h := range handles {
		if c, ok := d.find(p, h, "", f.At); ok {
			return c.who.person(), true
		}
	}
	return schemas.Person{}, false
}

// find looks a handle up as of t, by itself and then by way of the policy's
// alias table.
func (d *Directory) find(p *policy.Policy, handle, org string, t time.Time) (claim, bool) {
	h := Fold(handle)
	if h == "" {
		return claim{}, false
	}
	if c, ok := asOf(d.handles[h], org, t); ok {
		return c, true
	}
	login, ok := d.aliases[p][h]
	if !ok {
		return claim{}, false
	}
	return asOf(d.handles[login], org, t)
}

// asOf picks from the claims on one handle the person who first carried it
// most lately before t; before everybody, the first of them. claims are sorted
// by time, then person.
func asOf(claims []claim, org string, t time.Time) (best claim, found bool) {
	at := t.UnixMicro()
	for _, c := range claims {
		if org != "" && c.who.org != org {
			continue
		}
		if !found || c.since <= at && c.since > best.since {
			best, found = c, true
		}
	}
	return best, found
}

func (u *user) person() schemas.Person {
	return schemas.Person{Key: u.key, Name: cmp.Or(u.name, u.key), Org: u.org}
}

// stranger is a person whom only AWS knows.
func stranger(name string) schemas.Person {
	return schemas.Person{Key: "aws:" + Fold(name), Name: strings.TrimSpace(name)}
}
