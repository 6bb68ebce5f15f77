package correlate

import (
	"slices"
	"strings"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/correlate/rules"
	"jitaudit/schemas"
)

// signOns are a person's sign-ons and second factors, arranged for the join.
type signOns struct {
	all        []*schemas.Fact // by time
	byProvider map[*policy.Provider]*providerSignOns
	// factors by Okta session.
	bySession, byRoot index
	// last is the answer for the sign-on asked for last: one sign-on is often
	// behind several assumptions in a row.
	last struct {
		signOn *schemas.Fact
		policy *policy.Policy
		mfa    schemas.MFA
		factor *schemas.Fact
	}
}

// providerSignOns are the sign-ons that count for one provider.
type providerSignOns struct {
	byTime      []*schemas.Fact
	byAssertion index
}

// index finds facts by a key; those of one key stay in order of time.
type index struct {
	key   func(*schemas.Fact) string
	facts []*schemas.Fact
}

// newIndex leaves out facts without the key. facts are sorted by time.
func newIndex(facts []*schemas.Fact, key func(*schemas.Fact) string) index {
	x := index{key: key, facts: make([]*schemas.Fact, 0, len(facts))}
	for _, f := range facts {
		if key(f) != "" {
			x.facts = append(x.facts, f)
		}
	}
	slices.SortStableFunc(x.facts, func(a, b *schemas.Fact) int { return strings.Compare(key(a), key(b)) })
	return x
}

func (x index) find(key string) []*schemas.Fact {
	lo, _ := slices.BinarySearchFunc(x.facts, key, func(f *schemas.Fact, k string) int { return strings.Compare(x.key(f), k) })
	hi := lo
	for hi < len(x.facts) && x.key(x.facts[hi]) == key {
		hi++
	}
	return x.facts[lo:hi]
}

func newSignOns(facts []*schemas.Fact) *signOns {
	s := &signOns{byProvider: make(map[*policy.Provider]*providerSignOns)}
	factors := make([]*schemas.Fact, 0, len(facts))
	for _, f := range facts {
		switch {
		case f.SignOn != nil:
			s.all = append(s.all, f)
		case f.Factor != nil:
			factors = append(factors, f)
		}
	}
	s.bySession = newIndex(factors, func(f *schemas.Fact) string { return f.Factor.SessionID })
	s.byRoot = newIndex(factors, func(f *schemas.Fact) string { return f.Factor.RootSessionID })
	return s
}

func (s *signOns) of(p *policy.Provider) *providerSignOns {
	if ps := s.byProvider[p]; ps != nil {
		return ps
	}
	ps := &providerSignOns{byTime: make([]*schemas.Fact, 0, len(s.all))}
	for _, f := range s.all {
		if f.Who.Org == p.OktaOrg && p.HasApp(f.SignOn) {
			ps.byTime = append(ps.byTime, f)
		}
	}
	ps.byAssertion = newIndex(ps.byTime, func(f *schemas.Fact) string { return f.Who.AssertionID })
	s.byProvider[p] = ps
	return ps
}

// explain finds the sign-on behind an assumption, by the strongest key.
func (s *signOns) explain(a *rules.Assumption) {
	if a.Provider == nil {
		return
	}
	candidates := s.of(a.Provider)
	b := &a.Policy.Bounds
	if a.Provider.Federation == schemas.IdentityCenter {
		// s − skew ≤ t ≤ s + portal_session
		window := between(candidates.byTime, a.At().Add(-b.PortalSession), a.At().Add(b.ClockSkew))
		a.SignOn, a.JoinedBy = nearest(window, a.At()), schemas.JoinPortal
		return
	}
	id := a.Fact.Who.AssertionID
	if id != "" {
		same := between(candidates.byAssertion.find(id), a.At().Add(-b.OktaSession), a.At().Add(b.OktaSession))
		if f := nearest(same, a.At()); f != nil {
			a.SignOn, a.JoinedBy = f, schemas.JoinAssertion
			return
		}
		if a.Provider.RequireAssertionID {
			return
		}
	}
	window := between(candidates.byTime, a.At().Add(-b.AssertionWindow), a.At().Add(b.ClockSkew))
	a.SignOn, a.JoinedBy = nearest(withSubject(window, a.Fact.Who.NameID), a.At()), schemas.JoinSubject
	if a.SignOn == nil {
		a.SignOn, a.JoinedBy = nearest(window, a.At()), schemas.JoinEmail
	}
}

