package partition

import (
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

func (ps *policies) take(offset int64, e *entry.Policy, r *refs) (kept, changed bool, err error) {
	p, err := policy.Parse(e.Name, e.Data)
	if err != nil {
		return false, false, err
	}
	before, known := ps.byStart[p.EffectiveFrom]
	if known && before.Hash == p.Hash {
		return false, false, nil
	}
	if known {
		r.release(before.offset)
	}
	ps.byStart[p.EffectiveFrom] = heldPolicy{p, offset}
	r.hold(offset)
	all := make([]*policy.Policy, 0, len(ps.byStart))
	for _, h := range ps.byStart {
		all = append(all, h.Policy)
	}
	ps.set, err = policy.NewSet(all...)
	ps.changed = true
	return true, true, err
}

// orgs are the Okta orgs that any policy names.
func (ps *policies) orgs() (out []string) {
	for _, p := range ps.set.All() {
		out = append(out, p.Orgs()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
