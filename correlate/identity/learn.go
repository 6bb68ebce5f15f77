package identity

import (
	"cmp"
	"slices"
	"strings"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

// ClaimKind says what kind of handle a claim is about.
type ClaimKind string

// The kinds of claim.
const (
	HandleClaim    ClaimKind = "handle"    // a login, email or NameID
	AssertionClaim ClaimKind = "assertion" // the id of a SAML assertion
	PortalClaim    ClaimKind = "portal"    // an Identity Center user id goes by a name
)

// Claim is what one event tells about a handle: that somebody carries it from
// some time on.
type Claim struct {
	Kind   ClaimKind `json:"kind"`
	Handle string    `json:"handle"` // names are folded
	// Person and Org are whose it is; of a portal claim Name is what the Identity
	// Center user id goes by.
	Person string `json:"person,omitempty"`
	Org    string `json:"org,omitempty"`
	Name   string `json:"name,omitempty"`
	// Since is in microseconds since 1970; 0 for portal claims.
	Since int64 `json:"since,omitempty"`
}

// Key is what a claim is about. Facts whose owner depends on it are those whose
// Handles it is among.
func (c *Claim) Key() string { return string(c.Kind) + " " + c.Handle }

// Claims are what a fact tells about handles, as Builder.Observe learns them.
func Claims(f *schemas.Fact) []Claim {
	switch f.Kind {
	case schemas.Acted, schemas.AssumeFailed, schemas.Assumed:
		return nil
	case schemas.PortalUsed:
		return portalClaims(f)
	}
	key := OktaKey(&f.Who)
	if key == "" {
		return nil
	}
	var out []Claim
	add := func(kind ClaimKind, handle string) {
		c := Claim{Kind: kind, Handle: handle, Person: key, Org: f.Who.Org, Since: f.At.UnixMicro()}
		if handle != "" && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	add(HandleClaim, Fold(f.Who.Login))
	add(HandleClaim, Fold(f.Who.NameID))
	if f.Kind == schemas.SignedOn {
		add(AssertionClaim, f.Who.AssertionID)
	}
	return out
}

func portalClaims(f *schemas.Fact) (out []Claim) {
	for _, name := range []string{f.Who.NameID, f.Portal.UserName} {
		c := Claim{Kind: PortalClaim, Handle: f.Who.PortalUserID, Name: Fold(name)}
		if c.Handle != "" && c.Name != "" && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// NewDirectory returns a directory that knows nobody yet but the alias tables.
// It learns by Learn, and knows nothing of calls; see Callers.
func NewDirectory(ps *policy.Set) *Directory {
	return &Directory{
		policies: ps, aliases: aliases(ps),
		users: make(map[string]*user), handles: make(claims), assertions: make(claims), portal: make(map[string][]string),
	}
}

// Judge changes the policies by which facts are resolved from now on.
func (d *Directory) Judge(ps *policy.Set) { d.policies, d.aliases = ps, aliases(ps) }

// Learn takes a claim in and reports whether it says anything new. Order and
// repetition of claims change nothing in the end.
func (d *Directory) Learn(c Claim) bool {
	switch c.Kind {
	case HandleClaim:
		return d.handles.learn(c.Handle, d.claimant(&c), c.Since)
	case AssertionClaim:
		return d.assertions.learn(c.Handle, d.claimant(&c), c.Since)
	case PortalClaim:
		names := d.portal[c.Handle]
		i, known := slices.BinarySearch(names, c.Name)
		if !known {
			d.portal[c.Handle] = slices.Insert(names, i, c.Name)
		}
		return !known
	}
	return false
}

// Forget drops what is known of an assertion that began before a time, in
// microseconds since 1970, and returns how many.
func (d *Directory) Forget(before int64) (n int) {
	for id, list := range d.assertions {
		kept := slices.DeleteFunc(list, func(c claim) bool { return c.since < before })
		n += len(list) - len(kept)
		if len(kept) == 0 {
			delete(d.assertions, id)
		} else {
			d.assertions[id] = kept
		}
	}
	return n
}

func (d *Directory) claimant(c *Claim) *user {
	u := d.users[c.Person]
	if u == nil {
		u = &user{key: c.Person, org: c.Org}
		d.users[c.Person] = u
	}
	return u
}

// learn keeps the claims on one handle sorted, as Directory wants them.
func (c claims) learn(handle string, who *user, since int64) bool {
	list := c[handle]
	if i := slices.IndexFunc(list, func(o claim) bool { return o.who == who }); i >= 0 {
		if list[i].since <= since {
			return false
		}
		list = slices.Delete(list, i, i+1)
	}
	mine := claim{who, since}
	i, _ := slices.BinarySearchFunc(list, mine, func(a, b claim) int {
		return cmp.Or(cmp.Compare(a.since, b.since), strings.Compare(a.who.key, b.who.key))
	})
	c[handle] = slices.Insert(list, i, mine)
	return true
}

// Handles are the keys of all claims that Resolve looks at for a fact of
// CloudTrail.
func (d *Directory) Handles(f *schemas.Fact) []string {
	var out []string
	add := func(kind ClaimKind, handle string) {
		c := Claim{Kind: kind, Handle: handle}
		if handle != "" && !slices.Contains(out, c.Key()) {
			out = append(out, c.Key())
		}
	}
	names := []string{f.Who.NameID, f.Who.SessionName, f.Who.SourceIdentity, f.Who.PortalUserID}
	if f.Portal != nil {
		names = append(names, f.Portal.UserName)
	}
	names = append(names, d.portal[f.Who.PortalUserID]...)
	for _, n := range names {
		add(HandleClaim, Fold(n))
		for _, table := range d.aliases {
			add(HandleClaim, table[Fold(n)])
		}
	}
	add(AssertionClaim, f.Who.AssertionID)
	add(PortalClaim, f.Who.PortalUserID)
	return out
}
