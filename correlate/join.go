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
	// factors by Okta session, each by time.
	bySession, byRoot map[string][]*schemas.Fact
}

// providerSignOns are the sign-ons that count for one provider.
type providerSignOns struct {
	byTime      []*schemas.Fact
	byAssertion map[string][]*schemas.Fact
}

func newSignOns(facts []*schemas.Fact) *signOns {
	s := &signOns{
		byProvider: make(map[*policy.Provider]*providerSignOns),
		bySession:  make(map[string][]*schemas.Fact),
		byRoot:     make(map[string][]*schemas.Fact),
	}
	for _, f := range facts {
		switch {
		case f.SignOn != nil:
			s.all = append(s.all, f)
		case f.Factor != nil:
			if id := f.Factor.SessionID; id != "" {
				s.bySession[id] = append(s.bySession[id], f)
			}
			if id := f.Factor.RootSessionID; id != "" {
				s.byRoot[id] = append(s.byRoot[id], f)
			}
		}
	}
	return s
}

func (s *signOns) of(p *policy.Provider) *providerSignOns {
	if ps := s.byProvider[p]; ps != nil {
		return ps
	}
	ps := &providerSignOns{byAssertion: make(map[string][]*schemas.Fact)}
	for _, f := range s.all {
		if f.Who.Org != p.OktaOrg || !p.HasApp(f.SignOn) {
			continue
		}
		ps.byTime = append(ps.byTime, f)
		if id := f.Who.AssertionID; id != "" {
			ps.byAssertion[id] = append(ps.byAssertion[id], f)
		}
	}
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
		same := between(candidates.byAssertion[id], a.At().Add(-b.OktaSession), a.At().Add(b.OktaSession))
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
	on := a.SignOn.SignOn
	if on.SessionID == "" && on.RootSessionID == "" {
		return
	}
	b := &a.Policy.Bounds
	from, to := a.SignOn.At.Add(-b.OktaSession), a.SignOn.At.Add(b.ClockSkew)
	a.MFA = schemas.MFANo
	for _, factors := range [][]*schemas.Fact{s.bySession[on.SessionID], s.byRoot[on.RootSessionID]} {
		if f := trueSecondFactor(between(factors, from, to), a.SignOn.Who.Org); f != nil {
			a.MFA, a.Factor = schemas.MFAYes, f
			return
		}
	}
}

// trueSecondFactor is the latest factor that is more than a password. On
// Identity Engine every authenticator is logged alike, the password included;
// FastPass alone is possession, unless the device verified its user.
func trueSecondFactor(factors []*schemas.Fact, org string) *schemas.Fact {
	password := slices.ContainsFunc(factors, func(f *schemas.Fact) bool {
		return f.Who.Org == org && f.Factor.Class == schemas.FactorPassword
	})
	var best *schemas.Fact
	for _, f := range factors {
		if f.Who.Org == org && isSecond(f.Factor, password) && (best == nil || f.At.After(best.At)) {
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

// anchors find the assumption that a call's credentials came from.
type anchors struct {
	byKey       map[string]*assumption
	byPrincipal map[string][]*assumption // by time
}

// creationSlack is how far a call's creationDate may lie from the assumption:
// both are whole seconds, written by different hosts.
const creationSlack = 2 * time.Second

func newAnchors(all []*assumption) *anchors {
	an := &anchors{byKey: make(map[string]*assumption, len(all)), byPrincipal: make(map[string][]*assumption, len(all))}
	for _, a := range all {
		if k := a.Fact.Assume.AccessKeyID; k != "" && an.byKey[k] == nil {
			an.byKey[k] = a
		}
		if p := a.Fact.Assume.PrincipalID; p != "" {
			an.byPrincipal[p] = append(an.byPrincipal[p], a)
		}
	}
	return an
}

// find returns nil when the call belongs to none.
func (an *anchors) find(k *UseKey, first time.Time) *assumption {
	if k.AccessKeyID != "" {
		if a := an.byKey[k.AccessKeyID]; a != nil {
			return a
		}
	}
	candidates := an.byPrincipal[k.PrincipalID]
	if k.CreatedAt.IsZero() {
		i, _ := slices.BinarySearchFunc(candidates, first, func(a *assumption, t time.Time) int {
			if a.At().After(t) {
				return 1
			}
			return -1
		})
		if i == 0 {
			return nil
		}
		return candidates[i-1]
	}
	return nearestCreated(candidates, k.CreatedAt)
}

func nearestCreated(candidates []*assumption, created time.Time) *assumption {
	i, _ := slices.BinarySearchFunc(candidates, created.Add(-creationSlack), func(a *assumption, t time.Time) int {
		return a.At().Compare(t)
	})
	var best *assumption
	var bestGap time.Duration
	for ; i < len(candidates) && !candidates[i].At().After(created.Add(creationSlack)); i++ {
		gap := candidates[i].At().Sub(created).Abs()
		if best == nil || gap < bestGap {
			best, bestGap = candidates[i], gap
		}
	}
	return best
}
