package partition

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"jitaudit/correlate"
	"jitaudit/correlate/identity"
	"jitaudit/correlate/stream/entry"
	"jitaudit/schemas"
)

// home is where the facts of CloudTrail wait that one role session, or one
// name, is behind, until it is known whose they are.
type home struct {
	name  string
	facts map[copyKey]*homeFact
	uses  map[correlate.UseKey]*use
	// callers are the assumptions of the role session; nil when they have changed.
	callers *identity.Callers
	// looked is set when nothing has changed since forget has looked, and found
	// that nothing can be dropped until the first of what is held is final, or
	// until parked calls are given up.
	looked            bool
	finalAt, parkedAt time.Time
}

// copyKey tells copies of one event with different content apart.
type copyKey struct {
	id, hash string
	addendum bool
}

func keyOf(f *schemas.Fact) copyKey { return copyKey{f.ID, f.Hash, f.Addendum} }

type homeFact struct {
	home   *home
	fact   *schemas.Fact
	offset int64
	// moved is set when something that its owner depends on has changed since it
	// was last resolved.
	moved  bool
	person schemas.Person
	sent   bool
}

// use is the calls with one credential in one quarter of an hour.
type use struct {
	key    correlate.UseKey
	id     string
	calls  []call // the better copy of each event, by id; new ones at the end
	fresh  bool
	person schemas.Person
	sent   bool
	said   correlate.Use // what was sent last
}

func (p *Partition) home(name string) *home {
	h := p.homes[name]
	if h == nil {
		h = &home{name: name, facts: make(map[copyKey]*homeFact), uses: make(map[correlate.UseKey]*use)}
		p.homes[name] = h
	}
	return h
}

func (p *Partition) homeFact(offset int64, e *entry.Entry) bool {
	f := e.Fact
	if p.isLate(offset, f.ID, f.At, f.Source) {
		return false
	}
	h, k := p.home(e.To), keyOf(f)
	if h.facts[k] != nil {
		p.stats.Duplicates++
		return false
	}
	p.stats.Facts++
	hf := &homeFact{home: h, fact: f, offset: offset, moved: true}
	h.facts[k] = hf
	h.callers = nil
	p.refs.hold(offset)
	p.touchedHomes[h] = struct{}{}
	return true
}

// isLate reports whether the interval that a fact falls into has been sealed.
func (p *Partition) isLate(offset int64, id string, at time.Time, source schemas.Source) bool {
	if !at.Before(p.line) {
		return false
	}
	p.stats.Late++
	p.late = append(p.late, Late{ID: id, At: at, Source: source, Offset: offset})
	return true
}

func useID(k *correlate.UseKey) string {
	var created int64
	if !k.CreatedAt.IsZero() {
		created = k.CreatedAt.UnixMicro()
	}
	return schemas.CredentialKey(k.PrincipalID, k.AccessKeyID, created, k.Slot.UnixMicro())
}

// concern reports whether a home holds copies of some events.
func (h *home) concern(ids map[string]struct{}) (found bool) {
	for _, f := range h.facts {
		if _, ok := ids[f.fact.ID]; ok {
			f.moved, found = true, true
		}
	}
	for _, u := range h.uses {
		for i := range u.calls {
			if _, ok := ids[u.calls[i].id]; ok {
				u.fresh, found = true, true
				break
			}
		}
	}
	return found
}

// index notes on which claims a fact's owner depends.
func (p *Partition) index(f *homeFact) {
	for _, k := range p.directory.Handles(f.fact) {
		if p.waiting[k] == nil {
			p.waiting[k] = make(map[*homeFact]struct{})
		}
		p.waiting[k][f] = struct{}{}
	}
}

// settleHome finds out whose everything is, and tells them what is new.
func (p *Partition) settleHome(h *home, version int64, out *Output) {
	h.looked = false
	for _, k := range slices.SortedFunc(maps.Keys(h.facts), compareCopies) {
		if f := h.facts[k]; f.moved {
			p.settleFact(f, version, out)
		}
	}
	all := h.callers == nil
	if all {
		h.callers = h.newCallers()
	}
	for _, k := range slices.SortedFunc(maps.Keys(h.uses), compareUses) {
		if u := h.uses[k]; all || u.fresh {
			p.settleUse(h, u, version, out)
		}
	}
}

func compareCopies(a, b copyKey) int {
	return cmp.Or(strings.Compare(a.id, b.id), strings.Compare(a.hash, b.hash), compareFlags(a.addendum, b.addendum))
}

