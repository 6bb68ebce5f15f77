package partition

import (
	"cmp"
	"strings"
	"time"

	"jitaudit/correlate"
	"jitaudit/correlate/stream/entry"
	"jitaudit/schemas"
)

// person is somebody with all that is theirs and not yet sealed.
type person struct {
	key   string
	facts map[copyKey]*held
	uses  map[correlate.UseKey]*held
	// first is when the earliest of it began; zero when that has changed.
	first time.Time
	// sealed is the name known from facts that have been dropped.
	sealed name
	// published are the records that the facts amounted to at the last tick.
	published records
	due       []correlate.Due
}

// held is a fact or a use, and the record that it came with. Of what a home
// sent the highest version counts, which may be that it is gone.
type held struct {
	fact    *schemas.Fact
	use     *correlate.Use
	name    string // what somebody unknown to Okta goes by
	offset  int64
	home    int
	version int64
	gone    bool
}

// name is what a person goes by, and since when.
type name struct {
	text   string
	at     time.Time
	offset int64
}

func (p *Partition) person(key string) *person {
	who := p.persons[key]
	if who == nil {
		who = &person{key: key, facts: make(map[copyKey]*held), uses: make(map[correlate.UseKey]*held), published: make(records)}
		p.persons[key] = who
	}
	return who
}

// personFact takes in a fact of Okta.
func (p *Partition) personFact(offset int64, to string, h held) bool {
	f := h.fact
	if p.isLate(offset, f.ID, f.At, f.Source) {
		return false
	}
	who, k := p.person(to), keyOf(f)
	if f.Kind == schemas.MemberObserved {
		// Each round observes the same again; the latest says it all.
		k = copyKey{id: "member " + f.Member.ID}
		if old := who.facts[k]; old != nil {
			if c := cmp.Or(f.At.Compare(old.fact.At), strings.Compare(f.ID, old.fact.ID)); c <= 0 {
				return false
			}
			p.refs.release(old.offset)
			delete(who.facts, k)
		}
	}
	if who.facts[k] != nil {
		p.stats.Duplicates++
		return false
	}
	p.stats.Facts++
	who.facts[k] = &h
	p.refs.hold(offset)
	who.first = time.Time{}
	p.touchedPersons[who] = struct{}{}
	return true
}

// sent takes in what a home says.
func (p *Partition) sent(offset int64, to string, s *entry.Sent) bool {
	h := &held{fact: s.Fact, use: s.Use, name: s.Name, offset: offset, home: s.Home, version: s.Version, gone: s.Gone}
	who := p.person(to)
	var old *held
	if s.Fact != nil {
		old = who.facts[keyOf(s.Fact)]
	} else {
		old = who.uses[s.Use.UseKey]
	}
	switch {
	case old != nil && old.version >= h.version:
		return false
	case old != nil:
		p.refs.release(old.offset)
	case s.Fact != nil && p.isLate(offset, s.Fact.ID, s.Fact.At, s.Fact.Source):
		return false
	}
	if s.Fact != nil {
		who.facts[keyOf(s.Fact)] = h
	} else {
		who.uses[s.Use.UseKey] = h
	}
	p.refs.hold(offset)
	who.first = time.Time{}
	p.touchedPersons[who] = struct{}{}
	return true
}

func (who *person) list() []*schemas.Fact {
	out := make([]*schemas.Fact, 0, len(who.facts))
	for _, h := range who.facts {
		if !h.gone {
			out = append(out, h.fact)
		}
	}
	return out
}

func (who *person) usesList() []correlate.Use {
	var f correlate.Fold
	for _, h := range who.uses {
		if !h.gone {
			f.AddUse(h.use)
		}
	}
	return f.Uses()
}

// Person is who it is, by the name that is known of them last; of somebody
// unknown to Okta by the first in the order of names.
func (who *person) Person() schemas.Person {
	org, attributed := orgOf(who.key)
	best := who.sealed
	for _, h := range who.facts {
		if n, ok := h.named(attributed); ok && n.better(best, attributed) {
			best = n
		}
	}
	if !attributed {
		for _, h := range who.uses {
			if n, ok := h.named(false); ok && n.better(best, false) {
				best = n
			}
		}
	}
	return schemas.Person{Key: who.key, Name: cmp.Or(best.text, who.key), Org: org}
}

func orgOf(key string) (org string, attributed bool) {
	rest, ok := strings.CutPrefix(key, "okta:")
	if !ok {
		return "", false
	}
	org, _, _ = strings.Cut(rest, "/")
	return org, true
}

// named is the name that a fact gives.
func (h *held) named(attributed bool) (name, bool) {
	n := name{text: h.name, offset: h.offset}
	if attributed {
		if h.fact == nil || h.fact.Source != schemas.Okta {
			return n, false
		}
		n.text, n.at = strings.TrimSpace(h.fact.Who.Login), h.fact.At
	}
	return n, n.text != "" && !h.gone
}

func (n name) better(than name, attributed bool) bool {
	if than.text == "" {
		return true
	}
	if attributed {
		return cmp.Or(n.at.Compare(than.at), strings.Compare(n.text, than.text)) > 0
	}
	return n.text < than.text
}

// seal drops what ended before the line. What was published stands.
func (p *Partition) seal(who *person) (err error) {
	facts, uses := correlate.Seal(p.input(who), p.line)
	open := make(map[string]bool, len(facts))
	for _, f := range facts {
		open[f.ID] = true
	}
	openUses := make(map[correlate.UseKey]bool, len(uses))
	for _, u := range uses {
		openUses[u.UseKey] = true
	}
	_, attributed := orgOf(who.key)
	dropped := false
	who.first = time.Time{}
	for k, h := range who.facts {
		if h.gone && !h.fact.At.Before(p.line) || !h.gone && open[h.fact.ID] {
			continue
		}
		p.drop(who, h, attributed)
		delete(who.facts, k)
		dropped = true
	}
	for k, h := range who.uses {
		if h.gone && !h.use.Last.Before(p.line) || !h.gone && openUses[k] {
			continue
		}
		p.drop(who, h, attributed)
		delete(who.uses, k)
		dropped = true
	}
	if dropped {
		who.published, who.due, err = p.rebuild(who)
	}
	return err
}

// drop forgets a fact, but not the name that it gives.
func (p *Partition) drop(who *person, h *held, attributed bool) {
	if n, ok := h.named(attributed); ok && n.better(who.sealed, attributed) {
		if who.sealed.text != "" {
			p.refs.release(who.sealed.offset)
		}
		who.sealed = n
		p.refs.hold(n.offset)
	}
	p.refs.release(h.offset)
}
