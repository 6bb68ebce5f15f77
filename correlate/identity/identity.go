// Package identity decides whose each fact is. A person is an Okta user; every
// other name is a handle that somebody carries from some time on.
package identity

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

// Directory knows who carries which handle. It does not change.
type Directory struct {
	policies *policy.Set
	names    map[string]string // person key → display name
	handles  map[string][]claim
	// assertions are unique: the sign-on that issued one is its owner.
	assertions map[string][]claim
	// portal are the names that Identity Center user ids go by.
	portal  map[string][]string
	aliases map[*policy.Policy]map[string]string
	calls   callers
}

// claim says that a person carried a handle from a time on.
type claim struct {
	person, org string
	since       time.Time
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
		key := oktaKey(&f.Who)
		return d.person(claim{person: key, org: f.Who.Org}), key != ""
	}
}

// oktaKey is the key of the Okta user that an Okta event names; an event
// without user id is known by its login.
func oktaKey(w *schemas.Identity) string {
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
		return d.person(c)
	}
	handles := []string{f.Who.NameID, f.Who.SessionName, f.Who.SourceIdentity}
	handles = append(handles, d.portal[f.Who.PortalUserID]...)
	handles = append(handles, f.Who.PortalUserID)
	for _, h := range handles {
		if c, ok := d.find(p, h, org, f.At); ok {
			return d.person(c)
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
			return d.person(c), true
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
	for _, c := range claims {
		if org != "" && c.org != org {
			continue
		}
		if !found || !c.since.After(t) && c.since.After(best.since) {
			best, found = c, true
		}
	}
	return best, found
}

func (d *Directory) person(c claim) schemas.Person {
	return schemas.Person{Key: c.person, Name: cmp.Or(d.names[c.person], c.person), Org: c.org}
}

// stranger is a person whom only AWS knows.
func stranger(name string) schemas.Person {
	return schemas.Person{Key: "aws:" + Fold(name), Name: strings.TrimSpace(name)}
}

// callers find whose a call is: by the issued key, else by the role session.
type callers struct {
	byKey       map[string]schemas.Person
	byPrincipal map[string][]assumed
}

// assumed is as much of an assumption as tells whose its calls are.
type assumed struct {
	at     time.Time
	id     string
	person schemas.Person
}

// ResolveCall says whose a call is; false when no SAML session is behind it.
// Of several people with one role session name it is the one whose assumption
// made the credentials: by key, else nearest to createdAt, else the latest
// before the call.
func (d *Directory) ResolveCall(principalID, accessKeyID string, createdAt, at time.Time) (schemas.Person, bool) {
	if accessKeyID != "" {
		if p, ok := d.calls.byKey[accessKeyID]; ok {
			return p, true
		}
	}
	list := d.calls.byPrincipal[principalID]
	if len(list) == 0 {
		return schemas.Person{}, false
	}
	when := createdAt
	if when.IsZero() {
		when = at
	}
	i, _ := slices.BinarySearchFunc(list, when, func(a assumed, t time.Time) int { return a.at.Compare(t) })
	switch {
	case i == len(list):
		return list[i-1].person, true
	case i == 0 || createdAt.IsZero() && list[i].at.Equal(when):
		return list[i].person, true
	case createdAt.IsZero() || when.Sub(list[i-1].at) < list[i].at.Sub(when):
		return list[i-1].person, true
	}
	return list[i].person, true
}
