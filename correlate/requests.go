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

// request is a request for access, its steps put together.
type request struct {
	key   string
	steps []*schemas.Fact // by time
	// All that any step says; of two that differ the later.
	said schemas.Request
	// created is the earliest step; decision the earliest that approved; over
	// the first after it that took the access back.
	created, decision, over *schemas.Fact
	refused                 bool
	requester               schemas.Actor
	approvers               []schemas.Actor // as often as they are named
}

// longestStep is how long a request may rest between two steps. What comes later
// under its id is a request of its own: the steps before may be forgotten.
const longestStep = 7 * 24 * time.Hour

// requests puts the steps of requests together. facts are sorted by time.
func requests(in *Input, facts []*schemas.Fact) []*request {
	var out []*request
	open := make(map[string]*request)
	for _, f := range facts {
		if f.Request == nil {
			continue
		}
		k := requestKey(f)
		r := open[k]
		// Okta's self-service names no request: each time somebody asks for an
		// application is one.
		if r == nil || f.At.After(r.last().At.Add(longestStep)) || f.Request.Origin == schemas.OriginSelfService && f.Request.Step == schemas.StepCreated {
			r = &request{key: k, created: f}
			open[k] = r
			out = append(out, r)
		}
		r.add(f)
	}
	for _, r := range out {
		r.condition(in.Shared)
	}
	return out
}

// requestKey is one for the log and the API of Okta's governance.
func requestKey(f *schemas.Fact) string {
	q := f.Request
	switch q.Origin {
	case schemas.OriginFeed:
		return f.Shard + " " + q.ID
	case schemas.OriginSelfService:
		return f.Who.Org + " self-service " + q.ID
	}
	return f.Who.Org + " " + q.ID
}

func (r *request) add(f *schemas.Fact) {
	q := f.Request
	r.steps = append(r.steps, f)
	s := &r.said
	for _, p := range []struct {
		known *string
		now   string
	}{
		{&s.ID, q.ID}, {&s.GroupID, q.GroupID}, {&s.Group, q.Group}, {&s.AppID, q.AppID}, {&s.Account, q.Account}, {&s.Role, q.Role},
		{&s.Condition, q.Condition}, {&s.Subject, q.Subject}, {&s.Justification, q.Justification},
	} {
		*p.known = cmp.Or(p.now, *p.known)
	}
	s.Origin = cmp.Or(s.Origin, q.Origin)
	s.Seconds = cmp.Or(q.Seconds, s.Seconds)
	if !q.From.IsZero() {
		s.From = q.From
	}
	if !q.Until.IsZero() {
		s.Until = q.Until
	}
	r.requester = richer(r.requester, q.Requester)
	if q.Step != schemas.StepDenied {
		r.approvers = append(r.approvers, q.Approvers...)
	}
	switch q.Step {
	case schemas.StepApproved, schemas.StepGranted:
		r.refused = false
		if r.decision == nil {
			r.decision = f
		}
	case schemas.StepDenied, schemas.StepCancelled, schemas.StepExpired:
		r.refused = r.decision == nil
		if r.decision != nil && r.over == nil {
			r.over = f
		}
	}
}

// richer is the later of two words about one actor, with what only the earlier says
// of the same.
func richer(before, now schemas.Actor) schemas.Actor {
	switch {
	case now == schemas.Actor{}:
		return before
	case before.ID != "" && before.ID == now.ID:
		now.Type, now.AlternateID, now.Name = cmp.Or(now.Type, before.Type), cmp.Or(now.AlternateID, before.AlternateID), cmp.Or(now.Name, before.Name)
	}
	return now
}

// condition takes the length from what the condition said last before the
// request was made.
func (r *request) condition(shared []*schemas.Fact) {
	if r.said.Condition == "" || r.said.Seconds != 0 {
		return
	}
	var best *schemas.Fact
	for _, f := range shared {
		if f.Kind != schemas.ConditionSet || f.Condition.ID != r.said.Condition || f.Who.Org != r.created.Who.Org || f.At.After(r.created.At) {
			continue
		}
		if best == nil || before(best.At, best.ID, f.At, f.ID) {
			best = f
		}
	}
	if best != nil {
		r.said.Seconds = best.Condition.Seconds
	}
}

