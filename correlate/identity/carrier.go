package identity

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// handles are who carries each handle, sorted by person.
type handles map[string][]carrier

// carrier is somebody who carries a handle, or did: from the first time that they
// were seen with it, or that a change of name gave it to them, until a change of
// name takes it away or they are deactivated. It is theirs again when a change of
// name gives it back. Where none does, an end does not count if they were seen with
// it on a later day (UTC): whoever else carried it meanwhile came to it later, and
// so comes first for that time.
//
// There is one for each handle of each person, and it stays small however much they
// do. Of all times at which they were seen the first and the last day are enough.
type carrier struct {
	who *user
	// first is when they were first seen with it, in microseconds since 1970;
	// never: not yet.
	first int64
	// last is the last day on which they were seen to carry it still; noDay: none.
	last    int64
	changes *changes // nil: none is known
}

// changes are when changes of name gave a handle and took it away, sorted.
type changes struct{ given, taken []int64 }

const (
	never = math.MaxInt64
	noDay = math.MinInt64
)

// stretch is the time in which somebody carries a handle: since ≤ t < until.
type stretch struct{ since, until int64 }

// at returns the latest stretch that had begun by t, whether it was over by then or
// not. Of somebody who only begins later it is over before everything, and the
// later in since the sooner they begin.
func (c *carrier) at(t int64) stretch {
	if c.changes == nil && len(c.who.left) == 0 {
		if c.first <= t {
			return stretch{c.first, never}
		}
		return c.later()
	}
	var s stretch
	known := false
	for _, e := range c.events() {
		if e.at > t {
			break
		}
		open := s.until == never
		switch {
		case e.begins && !open:
			s, known = stretch{e.at, never}, true
		case !e.begins && open:
			s.until = e.at
		case e.taken && !known:
			s, known = stretch{e.at, e.at}, true // they had carried it, who knows since when
		}
	}
	if !known {
		return c.later()
	}
	return s
}

// later is the stretch of somebody who has not begun.
func (c *carrier) later() stretch {
	first := c.first
	if c.changes != nil {
		for _, times := range [...][]int64{c.changes.given, c.changes.taken} {
			if len(times) > 0 {
				first = min(first, times[0])
			}
		}
	}
	return stretch{since: -first, until: math.MinInt64}
}

// event is something that begins a stretch or ends it, by a change of name or not.
type event struct {
	at            int64
	begins, taken bool
}

// events are those that count, by time. Of those at one instant what ends comes
// last, and so decides.
func (c *carrier) events() []event {
	var given, taken []int64
	if c.changes != nil {
		given, taken = c.changes.given, c.changes.taken
	}
	back := int64(math.MinInt64)
	out := []event{{at: c.first, begins: true}}
	for _, t := range given {
		out = append(out, event{at: t, begins: true})
		back = t
	}
	for _, ends := range [...]struct {
		at    []int64
		taken bool
	}{{taken, true}, {c.who.left, false}} {
		for _, t := range ends.at {
			if back > t || c.last <= day(t) {
				out = append(out, event{at: t, taken: ends.taken})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return out
}

// asOf is who carries any of some handles at t. Of several it is the one who came
// to carry it most lately, then the first by key. When nobody does it is whoever
// did last before; when nobody did before either, whoever is the first to. Org
// limits it to an Okta org; empty: any.
func (h handles) asOf(org string, t time.Time, name string, more ...string) *user {
	var best *user
	var found stretch
	at := t.UnixMicro()
	for i := -1; i < len(more); i++ {
		if i >= 0 {
			name = more[i]
		}
		list := h[name]
		for j := range list {
			c := &list[j]
			if org != "" && c.who.org != org {
				continue
			}
			s := c.at(at)
			if best == nil || cmp.Or(cmp.Compare(s.until, found.until), cmp.Compare(s.since, found.since), strings.Compare(best.key, c.who.key)) > 0 {
				best, found = c.who, s
			}
		}
	}
	return best
}

// of returns what is known of a handle and a person, to be added to.
func (h handles) of(handle string, who *user) *carrier {
	list := h[handle]
	i, known := h.find(handle, who.key)
	if !known {
		list = slices.Insert(list, i, carrier{who: who, first: never, last: noDay})
		h[handle] = list
	}
	return &list[i]
}

// find is where among the carriers of a handle a person is, or would be.
func (h handles) find(handle, person string) (int, bool) {
	return slices.BinarySearchFunc(h[handle], person, func(c carrier, key string) int { return strings.Compare(c.who.key, key) })
}

// seen learns that they were seen with it, and whether they carried it still.
func (c *carrier) seen(t int64, still bool) (news bool) {
	if t < c.first {
		c.first, news = t, true
	}
	if still && day(t) > c.last {
		c.last, news = day(t), true
	}
	return news
}

// day numbers the days (UTC).
func day(t int64) int64 { return t / int64(24*time.Hour/time.Microsecond) }

func (c *carrier) change() *changes {
	if c.changes == nil {
		c.changes = &changes{}
	}
	return c.changes
}

// learnTimes adds times to some that are sorted, and reports whether any is new.
func learnTimes(times *[]int64, more ...int64) (news bool) {
	for _, t := range more {
		if i, known := slices.BinarySearch(*times, t); !known {
			*times, news = slices.Insert(*times, i, t), true
		}
	}
	return news
}
