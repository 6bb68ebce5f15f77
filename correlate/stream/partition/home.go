package partition

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"jitaudit/correlate"
	"jitaudit/correlate/stream/entry"
	"jitaudit/schemas"
)

// home is where the facts of CloudTrail wait that one role session, or one
// name, is behind, until it is known whose they are.
type home struct {
	name  string
	facts map[copyKey]*homeFact
	uses  map[correlate.UseKey]*use
	told  map[copyKey]told // nil: nothing
	// owners are nil when what they follow from has changed.
	owners *owners
	// unknown stands for uses that nothing explains; nil when there were none yet.
	unknown *homeFact
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
	// said is what the home of a further role session was told last.
	said *entry.Chained
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
	if rules(f) {
		h.owners = nil
	}
	p.refs.hold(offset)
	p.touchedHomes[h] = struct{}{}
	return true
}

// rules reports whether whose other things of its role session are may depend on
// a fact.
func rules(f *schemas.Fact) bool {
	return f.Kind == schemas.Assumed || f.Chain != nil || f.Entry != nil
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

func (p *Partition) unindex(f *homeFact) {
	for _, handle := range p.directory.Handles(f.fact) {
		if delete(p.waiting[handle], f); len(p.waiting[handle]) == 0 {
			delete(p.waiting, handle)
		}
	}
}

// settleHome finds out whose everything is, and tells them what is new: first
// what was assumed and entered, then what was done with that.
func (p *Partition) settleHome(h *home, version int64, out *Output) {
	h.looked = false
	sorted := slices.SortedFunc(maps.Keys(h.facts), compareCopies)
	for _, k := range sorted {
		if f := h.facts[k]; f.moved && f.fact.Call == nil {
			p.settleFact(f, version, out)
		}
	}
	all := h.owners == nil || h.unknown != nil && h.unknown.moved
	if h.owners == nil {
		h.owners = h.newOwners()
	}
	for _, k := range sorted {
		if f := h.facts[k]; f.fact.Call != nil && (all || f.moved) {
			p.settleFact(f, version, out)
			p.tell(f, version, out)
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(h.uses), compareUses) {
		if u := h.uses[k]; all || u.fresh {
			p.settleUse(h, u, version, out)
		}
	}
	if h.unknown != nil {
		h.unknown.moved = false
	}
	if len(h.facts)+len(h.uses)+len(h.told) == 0 {
		p.dropHome(h)
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
	return cmp.Or(strings.Compare(a.PrincipalID, b.PrincipalID), strings.Compare(a.AccessKeyID, b.AccessKeyID), a.CreatedAt.Compare(b.CreatedAt), a.Slot.Compare(b.Slot))
}

func (p *Partition) settleFact(f *homeFact, version int64, out *Output) {
	f.moved = false
	p.index(f)
	who, ok := p.owner(f)
	before, had := f.person, f.sent
	f.person, f.sent = who, ok && !p.outranked(f.fact.ID, entry.Rank(f.fact))
	changed := f.person.Key != before.Key || f.sent != had
	if changed && f.fact.Kind == schemas.Assumed {
		f.home.owners = nil // who made an assumption makes its calls
	}
	if had && changed {
		g := f.fact
		gone := &schemas.Fact{ID: g.ID, Kind: g.Kind, Source: g.Source, Shard: g.Shard, At: g.At, Hash: g.Hash, Addendum: g.Addendum}
		p.send(out, before.Key, &entry.Sent{Version: version, Fact: gone, Gone: true})
	}
	if f.sent && changed {
		p.send(out, who.Key, &entry.Sent{Version: version, Name: who.Name, Fact: f.home.forPerson(f.fact, who.Key)})
	}
}

func (p *Partition) send(out *Output, to string, s *entry.Sent) {
	s.Home = p.cfg.Partition
	out.Entries = append(out.Entries, &entry.Entry{To: to, Sent: s})
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
		if u.person, u.sent = h.owners.calls.Find(u.key.PrincipalID, u.key.AccessKeyID, u.key.CreatedAt, now.First); !u.sent {
			u.person, u.sent = p.orphan(h, &now)
		}
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
	return a.First.Equal(b.First) && a.Last.Equal(b.Last) && a.FirstID == b.FirstID && a.LastID == b.LastID &&
		a.RoleARN == b.RoleARN && a.Shard == b.Shard && slices.Equal(a.Services, b.Services)
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
		p.unindex(f)
		delete(h.facts, k)
		p.refs.release(f.offset)
		h.owners = nil
	}
	for k, t := range h.told {
		if !t.Fact.At.Before(before) {
			h.finalAt = earlier(h.finalAt, t.Fact.At)
			continue
		}
		delete(h.told, k)
		p.refs.release(t.offset)
		h.owners = nil
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
	if len(h.facts)+len(h.uses)+len(h.told) == 0 {
		p.dropHome(h)
	}
}

func (p *Partition) dropHome(h *home) {
	if h.unknown != nil {
		p.unindex(h.unknown)
	}
	delete(p.homes, h.name)
	delete(p.touchedHomes, h)
	delete(p.undecided, h)
}

// farOff is after all that can be.
func farOff() time.Time { return time.Unix(1<<40, 0) }

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
