package correlate

import (
	"cmp"
	"slices"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

// stay is the time that a person has something that opens roles (an Okta group,
// an application, an account assignment), as far as one approval reaches.
type stay struct {
	resource
	policy  *policy.Policy
	targets []policy.Target
	adds    []*schemas.Fact // empty: it was open before the log shows
	// observed are the times that Okta listed the member during the stay.
	observed []*schemas.Fact
	removal  *schemas.Fact // nil: it lasts, or ended otherwise
	// renewal is an addition after the approved end of a stay that was never
	// taken away. It begins a stay of its own: what lies between was not
	// approved.
	renewal *schemas.Fact
	// missing is the first complete snapshot without the person, where the log
	// shows no removal.
	missing *schemas.Fact
	// after is when the stay before it ended, if one did: a stay whose opening
	// was not seen cannot have begun earlier.
	after time.Time
	// requests are those behind it.
	requests []*request
}

// resource is what a stay is a stay in.
type resource struct {
	source  schemas.GrantSource
	org, id string
	name    string
}

// resourceOf is what a fact opens or closes; false for any other fact.
func resourceOf(f *schemas.Fact) (resource, bool) {
	switch f.Kind {
	case schemas.GroupAdded, schemas.GroupRemoved:
		return resource{schemas.ByMembership, f.Who.Org, f.Group.ID, f.Group.Name}, true
	case schemas.MemberObserved:
		return resource{schemas.ByMembership, f.Who.Org, f.Member.ID, f.Member.Name}, true
	case schemas.AppAssigned, schemas.AppUnassigned:
		return resource{schemas.ByApp, f.Who.Org, f.Group.ID, f.Group.Name}, true
	case schemas.AccountAssigned, schemas.AccountUnassigned:
		// Its name is the permission set, its id that in the account.
		return resource{schemas.ByAssignment, "", f.Assignment.Account + "/" + f.Assignment.PermissionSet, f.Assignment.PermissionSet}, true
	}
	return resource{}, false
}

// compare orders resources. One without an id is known by its name. All that a
// person has in Okta is in one org.
func (r resource) compare(o resource) int {
	if c := cmp.Or(cmp.Compare(r.source, o.source), cmp.Compare(r.id, o.id)); c != 0 || r.id != "" {
		return c
	}
	return cmp.Compare(r.name, o.name)
}

// targets are the roles that a resource opens.
func (r resource) targets(p *policy.Policy) []policy.Target {
	switch r.source {
	case schemas.ByApp:
		return p.AppTargets(r.id)
	case schemas.ByAssignment:
		account := r.id[:len(r.id)-len(r.name)-1]
		return p.AssignmentTargets(account, r.name)
	}
	return p.Targets(r.id, r.name)
}

// change is a fact about a resource, in the order in which it is looked at.
type change struct {
	resource
	fact *schemas.Fact
	// order puts, at one instant, a removal before an addition (a membership
	// renewed at once is two stays, not one that never ended), and what Okta
	// listed after both.
	order int
}

func changeOf(f *schemas.Fact) (change, bool) {
	r, ok := resourceOf(f)
	c := change{resource: r, fact: f}
	switch f.Kind {
	case schemas.GroupAdded, schemas.AppAssigned, schemas.AccountAssigned:
		c.order = 1
	case schemas.MemberObserved:
		c.order = 2
	}
	return c, ok
}

func compareChanges(a, b change) int {
	return cmp.Or(a.resource.compare(b.resource), a.fact.At.Compare(b.fact.At), cmp.Compare(a.order, b.order))
}

// stays pairs what opens and what closes, resource by resource. facts are
// sorted by time.
func stays(in *Input, facts []*schemas.Fact, rs []*request) []*stay {
	changes := make([]change, 0, len(facts))
	for _, f := range facts {
		if c, ok := changeOf(f); ok {
			changes = append(changes, c)
		}
	}
	slices.SortStableFunc(changes, compareChanges)
	out := make([]*stay, 0, len(changes)/2+1)
	for len(changes) > 0 {
		n := 1
		for n < len(changes) && changes[n].resource.compare(changes[0].resource) == 0 {
			n++
		}
		b := builder{resource: changes[0].resource, policies: in.Policies, requests: rs, out: out}
		if changes[0].source == schemas.ByMembership {
			b.snapshots = snapshotsOf(in.Shared, changes[0].resource)
		}
		out = b.build(changes[:n])
		changes = changes[n:]
	}
	return out
}

// builder makes the stays in one resource.
type builder struct {
	resource
	policies  *policy.Set
	requests  []*request
	snapshots []*schemas.Fact // complete ones of the group, by time
	changes   []change        // what the log says, and what Okta listed
	out       []*stay
	open      *stay
	ended     time.Time // when the last stay ended
}

func (b *builder) build(changes []change) []*stay {
	b.changes = b.withObserved(changes)
	for _, c := range b.changes {
		b.missing(c.fact.At)
		b.take(c)
	}
	b.missing(farFuture())
	return b.out
}

// farFuture is after all that can be.
func farFuture() time.Time { return time.Unix(1<<40, 0) }

// take goes on by one change.
func (b *builder) take(c change) {
	f, open := c.fact, b.open
	switch {
	case listed(c):
		if open == nil {
			open = b.begin(c)
		}
		open.observed = append(open.observed, f)
	case c.order == 1 && open != nil && len(open.adds) > 0 && open.reaches(f.At):
		open.adds = append(open.adds, f)
		open.tie(b.requests)
	case c.order == 1:
		if open != nil {
			open.renewal = f
		}
		s := b.begin(c)
		s.adds = []*schemas.Fact{f}
		s.tie(b.requests)
	default:
		if open == nil {
			open = b.begin(c)
		}
		open.removal = f
		b.end(f.At)
	}
}

func (b *builder) begin(c change) *stay {
	s := &stay{resource: c.resource, policy: b.policies.At(c.fact.At), after: b.ended}
	s.targets = s.resource.targets(s.policy)
	b.out = append(b.out, s)
	b.open = s
	return s
}

func (b *builder) end(at time.Time) { b.open, b.ended = nil, at }

// reaches reports whether an addition at t extends the stay: it comes no later
// than the removal would have been due.
func (s *stay) reaches(t time.Time) bool {
	end := s.approvedUntil()
	return end.IsZero() || !t.After(end.Add(s.policy.Bounds.RevocationTolerance))
}

// approvedUntil is the end that the request behind the latest addition names,
// else counts from that addition; zero where there is none or nothing sets a
// duration.
func (s *stay) approvedUntil() time.Time {
	if len(s.adds) == 0 || len(s.targets) == 0 {
		return time.Time{}
	}
	added := s.adds[len(s.adds)-1].At
	if r := s.latestRequest(); r != nil {
		if until := r.endFrom(added); !until.IsZero() {
			return until
		}
	}
	if s.targets[0].Duration == 0 {
		return time.Time{}
	}
	return added.Add(s.targets[0].Duration)
}

// opener is the event on which the grant's id and findings hang.
func (s *stay) opener() *schemas.Fact {
	switch {
	case len(s.adds) > 0:
		return s.adds[0]
	case len(s.observed) > 0:
		return s.observed[0]
	}
	return s.removal
}

// removed is when the person was taken out, or first missed; zero where neither
// is known.
func (s *stay) removed() time.Time {
	switch {
	case s.removal != nil:
		return s.removal.At
	case s.missing != nil:
		return s.missing.Snapshot.From
	}
	return time.Time{}
}

// ended is when the stay ended, by removal or renewal; zero while it lasts.
func (s *stay) ended() time.Time {
	if s.renewal != nil {
		return s.renewal.At
	}
	return s.removed()
}

// events are all that the stay is known by, by time.
func (s *stay) events() []*schemas.Fact {
	out := slices.Clip(s.adds)
	if len(s.adds) == 0 && len(s.observed) > 0 {
		out = append(out, s.observed[0])
	}
	for _, f := range []*schemas.Fact{s.missing, s.removal, s.renewal} {
		if f != nil {
			out = append(out, f)
		}
	}
	return out
}
