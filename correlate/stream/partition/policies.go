package partition

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"jitaudit/correlate/identity"
	"jitaudit/correlate/policy"
	"jitaudit/correlate/stream/entry"
)

// policies are those that the records have named so far. Of two from the same
// instant on, the one that was named last judges.
type policies struct {
	set     *policy.Set // nil before the first
	byStart map[time.Time]heldPolicy
	waiting []identity.Claim // those that came before the first policy
	changed bool             // since the last tick
}

type heldPolicy struct {
	*policy.Policy
	offset int64
}

func newPolicies() *policies { return &policies{byStart: make(map[time.Time]heldPolicy)} }

// take takes in a policy. One that cannot be read, or that does not go with the
// others, leaves those in force.
func (ps *policies) take(offset int64, e *entry.Policy, r *refs) (kept bool, err error) {
	p, err := policy.Parse(e.Name, e.Data)
	if err != nil {
		return false, fmt.Errorf("%w:\n%w", ErrPolicy, err)
	}
	before, known := ps.byStart[p.EffectiveFrom]
	if known && before.Hash == p.Hash {
		return false, nil
	}
	all := []*policy.Policy{p}
	for start, h := range ps.byStart {
		if !start.Equal(p.EffectiveFrom) {
			all = append(all, h.Policy)
		}
	}
	set, err := policy.NewSet(all...)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	ps.set, ps.changed = set, true
	ps.byStart[p.EffectiveFrom] = heldPolicy{p, offset}
	r.hold(offset)
	if known {
		r.release(before.offset)
	}
	return true, nil
}

// ErrPolicy is that of a policy that is not taken: those before it stay in force.
var ErrPolicy = errors.New("this policy is not taken, and those before it stay in force")

// orgs are the Okta orgs that any policy names.
func (ps *policies) orgs() (out []string) {
	for _, p := range ps.set.All() {
		out = append(out, p.Orgs()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
