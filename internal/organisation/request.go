package organisation

import (
	"fmt"
	"time"
)

// asking is how an access request runs in Okta; zero fields are filled in.
type asking struct {
	by        *person       // who asks; by default for themselves
	condition string        // the id of the condition that matched
	before    time.Duration // from the request's creation to its end; 1 to 20 minutes by default
	end       string        // resolve by default; reject, cancel or expire
}

// ask logs an access request for a group that ends at the given time, and
// returns its id. As in the real log, neither approver nor duration is in it.
func (s *scene) ask(p *person, to *group, ended time.Time, a asking) string {
	id := token(s.r, hexDigits, 24)
	by := a.by
	if by == nil {
		by = p
	}
	subject := "AWS access: " + to.name
	target := []actor{{id: id, typ: "ACCESS_REQUEST", alternate: token(s.r, digits, 5), display: subject}}
	debug := []string{"access_request_id", id, "access_request_source", "WEB", "access_request_subject", subject, "requester_id", by.oktaID, "requested_for_id", p.oktaID, "requested_resource_id", to.id, "requested_resource_type", "GROUP"}
	if a.condition != "" {
		debug = append(debug, "access_request_matched_condition_id", a.condition)
	}
	if a.before == 0 {
		a.before = between(s.r, time.Minute, 20*time.Minute)
	}
	with := func(status string) []string {
		return append(debug[:len(debug):len(debug)], "access_request_status", status)
	}
	s.okta(ended.Add(-a.before), &oktaBody{typ: "access.request.create", display: "Create access request", actor: by.user(), client: by, target: target, debug: with("OPEN")})
	end := or(a.end, "resolve")
	s.okta(ended, &oktaBody{typ: "access.request." + end, display: "Access request: " + end, actor: s.g.grantors[0], target: target, debug: with("RESOLVED")})
	return id
}

// condition logs that an access request condition says how long access lasts,
// and returns its id.
func (s *scene) condition(at time.Time, lasts time.Duration) string {
	id := "reqcond" + token(s.r, base62, 13)
	s.admin(s.p.user(), pick(s.r, []string{"access.request.condition.create", "access.request.condition.update"}), "Access request condition", at,
		actor{id: id, typ: "ACCESS_REQUEST_CONDITION", alternate: "unknown", display: "AWS access",
			change: fmt.Sprintf(`{"to":{"access_duration_settings":{"type":"ADMIN_FIXED_DURATION","duration":"PT%dM"}}}`, lasts/time.Minute)})
	return id
}

// selfService logs a request for an application that its approver decided, in
// Okta's older way.
func (s *scene) selfService(p *person, app actor, at time.Time, approver *person, granted bool) (decided done) {
	step := func(at time.Time, typ string, who *person, more ...string) done {
		at = at.Truncate(time.Millisecond)
		return done{at, s.okta(at, &oktaBody{typ: "app.access_request." + typ, display: "Self service: " + typ, actor: who.user(), client: who, target: []actor{app, p.appUserOf(app.id), p.user()}, debug: more})}
	}
	step(at.Add(-between(s.r, time.Minute, 20*time.Minute)), "request", p, "UserComment", "needed for the release")
	if !granted {
		return step(at, "approver.deny", approver, "ApproverType", "USER")
	}
	decided = step(at, "approver.approve", approver, "ApproverType", "USER")
	step(at.Add(between(s.r, 200*time.Millisecond, 900*time.Millisecond)), "grant", approver)
	return decided
}
