package partition

import (
	"maps"
	"slices"
	"strings"
	"time"

	"jitaudit/correlate"
	"jitaudit/schemas"
)

// coverage is what the partition knows of each shard: what the sources have
// said, what each partition has taken into account, and, where all have, what
// absence can be judged by.
type coverage struct {
	source map[string]*source
	rounds [rounds]round
	// all is what every partition has taken into account, in the first round;
	// judged is the same for Rebuild. Both are as of the last tick.
	all    map[string]spans
	judged correlate.Coverage

	// expected are the shards that are collected, with the record that said so
	// first.
	expected map[string]int64

	grown map[string]struct{} // shards of which the sources said more since the last tick
	// awaited are shards that are known to be collected since the last tick.
	awaited map[string]struct{}
}

// coverageChange is what has changed since the last tick.
type coverageChange struct {
	shards []string // in the first round, sorted
	// further are the shards of which all have said more in the later rounds, sorted.
	further [rounds - 1][]string
	// irregular is set when an org's has changed otherwise than by growing at its
	// end, so that what was not due may have become so; accounts are those of
	// which a shard has.
	irregular bool
	accounts  map[string]bool
	known     bool // more shards are known to be collected
}

// source is what a shard's collector has said, and by which records.
type source struct {
	spans      spans
	increments []increment
}

// longAgo is before all events.
var longAgo = time.Unix(0, 0).UTC()

type increment struct {
	span
	offset int64
}

func newCoverage(partitions int) *coverage {
	c := &coverage{
		source: make(map[string]*source), expected: make(map[string]int64), grown: make(map[string]struct{}),
		awaited: make(map[string]struct{}),
	}
	for i := range c.rounds {
		r := &c.rounds[i]
		r.relayed, r.all, r.news = make([]map[string]*relayed, partitions), make(map[string]spans), make(map[string]struct{})
		for n := range r.relayed {
			r.relayed[n] = make(map[string]*relayed)
		}
	}
	c.all = c.rounds[0].all
	c.judged = correlate.NewCoverage(nil)
	return c
}

// expect learns that shards are collected. A feed of approvals is never covered,
// and holds nothing up.
func (c *coverage) expect(offset int64, shards []string, r *refs) (kept bool) {
	for _, s := range shards {
		if strings.HasPrefix(s, schemas.ApprovalsShard("")) {
			continue
		}
		if _, known := c.expected[s]; !known {
			c.expected[s] = offset
			c.awaited[s] = struct{}{}
			r.hold(offset)
			kept = true
		}
	}
	return kept
}

// take learns what a source says of itself.
func (c *coverage) take(offset int64, said *schemas.Coverage, r *refs) bool {
	s := c.sourceOf(said.Shard)
	in := increment{span{said.From, said.To}, offset}
	if !s.spans.add(in.span) {
		return false
	}
	s.increments = append(s.increments, in)
	r.hold(offset)
	c.grown[said.Shard] = struct{}{}
	return true
}

func (c *coverage) sourceOf(shard string) *source {
	s := c.source[shard]
	if s == nil {
		s = &source{}
		c.source[shard] = s
	}
	return s
}

// advance brings all up to date, and says what has changed.
func (c *coverage) advance(stalledAfter time.Duration) coverageChange {
	change := coverageChange{accounts: make(map[string]bool), known: len(c.awaited) > 0}
	latest := map[string]time.Time{okta: c.latest(okta), aws: c.latest(aws)}
	before := maps.Clone(c.all)
	change.shards = c.rounds[0].advance()
	for i := range change.further {
		change.further[i] = c.rounds[i+1].advance()
	}
	for _, shard := range change.shards {
		before, now := before[shard], c.all[shard]
		grown := len(before) > 0 && len(now) == len(before) && now[0].from.Equal(before[0].from)
		if grown && latest[sourceOf(shard)].Sub(before[len(before)-1].to) <= stalledAfter {
			continue
		}
		change.irregular = change.irregular || isOkta(shard)
		change.account(shard)
	}
	for shard := range c.awaited {
		change.account(shard)
	}
	clear(c.awaited)
	return change
}

func (c *coverageChange) account(shard string) {
	if a, ok := accountOf(shard); ok {
		c.accounts[a] = true
	}
}

// judge makes coverage ready for Rebuild. A log of which nothing is covered yet
// is one that is still to come, not one with a hole, nor one that there is not: it
// is as if it had been covered long ago and no further, so that what needs it is
// pending.
func (c *coverage) judge(orgs []string) {
	list := c.rounds[0].list()
	come := func(shard string) {
		if len(c.all[shard]) == 0 {
			list = append(list, schemas.Coverage{Shard: shard, From: longAgo, To: longAgo.Add(1), Basis: schemas.CoverageAssumed})
		}
	}
	for _, org := range orgs {
		come(schemas.OktaShard(org))
	}
	for shard := range c.expected {
		if !isOkta(shard) {
			come(shard)
		}
	}
	c.judged = correlate.NewCoverage(list)
}

