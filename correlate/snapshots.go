package correlate

import (
	"cmp"
	"slices"
	"time"

	"jitaudit/schemas"
)

// snapshotsOf are the complete snapshots of a group, by time. Copies are among
// them, and say nothing new.
func snapshotsOf(shared []*schemas.Fact, group resource) (out []*schemas.Fact) {
	for _, f := range shared {
		if f.Kind == schemas.SnapshotComplete && f.Snapshot.Org == group.org && f.Snapshot.Group.ID == group.id {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b *schemas.Fact) int {
		return cmp.Or(a.Snapshot.From.Compare(b.Snapshot.From), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// withObserved leaves of what Okta listed what counts: each round says the same
// again, so of one day (UTC) only the first and the last time do. Where the log
// shows a change while the members were being listed, which came first cannot be
// told, and the log is believed. changes are sorted.
func (b *builder) withObserved(changes []change) []change {
	if !slices.ContainsFunc(changes, listed) {
		return changes
	}
	out := make([]change, 0, len(changes))
	for i, c := range changes {
		if listed(c) && (!outermost(changes, i) || b.ambiguous(changes, c.fact.At)) {
			continue
		}
		out = append(out, c)
	}
	return out
}

func listed(c change) bool { return c.order == 2 }

// outermost reports whether what Okta listed is the first or the last of its day.
func outermost(changes []change, i int) bool {
	same := func(c change) bool { return listed(c) && sameDay(c.fact.At, changes[i].fact.At) }
	return !slices.ContainsFunc(changes[:i], same) || !slices.ContainsFunc(changes[i+1:], same)
}

func sameDay(a, b time.Time) bool {
	const day = 24 * time.Hour
	return a.Truncate(day).Equal(b.Truncate(day))
}

func (b *builder) ambiguous(changes []change, at time.Time) bool {
	from, to := at, at
	for _, s := range b.snapshots {
		if in := s.Snapshot; !at.Before(in.From) && !at.After(in.To) {
			from, to = in.From, in.To
		}
	}
	return b.changedWithin(changes, from, to)
}

func (b *builder) changedWithin(changes []change, from, to time.Time) bool {
	return slices.ContainsFunc(changes, func(c change) bool {
		return !listed(c) && !c.fact.At.Before(from) && !c.fact.At.After(to)
	})
}

// missing ends the open stay at the first complete snapshot before t in which
// the person is not listed: the log then lacks the removal. Where the person was
// listed again by the end of the next day, without a change that the log shows,
// nothing can be told: not all of what lies between is kept.
func (b *builder) missing(t time.Time) {
	s := b.open
	if s == nil {
		return
	}
	since := s.opener().At
	if n := len(s.observed); n > 0 {
		since = s.observed[n-1].At
	}
	for _, f := range b.snapshots {
		in := f.Snapshot
		if !in.From.After(since) || !in.To.Before(t) || b.listedLater(in) || b.changedWithin(b.changes, in.From, in.To) {
			continue
		}
		s.missing = f
		b.end(in.From)
		return
	}
}

// listedLater reports whether Okta listed the person in a snapshot or after it, by
// the end of the next day (UTC) and before the log shows a change.
func (b *builder) listedLater(s *schemas.Snapshot) bool {
	const day = 24 * time.Hour
	end := s.From.Truncate(day).Add(2 * day)
	for _, c := range b.changes {
		if at := c.fact.At; !at.Before(s.From) {
			return listed(c) && at.Before(end)
		}
	}
	return false
}

// kept are the times that Okta listed the member which must be known as long as
// the stay matters: the first, and the last of each day.
func (s *stay) kept() (out []*schemas.Fact) {
	for i, f := range s.observed {
		if i == 0 || i == len(s.observed)-1 || !sameDay(f.At, s.observed[i+1].At) {
			out = append(out, f)
		}
	}
	return out
}
