package correlate

import (
	"slices"
	"strings"
	"time"

	"jitaudit/schemas"
)

// Coverage tells for each shard in which intervals every event is held.
type Coverage struct {
	shards map[string][]span
	// latest is, per source (the shard's name up to its first "/"), how far the
	// most advanced shard is covered.
	latest map[string]time.Time
}

type span struct{ from, to time.Time } // [from, to)

// NewCoverage joins overlapping and touching intervals.
func NewCoverage(list []schemas.Coverage) Coverage {
	c := Coverage{shards: make(map[string][]span), latest: make(map[string]time.Time)}
	for _, l := range list {
		if l.From.Before(l.To) {
			c.shards[l.Shard] = append(c.shards[l.Shard], span{l.From, l.To})
		}
	}
	for shard, spans := range c.shards {
		slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
		joined := spans[:1]
		for _, s := range spans[1:] {
			last := &joined[len(joined)-1]
			if s.from.After(last.to) {
				joined = append(joined, s)
			} else if s.to.After(last.to) {
				last.to = s.to
			}
		}
		c.shards[shard] = joined
		source := sourceOf(shard)
		if to := joined[len(joined)-1].to; to.After(c.latest[source]) {
			c.latest[source] = to
		}
	}
	return c
}

func sourceOf(shard string) string {
	source, _, _ := strings.Cut(shard, "/")
	return source
}

// Missing says why [from, to] of a shard cannot be judged; the empty reason
// means that it is covered. Both ends are included, so the shard must be
// covered beyond to. A shard that has stopped stalledAfter behind the most
// advanced one of its source has a gap, not a delay.
func (c Coverage) Missing(shard string, from, to time.Time, stalledAfter time.Duration) schemas.UnjudgedReason {
	spans := c.shards[shard]
	if len(spans) == 0 {
		return schemas.InGap
	}
	// begun is how many intervals begin no later than from: only the last of them
	// can hold it.
	begun, _ := slices.BinarySearchFunc(spans, from, func(s span, t time.Time) int {
		if s.from.After(t) {
			return 1
		}
		return -1
	})
	if begun == 0 {
		return schemas.BeforeCoverage
	}
	end := spans[begun-1].to
	switch {
	case from.Before(end) && to.Before(end):
		return ""
	case begun < len(spans):
		return schemas.InGap
	}
	return c.tail(shard, end, stalledAfter)
}

func (c Coverage) tail(shard string, end time.Time, stalledAfter time.Duration) schemas.UnjudgedReason {
	if c.latest[sourceOf(shard)].Sub(end) > stalledAfter {
		return schemas.InGap
	}
	return schemas.Pending
}

// end is how far a shard is covered; the zero time if it is not.
func (c Coverage) end(shard string) time.Time {
	if spans := c.shards[shard]; len(spans) > 0 {
		return spans[len(spans)-1].to
	}
	return time.Time{}
}

// named are the shards that a need names: itself or, when it ends in "/*", all
// that are known below. Where none is, what is missing is the need itself, of
// which nothing is covered.
func (c Coverage) named(shard string) []string {
	prefix, wild := strings.CutSuffix(shard, "*")
	if !wild {
		return []string{shard}
	}
	var out []string
	for s := range c.shards {
		if strings.HasPrefix(s, prefix) {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return []string{shard}
	}
	slices.Sort(out)
	return out
}