// explains reports whether what could explain the use of a role of an account at
// a time is known: all shards of the account are covered beyond it, and all
// others of AWS, from which the role may have been assumed, unless they have
// stopped.
func (c *coverage) explains(account string, at time.Time, stalledAfter time.Duration) bool {
	latest, own := c.latest(aws), false
	enough := func(shard string) bool {
		a, ok := accountOf(shard)
		end := c.end(shard)
		own = own || a == account
		return !ok || end.After(at) || a != account && latest.Sub(end) > stalledAfter
	}
	for shard := range c.all {
		if !enough(shard) {
			return false
		}
	}
	for shard := range c.expected {
		if !enough(shard) {
			return false
		}
	}
	return own
}

// unsaid returns, as of now, the shards of which the sources have said more than
// this partition's homes have passed on, and forgets that they have.
func (c *coverage) unsaid() []string {
	out := make([]string, 0, len(c.grown))
	for shard := range c.grown {
		out = append(out, shard)
	}
	clear(c.grown)
	slices.Sort(out)
	return out
}

// end is how far a shard is taken into account everywhere.
func (c *coverage) end(shard string) time.Time {
	if s := c.all[shard]; len(s) > 0 {
		return s[len(s)-1].to
	}
	return time.Time{}
}

// latest is how far the most advanced shard of a source is taken into account.
func (c *coverage) latest(source string) (latest time.Time) {
	for shard := range c.all {
		if to := c.end(shard); sourceOf(shard) == source && to.After(latest) {
			latest = to
		}
	}
	return latest
}

// The sources of shards, as their names begin.
const (
	okta = "okta"
	aws  = "aws"
)

func sourceOf(shard string) string {
	source, _, _ := strings.Cut(shard, "/")
	return source
}

// accountOf is the account that a shard of AWS is of.
func accountOf(shard string) (string, bool) {
	rest, ok := strings.CutPrefix(shard, aws+"/")
	account, _, _ := strings.Cut(rest, "/")
	return account, ok
}

// passed is the instant that all shards have passed; false when one that is
// collected is not covered at all, or none is of Okta.
func (c *coverage) passed() (line time.Time, ok bool) {
	for shard := range c.expected {
		if len(c.all[shard]) == 0 {
			return line, false
		}
	}
	for shard, s := range c.all {
		if len(s) == 0 {
			continue
		}
		ok = ok || isOkta(shard)
		if to := c.end(shard); line.IsZero() || to.Before(line) {
			line = to
		}
	}
	return line, ok
}

func isOkta(shard string) bool { return sourceOf(shard) == okta }

// spans are disjoint intervals that do not touch, by time.
type spans []span

type span struct{ from, to time.Time } // [from, to)

func spansOf(list []schemas.Interval) (out spans) {
	for _, i := range list {
		out.add(span{i.From, i.To})
	}
	return out
}

func (s spans) intervals() []schemas.Interval {
	out := make([]schemas.Interval, len(s))
	for i, in := range s {
		out[i] = schemas.Interval{From: in.from, To: in.to, Basis: schemas.CoverageAssumed}
	}
	return out
}

// hold reports whether an interval lies within one of s.
func (s spans) hold(in span) bool {
	return slices.ContainsFunc(s, func(o span) bool { return !in.from.Before(o.from) && !in.to.After(o.to) })
}

// add reports whether the interval adds anything.
func (s *spans) add(in span) bool {
	if !in.from.Before(in.to) || s.hold(in) {
		return false
	}
	rest := (*s)[:0:0]
	for _, o := range *s {
		if o.to.Before(in.from) || in.to.Before(o.from) {
			rest = append(rest, o)
			continue
		}
		if o.from.Before(in.from) {
			in.from = o.from
		}
		if in.to.Before(o.to) {
			in.to = o.to
		}
	}
	rest = append(rest, in)
	slices.SortFunc(rest, func(a, b span) int { return a.from.Compare(b.from) })
	*s = rest
	return true
}

// and is what lies in both.
func (s spans) and(o spans) (out spans) {
	for _, a := range s {
		for _, b := range o {
			from, to := a.from, a.to
			if b.from.After(from) {
				from = b.from
			}
			if b.to.Before(to) {
				to = b.to
			}
			if from.Before(to) {
				out = append(out, span{from, to})
			}
		}
	}
	return out
}
