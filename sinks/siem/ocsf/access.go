package ocsf

import (
	"fmt"

	"jitaudit/schemas"
	"jitaudit/schemas/ocsf"
	"jitaudit/sinks/alerts"
)

var (
	informational = caption{1, "Informational"}
	success       = caption{1, "Success"}
	retraction    = other("Retracted")
)

// grantChange is a Group Management: the person got into, or out of, what opens the
// role.
func grantChange(a *alerts.Alert) *event {
	g := a.Grant
	e := of(a)
	activity, status, by, did := other(name(string(a.Change))), success, g.GrantedBy, "is "+name(string(a.Change))
	e.Time = ms(g.Opened)
	switch a.Change {
	case alerts.Opened:
		activity, did = caption{3, "Add User"}, "opened"
		if e.Time == 0 {
			e.Time = ms(g.FirstObserved)
		}
	case alerts.Closed:
		activity, by, did = caption{4, "Remove User"}, g.RemovedBy, "closed"
		if e.Time = ms(g.Removed); e.Time == 0 {
			e.Time = ms(g.ApprovedUntil)
		}
	case alerts.Retracted:
		activity, status, did = retraction, retraction, "never was"
		e.Time = ms(g.Observed)
	}
	if e.Time == 0 {
		e.Time = ms(g.Observed)
	}
	e.classify(ocsf.GroupManagement, activity, informational, status)
	e.User, e.Group, e.Actor = person(&g.Person), groupOf(g), actorOf(by)
	e.Message = fmt.Sprintf("access of %s to %s %s", e.User.label(), roleName(g.Account, g.Role), did)
	e.Resource = &resource{UID: roleName(g.Account, g.Role), Name: name(g.Role), Type: "AWS role"}
	e.Metadata.CorrelationUID, e.Metadata.EventCode = id(g.ID), "grant_"+name(string(a.Change))
	e.inAccount(g.Account)
	e.observe("user", e.User)
	e.keep("source", name(string(g.Source)))
	e.keep("opened", stamp(g.Opened))
	e.keep("removed", stamp(g.Removed))
	e.keep("approved_until", stamp(g.ApprovedUntil))
	e.keep("policy", id(g.Policy))
	e.keep("superseded_by", id(g.SupersededBy))
	e.evidence(g.Evidence)
	e.requests(g.Requests)
	return e
}

// groupOf is what gives the role: a group, an application, a permission set, and
// where a request names it, the role itself.
func groupOf(g *schemas.Grant) *group {
	out := &group{Name: name(g.Group), UID: id(g.GroupID), Privileges: []string{roleName(g.Account, g.Role)}}
	switch g.Source {
	case schemas.ByMembership, schemas.BySnapshot:
		out.Type = "Okta group"
	case schemas.ByApp:
		out.Type = "Okta application"
	case schemas.ByAssignment:
		out.Type = "AWS permission set"
	case schemas.ByRequest:
		out.Type = "AWS role"
	}
	if out.Name == "" && out.UID == "" {
		out.Name = roleName(g.Account, g.Role)
	}
	return out
}

// actorOf is who did it, a person or a program; nil where that is not known.
func actorOf(by *schemas.Actor) *actor {
	if by == nil || by.ID == "" && by.AlternateID == "" && by.Name == "" {
		return nil
	}
	login := name(by.AlternateID)
	if login == "" {
		login = name(by.Name)
	}
	switch by.Type {
	case "User":
		return &actor{User: &user{Name: login, UID: id(by.ID), TypeID: 1, Type: "User"}}
	case "SystemPrincipal":
		return &actor{User: &user{Name: login, UID: id(by.ID), TypeID: 3, Type: "System"}}
	}
	app := name(by.Name)
	if app == "" {
		app = login
	}
	return &actor{AppName: app, AppUID: id(by.ID)}
}

// sessionEvents are an Authorize Session and, if the sign-on behind it is known,
// the Authentication before it. A session that never was tells nothing of one.
func sessionEvents(a *alerts.Alert) []*event {
	s := a.Session
	e := of(a)
	e.User = person(&s.Person)
	where := roleName(s.Account, s.Role)
	activity, status := other(name(string(a.Change))), success
	switch a.Change {
	case alerts.Opened:
		activity = caption{1, "Assign Privileges"}
		e.Message = fmt.Sprintf("%s began a session in %s; verdict: %s", e.User.label(), where, name(string(s.Verdict)))
	case alerts.Retracted:
		activity, status = retraction, retraction
		e.Message = fmt.Sprintf("there was no such session of %s in %s", e.User.label(), where)
	default:
		activity.name = "Judged"
		e.Message = fmt.Sprintf("the session of %s in %s is judged anew; verdict: %s", e.User.label(), where, name(string(s.Verdict)))
	}
	e.classify(ocsf.AuthorizeSession, activity, informational, status)
	e.StatusCode, e.StatusDetail = name(string(s.Verdict)), unjudgedOf(s)
	e.Time, e.StartTime, e.EndTime = ms(s.Observed), ms(s.Start), ms(s.End)
	if a.Change == alerts.Opened {
		e.Time = e.StartTime
	}
	e.Privileges = []string{where}
	e.Session = sessionOf(s)
	e.Metadata.CorrelationUID, e.Metadata.EventCode = id(s.ID), "session_"+name(string(a.Change))
	e.inAccount(s.Account)
	e.observe("user", e.User)
	e.sessionMore(s)
	if s.SignOn == nil || a.Change == alerts.Retracted {
		return []*event{e}
	}
	if e.SrcEndpoint = source(s.SignOn.IP); e.SrcEndpoint != nil {
		e.Observables = append(e.Observables, observable{"src_endpoint.ip", 2, "IP Address", e.SrcEndpoint.IP})
	}
	return []*event{signOn(a, e), e}
}

