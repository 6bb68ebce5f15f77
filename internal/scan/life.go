package scan

import (
	"slices"
	"strings"
	"time"

	"jitaudit/correlate"
	"jitaudit/internal/scan/wire"
	"jitaudit/schemas"
)

// life is all that is known about one person.
type life struct {
	person schemas.Person
	facts  []*schemas.Fact
	// spells are the calls in numbers, calls those that were written down as
	// facts. Those that are facts of the person besides are among both: what calls
	// amount to is the same however often one is told of, but they are counted once.
	spells map[spellKey]*wire.Spell
	calls  []*schemas.Fact
}

type spellKey struct {
	credential uint32
	slot       int64
}

// spell is a use and how many calls it was.
type spell struct {
	correlate.Use
	counts counts
}

// counts adds up calls.
type counts schemas.ActivityCounts

func (n *counts) add(c *schemas.Call) {
	n.Calls++
	n.Writes += int(count(!c.ReadOnly))
	n.Denied += int(count(c.Denied))
	n.ServiceDriven += int(count(c.ServiceDriven))
}

func (n *counts) sum(o *counts) {
	n.Calls += o.Calls
	n.Writes += o.Writes
	n.Denied += o.Denied
	n.ServiceDriven += o.ServiceDriven
}

// add takes in a record, for what it is to the person; read is room to work in.
func (l *life) add(record string, as role, shared *wire.Shared, read *wire.Spell) error {
	if ok, err := shared.ReadSpell(record, read); ok || err != nil {
		if err == nil {
			l.addSpell(read)
		}
		return err
	}
	h, err := wire.ReadHead(record)
	if err != nil {
		return err
	}
	f, err := h.ReadFact()
	if err != nil {
		return err
	}
	if as&asCall != 0 {
		l.calls = append(l.calls, f)
	}
	if as&asFact != 0 {
		l.facts = append(l.facts, f)
		if as&asCall == 0 && f.Counts() {
			f.Call = nil // it is somebody else's, or nobody's
		}
	}
	return nil
}

// addSpell takes in a spell, or the part of one. It copies what it keeps.
func (l *life) addSpell(part *wire.Spell) {
	key := spellKey{part.Credential, part.Slot}
	if known := l.spells[key]; known != nil {
		known.Merge(part)
		return
	}
	if l.spells == nil {
		l.spells = make(map[spellKey]*wire.Spell)
	}
	s := *part
	s.Services = slices.Clone(part.Services)
	l.spells[key] = &s
}

func spellOf(s *wire.Spell, shared *wire.Shared) *spell {
	c := &shared.Credentials[s.Credential]
	out := &spell{
		Use: correlate.Use{
			UseKey: correlate.UseKey{
				PrincipalID: c.PrincipalID, AccessKeyID: c.AccessKeyID, CreatedAt: c.CreatedAt,
				Slot: time.Unix(s.Slot, 0).UTC(),
			},
			RoleARN: c.RoleARN,
			First:   time.Unix(s.First, 0).UTC(), FirstID: wire.UUIDText(s.FirstID[:]),
			Last: time.Unix(s.Last, 0).UTC(), LastID: wire.UUIDText(s.LastID[:]),
			Services: make([]string, len(s.Services)),
		},
		counts: counts{
			Calls: int(s.Calls), Writes: int(s.Writes), Denied: int(s.Denied), ServiceDriven: int(s.ServiceDriven),
		},
	}
	slices.Sort(s.Services) // which are numbered by name
	for i, n := range s.Services {
		out.Services[i] = shared.Services[n]
	}
	return out
}

// merge takes in other calls of the same use, by a credential of another number
// or without one.
func (s *spell) merge(o *spell) {
	s.RoleARN = max(s.RoleARN, o.RoleARN)
	if before(o.First, o.FirstID, s.First, s.FirstID) {
		s.First, s.FirstID = o.First, o.FirstID
	}
	if before(s.Last, s.LastID, o.Last, o.LastID) {
		s.Last, s.LastID = o.Last, o.LastID
	}
	for _, name := range o.Services {
		if i, found := slices.BinarySearch(s.Services, name); !found {
			s.Services = slices.Insert(s.Services, i, name)
		}
	}
	s.counts.sum(&o.counts)
}

func before(at time.Time, id string, than time.Time, thanID string) bool {
	if c := at.Compare(than); c != 0 {
		return c < 0
	}
	return id < thanID
}

// single is the use that one call is.
func single(f *schemas.Fact) *spell {
	s := &spell{Use: correlate.Use{
		UseKey: correlate.KeyOf(f.Call, f.At),
		First:  f.At, FirstID: f.ID, Last: f.At, LastID: f.ID, RoleARN: f.Call.RoleARN, Services: []string{f.Call.Service},
	}}
	s.counts.add(f.Call)
	return s
}

// uses brings all calls together, in a fixed order.
func (l *life) uses(shared *wire.Shared) []*spell {
	all := make([]*spell, 0, len(l.spells)+len(l.calls))
	for _, s := range l.spells {
		all = append(all, spellOf(s, shared))
	}
	for _, f := range l.calls {
		all = append(all, single(f))
	}
	slices.SortFunc(all, func(a, b *spell) int { return compareKeys(&a.UseKey, &b.UseKey) })
	merged := all[:0]
	for _, s := range all {
		if last := len(merged) - 1; last >= 0 && compareKeys(&merged[last].UseKey, &s.UseKey) == 0 {
			merged[last].merge(s)
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

func compareKeys(a, b *correlate.UseKey) int {
	if c := strings.Compare(a.PrincipalID, b.PrincipalID); c != 0 {
		return c
	}
	if c := strings.Compare(a.AccessKeyID, b.AccessKeyID); c != 0 {
		return c
	}
	if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
		return c
	}
	return a.Slot.Compare(b.Slot)
}

func (l *life) judge(s *scan, coverage correlate.Coverage) Result {
	spells := l.uses(s.shared)
	uses := make([]correlate.Use, len(spells))
	for i, sp := range spells {
		uses[i] = sp.Use
	}
	r := Result{Person: l.person}
	r.Outcome = correlate.Rebuild(correlate.Input{
		Person: l.person, Facts: l.facts, Shared: s.common.concerning(l.facts), Uses: uses,
		Policies: s.opts.Policies, Coverage: coverage,
		GoesBy: func(name string, at time.Time) bool { return s.directory.GoesBy(l.person.Key, name, at) },
	})
	place := make(map[string]int, len(r.Sessions))
	for i := range r.Sessions {
		place[r.Sessions[i].ID] = i
		r.Activity = append(r.Activity, schemas.ActivityCounts{Session: r.Sessions[i].ID})
	}
	for i := range uses {
		if session, ok := r.SessionOf(&uses[i]); ok {
			(*counts)(&r.Activity[place[session]]).sum(&spells[i].counts)
		}
	}
	return r
}