func compareFlags(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func compareUses(a, b correlate.UseKey) int {
	return cmp.Or(strings.Compare(a.AccessKeyID, b.AccessKeyID), a.CreatedAt.Compare(b.CreatedAt), a.Slot.Compare(b.Slot))
}

func (p *Partition) settleFact(f *homeFact, version int64, out *Output) {
	f.moved = false
	p.index(f)
	who, ok := p.directory.Resolve(f.fact)
	before, had := f.person, f.sent
	if f.person, f.sent = who, ok && !p.outranked(f.fact.ID, entry.Rank(f.fact)); f.person.Key != before.Key || f.sent != had {
		// Who made an assumption makes its calls.
		f.home.callers = nil
	}
	if had && (!f.sent || f.person.Key != before.Key) {
		g := f.fact
		gone := &schemas.Fact{ID: g.ID, Kind: g.Kind, Source: g.Source, Shard: g.Shard, At: g.At, Hash: g.Hash, Addendum: g.Addendum}
		p.send(out, before.Key, &entry.Sent{Version: version, Fact: gone, Gone: true})
	}
	if f.sent && (!had || f.person.Key != before.Key) {
		p.send(out, who.Key, &entry.Sent{Version: version, Name: who.Name, Fact: f.fact})
	}
}

func (p *Partition) send(out *Output, to string, s *entry.Sent) {
	s.Home = p.cfg.Partition
	out.Entries = append(out.Entries, &entry.Entry{To: to, Sent: s})
}

func (h *home) newCallers() *identity.Callers {
	var anchors []identity.Anchor
	for _, f := range h.facts {
		if f.fact.Kind == schemas.Assumed {
			who := f.person
			anchors = append(anchors, identity.Anchor{Fact: f.fact, Person: &who})
		}
	}
	c := identity.NewCallers(anchors)
	return &c
}

func (p *Partition) settleUse(h *home, u *use, version int64, out *Output) {
	if u.fresh {
		u.fresh = false
		p.dedupe(u)
	}
	before, had := u.person, u.sent
	var now correlate.Use
	if len(u.calls) > 0 {
		now = u.fold(p.words)
		u.person, u.sent = h.callers.Find(u.key.PrincipalID, u.key.AccessKeyID, u.key.CreatedAt, now.First)
	} else {
		u.sent = false
		delete(h.uses, u.key)
	}
	if had && (!u.sent || u.person.Key != before.Key) {
		said := u.said
		p.send(out, before.Key, &entry.Sent{Version: version, Use: &said, Gone: true})
		u.said = correlate.Use{}
	}
	if u.sent && (u.said.FirstID == "" || !sameUse(&u.said, &now)) {
		u.said = now
		p.send(out, u.person.Key, &entry.Sent{Version: version, Name: u.person.Name, Use: &now})
	}
	if u.sent {
		u.publish(p.words, out)
	}
}

func sameUse(a, b *correlate.Use) bool {
	return a.First.Equal(b.First) && a.Last.Equal(b.Last) && a.FirstID == b.FirstID && a.LastID == b.LastID && slices.Equal(a.Services, b.Services)
}

// forget drops what can no longer matter: everything before a time, and parked
// calls that nobody was found for.
func (p *Partition) forget(h *home, before time.Time) {
	if h.looked && !h.finalAt.Before(before) && !h.parkedAt.Before(p.parked) {
		return
	}
	h.looked, h.finalAt, h.parkedAt = true, farOff(), farOff()
	for k, f := range h.facts {
		if !f.fact.At.Before(before) {
			h.finalAt = earlier(h.finalAt, f.fact.At)
			continue
		}
		for _, handle := range p.directory.Handles(f.fact) {
			delete(p.waiting[handle], f)
		}
		delete(h.facts, k)
		p.refs.release(f.offset)
		h.callers = nil
	}
	for k, u := range h.uses {
		last := u.last()
		if !last.Before(before) && (u.sent || !last.Before(p.parked)) {
			h.finalAt = earlier(h.finalAt, last)
			if !u.sent {
				h.parkedAt = earlier(h.parkedAt, last)
			}
			continue
		}
		for _, c := range u.calls {
			p.refs.release(c.offset)
		}
		delete(h.uses, k)
	}
	if len(h.facts)+len(h.uses) == 0 {
		delete(p.homes, h.name)
		delete(p.touchedHomes, h)
	}
}

// farOff is after all that can be.
func farOff() time.Time { return time.Unix(1<<40, 0) }

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
