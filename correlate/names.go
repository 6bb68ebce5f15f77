package correlate

import (
	"slices"
	"time"

	"jitaudit/correlate/identity"
	"jitaudit/correlate/policy"
	"jitaudit/correlate/rules"
	"jitaudit/schemas"
)

// names are what a person goes by, and their uses of the portal.
type names struct {
	// own is the name that the person goes by, folded.
	own    []string
	goesBy func(name string, at time.Time) bool
	portal []*schemas.Fact // by time
}

func newNames(in *Input, facts []*schemas.Fact) *names {
	n := &names{own: []string{identity.Fold(in.Person.Name)}, goesBy: in.GoesBy}
	for _, f := range facts {
		if f.Portal != nil {
			n.portal = append(n.portal, f)
		}
	}
	return n
}

// of are the names of the person that matter to an assumption, folded: their own,
// those of the sign-on behind it, what the portal calls them around it, and its
// session name and subject if they go by them.
func (n *names) of(a *rules.Assumption) []string {
	all := slices.Clip(n.own)
	add := func(handles ...string) {
		for _, h := range handles {
			if h = identity.Fold(h); h != "" && !slices.Contains(all, h) {
				all = append(all, h)
			}
		}
	}
	if a.SignOn != nil {
		add(a.SignOn.Who.Login, a.SignOn.Who.NameID)
	}
	if session := identity.Fold(a.Fact.Who.SessionName); session == "" || slices.Contains(all, session) {
		return all // nothing asks for more
	}
	for _, f := range between(n.portal, a.At().Add(-a.Policy.Bounds.OktaSession), a.At().Add(a.Policy.Bounds.OktaSession)) {
		add(f.Who.NameID, f.Portal.UserName)
	}
	for _, name := range [...]string{a.Fact.Who.SessionName, a.Fact.Who.NameID} {
		if h := identity.Fold(name); h != "" && !slices.Contains(all, h) && n.goesBy != nil && n.goesBy(h, a.At()) {
			add(h)
		}
	}
	return all
}

// portalBeside are the uses of the portal for the role, close to an assumption.
func (n *names) portalBeside(a *rules.Assumption) (out []*schemas.Fact) {
	if a.Fact.Assume.Federation != schemas.IdentityCenter {
		return nil
	}
	near := a.Policy.Bounds.PropagationDelay
	for _, f := range between(n.portal, a.At().Add(-near), a.At().Add(near)) {
		if f.Portal.Account == a.Fact.Assume.Account && schemas.PermissionSet(f.Portal.Role) == a.Fact.Assume.Role {
			out = append(out, f)
		}
	}
	return out
}

// justifying is the first approved request that covers the use of a break-glass
// role, which may be decided later.
func (o *openings) justifying(a *rules.Assumption) *rules.Request {
	if len(o.requests) == 0 {
		return nil
	}
	glass := a.Policy.BreakGlass(a.Scope)
	if glass == nil {
		return nil
	}
	var best *request
	for _, r := range o.requests {
		if r.decision == nil || r.byOneself(a.Person) || !r.opens(a) || !r.covers(a.At(), max(a.Policy.Bounds.RequestWindow, glass.JustifyWithin())) {
			continue
		}
		if r.decision.At.After(a.At().Add(glass.JustifyWithin())) {
			continue
		}
		if best == nil || before(r.decision.At, r.decision.ID, best.decision.At, best.decision.ID) {
			best = r
		}
	}
	if best == nil {
		return nil
	}
	return best.view()
}

// byOneself reports whether the only ones who approved are whom the access is for.
func (r *request) byOneself(p schemas.Person) bool {
	return len(r.approvers) > 0 && !slices.ContainsFunc(r.approvers, func(a schemas.Actor) bool { return !rules.IsPerson(p, a) })
}

// opens reports whether it asks for the role that was assumed.
func (r *request) opens(a *rules.Assumption) bool {
	as := a.Fact.Assume
	if r.names(as.Account, as.Role) {
		return true
	}
	if r.said.GroupID == "" && r.said.Group == "" {
		return false
	}
	return slices.ContainsFunc(a.Policy.Targets(r.said.GroupID, r.said.Group), func(t policy.Target) bool {
		return t.Account == as.Account && t.Role == as.Role
	})
}

// covers reports whether the access that was approved holds at t. A side that
// it does not bound reaches as far as a request may lie from its grant.
func (r *request) covers(t time.Time, window time.Duration) bool {
	from, until := r.said.From, r.endFrom(r.said.From)
	if from.IsZero() {
		from, until = r.decision.At.Add(-window), r.endFrom(r.decision.At)
	}
	if until.IsZero() {
		until = r.decision.At.Add(window)
	}
	return !t.Before(from) && !t.After(until)
}
