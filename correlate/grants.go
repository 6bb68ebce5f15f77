package correlate

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/correlate/rules"
	"jitaudit/schemas"
)

// membership is one stay of the person in one Okta group, as far as one
// approval reaches.
type membership struct {
	policy  *policy.Policy
	targets []policy.Target
	adds    []*schemas.Fact // empty: it was open before the log shows
	removal *schemas.Fact   // nil: it lasts, or was renewed
	// renewal is an addition after the approved end of a membership that was
	// never taken away. It begins a stay of its own: what lies between was not
	// approved.
	renewal *schemas.Fact
	// after is the removal before it, if any: a stay whose opening was not
	// seen cannot have begun earlier.
	after *schemas.Fact
}

// memberships pairs additions and removals, group by group, of the groups that
// open roles. facts are sorted by time.
func memberships(ps *policy.Set, facts []*schemas.Fact) []membership {
	changes := make([]*schemas.Fact, 0, len(facts))
	for _, f := range facts {
		if f.Group != nil {
			changes = append(changes, f)
		}
	}
	slices.SortStableFunc(changes, byGroupThenTime)

	out := make([]membership, 0, len(changes)/2+1)
	for len(changes) > 0 {
		n := 1
		for n < len(changes) && changes[n].Group.ID == changes[0].Group.ID && changes[n].Who.Org == changes[0].Who.Org {
			n++
		}
		out = appendStays(out, ps, changes[:n])
		changes = changes[n:]
	}
	return out
}

// byGroupThenTime puts a removal before an addition of the same instant: a
// membership renewed at once is two stays, not one that never ended.
func byGroupThenTime(a, b *schemas.Fact) int {
	if c := cmp.Compare(a.Who.Org, b.Who.Org); c != 0 {
		return c
	}
	if c := cmp.Compare(a.Group.ID, b.Group.ID); c != 0 {
		return c
	}
	if c := a.At.Compare(b.At); c != 0 {
		return c
	}
	return -cmp.Compare(a.Kind, b.Kind) // "group_removed" before "group_added"
}

func appendStays(out []membership, ps *policy.Set, changes []*schemas.Fact) []membership {
	open := -1
	var lastRemoval *schemas.Fact
	for _, f := range changes {
		added := f.Kind == schemas.GroupAdded
		switch {
		case added && open >= 0 && out[open].reaches(f.At):
			out[open].adds = append(out[open].adds, f)
			continue
		case added && open >= 0:
			out[open].renewal = f
		case !added && open >= 0:
			out[open].removal = f
			open, lastRemoval = -1, f
			continue
		}
		m := membership{policy: ps.At(f.At), after: lastRemoval}
		m.targets = m.policy.Targets(f.Group.ID, f.Group.Name)
		if added {
			m.adds, open = []*schemas.Fact{f}, len(out)
		} else {
			m.removal, lastRemoval = f, f
		}
		out = append(out, m)
	}
	return out
}

// reaches reports whether an addition at t extends the stay: it comes no later
// than the removal would have been due.
func (m *membership) reaches(t time.Time) bool {
	end := m.approvedUntil()
	return end.IsZero() || !t.After(end.Add(m.policy.Bounds.RevocationTolerance))
}

// approvedUntil counts from the latest addition; zero where there is none or
// the policy sets no duration.
func (m *membership) approvedUntil() time.Time {
	if len(m.adds) == 0 || len(m.targets) == 0 || m.targets[0].Duration == 0 {
		return time.Time{}
	}
	return m.adds[len(m.adds)-1].At.Add(m.targets[0].Duration)
}

// opener is the event on which the grant's id and findings hang.
func (m *membership) opener() *schemas.Fact {
	if len(m.adds) > 0 {
		return m.adds[0]
	}
	return m.removal
}

// grants turns memberships into grants, one per role that the group opens
// under the policy in force at the opening.
func grants(in *Input, facts []*schemas.Fact) []*rules.Grant {
	stays := memberships(in.Policies, facts)
	out := make([]*rules.Grant, 0, len(stays))
	for i := range stays {
		m := &stays[i]
		for _, t := range m.targets {
			out = append(out, newGrant(in.Person, m, t))
		}
	}
	slices.SortFunc(out, func(a, b *rules.Grant) int { return compareGrants(a.Record, b.Record) })
	return out
}

