package partition

import (
	"cmp"
	"container/list"
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
	told  map[copyKey]told // nil: nothing
	// owners are nil when what they follow from has changed.
	owners *owners
	// waits are the claims that the owners of its facts depend on, sorted.
	waits []*waiting
	// looked is set when nothing has changed since forget has looked, and found
	// that nothing can be dropped until the first of what is held is final, or
	// until parked calls are given up.
	looked            bool
	finalAt, parkedAt time.Time
	// moved is set when something that the owner of one of its facts depends on has
	// changed since they were last resolved.
	moved bool
	// opened is the home's place among those that are not packed; nil with packed,
	// the rest of what is held, and ids, which events that is of, in short.
	opened *list.Element
	packed []byte
	ids    []uint32
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
	moved  bool // it is new
	person schemas.Person
	sent   bool
	// goesBy is what its person was told to go by, bare that it was told without the
	// call that the fact is, as somebody else made it.
	goesBy []string
	bare   bool
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
	p.packer.unpackHome(h, p.words)
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
	if !at.Before(p.line.seal) {
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
func (p *Partition) concern(h *home, ids map[string]struct{}) (found bool) {
	if !h.mayConcern(ids) {
		return false
	}
	p.packer.unpackHome(h, p.words)
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

// waiting are the homes that depend on a claim.
type waiting struct {
	claim string
	homes []*home
}

// index notes on which claims it depends whose a fact is.
func (p *Partition) index(h *home, f *schemas.Fact) {
	for _, k := range p.directory.Handles(f) {
		i, known := h.waitsFor(k)
		if known {
			continue
		}
		w := p.waiting[k]
		if w == nil {
			w = &waiting{claim: k}
			p.waiting[k] = w
		}
		w.homes = append(w.homes, h)
		h.waits = slices.Insert(h.waits, i, w)
	}
}

func (h *home) waitsFor(claim string) (int, bool) {
	return slices.BinarySearchFunc(h.waits, claim, func(w *waiting, claim string) int { return strings.Compare(w.claim, claim) })
}

// unindex forgets on which claims a home depends.
func (p *Partition) unindex(h *home) {
	for _, w := range h.waits {
		w.homes = slices.DeleteFunc(w.homes, func(o *home) bool { return o == h })
		if len(w.homes) == 0 {
			delete(p.waiting, w.claim)
		}
	}
	h.waits = nil
}

// reindex looks again at what a home depends on.
func (p *Partition) reindex(h *home) {
	p.unindex(h)
	for _, f := range h.facts {
		p.index(h, f.fact)
	}
	for _, u := range h.uses {
		if u.sent && !h.ownersOf().calls.Known(u.key.PrincipalID) {
			p.index(h, &schemas.Fact{Call: &schemas.Call{PrincipalID: u.key.PrincipalID}})
			break
		}
	}
}

// settleHome finds out whose everything is, and tells them what is new: first
// what was assumed and entered, then what was done with that.
func (p *Partition) settleHome(h *home, version int64, out *Output) {
	h.looked = false
	p.packer.unpackHome(h, p.words)
	sorted := slices.SortedFunc(maps.Keys(h.facts), compareCopies)
	for _, k := range sorted {
		if f := h.facts[k]; (h.moved || f.moved) && f.fact.Call == nil {
			p.settleFact(f, version, out)
		}
	}
	all := h.owners == nil || h.moved
	h.ownersOf()
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
	h.moved = false
	p.packer.weighHome(h)
	if len(h.facts)+len(h.uses)+len(h.told) == 0 {
		p.dropHome(h)
	}
}

func (h *home) ownersOf() *owners {
	if h.owners == nil {
		h.owners = h.newOwners()
	}
	return h.owners
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
	p.index(f.home, f.fact)
	before := *f
	who, ok := p.owner(f)
	f.person, f.sent = who, ok && !p.outranked(f.fact.ID, entry.Rank(f.fact))
	f.goesBy, f.bare = p.goesBy(f), f.isBare()
	moved := f.person.Key != before.person.Key || f.sent != before.sent
	if moved && f.fact.Kind == schemas.Assumed {
		f.home.owners = nil // who made an assumption makes its calls
	}
	if before.sent && f.fact.At.Before(p.line.seal) {
		return // final: it stays with whom it was
	}
	if before.sent && moved {
		g := f.fact
		gone := &schemas.Fact{ID: g.ID, Kind: g.Kind, Source: g.Source, Shard: g.Shard, At: g.At, Hash: g.Hash, Addendum: g.Addendum}
		p.send(out, before.person.Key, &entry.Sent{Version: version, Fact: gone, Gone: true})
	}
	if f.sent && (moved || f.bare != before.bare || !slices.Equal(f.goesBy, before.goesBy)) {
		p.send(out, who.Key, &entry.Sent{Version: version, Name: who.Name, GoesBy: f.goesBy, Fact: f.forPerson()})
	}
}

// goesBy are those of the names in an assumption that are its person's.
func (p *Partition) goesBy(f *homeFact) (out []string) {
	if f.fact.Kind != schemas.Assumed || !f.sent {
		return nil
	}
	for _, name := range [...]string{f.fact.Who.SessionName, f.fact.Who.NameID} {
		if name = identity.Fold(name); name != "" && !slices.Contains(out, name) && p.directory.GoesBy(f.person.Key, name, f.fact.At) {
			out = append(out, name)
		}
	}
	return out
}

// isBare reports whether somebody else made the call that a fact is.
func (f *homeFact) isBare() bool {
	if f.fact.Call == nil || !f.sent {
		return false
	}
	k := correlate.KeyOf(f.fact.Call, f.fact.At)
	by, ok := f.home.owners.calls.Find(k.PrincipalID, k.AccessKeyID, k.CreatedAt, f.fact.At)
	return !ok || by.Key != f.person.Key
}

// forPerson is the fact as its person gets it.
func (f *homeFact) forPerson() *schemas.Fact {
	if !f.bare {
		return f.fact
	}
	g := *f.fact
	g.Call = nil
	return &g
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
	moved := had && (!u.sent || u.person.Key != before.Key)
	if moved && u.said.Last.Before(p.line.seal) {
		return // final: it stays with whom it was
	}
	if moved {
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
	if h.looked && !h.finalAt.Before(before) && !h.parkedAt.Before(p.line.park) {
		return
	}
	p.packer.unpackHome(h, p.words)
	h.looked, h.finalAt, h.parkedAt = true, farOff(), farOff()
	held := len(h.facts)
	for k, f := range h.facts {
		if !f.fact.At.Before(before) {
			h.finalAt = earlier(h.finalAt, f.fact.At)
			continue
		}
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
		if !last.Before(before) && (u.sent || !last.Before(p.line.park)) {
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
	if len(h.facts) < held {
		p.reindex(h)
	}
	p.packer.weighHome(h)
	if len(h.facts)+len(h.uses)+len(h.told) == 0 {
		p.dropHome(h)
	}
}

func (p *Partition) dropHome(h *home) {
	p.unindex(h)
	p.packer.drop(&h.opened)
	if p.homes[h.name] == h { // not one that took its place
		delete(p.homes, h.name)
	}
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
