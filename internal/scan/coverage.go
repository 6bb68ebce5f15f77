package scan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"jitaudit/schemas"
)

// Complete says that a source, or every source, holds all events of an interval.
type Complete struct {
	Source   schemas.Source // "" stands for both
	From, To time.Time
}

// Gap is an interval [From, To) that a shard does not hold.
type Gap struct {
	Shard    string
	From, To time.Time
}

// ParseComplete reads FROM/TO, okta=FROM/TO or cloudtrail=FROM/TO. FROM and TO
// are RFC 3339 times or dates; a date is its first instant in UTC.
func ParseComplete(s string) (Complete, error) {
	source, interval, named := strings.Cut(s, "=")
	if !named {
		source, interval = "", s
	}
	c := Complete{Source: schemas.Source(source)}
	if named && c.Source != schemas.Okta && c.Source != schemas.CloudTrail {
		return c, fmt.Errorf("%q: %q is no source, write okta=FROM/TO or cloudtrail=FROM/TO", s, source)
	}
	var err error
	c.From, c.To, err = parseInterval(interval)
	return c, err
}

// ParseGap reads SHARD=FROM/TO, with times as ParseComplete takes them.
func ParseGap(s string) (Gap, error) {
	shard, interval, ok := strings.Cut(s, "=")
	if !ok || shard == "" {
		return Gap{}, fmt.Errorf("%q names no shard, write okta/ORG=FROM/TO or aws/ACCOUNT/REGION=FROM/TO", s)
	}
	g := Gap{Shard: shard}
	var err error
	g.From, g.To, err = parseInterval(interval)
	return g, err
}

func parseInterval(s string) (from, to time.Time, err error) {
	a, b, ok := strings.Cut(s, "/")
	if !ok {
		return from, to, fmt.Errorf("%q is no interval, write FROM/TO, such as 2026-01-01/2026-02-01", s)
	}
	if from, err = parseInstant(a); err != nil {
		return from, to, err
	}
	if to, err = parseInstant(b); err != nil {
		return from, to, err
	}
	if !from.Before(to) {
		return from, to, fmt.Errorf("%q: %s is not before %s", s, a, b)
	}
	return from, to, nil
}

func parseInstant(s string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%q is no time, write 2026-01-31 or 2026-01-31T08:00:00Z", s)
	}
	return t.UTC(), nil
}

// seen is, per shard, between which instants there are events.
type seen map[string]*bounds

type bounds struct{ first, last time.Time }

func (s seen) shard(name string) *bounds {
	b := s[name]
	if b == nil {
		b = &bounds{}
		s[name] = b
	}
	return b
}

// okta notes an org that there are files of, if perhaps no events.
func (s seen) okta(org string) { s.shard(schemas.OktaShard(org)) }

func (s seen) add(shard string, at time.Time) { s.shard(shard).add(at) }

func (b *bounds) add(at time.Time) {
	if b.first.IsZero() || at.Before(b.first) {
		b.first = at
	}
	if at.After(b.last) {
		b.last = at
	}
}

func (b *bounds) merge(o bounds) {
	if !o.first.IsZero() {
		b.add(o.first)
		b.add(o.last)
	}
}

func (s seen) merge(o seen) {
	for shard, b := range o {
		s.shard(shard).merge(*b)
	}
}

func (s seen) bounds() (first, last time.Time) {
	var all bounds
	for _, b := range s {
		all.merge(*b)
	}
	return all.first, all.last
}

func isOkta(shard string) bool { return strings.HasPrefix(shard, schemas.OktaShard("")) }

// coverage says where the logs are complete.
func (s *scan) coverage(seen seen) ([]schemas.Coverage, error) {
	list := slices.Clone(s.opts.Coverage)
	if s.opts.Coverage == nil {
		list = s.assumed(seen)
	}
	for _, g := range s.opts.Gaps {
		if _, ok := seen[g.Shard]; !ok && !covers(list, g.Shard) {
			return nil, fmt.Errorf("a gap is given for %s, which no event comes from; there are %s", g.Shard, some(seen))
		}
		list = cut(list, g)
	}
	slices.SortFunc(list, func(a, b schemas.Coverage) int {
		return cmp.Or(strings.Compare(a.Shard, b.Shard), a.From.Compare(b.From), a.To.Compare(b.To))
	})
	return list, nil
}

// assumed takes the logs for complete in the intervals that were given, else
// from the first to the last event less the longest assertion window at both
// ends: what explains an event there might lie beyond. The shards of CloudTrail
// are delivered together, so that a quiet region is as complete as a busy one.
func (s *scan) assumed(seen seen) []schemas.Coverage {
	var window time.Duration
	for _, p := range s.opts.Policies.All() {
		window = max(window, p.Bounds.AssertionWindow)
	}
	var trail bounds
	for shard, b := range seen {
		if !isOkta(shard) {
			trail.merge(*b)
		}
	}
	var list []schemas.Coverage
	add := func(shard string, from, to time.Time) {
		if from.Before(to) {
			list = append(list, schemas.Coverage{Shard: shard, From: from, To: to, Basis: schemas.CoverageAssumed})
		}
	}
	for shard, b := range seen {
		source := schemas.Okta
		if !isOkta(shard) {
			source, b = schemas.CloudTrail, &trail
		}
		given := false
		for _, c := range s.opts.Complete {
			if c.Source == "" || c.Source == source {
				given = true
				add(shard, c.From, c.To)
			}
		}
		if !given && !b.first.IsZero() {
			add(shard, b.first.Add(window), b.last.Add(-window))
		}
	}
	return list
}

func covers(list []schemas.Coverage, shard string) bool {
	return slices.ContainsFunc(list, func(c schemas.Coverage) bool { return c.Shard == shard })
}

func some(seen seen) string {
	names := make([]string, 0, len(seen))
	for shard := range seen {
		names = append(names, shard)
	}
	slices.Sort(names)
	const shown = 5
	if len(names) > shown {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
	}
	return strings.Join(names, ", ")
}

// cut takes a gap out of the coverage of its shard.
func cut(list []schemas.Coverage, g Gap) []schemas.Coverage {
	var out []schemas.Coverage
	for _, c := range list {
		if c.Shard != g.Shard || !c.From.Before(g.To) || !g.From.Before(c.To) {
			out = append(out, c)
			continue
		}
		if left := c; left.From.Before(g.From) {
			left.To = g.From
			out = append(out, left)
		}
		if right := c; g.To.Before(right.To) {
			right.From = g.To
			out = append(out, right)
		}
	}
	return out
}
