// Package partition rebuilds what one partition of the facts topic amounts to.
// It is pure: what comes out at a tick is a function of the records up to it,
// whatever was restored from where. Homes find out whose the facts of CloudTrail
// are, persons are rebuilt from what is theirs; both may lie in any partition
// and speak to each other through the topic. docs/stream.md has the whole.
package partition

import (
	"fmt"
	"time"

	"jitaudit/correlate"
	"jitaudit/correlate/identity"
	"jitaudit/correlate/stream/entry"
	"jitaudit/schemas"
)

// Config says which partition it is, and what is final when.
type Config struct {
	Partition, Partitions int
	// Horizon is how far coverage must have passed the end of a session before
	// it is sealed.
	Horizon time.Duration
}

// Partition is one partition's state. It is not safe for concurrent use.
type Partition struct {
	cfg       Config
	policies  *policies
	directory *identity.Directory
	coverage  *coverage
	claims    *heldClaims
	corrected map[string]correction
	// newlyCorrected are those since the last tick.
	newlyCorrected map[string]struct{}
	homes          map[string]*home
	persons        map[string]*person
	// waiting are homes by the claims that the owners of their facts depend on.
	waiting map[string]*waiting
	// touched are homes and persons that must be looked at by the next tick.
	touchedHomes   map[*home]struct{}
	touchedPersons map[*person]bool // true: all of what is theirs
	// rejudged are those of them of whom nothing has come, with why they are looked at.
	rejudged map[*person]schemas.Cause
	// undecided are homes with uses of which something may have to be said once
	// more is covered.
	undecided map[*home]undecided
	shared    *shared
	dues      *dues
	words     *words
	packer    *packer
	// freezeFrom is of how many facts and uses a person is frozen.
	freezeFrom int

	refs   *refs
	engine engine
	line   lines
	late   []Late
	stats  Stats
}

type correction struct {
	rank   uint64
	at     time.Time
	offset int64
}

// Stats counts what came in since the partition was made or restored.
type Stats struct {
	// Facts and Calls are those that were new, Duplicates their equal copies,
	// Late those whose interval had been sealed.
	Facts, Calls, Duplicates, Late int64
	// Persons and Homes are held now; Unsealed are the facts that they hold.
	Persons, Homes int
}

// Late is a fact that came after its interval was sealed.
type Late struct {
	ID     string
	At     time.Time
	Source schemas.Source
	Offset int64
}

// New returns an empty partition.
func New(cfg Config) *Partition {
	return &Partition{
		cfg:            cfg,
		policies:       newPolicies(),
		coverage:       newCoverage(cfg.Partitions),
		claims:         newHeldClaims(),
		corrected:      make(map[string]correction),
		newlyCorrected: make(map[string]struct{}),
		homes:          make(map[string]*home),
		persons:        make(map[string]*person),
		waiting:        make(map[string]*waiting),
		touchedHomes:   make(map[*home]struct{}),
		touchedPersons: make(map[*person]bool),
		rejudged:       make(map[*person]schemas.Cause),
		undecided:      make(map[*home]undecided),
		shared:         newShared(),
		dues:           newDues(),
		freezeFrom:     freezeFrom,
		packer:         newPacker(cfg.Partitions),
		words:          newWords(),
		refs:           newRefs(),
	}
}

