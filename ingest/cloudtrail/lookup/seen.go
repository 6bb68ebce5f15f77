package lookup

import (
	"hash/maphash"

	"jitaudit/ingest"
)

// remembered is how many marks a generation may hold, two for each event. It
// bounds the memory of a busy shard to some tens of megabytes, and is more than
// two requests per second can bring in an hour.
const remembered = 800_000

// seen is what stands in the log already, in two generations: what is asked for
// moves into the younger, and a turn drops the older.
type seen struct {
	seed       maphash.Seed
	young, old map[mark]struct{}
	limit      int
	// forgotten counts the turns that were made for want of room.
	forgotten int
}

// mark stands for the id of an event (without content), or for a copy of it.
type mark struct{ id, content uint64 }

func newSeen(marks int) *seen {
	return &seen{seed: maphash.MakeSeed(), young: map[mark]struct{}{}, limit: marks}
}

func (s *seen) id(m ingest.Message) mark { return mark{id: maphash.String(s.seed, m.ID)} }

func (s *seen) content(m ingest.Message) mark {
	return mark{maphash.String(s.seed, m.ID), maphash.Bytes(s.seed, m.Raw) | 1}
}

func (s *seen) has(m mark) bool {
	if _, ok := s.young[m]; ok {
		return true
	}
	_, ok := s.old[m]
	if ok {
		s.young[m] = struct{}{}
	}
	return ok
}

// copy reports whether just this copy of an event is there, and keeps its id as
// long as the copy.
func (s *seen) copy(m ingest.Message) bool {
	s.has(s.id(m))
	return s.has(s.content(m))
}

func (s *seen) add(m mark) { s.young[m] = struct{}{} }

// full reports whether the younger generation holds as much as it may.
func (s *seen) full() bool { return len(s.young) >= s.limit }

// turn forgets what has not been asked for since the last turn.
func (s *seen) turn() { s.old, s.young = s.young, map[mark]struct{}{} }
