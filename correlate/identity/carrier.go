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

// carrier is somebody who carries a handle, or did. They carry it from the first
// time that they were seen with it, or that a change of name gave it to them,
// until a change of name takes it away or they are deactivated. After that it is
// theirs again when a change of name gives it back, or they are seen with it more
// than aftermath later.
//
// There is one for each handle of each person, however much they do: of the times
// that they were seen only the first and that of the last day are kept, which is
// all that a single end needs. What lies between two ends counts where a change of
// name began it.
type carrier struct {
	who *user
	// seen is when they were first seen with it, again the first time on the last
	// day (UTC) that they were; never: not yet. All times are microseconds since
	// 1970.
	seen, again int64
	changes     *changes // nil: none is known
}

// changes are when names were given and taken away, sorted.
type changes struct{ given, taken []int64 }

const (
	never = math.MaxInt64
	// aftermath is how long after an end somebody may still be named by what has
	// ended: a deactivation is followed by removals from groups and applications.
	aftermath = int64(24 * time.Hour / time.Microsecond)
)

// stretch is the time in which somebody carries a handle: since ≤ t < until.
type stretch struct{ since, until int64 }

// at returns the latest stretch that had begun by t, which is open or over; of
// somebody who began later, one that is over before everything, and the sooner
// they begin the later in since.
func (c *carrier) at(t int64) stretch {
	if c.changes == nil && len(c.who.left) == 0 {
		if c.seen <= t {
			return stretch{c.seen, never}
		}
		return c.later()
	}
	var s stretch
	known, ended := false, int64(math.MinInt64)
	for _, e := range c.events() {
		if e.at > t {
			break
		}
		open := known && s.until == never
		switch {
		case e.kind == left || e.kind == taken:
			if open {
				s.until = e.at
			} else if !known && e.kind == taken {
				s, known = stretch{e.at, e.at}, true // they had carried it, who knows since when
			}
			ended = e.at
		case !open && (e.kind == given || ended == math.MinInt64 || e.at > ended+aftermath):
			s, known = stretch{e.at, never}, true
		}
	}
	if !known {
		return c.later()
	}
	return s
}

// later is the stretch of somebody who has not begun.
func (c *carrier) later() stretch {
	first := c.seen
	if c.changes != nil {
		for _, times := range [...][]int64{c.changes.given, c.changes.taken} {
			if len(times) > 0 {
				first = min(first, times[0])
			}
		}
	}
	return stretch{since: -first, until: math.MinInt64}
}

// event is something that begins or ends a stretch.
type event struct {
	at   int64
	kind eventKind
}

type eventKind int

// The kinds of event, in the order in which they count at one instant: what ends
// decides.
const (
	seen eventKind = iota
	given
	left
	taken
)

// events are all that is known, by time.
func (c *carrier) events() []event {
	var out []event
	add := func(kind eventKind, times ...int64) {
		for _, t := range times {
			out = append(out, event{t, kind})
		}
	}
	for _, t := range [...]int64{c.seen, c.again} {
		if t != never {
			add(seen, t)
		}
	}
	if c.changes != nil {
		add(given, c.changes.given...)
		add(taken, c.changes.taken...)
	}
	add(left, c.who.left...)
	slices.SortFunc(out, func(a, b event) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.kind, b.kind)) })
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
			if s := c.at(at); best == nil || cmp.Or(cmp.Compare(s.until, found.until), cmp.Compare(s.since, found.since), strings.Compare(best.key, c.who.key)) > 0 {
				best, found = c.who, s
			}
		}
	}
	return best
}

// of returns what is known of a handle and a person, to be added to.
func (h handles) of(handle string, who *user) *carrier {
	list := h[handle]
	i, known := slices.BinarySearchFunc(list, who.key, func(c carrier, key string) int { return strings.Compare(c.who.key, key) })
	if !known {
		list = slices.Insert(list, i, carrier{who: who, seen: never, again: never})
		h[handle] = list
	}
	return &list[i]
}

// see learns that they were seen with it.
func (c *carrier) see(t int64) bool {
	if t >= c.seen {
		return false
	}
	c.seen = t
	return true
}

// seeAgain learns that they were seen with it on a day.
func (c *carrier) seeAgain(t int64) bool {
	if c.again != never && cmp.Or(cmp.Compare(day(t), day(c.again)), cmp.Compare(c.again, t)) <= 0 {
		return false
	}
	c.again = t
	return true
}

// day numbers the days (UTC).
func day(t int64) int64 { return t / int64(24*time.Hour/time.Microsecond) }

// learnTime adds a time to some that are sorted.
func learnTime(times *[]int64, t int64) bool {
	i, known := slices.BinarySearch(*times, t)
	if !known {
		*times = slices.Insert(*times, i, t)
	}
	return !known
}

func learnTimes(times *[]int64, more []int64) {
	for _, t := range more {
		learnTime(times, t)
	}
}

func (c *carrier) change() *changes {
	if c.changes == nil {
		c.changes = &changes{}
	}
	return c.changes
}