// Apply takes in the record at an offset. Kept is whether the record must be
// remembered: restored with Restore, the kept ones make the same partition.
// Ticks are not for Apply.
func (p *Partition) Apply(offset int64, e *entry.Entry) (kept bool, err error) {
	switch {
	case e.Fact != nil && entry.IsHome(e.To):
		return p.homeFact(offset, e), nil
	case e.Fact != nil:
		return p.personFact(offset, e.To, e.Fact), nil
	case len(e.Calls) > 0:
		return p.calls(offset, e)
	case e.Sent != nil:
		return p.sent(offset, e.To, e.Sent), nil
	case e.Chained != nil:
		return p.chained(offset, e.To, e.Chained), nil
	case e.Policy != nil:
		return p.policy(offset, e.Policy)
	}
	for _, f := range e.Shared {
		kept = p.sharedFact(offset, f) || kept
	}
	for _, c := range e.Claims {
		kept = p.claim(offset, c) || kept
	}
	for _, c := range e.Corrections {
		kept = p.correct(offset, c) || kept
	}
	if e.Line != nil {
		kept = p.drawn(offset, e.Line) || kept
	}
	if e.Engine > 0 {
		kept = p.tookOver(offset, e.Engine) || kept
	}
	kept = p.coverage.expect(offset, e.Shards, p.refs) || kept
	for _, c := range e.Coverage {
		kept = p.coverage.take(offset, &c, p.refs) || kept
	}
	if e.Relay != nil {
		if e.Relay.Home < 0 || e.Relay.Home >= p.cfg.Partitions {
			return false, fmt.Errorf("it speaks of partition %d, of %d", e.Relay.Home, p.cfg.Partitions)
		}
		if e.Relay.Round < 0 || e.Relay.Round >= rounds {
			return false, fmt.Errorf("it speaks of round %d of coverage, of %d", e.Relay.Round, rounds)
		}
		kept = p.coverage.takeRelay(offset, e.Relay, e.Relay.Home == p.cfg.Partition, p.refs) || kept
	}
	return kept, nil
}

// Stats tells how much is held.
func (p *Partition) Stats() Stats {
	s := p.stats
	s.Persons, s.Homes = len(p.persons), len(p.homes)
	return s
}

// Covered is how far all partitions are known to have taken each shard into
// account.
func (p *Partition) Covered() []schemas.Coverage { return p.coverage.rounds[rounds-1].list() }

func (p *Partition) policy(offset int64, e *entry.Policy) (bool, error) {
	kept, err := p.policies.take(offset, e, p.refs)
	if err != nil || !kept {
		return kept, err
	}
	set := p.policies.set
	if p.directory == nil {
		p.directory = identity.NewDirectory(set)
		for _, c := range p.policies.waiting {
			p.directory.Learn(c)
		}
		p.policies.waiting = nil
	} else {
		p.directory.Judge(set)
	}
	for _, h := range p.homes {
		h.moved, h.owners = true, nil
		p.touchedHomes[h] = struct{}{}
	}
	p.rejudge(schemas.ByPolicy)
	return kept, nil
}

// correct notes that a copy with an addendum exists. Where the others are is
// looked for by the next tick.
func (p *Partition) correct(offset int64, c entry.Correction) bool {
	before, known := p.corrected[c.ID]
	if known && before.rank >= c.Rank {
		return false
	}
	if known {
		p.refs.release(before.offset)
	}
	p.corrected[c.ID] = correction{c.Rank, c.At, offset}
	p.refs.hold(offset)
	p.newlyCorrected[c.ID] = struct{}{}
	return true
}

// touchCorrected lets the next tick look at homes that hold a copy of an event
// that has been corrected.
func (p *Partition) touchCorrected() {
	if len(p.newlyCorrected) == 0 {
		return
	}
	for _, h := range p.homes {
		if p.concern(h, p.newlyCorrected) {
			p.touchedHomes[h] = struct{}{}
		}
	}
	clear(p.newlyCorrected)
}

// outranked reports whether a better copy of an event is known.
func (p *Partition) outranked(id string, rank uint64) bool { return p.corrected[id].rank > rank }

// input is what a person is rebuilt from.
func (p *Partition) input(who *person) correlate.Input {
	return correlate.Input{
		Person: who.Person(), Facts: who.list(), Uses: who.usesList(), Shared: p.concerning(who),
		Policies: p.policies.set, Coverage: p.coverage.judged, GoesBy: who.goesBy,
	}
}
