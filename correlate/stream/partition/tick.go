package partition

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"jitaudit/correlate/stream/entry"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// Output is what a tick lets out.
type Output struct {
	// Entries are for the facts topic: for the partition of their To, or, of the
	// Relays, for every partition, after all others have been acknowledged.
	Entries []*entry.Entry
	Relays  []*entry.Entry
	// Own are for this very partition of the facts topic.
	Own []*entry.Entry
	// Results are for the topics of the results, Calls for that of activity.
	Results []Result
	Calls   []Call
	// Covered are for the topic of coverage, after all else has been acknowledged:
	// they say that it is there.
	Covered []Result
	// Late are facts whose interval had been sealed.
	Late []Late
	// Unneeded are the offsets of records that need not be remembered any more,
	// once the tick has been committed.
	Unneeded []int64
}

// Result is one version of one record.
type Result struct {
	Topic, ID string
	Value     []byte
	// Cause says why, where it was not that events came.
	Cause schemas.Cause
}

// Tick settles everything up to the offset of a tick, which is the version of
// what comes out.
func (p *Partition) Tick(version int64, at time.Time) (Output, error) {
	var out Output
	p.packer.ticks++
	if p.policies.set == nil {
		return out, nil // nothing can be judged
	}
	changed := p.coverage.advance(p.stalledAfter())
	if len(changed.shards) > 0 || changed.known || p.policies.changed {
		p.coverage.judge(p.policies.orgs())
		p.policies.changed = false
		p.touchUndecided()
	}
	p.touchCorrected()
	for _, h := range slices.SortedFunc(maps.Keys(p.touchedHomes), func(a, b *home) int { return strings.Compare(a.name, b.name) }) {
		p.settleHome(h, version, &out)
		if err := p.packer.pack(); err != nil {
			return out, err
		}
	}
	clear(p.touchedHomes)
	p.relay(changed, &out)
	p.touchDue(changed)
	p.touchConcerned()
	m := schemas.Meta{Version: version, Observed: at.UTC()}
	for _, who := range slices.SortedFunc(maps.Keys(p.touchedPersons), func(a, b *person) int { return strings.Compare(a.key, b.key) }) {
		if err := p.settlePerson(who, m, &out); err != nil {
			return out, err
		}
		if err := p.packer.pack(); err != nil {
			return out, err
		}
	}
	clear(p.touchedPersons)
	clear(p.rejudged)
	if err := p.sealPast(); err != nil {
		return out, err
	}
	p.draw(&out)
	if err := p.packer.pack(); err != nil {
		return out, err
	}
	for _, shard := range changed.further[rounds-2] {
		r, err := p.covered(shard, m)
		if err != nil {
			return out, err
		}
		out.Covered = append(out.Covered, r)
	}
	out.Late, p.late = p.late, nil
	out.Unneeded = p.refs.unneeded()
	return out, nil
}

// Settle ends restoring: what the restored records amounted to has come out
// before. It returns the offsets of records that need not be remembered.
func (p *Partition) Settle(version int64) ([]int64, error) {
	out, err := p.Tick(version, time.Time{})
	p.stats, p.line.ticks = Stats{}, 0
	if next, ok := p.nextLine(); ok && p.engine.number == 0 && !p.line.known {
		// The first release drew lines by the coverage alone.
		p.line.seal, p.line.park, p.line.moved = next.Seal, next.Park, true
		err = errors.Join(err, p.sealPast())
		out.Unneeded = append(out.Unneeded, p.refs.unneeded()...)
	}
	return out.Unneeded, err
}

func (p *Partition) stalledAfter() time.Duration {
	shortest := p.policies.set.All()[0].Bounds.StalledAfter
	for _, q := range p.policies.set.All() {
		shortest = min(shortest, q.Bounds.StalledAfter)
	}
	return shortest
}

// relay tells the other partitions of what is taken into account here: of what the
// sources have said, and of what all have told each other the round before.
func (p *Partition) relay(changed coverageChange, out *Output) {
	tell := func(round int, shard string, s spans) {
		out.Relays = append(out.Relays, &entry.Entry{Relay: &entry.Relay{Home: p.cfg.Partition, Shard: shard, Round: round, Spans: s.intervals()}})
	}
	for _, shard := range p.coverage.unsaid() {
		tell(0, shard, p.coverage.source[shard].spans)
	}
	said := changed.shards
	for i, next := range changed.further {
		for _, shard := range said {
			tell(i+1, shard, p.coverage.rounds[i].all[shard])
		}
		said = next
	}
}

// covered is the record of how far a shard is taken into account.
func (p *Partition) covered(shard string, m schemas.Meta) (Result, error) {
	r := schemas.Covered{
		ID: strconv.Itoa(p.cfg.Partition) + "/" + shard, Partition: p.cfg.Partition, Partitions: p.cfg.Partitions,
		Shard: shard, Intervals: p.coverage.rounds[rounds-1].all[shard].intervals(), Meta: m,
	}
	value, err := encode(&r)
	return Result{Topic: topics.Coverage, ID: r.ID, Value: value}, err
}

// forgetClaims drops what nothing will ask for: assertions, which are used soon
// or never, and corrections of what has been dropped.
func (p *Partition) forgetClaims(before time.Time) {
	for k, c := range p.claims.assertions {
		if c.since < before.UnixMicro() {
			p.refs.release(c.offset)
			delete(p.claims.assertions, k)
		}
	}
	p.directory.Forget(before.UnixMicro())
	for id, c := range p.corrected {
		if c.at.Before(before) {
			p.refs.release(c.offset)
			delete(p.corrected, id)
		}
	}
}
