package policy

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Set is the policies of all times. It is never changed, and is safe for
// concurrent use.
type Set struct {
	policies []*Policy // by EffectiveFrom
}

// NewSet orders policies by the time from which they judge. It needs at least
// one; two from the same instant on are an error, since neither would be first.
func NewSet(ps ...*Policy) (*Set, error) {
	if len(ps) == 0 {
		return nil, errors.New("no policy given: at least one is needed")
	}
	s := &Set{slices.Clone(ps)}
	slices.SortStableFunc(s.policies, func(a, b *Policy) int { return a.EffectiveFrom.Compare(b.EffectiveFrom) })
	for i, p := range s.policies[1:] {
		if before := s.policies[i]; before.EffectiveFrom.Equal(p.EffectiveFrom) {
			return nil, fmt.Errorf("%s and %s are both effective from %s: give one of them another effective_from",
				before.Name, p.Name, since(p.EffectiveFrom))
		}
	}
	return s, nil
}

func since(t time.Time) string {
	if t.IsZero() {
		return "the beginning"
	}
	return t.Format(time.RFC3339)
}

// At is the policy in force at t. The first one also judges what came before it.
func (s *Set) At(t time.Time) *Policy {
	for i := len(s.policies) - 1; i > 0; i-- {
		if !s.policies[i].EffectiveFrom.After(t) {
			return s.policies[i]
		}
	}
	return s.policies[0]
}

// All are the policies, the earliest first. The slice is shared: do not change
// it.
func (s *Set) All() []*Policy { return s.policies }
