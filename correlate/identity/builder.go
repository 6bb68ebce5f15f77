package identity

import (
	"cmp"
	"strings"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

// Builder learns handles from facts, in any order and as often as they come.
// It is not safe for concurrent use; builders can be merged.
type Builder struct {
	directory *Directory
	assumed   map[copyKey]*assumption
	makings   map[copyKey]making
	words     map[string]string
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
		directory: NewDirectory(ps),
		assumed:   make(map[copyKey]*assumption),
		makings:   make(map[copyKey]making),
		words:     make(map[string]string),
	}
}

// Observe learns what a fact tells about handles and credentials. Calls tell
// nothing. The fact is not kept.
func (b *Builder) Observe(f *schemas.Fact) {
	switch f.Kind {
	case schemas.Acted, schemas.AssumeFailed:
		return
	case schemas.Assumed:
		b.observeAssumed(f)
		return
	}
	if m, ok := makingOf(f); ok {
		b.observeMaking(f, m)
		return
	}
	if key := OktaKey(&f.Who); ofOkta(f) && key != "" {
		b.directory.user(key, f.Who.Org).call(strings.TrimSpace(f.Who.Login), f.At)
	}
	eachClaim(f, func(c Claim) { b.directory.Learn(c) })
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

func (b *Builder) observeMaking(f *schemas.Fact, m making) {
	key := copyKey{f.ID, f.Hash}
	if _, known := b.makings[key]; known {
		return
	}
	m.by.principalID, m.of.principalID = b.word(m.by.principalID), b.word(m.of.principalID)
	b.makings[key] = m
}

func (b *Builder) word(s string) string {
	if w, ok := b.words[s]; ok {
		return w
	}
	b.words[s] = s
	return s
}

// Merge takes over all that another builder has learnt. The other must not be
// used afterwards.
func (b *Builder) Merge(o *Builder) {
	b.directory.merge(o.directory)
	for key, a := range o.assumed {
		b.assumed[key] = a
	}
	for key, m := range o.makings {
		b.makings[key] = m
	}
	*o = Builder{}
}

// merge learns all that another directory has learnt.
func (d *Directory) merge(o *Directory) {
	for key, u := range o.users {
		mine := d.user(key, u.org)
		mine.call(u.name, u.named)
		learnTimes(&mine.left, u.left...)
	}
	for handle, list := range o.handles {
		for i := range list {
			c := &list[i]
			d.handles.of(handle, d.users[c.who.key]).merge(c)
		}
	}
	for id, list := range o.assertions {
		for _, c := range list {
			d.assertions.learn(id, d.users[c.who.key], c.since)
		}
	}
	d.portal.merge(o.portal)
	d.tagged.merge(o.tagged)
}

func (c *carrier) merge(o *carrier) {
	c.first, c.last = min(c.first, o.first), max(c.last, o.last)
	if o.changes != nil {
		learnTimes(&c.change().given, o.changes.given...)
		learnTimes(&c.change().taken, o.changes.taken...)
	}
}

func (ts ties) merge(o ties) {
	for to, names := range o {
		for _, name := range names {
			ts.learn(to, name)
		}
	}
}

// Directory returns what is known. The builder is used up: it must not be used
// afterwards.
func (b *Builder) Directory() *Directory {
	d := b.directory
	d.calls = d.newCallers(b.assumed, b.makings)
	*b = Builder{}
	return d
}