// between are the facts in [from, to].
func between(facts []*schemas.Fact, from, to time.Time) []*schemas.Fact {
	lo, _ := slices.BinarySearchFunc(facts, from, func(f *schemas.Fact, t time.Time) int { return f.At.Compare(t) })
	hi := lo
	for hi < len(facts) && !facts[hi].At.After(to) {
		hi++
	}
	return facts[lo:hi]
}

func withSubject(facts []*schemas.Fact, nameID string) []*schemas.Fact {
	if nameID == "" {
		return nil
	}
	var out []*schemas.Fact
	for _, f := range facts {
		if strings.EqualFold(strings.TrimSpace(f.Who.NameID), strings.TrimSpace(nameID)) {
			out = append(out, f)
		}
	}
	return out
}

// nearest is the latest fact not after t, else the earliest after it; of equal
// times the lower id. facts are sorted by time and id.
func nearest(facts []*schemas.Fact, t time.Time) *schemas.Fact {
	var best *schemas.Fact
	for _, f := range facts {
		switch {
		case f.At.After(t):
			if best == nil {
				return f
			}
			return best
		case best == nil || f.At.After(best.At):
			best = f
		}
	}
	return best
}

// secondFactor answers for the Okta session behind the assumption's sign-on.
func (s *signOns) secondFactor(a *rules.Assumption) {
	a.MFA = schemas.MFAUnknown
	if a.SignOn == nil {
		return
	}
	if s.last.signOn != a.SignOn || s.last.policy != a.Policy {
		s.last.signOn, s.last.policy = a.SignOn, a.Policy
		s.last.mfa, s.last.factor = s.factorBehind(a.SignOn, &a.Policy.Bounds)
	}
	a.MFA, a.Factor = s.last.mfa, s.last.factor
}

func (s *signOns) factorBehind(signOn *schemas.Fact, b *policy.Bounds) (schemas.MFA, *schemas.Fact) {
	on := signOn.SignOn
	if on.SessionID == "" && on.RootSessionID == "" {
		return schemas.MFAUnknown, nil
	}
	from, to := signOn.At.Add(-b.OktaSession), signOn.At.Add(b.ClockSkew)
	for _, by := range [...]struct {
		in *index
		id string
	}{{&s.bySession, on.SessionID}, {&s.byRoot, on.RootSessionID}} {
		if f := trueSecondFactor(between(by.in.find(by.id), from, to)); f != nil {
			return schemas.MFAYes, f
		}
	}
	return schemas.MFANo, nil
}

// trueSecondFactor is the latest factor that is more than a password. On
// Identity Engine every authenticator is logged alike, the password included;
// FastPass alone is possession, unless the device verified its user.
func trueSecondFactor(factors []*schemas.Fact) *schemas.Fact {
	password := slices.ContainsFunc(factors, func(f *schemas.Fact) bool { return f.Factor.Class == schemas.FactorPassword })
	var best *schemas.Fact
	for _, f := range factors {
		if isSecond(f.Factor, password) && (best == nil || f.At.After(best.At)) {
			best = f
		}
	}
	return best
}

func isSecond(f *schemas.Factor, password bool) bool {
	switch f.Class {
	case schemas.FactorPassword, schemas.FactorQuestion:
		return false
	case schemas.FactorFastPass:
		return f.UserVerified || password
	}
	return true
}
