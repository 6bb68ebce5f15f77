package scan

import (
	"slices"
	"time"

	"jitaudit/correlate"
	"jitaudit/internal/scan/wire"
	"jitaudit/schemas"
)

// life is all that is known about one person.
type life struct {
	person schemas.Person
	facts  []*schemas.Fact
	// spells are the calls with credentials that many calls share.
	spells map[spellKey]*spell
	// calls and counts are what all calls amount to; counts lie apart, as what is
	// counted may not be counted twice.
	calls  correlate.Fold
	counts map[correlate.UseKey]*counts
}

// spell is the calls of one use, as correlate.Use, by credentials that have a
// number, so that most calls cost one look-up by numbers.
type spell struct {
	correlate.UseKey
	first, last moment
	services    []string
	counts      counts
}

type spellKey struct {
	credential int
	keyless    bool
	slot       int64
}

// moment is when which event happened.
type moment struct {
	at    time.Time
	event wire.Head
}

func (m *moment) before(o *moment) bool {
	if c := m.at.Compare(o.at); c != 0 {
		return c < 0
	}
	return m.event.ID() < o.event.ID()
}

func (l *life) add(record string, tables wire.Tables) error {
	h, err := wire.ReadHead(record)
	if err != nil {
		return err
	}
	if !h.Call {
		f, err := h.ReadFact()
		l.facts = append(l.facts, f)
		return err
	}
	var c wire.Call
	if err := tables.ReadCall(&h, &c); err != nil {
		return err
	}
	key := correlate.KeyOf(&c.Call, c.At)
	if c.Shared < 0 {
		l.calls.Add(h.ID(), c.At, &c.Call)
		l.count(key).add(&c.Call)
		return nil
	}
	m := moment{c.At, h}
	k := spellKey{c.Shared, key.AccessKeyID == "", key.Slot.Unix()}
	s := l.spells[k]
	if s == nil {
		if l.spells == nil {
			l.spells = make(map[spellKey]*spell)
		}
		s = &spell{UseKey: key, first: m, last: m}
		l.spells[k] = s
	}
	s.add(&m, &c)
	return nil
}

func (s *spell) add(m *moment, c *wire.Call) {
	if m.before(&s.first) {
		s.first = *m
	}
	if s.last.before(m) {
		s.last = *m
	}
	if i, found := slices.BinarySearch(s.services, c.Service); !found {
		s.services = slices.Insert(s.services, i, c.Service)
	}
	s.counts.add(&c.Call)
}

// counts adds up calls.
type counts schemas.ActivityCounts

func (n *counts) add(c *schemas.Call) {
	n.Calls++
	if !c.ReadOnly {
		n.Writes++
	}
	if c.Denied {
		n.Denied++
	}
	if c.ServiceDriven {
		n.ServiceDriven++
	}
}

func (n *counts) sum(o *counts) {
	n.Calls += o.Calls
	n.Writes += o.Writes
	n.Denied += o.Denied
	n.ServiceDriven += o.ServiceDriven
}

func (l *life) count(key correlate.UseKey) *counts {
	n := l.counts[key]
	if n == nil {
		if l.counts == nil {
			l.counts = make(map[correlate.UseKey]*counts)
		}
		n = &counts{}
		l.counts[key] = n
	}
	return n
}

// uses brings all calls together.
func (l *life) uses() []correlate.Use {
	for _, s := range l.spells {
		l.calls.AddUse(&correlate.Use{
			UseKey: s.UseKey, Services: s.services,
			First: s.first.at, FirstID: s.first.event.ID(),
			Last: s.last.at, LastID: s.last.event.ID(),
		})
		l.count(s.UseKey).sum(&s.counts)
	}
	return l.calls.Uses()
}

func (l *life) judge(opts *Options, coverage correlate.Coverage) Result {
	uses := l.uses()
	r := Result{Person: l.person}
	r.Outcome = correlate.Rebuild(correlate.Input{
		Person: l.person, Facts: l.facts, Uses: uses, Policies: opts.Policies, Coverage: coverage,
	})
	place := make(map[string]int, len(r.Sessions))
	for i := range r.Sessions {
		place[r.Sessions[i].ID] = i
		r.Activity = append(r.Activity, schemas.ActivityCounts{Session: r.Sessions[i].ID})
	}
	for i := range uses {
		if session, ok := r.SessionOf(&uses[i]); ok {
			(*counts)(&r.Activity[place[session]]).sum(l.counts[uses[i].UseKey])
		}
	}
	return r
}