func newGrant(person schemas.Person, m *membership, t policy.Target) *rules.Grant {
	opener := m.opener()
	r := &schemas.Grant{
		ID:            schemas.GrantID(person.Key, opener.ID, t.Account, t.Role),
		Person:        person,
		Account:       t.Account,
		Role:          t.Role,
		GroupID:       opener.Group.ID,
		Group:         opener.Group.Name,
		ApprovedUntil: m.approvedUntil(),
		Policy:        m.policy.ID(),
	}
	g := &rules.Grant{Record: r, Policy: m.policy, Org: opener.Who.Org, Removal: m.removal, Renewal: m.renewal, Events: m.events()}
	b := &m.policy.Bounds
	if len(m.adds) > 0 {
		g.Opener = opener
		r.Opened, r.GrantedBy = opener.At, actor(opener)
		g.From = r.Opened.Add(-b.PropagationDelay)
		if !r.ApprovedUntil.IsZero() {
			g.Limit = r.ApprovedUntil.Add(b.RevocationTolerance)
		}
	} else {
		g.From = m.removal.At.Add(-b.GrantLookback)
		if m.after != nil && m.after.At.After(g.From) {
			g.From = m.after.At
		}
	}
	if m.removal != nil {
		r.Removed, r.RemovedBy = m.removal.At, actor(m.removal)
		if end := r.Removed.Add(b.ClockSkew); g.Limit.IsZero() || end.Before(g.Limit) {
			g.Limit = end
		}
	}
	r.Evidence = make([]string, len(g.Events))
	for i, f := range g.Events {
		r.Evidence[i] = f.ID
	}
	return g
}

// actor is nil where the event does not say.
func actor(f *schemas.Fact) *schemas.Actor {
	if f.Group.Actor == (schemas.Actor{}) {
		return nil
	}
	return &f.Group.Actor
}

// events are all that the stay is known by, by time.
func (m *membership) events() []*schemas.Fact {
	out := slices.Clip(m.adds)
	for _, f := range []*schemas.Fact{m.removal, m.renewal} {
		if f != nil {
			out = append(out, f)
		}
	}
	return out
}

func compareGrants(a, b *schemas.Grant) int {
	if c := compareTargets(a, b.Account, b.Role); c != 0 {
		return c
	}
	return cmp.Or(a.Opened.Compare(b.Opened), a.Removed.Compare(b.Removed), cmp.Compare(a.ID, b.ID))
}

func compareTargets(g *schemas.Grant, account, role string) int {
	if c := strings.Compare(g.Account, account); c != 0 {
		return c
	}
	return strings.Compare(g.Role, role)
}

// grantsFor are the grants of one account and role within all, which is sorted
// as by compareGrants.
func grantsFor(all []*rules.Grant, account, role string) []*rules.Grant {
	lo, _ := slices.BinarySearchFunc(all, account, func(g *rules.Grant, account string) int {
		return compareTargets(g.Record, account, role)
	})
	hi := lo
	for hi < len(all) && all[hi].Record.Account == account && all[hi].Record.Role == role {
		hi++
	}
	return all[lo:hi]
}

// judgeGrants fills in which grants contain the assumption or, when none does,
// which are near.
func judgeGrants(a *rules.Assumption, all []*rules.Grant) {
	candidates := grantsFor(all, a.Fact.Assume.Account, a.Fact.Assume.Role)
	at := a.At()
	for _, g := range candidates {
		if g.Contains(at) {
			a.Containing = append(a.Containing, g)
		}
	}
	if len(a.Containing) > 0 {
		slices.SortStableFunc(a.Containing, func(x, y *rules.Grant) int { return y.Record.Opened.Compare(x.Record.Opened) })
		a.Limit = chainEnd(a.Containing, candidates)
		return
	}
	for _, g := range candidates {
		if distance(g, at) <= a.Policy.Bounds.GrantLookback {
			a.Near = append(a.Near, g)
		}
	}
	slices.SortStableFunc(a.Near, func(x, y *rules.Grant) int { return cmp.Compare(distance(x, at), distance(y, at)) })
}

// distance is how far t lies outside the grant; 0 inside.
func distance(g *rules.Grant, t time.Time) time.Duration {
	switch {
	case t.Before(g.From):
		return g.From.Sub(t)
	case !g.Limit.IsZero() && t.After(g.Limit):
		return t.Sub(g.Limit)
	}
	return 0
}

// chainEnd is the last limit of the grants that follow the containing ones
// without a hole; zero when there is none.
func chainEnd(containing, candidates []*rules.Grant) time.Time {
	end := containing[0].Limit
	for _, g := range containing {
		if g.Limit.IsZero() {
			return time.Time{}
		}
		if g.Limit.After(end) {
			end = g.Limit
		}
	}
	for grown := true; grown; {
		grown = false
		for _, g := range candidates {
			if g.From.After(end) {
				continue
			}
			if g.Limit.IsZero() {
				return time.Time{}
			}
			if g.Limit.After(end) {
				end, grown = g.Limit, true
			}
		}
	}
	return end
}
