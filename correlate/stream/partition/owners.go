package partition

import (
	"cmp"
	"slices"
	"time"

	"jitaudit/correlate"
	"jitaudit/correlate/identity"
	"jitaudit/correlate/stream/entry"
	"jitaudit/schemas"
)

// owners say whose it is what was done with one role session.
type owners struct {
	// calls tell of calls. chains tell of the credentials that the session made
	// for others: not by what is known of the session by way of itself, so that
	// two sessions which assumed each other do not vouch for each other once
	// nobody else does.
	calls, chains *identity.Callers
	// via are, by person, the role sessions by way of which it is theirs, sorted.
	via map[string][]string
}

// told is what another home says of credentials of this role session.
type told struct {
	*entry.Chained
	offset int64
}

// chained takes in what another home says.
func (p *Partition) chained(offset int64, to string, c *entry.Chained) bool {
	if c.Fact == nil || c.Fact.Chain == nil || c.Fact.At.Before(p.line.seal.Add(-longestUse)) {
		return false
	}
	h, k := p.home(to), keyOf(c.Fact)
	old, known := h.told[k]
	if known && old.Version >= c.Version {
		return false
	}
	if known {
		p.refs.release(old.offset)
	}
	if h.told == nil {
		h.told = make(map[copyKey]told)
	}
	h.told[k] = told{c, offset}
	p.refs.hold(offset)
	h.owners = nil
	p.touchedHomes[h] = struct{}{}
	return true
}

// newOwners finds whose everything of a role session is. What was assumed and
// entered must have been resolved before.
func (h *home) newOwners() *owners {
	principal, _ := entry.Principal(h.name)
	var anchors, loops []identity.Anchor
	var further []*schemas.Fact
	o := &owners{via: make(map[string][]string)}
	for _, f := range h.facts {
		switch {
		case f.fact.Kind == schemas.Assumed:
			who := f.person
			anchors = append(anchors, identity.Anchor{Fact: f.fact, Person: &who})
			o.by(who.Key, principal)
		case f.fact.Chain != nil, f.fact.Entry != nil:
			further = append(further, f.fact)
		}
	}
	for _, t := range h.told {
		if t.Gone {
			continue
		}
		a := anchorOf(t.Chained)
		if slices.Contains(t.Via, principal) {
			loops = append(loops, a)
			continue
		}
		anchors = append(anchors, a)
		o.by(t.Person, append(t.Via, principal)...)
	}
	all := identity.NewCallers(append(anchors[:len(anchors):len(anchors)], loops...), further...)
	o.calls, o.chains = &all, &all
	if len(loops) > 0 {
		c := identity.NewCallers(anchors, further...)
		o.chains = &c
	}
	return o
}

// anchorOf is the making of credentials as what tells of callers knows it.
func anchorOf(c *entry.Chained) identity.Anchor {
	org, _ := orgOf(c.Person)
	who := schemas.Person{Key: c.Person, Name: cmp.Or(c.Name, c.Person), Org: org}
	f := *c.Fact
	f.Assume = &schemas.Assume{PrincipalID: f.Chain.PrincipalID, AccessKeyID: f.Chain.AccessKeyID}
	return identity.Anchor{Fact: &f, Person: &who}
}

func (o *owners) by(person string, principals ...string) {
	for _, s := range principals {
		if i, known := slices.BinarySearch(o.via[person], s); !known {
			o.via[person] = slices.Insert(o.via[person], i, s)
		}
	}
}

// owner says whose a fact is.
func (p *Partition) owner(f *homeFact) (schemas.Person, bool) {
	if f.fact.Call == nil {
		return p.directory.Resolve(f.fact)
	}
	return f.home.owners.calls.Owner(p.directory, f.fact)
}

// tell lets the home of a further role session know whose its credentials are.
func (p *Partition) tell(f *homeFact, version int64, out *Output) {
	x := f.fact.Chain
	principal, _ := entry.Principal(f.home.name)
	if x == nil || x.PrincipalID == "" || x.PrincipalID == principal {
		return
	}
	now := entry.Chained{Home: p.cfg.Partition, Version: version, Gone: true}
	if who, ok := f.home.owners.chains.Owner(p.directory, f.fact); ok && !p.outranked(f.fact.ID, entry.Rank(f.fact)) && !f.outdone() {
		now.Person, now.Name, now.Via, now.Gone = who.Key, who.Name, f.home.owners.via[who.Key], false
	}
	before := f.said
	if before == nil && now.Gone || before != nil && before.Person == now.Person && before.Gone == now.Gone && slices.Equal(before.Via, now.Via) {
		return
	}
	g := f.fact
	now.Fact = &schemas.Fact{ID: g.ID, Kind: g.Kind, Source: g.Source, Shard: g.Shard, At: g.At, Hash: g.Hash, Addendum: g.Addendum, Chain: x}
	f.said = &now
	out.Entries = append(out.Entries, &entry.Entry{To: entry.HomeOfRole(x.PrincipalID), Chained: &now})
}

// outdone reports whether the record of a call in the account of the role, which
// does not tell with which credentials it was made, stands beside one that does.
func (f *homeFact) outdone() bool {
	id := f.fact.Chain.SharedID
	if id == "" || f.fact.Counts() {
		return false
	}
	for _, o := range f.home.facts {
		if o.fact.Chain != nil && o.fact.Chain.SharedID == id && o.fact.Counts() {
			return true
		}
	}
	return false
}

// orphan says of whom a use is told that nobody is known to have made the
// credentials of: only of a role that the policy watches, and only once all is
// known that could explain it.
func (p *Partition) orphan(h *home, now *correlate.Use) (schemas.Person, bool) {
	if h.owners.calls.Known(now.PrincipalID) {
		return schemas.Person{}, false // by nobody that is looked for
	}
	who, watched := p.directory.Orphan(now.PrincipalID, now.RoleARN, now.First)
	if !watched {
		return who, false
	}
	account, _ := schemas.RoleOf(now.RoleARN)
	if at := now.First.Add(chainSlack); !p.coverage.explains(account, at, p.stalledAfter()) {
		if before, ok := p.undecided[h]; !ok || at.Before(before.at) {
			p.undecided[h] = undecided{account, at}
		}
		return who, false
	}
	p.index(h, &schemas.Fact{Call: &schemas.Call{PrincipalID: now.PrincipalID}})
	return who, true
}

// undecided says what must be covered before something is said of the uses of a
// session that nobody is known to have made.
type undecided struct {
	account string
	at      time.Time
}

// chainSlack is how much later than its first use the making of credentials may
// be recorded: both are whole seconds, written by different hosts.
const chainSlack = time.Minute

// touchUndecided looks again at uses that are explained by now or never.
func (p *Partition) touchUndecided() {
	for h, u := range p.undecided {
		if p.coverage.explains(u.account, u.at, p.stalledAfter()) {
			delete(p.undecided, h)
			h.owners = nil
			p.touchedHomes[h] = struct{}{}
		}
	}
}
