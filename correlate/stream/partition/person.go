package partition

import (
	"cmp"
	"container/list"
	"slices"
	"strings"
	"time"

	"jitaudit/correlate"
	"jitaudit/correlate/stream/entry"
	"jitaudit/schemas"
)

// person is somebody with all that is theirs and not yet sealed.
type person struct {
	key string
	// facts and uses are sorted, so that nothing has to be when they are looked at.
	facts []held
	uses  []held
	// first is when the earliest of it began; zero when that has changed.
	first time.Time
	// sealAt is the line that is worth while to seal again before.
	sealAt time.Time
	// sealed is the name known from facts that have been dropped.
	sealed name
	// published is what the facts amounted to at the last tick, without what is
	// frozen; name was what they went by.
	published published
	frozen    frozen
	called    string
	due       []correlate.Due
	// topics are what the facts have to do with, and shared facts may speak of;
	// accounts those that something is said of by what AWS's logs lack. Sorted.
	topics   []string
	accounts []string
	pins     []string // the snapshots that are needed, whatever comes; sorted
	// opened is the person's place among those that are not packed; nil with
	// packed, the rest of what is held.
	opened *list.Element
	packed []byte
}

// held is a fact or a use, and the record that it came with. Of what a home
// sent the highest version counts, which may be that it is gone.
type held struct {
	fact    *schemas.Fact
	use     *correlate.Use
	name    string   // what somebody unknown to Okta goes by
	goesBy  []string // names in an assumption that are the person's
	offset  int64
	version int64
	gone    bool
	frozen  bool
}

func (p *Partition) person(key string) *person {
	who := p.persons[key]
	if who == nil {
		who = &person{key: key}
		p.persons[key] = who
	}
	p.packer.unpack(who)
	return who
}

// compareFacts is the order in which Rebuild wants them, and tells copies apart.
func compareFacts(a, b *schemas.Fact) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Source, b.Source), strings.Compare(a.ID, b.ID), strings.Compare(a.Hash, b.Hash), compareFlags(a.Addendum, b.Addendum))
}

// find is where a fact is among the facts, or would be.
func (who *person) find(f *schemas.Fact) (int, bool) {
	return slices.BinarySearchFunc(who.facts, f, func(h held, f *schemas.Fact) int { return compareFacts(h.fact, f) })
}

func (who *person) findUse(u *correlate.Use) (int, bool) {
	return slices.BinarySearchFunc(who.uses, u, func(h held, u *correlate.Use) int { return compareUses(h.use.UseKey, u.UseKey) })
}

// personFact takes in a fact of Okta.
func (p *Partition) personFact(offset int64, to string, f *schemas.Fact) bool {
	if p.isLate(offset, f.ID, f.At, f.Source) {
		return false
	}
	who := p.person(to)
	at, known := who.find(f)
	if known {
		p.stats.Duplicates++
		return false
	}
	if f.Kind == schemas.MemberObserved {
		within, ok := who.observed(f)
		switch {
		case !ok: // between two others of the day
			return false
		case within >= 0:
			p.refs.release(who.facts[within].offset)
			if who.facts[within].fact.At.Before(who.frozen.before) {
				who.thaw()
				p.touch(who, true)
			}
			who.facts = slices.Delete(who.facts, within, within+1)
			at, _ = who.find(f)
		}
	}
	p.stats.Facts++
	who.facts = slices.Insert(who.facts, at, held{fact: f, offset: offset})
	p.refs.hold(offset)
	who.first = time.Time{}
	p.shared.concerns(who, f)
	p.touch(who, f.At.Before(who.frozen.before))
	return true
}

// observed says which of the times that Okta listed a member a further one takes
// the place of, -1 for none. Each round says the same again: of one day (UTC) the
// first and the last say it all. False: they do already.
func (who *person) observed(f *schemas.Fact) (instead int, ok bool) {
	day := f.At.Truncate(24 * time.Hour)
	from, _ := who.find(&schemas.Fact{At: day})
	var same []int
	for i := from; i < len(who.facts) && who.facts[i].fact.At.Before(day.Add(24*time.Hour)); i++ {
		if g := who.facts[i].fact; g.Kind == f.Kind && g.Member.ID == f.Member.ID && g.Who.Org == f.Who.Org {
			same = append(same, i)
		}
	}
	switch {
	case len(same) < 2:
		return -1, true
	case compareFacts(f, who.facts[same[0]].fact) < 0:
		return same[0], true
	case compareFacts(f, who.facts[same[1]].fact) > 0:
		return same[1], true
	}
	return -1, false
}

