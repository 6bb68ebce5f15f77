package correlate

import (
	"slices"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/correlate/rules"
	"jitaudit/schemas"
)

// Seal returns the facts and uses that can still matter, once everything that
// ended before line is final. Line is the coverage that every shard has reached,
// less the horizon (7 days). What Rebuild makes of the remainder is what it makes
// of the whole, without the sealed records; those stand as they were last
// published. Shared facts are the caller's to keep: see SharedUntil.
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
	for i := range in.Uses {
		if s.keepsUse(&in.Uses[i]) {
			uses = append(uses, in.Uses[i])
		}
	}
	return facts, uses
}

type sealer struct {
	line    time.Time
	reach   reaches
	anchors *anchors
	// open are the sessions that are not final, windows the times around them.
	open    map[*session]bool
	windows []span
	assumed map[*schemas.Fact]bool // of open sessions
	// dropped are facts that open roles and that nothing open can see; listed what
	// Okta listed and that is needed; requested the steps of requests that are.
	dropped, listed, requested map[*schemas.Fact]bool
	refused                    map[*schemas.Fact]bool // of bursts that are not over
	orphans                    map[*Use]bool          // that are not final
	final                      map[*stay]bool
	led                        map[*schemas.Fact]*session // what sessions led to
}

func newSealer(in *Input, facts []*schemas.Fact, line time.Time) *sealer {
	opened := open(in, facts)
	all := assumptions(in, facts, opened)
	s := &sealer{
		line: line, reach: reachOf(in.Policies),
		anchors:   attribute(in, facts, all, opened),
		open:      make(map[*session]bool),
		assumed:   make(map[*schemas.Fact]bool),
		dropped:   make(map[*schemas.Fact]bool),
		listed:    make(map[*schemas.Fact]bool),
		requested: make(map[*schemas.Fact]bool),
		refused:   make(map[*schemas.Fact]bool),
		orphans:   make(map[*Use]bool),
		final:     make(map[*stay]bool),
		led:       make(map[*schemas.Fact]*session),
	}
	s.findOpen(sessions(all), opened.grants)
	for _, a := range all {
		for _, c := range a.chain {
			for _, f := range c.facts() {
				s.led[f] = a.session
			}
		}
	}
	s.dropStays(opened)
	s.keepRequests(opened)
	for _, run := range rules.Bursts(in.Policies, facts) {
		last := run[len(run)-1].At
		if !last.Add(s.reach.burst).Before(line) {
			for _, f := range run {
				s.refused[f] = true
			}
		}
	}
	for _, group := range orphans(s.anchors.orphans) {
		if slices.ContainsFunc(group, func(u *Use) bool { return !u.Last.Before(line) }) {
			for _, u := range group {
				s.orphans[u] = true
			}
		}
	}
	return s
}

// reaches are how far any policy looks.
type reaches struct {
	// back is the longest way from an assumption to a sign-on and on to its second
	// factor; ahead how long after an assumption what names the person counts.
	back, ahead time.Duration
	request     time.Duration // between a request and what it asked for, or justifies
	burst       time.Duration
}

func reachOf(ps *policy.Set) (r reaches) {
	for _, p := range ps.All() {
		b := &p.Bounds
		r.back = max(r.back, max(b.PortalSession, b.AssertionWindow, b.OktaSession)+b.OktaSession+b.ClockSkew)
		r.ahead = max(r.ahead, b.OktaSession)
		r.request = max(r.request, b.RequestWindow, p.LongestJustify())
		r.burst = max(r.burst, b.BurstWindow)
	}
	return r
}

// SharedUntil is how long after its time a shared fact may matter to a session or
// grant that is not sealed: until then it must be kept. For a condition that is
// for ever.
func SharedUntil(ps *policy.Set, f *schemas.Fact) (until time.Time, ever bool) {
	const longest = 90 * 24 * time.Hour // of a session whose console stays open
	switch f.Kind {
	case schemas.ConditionSet:
		return time.Time{}, true
	case schemas.SnapshotComplete:
		var back time.Duration
		for _, p := range ps.All() {
			back = max(back, p.Bounds.GrantLookback+p.Bounds.ClockSkew)
		}
		return f.At.Add(back + longest), false
	}
	return f.At.Add(longest), false
}

// findOpen settles which sessions are not final: those that can still change,
// and those by which a grant that can still change is known to have been used.
func (s *sealer) findOpen(all []*session, grants []*rules.Grant) {
	for _, se := range all {
		if !settledAt(se).Before(s.line) {
			s.open[se] = true
		}
	}
	live := make(map[*rules.Grant]bool)
	for grown := true; grown; {
		grown = false
		for _, g := range grants {
			if !live[g] && !s.sealed(g) {
				live[g], grown = true, true
			}
		}
		for _, se := range all {
			if !s.open[se] && se.usesAny(live) {
				s.open[se], grown = true, true
			}
		}
	}
	for se := range s.open {
		from, to := se.record.Start, se.record.Start
		for _, a := range se.assumptions {
			s.assumed[a.Fact] = true
			to = a.At()
		}
		s.windows = append(s.windows, span{from.Add(-s.reach.back), to.Add(s.reach.ahead)})
	}
}

// usesAny reports whether one of the grants that have an end is used by the
// session. Of a grant without end nothing is said that depends on its use.
func (s *session) usesAny(live map[*rules.Grant]bool) bool {
	for _, a := range s.assumptions {
		for _, g := range a.Containing {
			if live[g] && !g.Limit.IsZero() {
				return true
			}
		}
	}
	return false
}

