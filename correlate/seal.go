package correlate

import (
	"cmp"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/correlate/rules"
	"jitaudit/schemas"
)

// Seal returns the facts and uses that can still matter, once everything that
// ended before line is final. Line is the coverage that every Okta org of the
// person has reached, less the horizon (7 days). What Rebuild makes of the
// remainder is what it makes of the whole, without the sealed records; those
// stand as they were last published.
//
// A fact that comes later with a time before line is late: it is for the caller
// to keep and report it, and not to add it to the facts.
func Seal(in Input, line time.Time) (facts []*schemas.Fact, uses []Use) {
	all, _, _ := Distinct(in.Facts)
	s := newSealer(&in, all, line)
	for _, f := range all {
		if s.keeps(f) {
			facts = append(facts, f)
		}
	}
	for _, u := range in.Uses {
		if s.keepsUse(&u.UseKey, u.First, u.Last) {
			uses = append(uses, u)
		}
	}
	return facts, uses
}

type sealer struct {
	line time.Time
	// since is the start of the earliest session that is still open, or line;
	// reach is how far before it facts can matter.
	since   time.Time
	reach   time.Duration
	anchors *anchors
	open    map[*session]bool
	assumed map[*schemas.Fact]bool // of open sessions
	dropped map[*schemas.Fact]bool // the membership events of sealed grants
}

func newSealer(in *Input, facts []*schemas.Fact, line time.Time) *sealer {
	gs := grants(in, facts)
	all := assumptions(in, facts, gs)
	s := &sealer{
		line: line, since: line, reach: reach(in.Policies),
		anchors: attribute(all, fold(in.Uses, facts), gs),
		open:    make(map[*session]bool),
		assumed: make(map[*schemas.Fact]bool),
		dropped: make(map[*schemas.Fact]bool),
	}
	var open []*session
	for _, se := range sessions(all) {
		if settledAt(se).Before(line) {
			continue
		}
		s.open[se] = true
		open = append(open, se)
		for _, a := range se.assumptions {
			s.assumed[a.Fact] = true
		}
		if se.record.Start.Before(s.since) {
			s.since = se.record.Start
		}
	}
	s.dropMemberships(in, facts, gs, open)
	return s
}

// reach is the longest way back that any policy looks from an assumption to a
// sign-on and on to its second factor.
func reach(ps *policy.Set) time.Duration {
	var longest time.Duration
	for _, p := range ps.All() {
		b := &p.Bounds
		longest = max(longest, max(b.PortalSession, b.AssertionWindow, b.OktaSession)+b.OktaSession+b.ClockSkew)
	}
	return longest
}

// settledAt is when nothing about the session can change any more.
func settledAt(s *session) time.Time {
	last := s.record.End
	for _, a := range s.assumptions {
		for _, t := range []time.Time{a.SeenFrom(), a.At().Add(a.Policy.Bounds.OktaSession)} {
			if t.After(last) {
				last = t
			}
		}
	}
	return last
}

// dropMemberships marks the events of memberships all of whose grants are
// sealed, or which give no grant.
func (s *sealer) dropMemberships(in *Input, facts []*schemas.Fact, gs []*rules.Grant, open []*session) {
	byOpener := make(map[string][]*rules.Grant)
	for _, g := range gs {
		byOpener[g.Record.Evidence[0]] = append(byOpener[g.Record.Evidence[0]], g)
	}
	for _, m := range memberships(in.Policies, facts) {
		end := cmp.Or(m.removal, m.renewal)
		if end == nil || !end.At.Before(s.line) {
			continue
		}
		final := true
		for _, g := range byOpener[m.opener().ID] {
			final = final && s.sealed(g, open)
		}
		if !final {
			continue
		}
		if m.removal != nil {
			s.dropped[m.removal] = true
		}
		for _, add := range m.adds {
			s.dropped[add] = true
		}
	}
}

// sealed reports whether no open or future session can see the grant.
func (s *sealer) sealed(g *rules.Grant, open []*session) bool {
	last := g.Limit
	if end := cmp.Or(g.Removal, g.Renewal); end.At.After(last) {
		last = end.At
	}
	last = last.Add(g.Policy.Bounds.GrantLookback)
	if !last.Before(s.line) {
		return false
	}
	for _, se := range open {
		same := se.record.Account == g.Record.Account && se.record.Role == g.Record.Role
		if same && !last.Before(se.record.Start) {
			return false
		}
	}
	return true
}

func (s *sealer) keeps(f *schemas.Fact) bool {
	switch {
	case f.Group != nil:
		return !s.dropped[f]
	case f.Kind == schemas.Assumed:
		return s.assumed[f]
	case f.Call != nil:
		k := KeyOf(f.Call, f.At)
		return s.keepsUse(&k, f.At, f.At)
	case f.SignOn != nil || f.Factor != nil:
		return !f.At.Before(s.since.Add(-s.reach))
	}
	return !f.At.Before(s.line)
}

func (s *sealer) keepsUse(k *UseKey, first, last time.Time) bool {
	if a := s.anchors.find(k, first); a != nil {
		return s.open[a.session]
	}
	return !last.Before(s.line)
}
