package identity

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

// NewDirectory returns a directory that knows nobody yet but the alias tables.
// It learns by Learn, and knows nothing of calls; see Callers.
func NewDirectory(ps *policy.Set) *Directory {
	return &Directory{
		policies: ps, rules: newNaming(ps),
		users: make(map[string]*user), handles: make(handles), assertions: make(claims), portal: make(ties), tagged: make(ties),
	}
}

// Judge changes the policies by which facts are resolved from now on.
func (d *Directory) Judge(ps *policy.Set) { d.policies, d.rules = ps, newNaming(ps) }

// Learn takes a claim in and reports whether it says anything new. Order and
// repetition of claims change nothing in the end.
func (d *Directory) Learn(c Claim) bool {
	switch c.Kind {
	case HandleClaim:
		return d.carries(&c).seen(c.Since, c.Name != "")
	case GivenClaim:
		return learnTimes(&d.carries(&c).change().given, c.Since)
	case TakenClaim:
		return learnTimes(&d.carries(&c).change().taken, c.Until)
	case PersonClaim:
		return learnTimes(&d.user(c.Person, c.Org).left, c.Until)
	case AssertionClaim:
		return d.assertions.learn(c.Handle, d.user(c.Person, c.Org), c.Since)
	case PortalClaim:
		return d.portal.learn(c.Handle, c.Name)
	case TagClaim:
		return d.tagged.learn(c.Handle, c.Name)
	}
	return false
}

func (d *Directory) carries(c *Claim) *carrier {
	return d.handles.of(c.Handle, d.user(c.Person, c.Org))
}

func (d *Directory) user(key, org string) *user {
	u := d.users[key]
	if u == nil {
		u = &user{key: key, org: org}
		d.users[key] = u
	}
	return u
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

// Holds reports whether what is known rests on a claim that was learnt. One that
// others have outdone need not be remembered: without it the same would be known.
func (d *Directory) Holds(c Claim) bool {
	switch c.Kind {
	case HandleClaim:
		i, known := d.handles.find(c.Handle, c.Person)
		if !known {
			return false
		}
		h := &d.handles[c.Handle][i]
		return h.first == c.Since || c.Name != "" && h.last == day(c.Since)
	case AssertionClaim:
		return slices.ContainsFunc(d.assertions[c.Handle], func(a claim) bool { return a.who.key == c.Person && a.since == c.Since })
	}
	return true
}

// Handles are the keys of all claims that Resolve looks at for a fact that does
// not name an Okta user. They must be asked for again once one of them is learnt.
func (d *Directory) Handles(f *schemas.Fact) []string {
	k := keys{d: d}
	k.add(AssertionClaim, f.Who.AssertionID)
	k.add(PortalClaim, f.Who.PortalUserID)
	names := append(portalNames(f), f.Who.SessionName, f.Who.SourceIdentity, f.Who.PortalUserID)
	if f.Call != nil {
		names = append(names, sessionName(f.Call.PrincipalID))
	}
	for _, n := range append(names, d.portal[f.Who.PortalUserID]...) {
		k.name(Fold(n))
	}
	if f.Who.IAMUser != "" {
		k.aliased(iamAlias(f.Who.IAMUser))
	}
	return k.all
}

// keys gathers keys of claims.
type keys struct {
	d   *Directory
	all []string
}

func (k *keys) add(kind ClaimKind, handle string) {
	if handle == "" {
		return
	}
	c := Claim{Kind: kind, Handle: handle}
	if key := c.Key(); !slices.Contains(k.all, key) {
		k.all = append(k.all, key)
	}
}

// name adds what find looks at, by any of the policies.
func (k *keys) name(name string) {
	if name == "" {
		return
	}
	k.aliased(name)
	if strings.Contains(name, "@") {
		return
	}
	for _, domain := range k.d.rules.domains {
		k.aliased(name + "@" + domain)
	}
}

// aliased adds a name, and those whose alias it is.
func (k *keys) aliased(name string) {
	forms := []string{name}
	if bare := untagged(name); k.d.rules.strips && bare != name {
		forms = append(forms, bare)
	}
	k.carried(name)
	for _, form := range forms {
		for _, table := range k.d.rules.aliases {
			for _, a := range table[form] {
				k.carried(a.login)
			}
		}
	}
}

// carried adds all that tells who carries a handle. Whether somebody still does
// matters only where several might.
func (k *keys) carried(handle string) {
	d := k.d
	all := []string{handle}
	if d.rules.strips {
		bare := untagged(handle)
		k.add(TagClaim, bare)
		all = append(all, d.tagged[bare]...)
		if bare != handle {
			all = append(slices.DeleteFunc(all[1:], func(h string) bool { return h == handle }), handle, bare)
		}
	}
	several := 0
	for _, h := range all {
		k.add(HandleClaim, h)
		several += len(d.handles[h])
	}
	if several < 2 {
		return
	}
	for _, h := range all {
		for i := range d.handles[h] {
			k.add(PersonClaim, d.handles[h][i].who.key)
		}
	}
}

// claims are since when somebody carries what is theirs for ever. There is one for
// every assertion of every sign-on, so they are small.
type claims map[string][]claim

type claim struct {
	who   *user
	since int64 // microseconds since 1970
}

// learn keeps the claims on one handle sorted by time, then person.
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

// asOf picks from the claims on one handle the person who first carried it
// most lately before t; before everybody, the first of them.
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