// settledAt is when nothing about the session can change any more.
func settledAt(s *session) time.Time {
	last := s.record.End
	later := func(t time.Time) {
		if t.After(last) {
			last = t
		}
	}
	for _, a := range s.assumptions {
		later(a.lasts)
		later(a.SeenFrom())
		later(a.At().Add(a.Policy.Bounds.OktaSession))
		for _, c := range a.chain {
			later(c.until())
		}
		if glass := a.Policy.BreakGlass(a.Scope); glass != nil {
			later(a.At().Add(glass.JustifyWithin()))
		}
	}
	return last
}

// dropStays marks the events of stays all of whose grants are sealed, or which
// give no grant.
func (s *sealer) dropStays(o *openings) {
	var before *stay
	for _, st := range o.stays {
		// What follows a stay in the same resource tells how it ended, and goes no
		// earlier.
		kept := before != nil && before.resource.compare(st.resource) == 0 && !s.final[before]
		s.final[st] = !kept && s.isFinal(st, o)
		before = st
		if !s.final[st] {
			for _, f := range st.kept() {
				s.listed[f] = true
			}
			continue
		}
		if st.removal != nil {
			s.dropped[st.removal] = true
		}
		for _, add := range st.adds {
			s.dropped[add] = true
		}
	}
}

func (s *sealer) isFinal(st *stay, o *openings) bool {
	if end := st.ended(); end.IsZero() || !end.Before(s.line) {
		return false
	}
	if slices.ContainsFunc(st.requests, s.continues) {
		return false
	}
	for _, g := range o.grants {
		if opener(g) == st.opener() && !s.sealed(g) {
			return false
		}
	}
	return true
}

// sealed reports whether no open or future session can see the grant.
func (s *sealer) sealed(g *rules.Grant) bool {
	last := g.Limit
	for _, f := range [...]*schemas.Fact{g.Removal, g.Renewal} {
		if f != nil && f.At.After(last) {
			last = f.At
		}
	}
	if g.Record.Removed.After(last) {
		last = g.Record.Removed
	}
	ended := !g.Record.Removed.IsZero() || g.Renewal != nil || g.Record.Source == schemas.ByRequest
	if !ended || last.IsZero() {
		return false
	}
	last = last.Add(g.Policy.Bounds.GrantLookback)
	if !last.Before(s.line) {
		return false
	}
	for se := range s.open {
		same := se.record.Account == g.Record.Account && se.record.Role == g.Record.Role
		if same && !last.Before(se.record.Start) {
			return false
		}
	}
	return true
}

// keepRequests marks the steps of requests that something open follows, or may
// follow yet.
func (s *sealer) keepRequests(o *openings) {
	for _, r := range o.requests {
		if !s.needs(r, o) {
			continue
		}
		for _, f := range r.steps {
			s.requested[f] = true
		}
	}
}

// continues reports whether a request may have a further step, or lead to
// something yet.
func (s *sealer) continues(r *request) bool {
	last := r.last().At.Add(longestStep)
	for _, t := range []time.Time{r.decidedAt(), r.said.From, r.said.Until, r.endFrom(r.decidedAt())} {
		if t = t.Add(s.reach.request); t.After(last) {
			last = t
		}
	}
	return !last.Before(s.line)
}

func (s *sealer) needs(r *request, o *openings) bool {
	if s.continues(r) {
		return true
	}
	for _, st := range o.stays {
		if slices.Contains(st.requests, r) && !s.final[st] {
			return true
		}
	}
	for _, g := range o.grants {
		if r.decision != nil && opener(g) == r.decision && !s.sealed(g) {
			return true
		}
	}
	for se := range s.open {
		for _, a := range se.assumptions {
			if r.decision != nil && r.opens(&a.Assumption) && r.covers(a.At(), s.reach.request) {
				return true
			}
		}
	}
	return false
}

func (s *sealer) keeps(f *schemas.Fact) bool {
	_, opens := resourceOf(f)
	switch {
	case f.Kind == schemas.MemberObserved:
		// A day goes as a whole: which time was its first must not change.
		return s.listed[f] || !f.At.Before(s.line) || sameDay(f.At, s.line)
	case opens:
		return !s.dropped[f]
	case f.Kind == schemas.Assumed:
		return s.assumed[f]
	case f.Kind == schemas.AssumeFailed:
		return s.refused[f]
	case f.Request != nil:
		return s.requested[f]
	case f.Call != nil:
		if !f.At.Before(s.line) {
			return true // a better record of the same call may still come
		}
		if by := s.led[f]; by != nil {
			return s.open[by]
		}
		a := s.anchors.made(f)
		return a != nil && s.open[a.session]
	case f.SignOn != nil, f.Factor != nil, f.Rename != nil, f.Portal != nil:
		return s.near(f.At)
	}
	return !f.At.Before(s.line)
}

// near reports whether something open or to come may look at t.
func (s *sealer) near(t time.Time) bool {
	if !t.Before(s.line.Add(-s.reach.back)) {
		return true
	}
	return slices.ContainsFunc(s.windows, func(w span) bool { return !t.Before(w.from) && !t.After(w.to) })
}

func (s *sealer) keepsUse(u *Use) bool {
	if a := s.anchors.find(&u.UseKey, u.First); a != nil {
		return s.open[a.session]
	}
	return s.orphan(u)
}

// orphan reports whether a use that belongs to nothing may still be told of.
func (s *sealer) orphan(u *Use) bool {
	if !u.Last.Before(s.line) {
		return true
	}
	for o := range s.orphans {
		if compareUseKeys(&o.UseKey, &u.UseKey) == 0 {
			return true
		}
	}
	return false
}
