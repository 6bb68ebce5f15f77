package partition

import (
	"slices"
	"time"

	"jitaudit/correlate"
	"jitaudit/schemas"
)

// What is final does not have to be derived again at each tick. By the law of
// sealing (docs/correlation.md), what ended before a time that all shards are
// covered beyond stays as it is, whatever comes of later times. Such facts of a
// person who has many are frozen: still held, as something may turn up that
// belongs before them, but left out, and their records kept as they came out.
// Whatever might change them thaws all.
const (
	// freezeFrom is of how many facts and uses it begins to be worth while.
	freezeFrom = 128
	// freezeGrid is how far apart the times are before which things are frozen.
	freezeGrid = time.Hour
)

// frozen is what of a person's is left out.
type frozen struct {
	// before is the time before which what ended is frozen; zero: nothing is.
	before time.Time
	// held is how many facts and uses are left out, tried how many were not when
	// it was looked last.
	held, tried int
	records     published
}

// touch lets the next tick look at a person: at all that is held of them, if what
// is frozen may have changed.
func (p *Partition) touch(who *person, all bool) {
	p.touchedPersons[who] = p.touchedPersons[who] || all
	delete(p.rejudged, who)
}

// rejudge is touch for everybody, because of something other than events.
func (p *Partition) rejudge(why schemas.Cause) {
	for _, who := range p.persons {
		_, touched := p.touchedPersons[who]
		p.touch(who, true)
		if !touched {
			p.rejudged[who] = why
		}
	}
}

// thaw takes everything into account again.
func (who *person) thaw() {
	if who.frozen.held > 0 {
		for i := range who.facts {
			who.facts[i].frozen = false
		}
		for i := range who.uses {
			who.uses[i].frozen = false
		}
		who.published = who.published.and(&who.frozen.records)
	}
	who.frozen = frozen{}
}

// freeze leaves out what is final, if that is worth while.
func (p *Partition) freeze(who *person) {
	live := who.live()
	if live < p.freezeFrom || live < 2*who.frozen.tried {
		return
	}
	passed, ok := p.coverage.passed()
	line := passed.Truncate(freezeGrid)
	if !ok || !line.After(who.frozen.before) {
		return
	}
	who.frozen.tried = live
	in := p.input(who)
	facts, uses := correlate.Seal(in, line)
	if len(facts)+len(uses) > live*3/4 {
		return
	}
	in.Facts, in.Uses = facts, uses
	now, o := amountTo(&in)
	rest, ok := who.published.without(&now)
	if !ok {
		return // it would not be what it was
	}
	who.freezeAllBut(facts, uses)
	who.frozen.before, who.frozen.tried = line, len(facts)+len(uses)
	who.frozen.records = who.frozen.records.and(&rest)
	who.published = now
	p.dues.set(who, o.Next)
}

func (who *person) freezeAllBut(facts []*schemas.Fact, uses []correlate.Use) {
	open := make(map[string]struct{}, len(facts))
	for _, f := range facts {
		open[f.ID] = struct{}{}
	}
	used := make(map[correlate.UseKey]struct{}, len(uses))
	for i := range uses {
		used[uses[i].UseKey] = struct{}{}
	}
	for i := range who.facts {
		h := &who.facts[i]
		if _, ok := open[h.fact.ID]; !ok && !h.frozen && !h.gone {
			h.frozen = true
			who.frozen.held++
		}
	}
	for i := range who.uses {
		h := &who.uses[i]
		if _, ok := used[h.use.UseKey]; !ok && !h.frozen && !h.gone {
			h.frozen = true
			who.frozen.held++
		}
	}
}

// and is both together.
func (p *published) and(o *published) published {
	return published{
		slices.Concat(o.grants, p.grants), slices.Concat(o.assumptions, p.assumptions), slices.Concat(o.sessions, p.sessions),
		slices.Concat(o.findings, p.findings), slices.Concat(o.uses, p.uses),
	}
}

// without is what is in p and not in o; false when something of o is not in p, or
// otherwise.
func (p *published) without(o *published) (rest published, ok bool) {
	ok = true
	rest.grants, ok = minus(p.grants, o.grants, grantID, sameGrant, ok)
	rest.assumptions, ok = minus(p.assumptions, o.assumptions, assumptionID, sameAssumption, ok)
	rest.sessions, ok = minus(p.sessions, o.sessions, sessionID, sameSession, ok)
	rest.findings, ok = minus(p.findings, o.findings, findingID, sameFinding, ok)
	rest.uses, ok = minus(p.uses, o.uses, useRecordID, sameUseRecord, ok)
	return rest, ok
}

func minus[T any](all, less []T, meta func(*T) (string, *schemas.Meta), same func(a, b *T) bool, ok bool) ([]T, bool) {
	known := make(map[string]*T, len(less))
	for i := range less {
		id, _ := meta(&less[i])
		known[id] = &less[i]
	}
	var rest []T
	for i := range all {
		id, _ := meta(&all[i])
		switch other := known[id]; {
		case other == nil:
			rest = append(rest, all[i])
		case !same(other, &all[i]):
			return nil, false
		default:
			delete(known, id)
		}
	}
	return rest, ok && len(known) == 0
}
