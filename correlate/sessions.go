package correlate

import (
	"cmp"
	"slices"
	"strings"

	"jitaudit/correlate/rules"
	"jitaudit/schemas"
)

// session is a JIT session while it is being judged.
type session struct {
	record      schemas.Session
	assumptions []*assumption // by time
	endedBy     string
}

// sessions joins assumptions that overlap; all is sorted by time.
func sessions(all []*assumption) []*session {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, bySessionKey)
	out := make([]*session, 0, len(all))
	var current *session
	for _, a := range sorted {
		if current == nil || bySessionKey(current.assumptions[0], a) != 0 || a.At().After(current.record.End) {
			current = &session{record: schemas.Session{Start: a.At()}}
			out = append(out, current)
		}
		current.add(a)
	}
	for _, s := range out {
		s.describe()
	}
	slices.SortFunc(out, func(a, b *session) int {
		return cmp.Or(a.record.Start.Compare(b.record.Start), cmp.Compare(a.record.ID, b.record.ID))
	})
	return out
}

func bySessionKey(a, b *assumption) int {
	x, y := a.Fact, b.Fact
	if c := strings.Compare(x.Assume.Account, y.Assume.Account); c != 0 {
		return c
	}
	if c := strings.Compare(x.Assume.Role, y.Assume.Role); c != 0 {
		return c
	}
	return strings.Compare(x.Who.SessionName, y.Who.SessionName)
}

func (s *session) add(a *assumption) {
	s.assumptions = append(s.assumptions, a)
	a.session = s
	if a.end.After(s.record.End) {
		s.record.End, s.endedBy = a.end, a.endedBy
	}
	if a.lastUse.After(s.record.LastUse) {
		s.record.LastUse = a.lastUse
	}
}

// describe fills in all of the record but its verdict.
func (s *session) describe() {
	first := s.assumptions[0]
	r := &s.record
	r.ID = schemas.SessionID(first.id)
	r.Person = first.Person
	r.Account, r.Role = first.Fact.Assume.Account, first.Fact.Assume.Role
	r.SessionName, r.Federation = first.Fact.Who.SessionName, first.Fact.Assume.Federation
	r.Policy = first.Policy.ID()

	r.Assumptions = make([]string, 0, len(s.assumptions))
	e := newEvidence(len(s.assumptions) + 4)
	for _, a := range s.assumptions {
		r.Assumptions = append(r.Assumptions, a.id)
		e.ids = append(e.ids, a.Fact.ID)
	}
	s.describeSignOn(e)
	s.describeGrants(e)
	s.describeServices()
	r.Evidence = e.ids
}

func (s *session) describeSignOn(e *evidence) {
	r := &s.record
	for _, a := range s.assumptions {
		if a.SignOn != nil && r.SignOn == nil {
			r.SignOn = &schemas.SignOnRef{EventID: a.SignOn.ID, At: a.SignOn.At, JoinedBy: a.JoinedBy, IP: a.SignOn.SignOn.IP}
			e.add(a.SignOn.ID)
		}
		if a.Factor != nil && r.Factor == nil {
			r.Factor = &schemas.FactorRef{EventID: a.Factor.ID, At: a.Factor.At, Name: a.Factor.Factor.Name}
			e.add(a.Factor.ID)
		}
	}
}

// describeGrants names as primary the grant that was opened last of those that
// contain the first assumption which any contains.
func (s *session) describeGrants(e *evidence) {
	r := &s.record
	for _, a := range s.assumptions {
		for _, g := range a.Containing {
			if r.Grant == "" {
				r.Grant = g.Record.ID
			}
			if !slices.Contains(r.Grants, g.Record.ID) {
				r.Grants = append(r.Grants, g.Record.ID)
				e.add(g.Evidence(a.SeenFrom())...)
			}
		}
	}
}

func (s *session) describeServices() {
	for _, a := range s.assumptions {
		for _, u := range a.uses {
			for _, service := range u.Services {
				if i, found := slices.BinarySearch(s.record.Services, service); !found {
					s.record.Services = slices.Insert(s.record.Services, i, service)
				}
			}
		}
	}
}

// forRules is the session as rules see it.
func (s *session) forRules() *rules.Session {
	first := s.assumptions[0]
	out := &rules.Session{
		Record:    &s.record,
		Person:    first.Person,
		Policy:    first.Policy,
		Scope:     first.Scope,
		LastEvent: s.endedBy,
	}
	out.Assumptions = make([]*rules.Assumption, len(s.assumptions))
	for i, a := range s.assumptions {
		out.Assumptions[i] = &a.Assumption
	}
	return out
}

// evidence gathers event ids, each once, in the order of their first mention.
type evidence struct{ ids []string }

func newEvidence(n int) *evidence { return &evidence{ids: make([]string, 0, n)} }

// add leaves out what is there already. A session's assumptions, which can be
// many and are distinct, are appended without it.
func (e *evidence) add(ids ...string) {
	for _, id := range ids {
		if id != "" && !slices.Contains(e.ids, id) {
			e.ids = append(e.ids, id)
		}
	}
}
