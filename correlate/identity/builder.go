package identity

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

// Builder learns handles from facts, in any order and as often as they come.
// It is not safe for concurrent use; builders can be merged.
type Builder struct {
	policies   *policy.Set
	users      map[string]*user
	handles    claims
	assertions claims
	portal     map[string]map[string]struct{}
	assumed    map[copyKey]*assumption
	words      map[string]string
}

// copyKey tells copies of an event with different content apart.
type copyKey struct{ id, hash string }

// assumption is as much of an Assumed fact as tells whose its calls are.
type assumption struct {
	at                               time.Time
	who                              schemas.Identity
	provider, principalID, accessKey string
}

// NewBuilder returns a builder that knows nobody yet but the alias tables.
func NewBuilder(ps *policy.Set) *Builder {
	return &Builder{
		policies:   ps,
		users:      make(map[string]*user),
		handles:    make(claims),
		assertions: make(claims),
		portal:     make(map[string]map[string]struct{}),
		assumed:    make(map[copyKey]*assumption),
		words:      make(map[string]string),
	}
}

// Observe learns what a fact tells about handles. Calls tell nothing. The fact
// is not kept.
func (b *Builder) Observe(f *schemas.Fact) {
	switch f.Kind {
	case schemas.Acted, schemas.AssumeFailed:
	case schemas.Assumed:
		b.observeAssumed(f)
	case schemas.PortalUsed:
		b.tie(f.Who.PortalUserID, f.Who.NameID)
		b.tie(f.Who.PortalUserID, f.Portal.UserName)
	default:
		b.observeUser(f)
	}
}

func (b *Builder) observeUser(f *schemas.Fact) {
	key := OktaKey(&f.Who)
	if key == "" {
		return
	}
	u := b.user(key, f.Who.Org)
	b.handles.add(Fold(f.Who.Login), u, f.At.UnixMicro())
	b.handles.add(Fold(f.Who.NameID), u, f.At.UnixMicro())
	if f.Kind == schemas.SignedOn {
		b.assertions.add(f.Who.AssertionID, u, f.At.UnixMicro())
	}
	u.call(strings.TrimSpace(f.Who.Login), f.At)
}

func (b *Builder) user(key, org string) *user {
	u := b.users[key]
	if u == nil {
		u = &user{key: key, org: org}
		b.users[key] = u
	}
	return u
}

// call names the user, unless a later name is known.
func (u *user) call(name string, at time.Time) {
	if name != "" && cmp.Or(at.Compare(u.named), strings.Compare(name, u.name)) > 0 {
		u.name, u.named = name, at
	}
}

// observeAssumed keeps the few fields by which calls are resolved later. Those
// that many assumptions share are kept once.
func (b *Builder) observeAssumed(f *schemas.Fact) {
	key := copyKey{f.ID, f.Hash}
	if b.assumed[key] != nil {
		return
	}
	who := f.Who
	for _, shared := range []*string{&who.NameID, &who.SessionName, &who.SourceIdentity, &who.PortalUserID, &who.Org, &who.Login, &who.OktaUserID, &who.Name} {
		*shared = b.word(*shared)
	}
	b.assumed[key] = &assumption{
		at: f.At, who: who,
		provider: b.word(f.Assume.ProviderARN), principalID: b.word(f.Assume.PrincipalID), accessKey: f.Assume.AccessKeyID,
	}
}

func (b *Builder) word(s string) string {
	if w, ok := b.words[s]; ok {
		return w
	}
	b.words[s] = s
	return s
}

func (b *Builder) tie(portalUserID, name string) {
	if portalUserID == "" || Fold(name) == "" {
		return
	}
	if b.portal[portalUserID] == nil {
		b.portal[portalUserID] = make(map[string]struct{})
	}
	b.portal[portalUserID][Fold(name)] = struct{}{}
}

func (c claims) add(handle string, who *user, since int64) {
	if handle == "" {
		return
	}
	list := c[handle]
	for i := range list {
		if list[i].who == who {
			list[i].since = min(list[i].since, since)
			return
		}
	}
	c[handle] = append(list, claim{who, since})
}

// Merge takes over all that another builder has learnt. The other must not be
// used afterwards.
func (b *Builder) Merge(o *Builder) {
	for key, u := range o.users {
		b.user(key, u.org).call(u.name, u.named)
	}
	b.merge(b.handles, o.handles)
	b.merge(b.assertions, o.assertions)
	for id, names := range o.portal {
		for name := range names {
			b.tie(id, name)
		}
	}
	for key, a := range o.assumed {
		b.assumed[key] = a
	}
	*o = Builder{}
}

func (b *Builder) merge(into, from claims) {
	for handle, list := range from {
		for _, c := range list {
			into.add(handle, b.users[c.who.key], c.since)
		}
	}
}

// Directory returns what is known. The builder is used up: it must not be used
// afterwards.
func (b *Builder) Directory() *Directory {
	d := &Directory{
		policies:   b.policies,
		users:      b.users,
		handles:    b.handles,
		assertions: b.assertions,
		portal:     make(map[string][]string, len(b.portal)),
		aliases:    aliases(b.policies),
	}
	d.handles.sort()
	d.assertions.sort()
	for id, names := range b.portal {
		for name := range names {
			d.portal[id] = append(d.portal[id], name)
		}
		slices.Sort(d.portal[id])
	}
	d.calls = d.newCallers(b.assumed)
	*b = Builder{}
	return d
}

func (c claims) sort() {
	for _, list := range c {
		slices.SortFunc(list, func(a, b claim) int {
			return cmp.Or(cmp.Compare(a.since, b.since), cmp.Compare(a.who.key, b.who.key))
		})
	}
}

func aliases(ps *policy.Set) map[*policy.Policy]map[string]string {
	out := make(map[*policy.Policy]map[string]string)
	for _, p := range ps.All() {
		m := make(map[string]string)
		for _, person := range p.People() {
			for _, alias := range person.Aliases {
				m[Fold(alias.Name)] = Fold(person.Login)
			}
		}
		out[p] = m
	}
	return out
}
