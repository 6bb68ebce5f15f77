package correlate

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"jitaudit/correlate/identity"
	"jitaudit/correlate/policy"
	"jitaudit/correlate/rules"
	"jitaudit/schemas"
)

// judge runs the rules and is the one place where absence is weighed against
// coverage.
type judge struct {
	in       *Input
	rules    []rules.Rule
	findings []schemas.Finding
	next     map[string]time.Time
}

func newJudge(in *Input) *judge {
	return &judge{in: in, rules: rules.All()}
}

// session judges one session and writes its verdict.
func (j *judge) session(s *session) {
	view := s.forRules()
	waived := waives(view)
	broken := false
	for i := range j.rules {
		r := &j.rules[i]
		switch {
		case r.Grant != nil || r.Life != nil || slices.Contains(waived, r.Name):
			continue
		case r.Session != nil:
			if b := r.Session(view); b != nil && j.settled(view, r, b) {
				j.report(r, b, &view.Scope, &s.record)
				broken = broken || decides(r, b)
			}
		default:
			broken = j.assumptions(view, r) || broken
		}
	}
	s.record.Unjudged = view.Unjudged
	s.record.MFA = j.sessionMFA(view)
	switch {
	case broken:
		s.record.Verdict = schemas.VerdictFinding
	case len(view.Unjudged) > 0:
		s.record.Verdict = schemas.VerdictUnknown
	default:
		s.record.Verdict = schemas.VerdictAllowed
	}
}

func waives(s *rules.Session) []string {
	if g := s.Policy.BreakGlass(s.Scope); g != nil {
		return g.Waives
	}
	return nil
}

// assumptions judges a session's assumptions by one rule, which fires at most
// once: open consoles federate anew about once a minute, and a finding for
// each would bury the one that matters. The finding hangs on the breach that
// could be said first, so that it does not move while coverage grows.
func (j *judge) assumptions(s *rules.Session, r *rules.Rule) bool {
	var breaches []*rules.Breach
	for _, a := range s.Assumptions {
		if a.Provider == nil && !r.AnyProvider {
			unjudged(s, schemas.Unjudged{Rule: r.Name, Reason: schemas.NoProvider})
			continue
		}
		if b := r.Assumption(a); b != nil && j.settled(s, r, b) {
			breaches = append(breaches, b)
		}
	}
	if len(breaches) == 0 {
		return false
	}
	// What is not over outweighs what is.
	if slices.ContainsFunc(breaches, func(b *rules.Breach) bool { return !b.Resolved }) {
		breaches = slices.DeleteFunc(breaches, func(b *rules.Breach) bool { return b.Resolved })
	}
	first := breaches[0]
	for _, b := range breaches[1:] {
		if neededUntil(b).Before(neededUntil(first)) {
			first = b
		}
	}
	for _, b := range breaches {
		if b != first {
			first.Evidence = append(slices.Clip(first.Evidence), b.Anchor.ID)
		}
	}
	j.report(r, first, &s.Scope, s.Record)
	return decides(r, first)
}

// decides reports whether a breach makes a session one that was not allowed.
func decides(r *rules.Rule, b *rules.Breach) bool {
	return !r.NotKnowing && !r.Advisory && !b.Resolved
}

// neededUntil is the coverage at which the breach could first be said.
func neededUntil(b *rules.Breach) (last time.Time) {
	for _, n := range b.Needs {
		if n.To.After(last) {
			last = n.To
		}
	}
	return last
}

// settled reports whether all that a breach needs is covered. What is not goes
// to the session's unjudged rules.
func (j *judge) settled(s *rules.Session, r *rules.Rule, b *rules.Breach) bool {
	u := schemas.Unjudged{Rule: r.Name, Reason: b.Cannot}
	if b.Cannot == "" {
		need, reason := j.missing(b.Needs, s.Policy.Bounds.StalledAfter)
		if reason == "" {
			return true
		}
		u.Reason, u.Shard, u.From, u.To = reason, need.Shard, need.From, need.To
		if reason != schemas.Pending {
			s.Gapped = append(s.Gapped, b.Anchor.ID)
		}
	}
	unjudged(s, u)
	return false
}

// unjudged notes what could not be judged, once per rule and reason.
func unjudged(s *rules.Session, u schemas.Unjudged) {
	if !slices.ContainsFunc(s.Unjudged, func(o schemas.Unjudged) bool { return o.Rule == u.Rule && o.Reason == u.Reason }) {
		s.Unjudged = append(s.Unjudged, u)
	}
}

// missing returns the first need that is not covered, and why.
func (j *judge) missing(needs []rules.Need, stalledAfter time.Duration) (rules.Need, schemas.UnjudgedReason) {
	for _, n := range needs {
		var pending rules.Need
		for _, shard := range j.in.Coverage.named(n.Shard) {
			one := rules.Need{Shard: shard, From: n.From, To: n.To}
			switch reason := j.in.Coverage.Missing(shard, n.From, n.To, stalledAfter); reason {
			case "":
			case schemas.Pending:
				j.due(shard, n.To)
				j.due(sourceOf(shard)+"/*", j.in.Coverage.end(shard).Add(stalledAfter))
				pending = one
			default:
				return one, reason
			}
		}
		if pending.Shard != "" {
			return pending, schemas.Pending
		}
	}
	return rules.Need{}, ""
}

