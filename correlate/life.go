package correlate

import (
	"cmp"
	"slices"
	"strings"

	"jitaudit/correlate/rules"
	"jitaudit/schemas"
)

// newLife is what rules see of the person beside sessions and grants.
func newLife(in *Input, facts []*schemas.Fact, o *openings, an *anchors) *rules.Life {
	l := &rules.Life{Person: in.Person, Policies: in.Policies, Facts: facts}
	for _, s := range o.stays {
		if len(s.targets) > 0 || s.source != schemas.ByMembership {
			continue
		}
		for _, f := range s.adds {
			if s.policy.LooksLikeAWS(f.Group.Name) {
				l.Unmapped = append(l.Unmapped, f)
			}
		}
	}
	slices.SortFunc(l.Unmapped, byTime)
	for _, group := range orphans(an.orphans) {
		u := group[0]
		account, role := schemas.RoleOf(u.RoleARN)
		if role == "" || !in.Policies.At(u.First).Watched(account, role) {
			continue
		}
		l.Orphans = append(l.Orphans, rules.Orphan{
			EventID: u.FirstID, At: u.First, PrincipalID: u.PrincipalID, Account: account, Role: role, CreatedAt: u.CreatedAt, Shard: u.Shard,
		})
	}
	return l
}

// orphans brings together the uses of credentials that were made at one
// instant, the earliest first. A use that names no such instant stands alone.
func orphans(uses []*Use) (out [][]*Use) {
	sorted := slices.Clone(uses)
	slices.SortFunc(sorted, func(a, b *Use) int {
		return cmp.Or(strings.Compare(a.PrincipalID, b.PrincipalID), a.CreatedAt.Compare(b.CreatedAt), a.First.Compare(b.First),
			strings.Compare(a.FirstID, b.FirstID))
	})
	for i, u := range sorted {
		if i > 0 && sorted[i-1].PrincipalID == u.PrincipalID && !u.CreatedAt.IsZero() && sorted[i-1].CreatedAt.Equal(u.CreatedAt) {
			out[len(out)-1] = append(out[len(out)-1], u)
			continue
		}
		out = append(out, []*Use{u})
	}
	return out
}