func sessionOf(s *schemas.Session) *session {
	out := &session{
		UID: id(s.ID), UIDAlt: name(s.SessionName), CreatedTime: ms(s.Start), ExpirationTime: ms(s.End),
		ExpirationReason: name(string(s.EndedBy)), IsMFA: mfa(s.MFA),
	}
	if s.Person.Attributed() {
		out.Issuer = "Okta org " + name(s.Person.Org)
	}
	return out
}

// mfa is nil where it is not known.
func mfa(m schemas.MFA) *bool {
	yes := m == schemas.MFAYes
	if !yes && m != schemas.MFANo {
		return nil
	}
	return &yes
}

func (e *event) sessionMore(s *schemas.Session) {
	e.keep("verdict", name(string(s.Verdict)))
	e.keep("mfa", name(string(s.MFA)))
	e.keep("federation", name(string(s.Federation)))
	e.keep("last_use", stamp(s.LastUse))
	e.keep("policy", id(s.Policy))
	e.keep("grant", id(s.Grant))
	e.keep("superseded_by", id(s.SupersededBy))
	e.keepAll("assumptions", s.Assumptions)
	e.keepAll("services", s.Services)
	var onward []string
	for i := range s.Chained {
		onward = append(onward, roleName(s.Chained[i].Account, s.Chained[i].Role))
	}
	e.keepAll("chained_roles", onward)
	e.evidence(s.Evidence)
	e.requests(s.Requests)
}

// unjudgedOf names the rules that could not be judged.
func unjudgedOf(s *schemas.Session) string {
	said := ""
	for _, u := range s.Unjudged[:min(len(s.Unjudged), mostNames)] {
		if said != "" {
			said += "; "
		}
		said += fmt.Sprintf("%s not judged: %s", id(u.Rule), id(string(u.Reason)))
	}
	return said
}

// signOn is the Authentication at Okta that led to a session.
func signOn(a *alerts.Alert, of *event) *event {
	s := a.Session
	e := &event{User: of.User, Session: of.Session, SrcEndpoint: of.SrcEndpoint, Unmapped: make(map[string]any)}
	e.classify(ocsf.Authentication, caption{1, "Logon"}, informational, success)
	e.Time = ms(s.SignOn.At)
	e.Message = fmt.Sprintf("%s signed on to AWS through Okta", e.User.label())
	e.Metadata.UID = of.Metadata.UID + ".sign_on"
	e.Metadata.LoggedTime, e.Metadata.CorrelationUID, e.Metadata.EventCode = of.Metadata.LoggedTime, of.Metadata.CorrelationUID, "sign_on"
	e.Protocol, e.ProtocolID = "SAML", 5
	e.Service = &named{Name: "AWS", UID: id(s.Account)}
	if s.Federation == schemas.IdentityCenter {
		e.Service = &named{Name: "AWS IAM Identity Center"}
	}
	e.IsMFA = mfa(s.MFA)
	if s.Factor != nil {
		e.AuthFactors = []authFactor{factorOf(s.Factor.Name)}
		e.keep("factor", name(s.Factor.Name))
		e.keep("factor_event_id", id(s.Factor.EventID))
		e.keep("factor_time", stamp(s.Factor.At))
	}
	e.observe("user", e.User)
	if e.SrcEndpoint != nil {
		e.Observables = append(e.Observables, observable{"src_endpoint.ip", 2, "IP Address", e.SrcEndpoint.IP})
	}
	e.keep("event_id", id(s.SignOn.EventID))
	e.keep("joined_by", name(string(s.SignOn.JoinedBy)))
	e.keep("mfa", name(string(s.MFA)))
	e.Unmapped["record_id"], e.Unmapped["record_version"] = of.Unmapped["record_id"], of.Unmapped["record_version"]
	return e
}

// requests keeps who asked, and who approved.
func (e *event) requests(all []schemas.RequestRef) {
	const most = 5
	var out []map[string]any
	for i := range all[:min(len(all), most)] {
		r := &all[i]
		said := map[string]any{"id": id(r.ID), "origin": id(string(r.Origin))}
		for key, value := range map[string]string{
			"requester": id(r.Requester), "justification": name(r.Justification), "subject": name(r.Subject),
			"at": stamp(r.At), "decided_at": stamp(r.DecidedAt), "until": stamp(r.Until),
		} {
			if value != "" {
				said[key] = value
			}
		}
		if len(r.Approvers) > 0 {
			said["approvers"] = some(r.Approvers, most, id)
		}
		out = append(out, said)
	}
	if len(out) > 0 {
		e.Unmapped["requests"] = out
	}
	if more := len(all) - most; more > 0 {
		e.Unmapped["requests_left_out"] = more
	}
}

// label is what a user is called in a sentence.
func (u *user) label() string {
	if u.Name != "" {
		return u.Name
	}
	return u.UID
}
