package correlate

import (
	"cmp"
	"slices"
	"time"

	"jitaudit/schemas"
)

// snapshotsOf are the complete snapshots of a group, one copy of each, by time.
func snapshotsOf(shared []*schemas.Fact, group resource) (out []*schemas.Fact) {
	for _, f := range shared {
		if f.Kind == schemas.SnapshotComplete && f.Snapshot.Org == group.org && f.Snapshot.Group.ID == group.id {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b *schemas.Fact) int {
		return cmp.Or(a.Snapshot.From.Compare(b.Snapshot.From), cmp.Compare(a.ID, b.ID))
	})
	return slices.CompactFunc(out, func(a, b *schemas.Fact) bool { return a.ID == b.ID })
}

// observed adds what Okta listed to what the log says. Where the log shows a
// change while the members were being listed, which came first cannot be told,
// and the log is believed.
func (b *builder) observed(changes []change, f *schemas.Fact) []change {
	if f == nil {
		return changes
	}
	from, to := f.At, f.At
	for _, s := range b.snapshots {
		if in := s.Snapshot; !f.At.Before(in.From) && !f.At.After(in.To) {
			from, to = in.From, in.To
		}
	}
	if b.changedWithin(changes, from, to) {
		return changes
	}
	c, _ := changeOf(f)
	at, _ := slices.BinarySearchFunc(changes, c, compareChanges)
	return slices.Insert(changes, at, c)
}

func (b *builder) changedWithin(changes []change, from, to time.Time) bool {
	return slices.ContainsFunc(changes, func(c change) bool {
		return c.order != 2 && !c.fact.At.Before(from) && !c.fact.At.After(to)
	})
}

// missing ends the open stay at the first complete snapshot before t in which
// the person is not listed: the log then lacks the removal. Between the first
// and the last time that the person was listed nothing can be told, as what
// lies between is not kept.
func (b *builder) missing(t time.Time) {
	s := b.open
	if s == nil {
		return
	}
	since := s.opener().At
	if s.last != nil {
		since = s.last.At
	}
	if n := len(s.adds); n > 0 && s.adds[n-1].At.After(since) {
		since = s.adds[n-1].At
	}
	for _, f := range b.snapshots {
		in := f.Snapshot
		if !in.From.After(since) || !in.To.Before(t) || b.listedAfter(in.From) || b.changedWithin(b.changes, in.From, in.To) {
			continue
		}
		s.missing = f
		b.end(in.From)
		return
	}
}

// listedAfter reports whether Okta listed the person at or after t.
func (b *builder) listedAfter(t time.Time) bool {
	return slices.ContainsFunc(b.changes, func(c change) bool { return c.order == 2 && !c.fact.At.Before(t) })
}