// sent takes in what a home says.
func (p *Partition) sent(offset int64, to string, s *entry.Sent) bool {
	h := held{fact: s.Fact, use: s.Use, name: s.Name, goesBy: s.GoesBy, offset: offset, version: s.Version, gone: s.Gone}
	who := p.person(to)
	list, at, known := &who.uses, 0, false
	if s.Fact != nil {
		list = &who.facts
		at, known = who.find(s.Fact)
	} else {
		at, known = who.findUse(s.Use)
	}
	all := s.Gone || h.began().Before(who.frozen.before)
	switch {
	case known && (*list)[at].version >= h.version:
		return false
	case known:
		old := &(*list)[at]
		p.refs.release(old.offset)
		// More of a use that is looked at anyway leaves the rest as it is.
		all = old.frozen || old.gone || all && (s.Gone || s.Use == nil || !old.began().Equal(h.began()))
		if all {
			who.thaw()
		}
		*old = h
	case s.Fact != nil && p.isLate(offset, s.Fact.ID, s.Fact.At, s.Fact.Source):
		p.touch(who, false) // who may be nobody
		return false
	default:
		*list = slices.Insert(*list, at, h)
	}
	p.refs.hold(offset)
	who.first = time.Time{}
	if s.Fact != nil && !s.Gone {
		p.shared.concerns(who, s.Fact)
	}
	p.touch(who, all)
	return true
}

// began is when a fact was, or the first call of a use.
func (h *held) began() time.Time {
	if h.fact != nil {
		return h.fact.At
	}
	return h.use.First
}

// live is how many facts and uses are looked at.
func (who *person) live() int { return len(who.facts) + len(who.uses) - who.frozen.held }

func (who *person) list() []*schemas.Fact {
	out := make([]*schemas.Fact, 0, min(len(who.facts), who.live()))
	for i := range who.facts {
		if h := &who.facts[i]; !h.gone && !h.frozen {
			out = append(out, h.fact)
		}
	}
	return out
}

func (who *person) usesList() []correlate.Use {
	out := make([]correlate.Use, 0, min(len(who.uses), who.live()))
	for i := range who.uses {
		if h := &who.uses[i]; !h.gone && !h.frozen {
			out = append(out, *h.use)
		}
	}
	return out
}

// hasBefore reports whether anything of a person's began before a time.
func (who *person) hasBefore(line time.Time) bool {
	if who.first.IsZero() {
		who.first = farOff()
		if len(who.facts) > 0 {
			who.first = who.facts[0].fact.At
		}
		for i := range who.uses {
			who.first = earlier(who.first, who.uses[i].use.First)
		}
	}
	return who.first.Before(line)
}

// seal drops what ended before the line. What was published stands.
func (p *Partition) seal(who *person) {
	p.packer.unpack(who)
	who.thaw()
	facts, uses := correlate.Seal(p.input(who), p.line.seal)
	open := make(map[string]bool, len(facts))
	for _, f := range facts {
		open[f.ID] = true
	}
	openUses := make(map[correlate.UseKey]bool, len(uses))
	for _, u := range uses {
		openUses[u.UseKey] = true
	}
	before := len(who.facts) + len(who.uses)
	who.facts = p.keep(who, who.facts, func(h *held) bool {
		return h.gone && !h.fact.At.Before(p.line.seal) || !h.gone && open[h.fact.ID]
	})
	who.uses = p.keep(who, who.uses, func(h *held) bool {
		return h.gone && !h.use.Last.Before(p.line.seal) || !h.gone && openUses[h.use.UseKey]
	})
	who.first = time.Time{}
	if len(who.facts)+len(who.uses) < before {
		p.shared.concernedBy(who)
		p.amount(who)
	}
	p.thin(who)
	p.shared.pin(who)
	p.freeze(who)
	p.packer.weigh(who)
}

// keep drops what is not wanted, but not the name that it gives.
func (p *Partition) keep(who *person, list []held, wanted func(*held) bool) []held {
	_, attributed := orgOf(who.key)
	kept := list[:0]
	for i := range list {
		h := &list[i]
		if wanted(h) {
			kept = append(kept, *h)
			continue
		}
		if n, ok := h.named(attributed); ok && n.better(who.sealed, attributed) {
			if who.sealed.text != "" {
				p.refs.release(who.sealed.offset)
			}
			who.sealed = n
			p.refs.hold(n.offset)
		}
		p.refs.release(h.offset)
	}
	clear(list[len(kept):])
	return kept
}

// goesBy reports whether a name in an assumption at a time is the person's.
func (who *person) goesBy(name string, at time.Time) bool {
	i, _ := who.find(&schemas.Fact{At: at})
	for ; i < len(who.facts) && who.facts[i].fact.At.Equal(at); i++ {
		if h := &who.facts[i]; !h.gone && slices.Contains(h.goesBy, name) {
			return true
		}
	}
	return false
}
