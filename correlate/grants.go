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

// openings are what opens roles for a person, and the grants made of it.
type openings struct {
	stays    []*stay
	requests []*request
	// grants are sorted as by compareGrants.
	grants []*rules.Grant
	// behind are the requests behind grants.
	behind map[*rules.Grant][]*request
}

// open turns what the facts say of stays and requests into grants, one per role
// that is opened under the policy in force at the opening.
func open(in *Input, facts []*schemas.Fact) *openings {
	o := &openings{requests: requests(in, facts)}
	o.stays = stays(in, facts, o.requests)
	o.grants = make([]*rules.Grant, 0, len(o.stays))
	for _, s := range o.stays {
		o.add(in.Person, s)
	}
	for _, r := range o.requests {
		o.addRequest(in, r)
	}
	slices.SortFunc(o.grants, func(a, b *rules.Grant) int { return compareGrants(a.Record, b.Record) })
	return o
}

func (o *openings) add(person schemas.Person, s *stay) {
	accounts := make([]string, len(s.targets))
	for i, t := range s.targets {
		accounts[i] = t.Account
	}
	slices.Sort(accounts)
	accounts = slices.Compact(accounts)
	for _, t := range s.targets {
		g := newGrant(person, s, t)
		g.Accounts = accounts
		o.grants = append(o.grants, g)
		o.follow(g, s.requests)
	}
}

func (o *openings) follow(g *rules.Grant, rs []*request) {
	if len(rs) == 0 {
		return
	}
	if o.behind == nil {
		o.behind = make(map[*rules.Grant][]*request)
	}
	o.behind[g] = rs
}

// requestsSeen are the requests behind the grants that contain an assumption, as
// far as their steps are part of what is said about it. One that is behind several
// comes several times.
func (o *openings) requestsSeen(a *rules.Assumption) (out []schemas.RequestRef) {
	for _, g := range a.Containing {
		for _, r := range o.behind[g] {
			if until := r.until(a.SeenFrom()); until != nil {
				out = append(out, until.ref())
			}
		}
	}
	return out
}

// used notes which grants contain an assumption. All that one event opened
// count as used when one of them is.
func (o *openings) used(all []*assumption) {
	for _, a := range all {
		for _, g := range a.Containing {
			if g.Used {
				continue
			}
			for _, same := range o.grants {
				same.Used = same.Used || opener(same) == opener(g)
			}
		}
	}
}

// opener is the event that a grant's id comes from.
func opener(g *rules.Grant) *schemas.Fact { return g.Events[0] }

func newGrant(person schemas.Person, s *stay, t policy.Target) *rules.Grant {
	opener := s.opener()
	r := &schemas.Grant{
		ID:            schemas.GrantID(person.Key, opener.ID, t.Account, t.Role),
		Person:        person,
		Account:       t.Account,
		Role:          t.Role,
		Source:        s.source,
		GroupID:       s.id,
		Group:         s.name,
		ApprovedUntil: s.approvedUntil(),
		Policy:        s.policy.ID(),
	}
	g := &rules.Grant{Record: r, Policy: s.policy, Org: s.org, Removal: s.removal, Renewal: s.renewal, Events: s.events()}
	b := &s.policy.Bounds
	switch {
	case len(s.adds) > 0:
		g.Opener = opener
		r.Opened, r.GrantedBy = opener.At, actor(opener)
		g.From = r.Opened.Add(-b.PropagationDelay)
	default:
		// Whose addition the log does not show has been a member for as long as
		// anybody looks back, but not since before the stay before.
		if len(s.observed) > 0 {
			g.Opener, r.Source, r.FirstObserved = opener, schemas.BySnapshot, opener.At
		}
		g.From = opener.At.Add(-b.GrantLookback)
		if s.after.After(g.From) {
			g.From = s.after
		}
	}
	if r.Removed = s.removed(); s.removal != nil {
		r.RemovedBy = actor(s.removal)
	}
	g.Limit = limitOf(r.ApprovedUntil, s.ended(), b)
	for _, q := range s.requests {
		g.Requests = append(g.Requests, q.view())
		r.Requests = append(r.Requests, q.ref())
	}
	r.Evidence = evidenceOf(g)
	return g
}

// limitOf is the last instant that a grant contains, by when it was to end and when
// it ended, each zero where there is none; zero: no limit.
func limitOf(approvedUntil, ended time.Time, b *policy.Bounds) (limit time.Time) {
	if !approvedUntil.IsZero() {
		limit = approvedUntil.Add(b.RevocationTolerance)
	}
	if !ended.IsZero() {
		if end := ended.Add(b.ClockSkew); limit.IsZero() || end.Before(limit) {
			limit = end
		}
	}
	return limit
}

// evidenceOf are the ids of the events that a grant is known by, then those of
// its requests.
func evidenceOf(g *rules.Grant) []string {
	e := newEvidence(len(g.Events))
	for _, f := range g.Events {
		e.ids = append(e.ids, f.ID)
	}
	for _, q := range g.Requests {
		e.add(q.Evidence...)
	}
	return e.ids
}

// addRequest makes a grant of an approved request that names the role itself,
// unless something that was opened for it is known.
func (o *openings) addRequest(in *Input, r *request) {
	if r.decision == nil || r.said.Role == "" || r.said.Account == "" {
		return
	}
	if slices.ContainsFunc(o.stays, func(s *stay) bool { return slices.Contains(s.requests, r) }) {
		return
	}
	opened := r.decision.At
	if r.said.From.After(opened) {
		opened = r.said.From
	}
	p := in.Policies.At(opened)
	rec := &schemas.Grant{
		ID:      schemas.GrantID(in.Person.Key, r.decision.ID, r.said.Account, r.said.Role),
		Person:  in.Person,
		Account: r.said.Account,
		Role:    r.said.Role,
		Source:  schemas.ByRequest,
		Opened:  opened,
		Policy:  p.ID(),
	}
	rec.ApprovedUntil = r.endFrom(opened)
	if length := p.Bounds.GrantDuration; rec.ApprovedUntil.IsZero() && length > 0 {
		rec.ApprovedUntil = opened.Add(length)
	}
	g := &rules.Grant{
		Record: rec, Policy: p, Org: r.decision.Who.Org, Opener: r.decision, Events: []*schemas.Fact{r.decision},
		From: opened.Add(-p.Bounds.PropagationDelay), Requests: []*rules.Request{r.view()}, Accounts: []string{rec.Account},
	}
	if r.over != nil {
		rec.Removed = r.over.At
		g.Events = append(g.Events, r.over)
	}
	g.Limit = limitOf(rec.ApprovedUntil, rec.Removed, &p.Bounds)
	o.follow(g, []*request{r})
	rec.Requests = []schemas.RequestRef{r.ref()}
	rec.Evidence = evidenceOf(g)
	o.grants = append(o.grants, g)
}

// actor is who opened or closed a stay; nil where the event does not say.
func actor(f *schemas.Fact) *schemas.Actor {
	var a schemas.Actor
	if f.Group != nil {
		a = f.Group.Actor
	} else {
		a = f.Assignment.Actor
	}
	if a == (schemas.Actor{}) {
		return nil
	}
	return &a
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
		// Not by their end, which may come after all about the assumption is final.
		slices.SortFunc(a.Containing, func(x, y *rules.Grant) int {
			return cmp.Or(y.Record.Opened.Compare(x.Record.Opened), cmp.Compare(x.Record.ID, y.Record.ID))
		})
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
