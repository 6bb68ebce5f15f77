package organisation

import (
	"cmp"
	"time"
)

// The bounds of docs/correlation.md that the planted deeds are measured by. The
// generated policy states them.
const (
	clockSkew           = 2 * time.Second
	assertionWindow     = 10 * time.Minute
	portalSession       = 8 * time.Hour
	oktaSessionReach    = 24 * time.Hour
	propagationDelay    = 2 * time.Minute
	grantDuration       = time.Hour
	standingAccess      = 24 * time.Hour
	burstWindow         = 10 * time.Minute
	burst               = 5
	justifyWithin       = time.Hour
	revocationTolerance = 5 * time.Minute
	credentialsOutlive  = time.Hour
)

// grant is one membership in a group that opens roles.
type grant struct {
	group    *group
	opened   time.Time
	extended time.Time // a further add while it was open; zero for none
	removed  time.Time // zero while it lasts
	addID    string
	removeID string
	renewID  string        // of an addition that came too late to extend it
	lasts    time.Duration // the approved length, where it is not the group's
}

// approvedUntil is the approved end; zero for none.
func (gr *grant) approvedUntil() time.Time {
	lasts := cmp.Or(gr.lasts, gr.group.duration)
	if lasts == 0 {
		return time.Time{}
	}
	if !gr.extended.IsZero() {
		return gr.extended.Add(lasts)
	}
	return gr.opened.Add(lasts)
}

// limit is the last instant at which the grant contains an assumption; zero for
// none.
func (gr *grant) limit() (limit time.Time) {
	if end := gr.approvedUntil(); !end.IsZero() {
		limit = end.Add(revocationTolerance)
	}
	if end := gr.removed.Add(clockSkew); !gr.removed.IsZero() && (limit.IsZero() || end.Before(limit)) {
		limit = end
	}
	return limit
}

// grant opens the group for the person and, unless removed is zero, closes it.
func (s *scene) grant(p *person, to *group, opened, removed time.Time) *grant {
	gr := &grant{group: to, opened: opened.Truncate(time.Millisecond), removed: removed.Truncate(time.Millisecond)}
	return s.grantBy(p, gr, pick(s.r, s.g.grantors), chance(s.r, 60))
}

// grantBy is grant by somebody, on a request or not.
func (s *scene) grantBy(p *person, gr *grant, who actor, asked bool) *grant {
	to := gr.group
	s.g.held = append(s.g.held, held{p, gr})
	if asked {
		s.ask(p, to, gr.opened.Add(-between(s.r, 300*time.Millisecond, 3*time.Second)), asking{})
	}
	gr.addID = s.member(p, to, gr.opened, true, who)
	s.assign(p, to, gr.opened.Add(between(s.r, time.Second, 9*time.Second)), true)
	if !gr.removed.IsZero() {
		s.end(p, gr, who)
	}
	return gr
}

// onTime is a grant whose timer fires at the approved end, a little late.
func (s *scene) onTime(p *person, to *group, opened time.Time) *grant {
	return s.grant(p, to, opened, opened.Add(to.duration+between(s.r, 200*time.Millisecond, 50*time.Second)))
}

func (s *scene) end(p *person, gr *grant, who actor) {
	gr.removeID = s.member(p, gr.group, gr.removed, false, who)
	s.assign(p, gr.group, gr.removed.Add(between(s.r, time.Second, 9*time.Second)), false)
}

// extend adds the person again while the grant is open.
func (s *scene) extend(p *person, gr *grant, at time.Time) string {
	gr.extended = at
	return s.member(p, gr.group, at, true, pick(s.r, s.g.grantors))
}

// member logs a change of membership by a machine.
func (s *scene) member(p *person, of *group, at time.Time, add bool, who actor) string {
	b := &oktaBody{typ: "group.user_membership.add", legacy: "core.user_group_member.user_add", display: "Add user to group membership", actor: who,
		ext: "trs" + token(s.r, base62, 22), target: []actor{p.user(), of.target()}, token: "00T" + token(s.r, base62, 17),
		debug: []string{"requestUri", "/api/v1/groups/" + of.id + "/users/" + p.oktaID, "url", "/api/v1/groups/" + of.id + "/users/" + p.oktaID + "?"}}
	b.root = b.ext
	if !add {
		b.typ, b.legacy, b.display = "group.user_membership.remove", "core.user_group_member.user_remove", "Remove user from group membership"
	}
	if chance(s.r, 40) {
		b.target[0], b.target[1] = b.target[1], b.target[0]
	}
	return s.okta(at, b)
}

// assign logs what follows from a membership some seconds later: the assignment
// of the application, done by the system itself in a job.
func (s *scene) assign(p *person, of *group, at time.Time, add bool) {
	pr := of.targets[0].account.provider
	b := &oktaBody{typ: "application.user_membership.add", legacy: "app.generic.provision.assign_user_to_app", display: "Add user to application membership",
		actor: actor{id: p.oktaID, typ: "SystemPrincipal", alternate: p.login, display: p.display}, bare: true, job: true,
		target: []actor{p.appUserOf(pr.apps[0]), {id: pr.apps[0], typ: "AppInstance", alternate: pr.label, display: "AWS Account Federation"}, p.user()},
		debug:  []string{"AppName", "amazon_aws"}, ext: "trs" + token(s.r, base62, 22)}
	if !add {
		b.typ, b.legacy, b.display = "application.user_membership.remove", "app.generic.provision.deactivate_user_from_app", "Remove user's application membership"
	}
	s.okta(at, b)
}
