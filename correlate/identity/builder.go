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
	names      map[string]named
	handles    claims
	assertions claims
	portal     map[string]map[string]struct{}
	assumed    map[string]*schemas.Fact // by copy
}

// named is the latest name a person was seen with.
type named struct {
	name string
	at   time.Time
}

// claims are, per handle and person, the first time the person carried it.
type claims map[string]map[owner]time.Time

type owner struct{ person, org string }

// NewBuilder returns a builder that knows nobody yet but the alias tables.
func NewBuilder(ps *policy.Set) *Builder {
	return &Builder{
		policies:   ps,
		names:      make(map[string]named),
		handles:    make(claims),
		assertions: make(claims),
		portal:     make(map[string]map[string]struct{}),
		assumed:    make(map[string]*schemas.Fact),
	}
}

// Observe learns what a fact tells about handles. Calls tell nothing. The fact
// is not kept.
func (b *Builder) Observe(f *schemas.Fact) {
	switch f.Kind {
	case schemas.Acted:
	case schemas.Assumed:
		b.observeAssumed(f)
	case schemas.AssumeFailed:
	case schemas.PortalUsed:
		b.tie(f.Who.PortalUserID, f.Who.NameID)
		b.tie(f.Who.PortalUserID, f.Portal.UserName)
	default:
		b.observeUser(f)
	}
}

func (b *Builder) observeUser(f *schemas.Fact) {
	key := oktaKey(&f.Who)
	if key == "" {
		return
	}
	who := owner{key, f.Who.Org}
	b.handles.add(Fold(f.Who.Login), who, f.At)
	b.handles.add(Fold(f.Who.NameID), who, f.At)
	if f.Kind == schemas.SignedOn {
		b.assertions.add(f.Who.AssertionID, who, f.At)
	}
	name := strings.TrimSpace(f.Who.Login)
	if old, ok := b.names[key]; name != "" && (!ok || newer(named{name, f.At}, old)) {
		b.names[key] = named{name, f.At}
	}
}

func newer(a, b named) bool {
	if c := a.at.Compare(b.at); c != 0 {
		return c > 0
	}
	return a.name < b.name
}

// observeAssumed keeps the few fields by which calls are resolved later.
func (b *Builder) observeAssumed(f *schemas.Fact) {
	id := f.ID + "\x00" + f.Hash
	if _, ok := b.assumed[id]; ok {
		return
	}
	b.assumed[id] = &schemas.Fact{
		ID: f.ID, Kind: f.Kind, At: f.At, Who: f.Who,
		Assume: &schemas.Assume{
			ProviderARN: f.Assume.ProviderARN,
			PrincipalID: f.Assume.PrincipalID,
			AccessKeyID: f.Assume.AccessKeyID,
		},
	}
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

func (c claims) add(handle string, who owner, at time.Time) {
	if handle == "" {
		return
	}
	m := c[handle]
	if m == nil {
		m = make(map[owner]time.Time, 1)
		c[handle] = m
	}
	if t, ok := m[who]; !ok || at.Before(t) {
		m[who] = at
	}
}

// Merge takes over all that another builder has learnt.
func (b *Builder) Merge(o *Builder) {
	for key, n := range o.names {
		if old, ok := b.names[key]; !ok || newer(n, old) {
			b.names[key] = n
		}
	}
	b.handles.merge(o.handles)
	b.assertions.merge(o.assertions)
	for id, names := range o.portal {
		for name := range names {
			b.tie(id, name)
		}
	}
	for id, f := range o.assumed {
		b.assumed[id] = f
	}
}

func (c claims) merge(o claims) {
	for handle, owners := range o {
		for who, at := range owners {
			c.add(handle, who, at)
		}
	}
}

// Directory returns what is known now.
func (b *Builder) Directory() *Directory {
	d := &Directory{
		policies:   b.policies,
		names:      make(map[string]string, len(b.names)),
		handles:    b.handles.sorted(),
		assertions: b.assertions.sorted(),
		portal:     make(map[string][]string, len(b.portal)),
		aliases:    aliases(b.policies),
	}
	for key, n := range b.names {
		d.names[key] = n.name
	}
	for id, names := range b.portal {
		for name := range names {
			d.portal[id] = append(d.portal[id], name)
		}
		slices.Sort(d.portal[id])
	}
	d.calls = d.newCallers(b.assumed)
	return d
}

func (c claims) sorted() map[string][]claim {
	out := make(map[string][]claim, len(c))
	for handle, owners := range c {
		list := make([]claim, 0, len(owners))
		for who, since := range owners {
			list = append(list, claim{who.person, who.org, since})
		}
		slices.SortFunc(list, func(a, b claim) int {
			return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.person, b.person))
		})
		out[handle] = list
	}
	return out
}

func aliases(ps *policy.Set) map[*policy.Policy]map[string]string {
	out := make(map[*policy.Policy]map[string]string)
	for _, p := range ps.All() {
		m := make(map[string]string)
		for _, person := range p.People() {
			for _, alias := range person.Aliases {
				m[Fold(alias)] = Fold(person.Login)
			}
		}
		out[p] = m
	}
	return out
}

func (d *Directory) newCallers(facts map[string]*schemas.Fact) callers {
	c := callers{byKey: make(map[string]schemas.Person), byPrincipal: make(map[string][]assumed)}
	owners := make(map[string]assumed) // access key → the assumption it is from
	for _, f := range facts {
		a := assumed{f.At, f.ID, d.assumer(f)}
		if p := f.Assume.PrincipalID; p != "" {
			c.byPrincipal[p] = append(c.byPrincipal[p], a)
		}
		if k := f.Assume.AccessKeyID; k != "" {
			if o, ok := owners[k]; !ok || compareAssumed(a, o) < 0 {
				owners[k] = a
			}
		}
	}
	for k, a := range owners {
		c.byKey[k] = a.person
	}
	for _, list := range c.byPrincipal {
		slices.SortFunc(list, compareAssumed)
	}
	return c
}

func compareAssumed(a, b assumed) int {
	return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id), cmp.Compare(a.person.Key, b.person.Key))
}