// until is what was known of the request at t; nil for nothing, or a refusal.
func (r *request) until(t time.Time) *request {
	if !r.last().At.After(t) {
		return r
	}
	known := &request{key: r.key, created: r.created}
	for _, f := range r.steps {
		if !f.At.After(t) {
			known.add(f)
		}
	}
	if len(known.steps) == 0 || known.refused {
		return nil
	}
	return known
}

func (r *request) last() *schemas.Fact { return r.steps[len(r.steps)-1] }

// decidedAt is when it was decided or, where that is not said, made.
func (r *request) decidedAt() time.Time {
	if r.decision != nil {
		return r.decision.At
	}
	return r.created.At
}

// endFrom is when access that began at t was to end; zero where it does not say.
// What nobody approved sets no end, but for Okta's governance, whose events name
// no approval.
func (r *request) endFrom(t time.Time) time.Time {
	switch {
	case r.decision == nil && r.said.Origin != schemas.OriginGovernance:
		return time.Time{}
	case !r.said.Until.IsZero():
		return r.said.Until
	case r.said.Seconds > 0:
		return t.Add(time.Duration(r.said.Seconds) * time.Second)
	}
	return time.Time{}
}

// is reports whether it asks for a resource, or for a role that it opens.
func (r *request) is(in resource, targets []policy.Target) bool {
	s := &r.said
	switch {
	case in.source == schemas.ByMembership && s.GroupID != "":
		return s.GroupID == in.id
	case in.source == schemas.ByMembership && s.Group != "":
		return s.Group == in.name
	case in.source == schemas.ByApp && s.AppID != "":
		return s.AppID == in.id
	}
	return slices.ContainsFunc(targets, func(t policy.Target) bool { return r.names(t.Account, t.Role) })
}

func (r *request) names(account, role string) bool {
	return r.said.Account == account && r.said.Role == role
}

// tie looks for the requests behind the latest addition.
func (s *stay) tie(all []*request) {
	added := s.adds[len(s.adds)-1].At
	b := &s.policy.Bounds
	for _, r := range all {
		t := r.decidedAt()
		if r.refused || r.over != nil && !r.over.At.After(added) || t.Before(added.Add(-b.RequestWindow)) || t.After(added.Add(b.PropagationDelay)) {
			continue
		}
		if r.is(s.resource, s.targets) && !slices.Contains(s.requests, r) {
			s.requests = append(s.requests, r)
		}
	}
}

// latestRequest is the one that was decided last.
func (s *stay) latestRequest() (best *request) {
	for _, r := range s.requests {
		if best == nil || !r.decidedAt().Before(best.decidedAt()) {
			best = r
		}
	}
	return best
}

// view is the request as rules see it.
func (r *request) view() *rules.Request {
	out := &rules.Request{
		RequestRef: r.ref(), Decision: cmp.Or(r.decision, r.created),
		Requester: r.requester, Approvers: r.approvers, Grantee: r.created.Who,
	}
	return out
}

// ref is the request as records show it.
func (r *request) ref() schemas.RequestRef {
	ref := schemas.RequestRef{
		ID: r.said.ID, Origin: r.said.Origin, Requester: nameOf(r.requester),
		From: r.said.From, Until: r.said.Until, Subject: r.said.Subject, Justification: r.said.Justification,
	}
	if r.steps[0].Request.Step == schemas.StepCreated {
		ref.At = r.created.At
	}
	if r.decision != nil {
		ref.DecidedAt = r.decision.At
	}
	for _, a := range r.approvers {
		if name := nameOf(a); name != "" && !slices.Contains(ref.Approvers, name) {
			ref.Approvers = append(ref.Approvers, name)
		}
	}
	for _, f := range r.steps {
		ref.Evidence = append(ref.Evidence, f.ID)
	}
	return ref
}

// nameOf is what an actor goes by: the login, else the id.
func nameOf(a schemas.Actor) string {
	if a.AlternateID != "" && !strings.EqualFold(a.AlternateID, "unknown") {
		return a.AlternateID
	}
	return cmp.Or(a.ID, a.Name)
}
