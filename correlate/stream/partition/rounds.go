package partition

import (
	"slices"
	"strings"

	"jitaudit/correlate/stream/entry"
	"jitaudit/schemas"
)

// rounds is how often partitions tell each other of the same coverage. Once all
// have for the first time, homes have all that events say, and absence is judged.
// What follows from that, that nobody can be found for a use, and to whom the role
// belongs that a session assumed, stands before what they tell each other then; and
// what follows from that in turn, of a role that was assumed from there, before the
// third time. Coverage is published after that.
const rounds = 3

// round is what partitions have told each other of coverage once more.
type round struct {
	relayed []map[string]*relayed
	all     map[string]spans    // what all have, as of the last tick
	news    map[string]struct{} // shards of which one said more since the last tick
}

type relayed struct {
	spans   spans
	offsets []int64
}

// takeRelay learns what a partition has taken into account. What this partition
// said of itself first stands for the records it was said after.
func (c *coverage) takeRelay(offset int64, e *entry.Relay, own bool, r *refs) bool {
	round := &c.rounds[e.Round]
	known := round.relayed[e.Home][e.Shard]
	if known == nil {
		known = &relayed{}
		round.relayed[e.Home][e.Shard] = known
	}
	said := spansOf(e.Spans)
	grew := false
	for _, s := range said {
		grew = known.spans.add(s) || grew
	}
	if !grew {
		return false
	}
	if slices.Equal(known.spans, said) {
		for _, o := range known.offsets {
			r.release(o)
		}
		known.offsets = known.offsets[:0]
	}
	known.offsets = append(known.offsets, offset)
	r.hold(offset)
	round.news[e.Shard] = struct{}{}
	if own && e.Round == 0 {
		c.settle(e.Shard, said, r)
	}
	return true
}

// settle lets go of the increments that an own relay stands for.
func (c *coverage) settle(shard string, said spans, r *refs) {
	s := c.sourceOf(shard)
	for _, in := range said {
		s.spans.add(in) // only when restored
	}
	s.increments = slices.DeleteFunc(s.increments, func(in increment) bool {
		if said.hold(in.span) {
			r.release(in.offset)
			return true
		}
		return false
	})
}

// advance brings all up to date, and returns the shards of which it has changed,
// sorted.
func (r *round) advance() (changed []string) {
	for shard := range r.news {
		if now := r.everywhere(shard); !slices.Equal(r.all[shard], now) {
			r.all[shard] = now
			changed = append(changed, shard)
		}
	}
	clear(r.news)
	slices.Sort(changed)
	return changed
}

// everywhere is what all partitions have taken into account of a shard.
func (r *round) everywhere(shard string) spans {
	var out spans
	for i, of := range r.relayed {
		r := of[shard]
		if r == nil {
			return nil
		}
		if i == 0 {
			out = slices.Clone(r.spans)
			continue
		}
		out = out.and(r.spans)
	}
	return out
}

// list is all, as others know coverage.
func (r *round) list() []schemas.Coverage {
	var out []schemas.Coverage
	for shard, spans := range r.all {
		for _, s := range spans {
			out = append(out, schemas.Coverage{Shard: shard, From: s.from, To: s.to, Basis: schemas.CoverageAssumed})
		}
	}
	slices.SortFunc(out, func(a, b schemas.Coverage) int {
		if d := strings.Compare(a.Shard, b.Shard); d != 0 {
			return d
		}
		return a.From.Compare(b.From)
	})
	return out
}