func (j *judge) due(shard string, at time.Time) {
	if j.next == nil {
		j.next = make(map[string]time.Time)
	}
	if t, ok := j.next[shard]; !ok || at.Before(t) {
		j.next[shard] = at
	}
}

// grant judges one membership.
func (j *judge) grant(g *rules.Grant) {
	for i := range j.rules {
		r := &j.rules[i]
		if r.Grant == nil {
			continue
		}
		b := r.Grant(g)
		if b == nil {
			continue
		}
		if _, reason := j.missing(b.Needs, g.Policy.Bounds.StalledAfter); reason == "" {
			b.Account, b.Role = g.Record.Account, g.Record.Role
			s := j.scope(b)
			if g.Record.Group != "" {
				s.Groups = []string{g.Record.Group}
			}
			j.report(r, b, &s, nil)
		}
	}
}

// life judges what a person did beside sessions and grants.
func (j *judge) life(l *rules.Life) {
	for i := range j.rules {
		r := &j.rules[i]
		if r.Life == nil {
			continue
		}
		for _, b := range r.Life(l) {
			p := j.in.Policies.At(b.Anchor.At)
			if _, reason := j.missing(b.Needs, p.Bounds.StalledAfter); reason == "" {
				s := j.scope(b)
				j.report(r, b, &s, nil)
			}
		}
	}
}

// scope is where a breach is that no session is behind.
func (j *judge) scope(b *rules.Breach) policy.Scope {
	people := []string{identity.Fold(j.in.Person.Name)}
	return policy.Scope{Account: b.Account, Role: b.Role, People: namesAt(j.in.Policies.At(b.Anchor.At), people, b.Anchor.At)}
}

// namesAt is a folded login with the other names that the policy gives it at t.
func namesAt(p *policy.Policy, login []string, t time.Time) []string {
	return append(slices.Clip(login), p.OtherNames(login[0], t)...)
}

// report writes a finding down, of a session or, s being nil, of where the breach
// says.
func (j *judge) report(r *rules.Rule, b *rules.Breach, at *policy.Scope, s *schemas.Session) {
	f := schemas.Finding{
		ID:       schemas.FindingID(r.Name, j.in.Person.Key, b.Anchor.ID),
		Rule:     r.Name,
		Severity: cmp.Or(b.Severity, r.Severity),
		Status:   schemas.Open,
		Person:   j.in.Person,
		Anchor:   b.Anchor.ID,
		At:       b.Anchor.At,
		Account:  b.Account,
		Role:     b.Role,
		Grant:    b.Grant,
		Why:      b.Why,
	}
	if b.Resolved {
		f.Status = schemas.Resolved
	}
	if s != nil {
		f.Session, f.Account, f.Role = s.ID, s.Account, s.Role
	}
	p := j.in.Policies.At(b.Anchor.At)
	f.Policy = p.ID()
	f.Severity = p.Severity(r.Name, f.Severity, *at)
	f.Suppressed = p.Suppressed(&f, *at)
	e := newEvidence(1 + len(b.Evidence))
	e.add(b.Anchor.ID)
	e.add(b.Evidence...)
	f.Evidence = e.ids
	j.findings = append(j.findings, f)
}

// sessionMFA is the worst answer of the session's assumptions. "No" speaks of
// an absence, so it needs coverage, even where no_mfa is waived.
func (j *judge) sessionMFA(s *rules.Session) schemas.MFA {
	answer := schemas.MFAYes
	for _, a := range s.Assumptions {
		switch {
		case a.MFA == schemas.MFAYes:
			continue
		case a.MFA == schemas.MFANo && j.holds(rules.FactorNeed(a), a.Policy.Bounds.StalledAfter):
			return schemas.MFANo
		}
		answer = schemas.MFAUnknown
	}
	return answer
}

func (j *judge) holds(n rules.Need, stalledAfter time.Duration) bool {
	_, reason := j.missing([]rules.Need{n}, stalledAfter)
	return reason == ""
}

// sorted returns the findings by time, rule and id; of findings with the same
// id (one event that opens several roles) the first by account and role stays.
func (j *judge) sorted() []schemas.Finding {
	slices.SortFunc(j.findings, func(a, b schemas.Finding) int {
		return cmp.Or(
			a.At.Compare(b.At),
			strings.Compare(a.Rule, b.Rule),
			strings.Compare(a.ID, b.ID),
			strings.Compare(a.Account, b.Account),
			strings.Compare(a.Role, b.Role),
		)
	})
	return slices.CompactFunc(j.findings, func(a, b schemas.Finding) bool { return a.ID == b.ID })
}

func (j *judge) dues() []Due {
	var out []Due
	for shard, at := range j.next {
		out = append(out, Due{Shard: shard, At: at})
	}
	slices.SortFunc(out, func(a, b Due) int { return strings.Compare(a.Shard, b.Shard) })
	return out
}
