package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"jitaudit/schemas"
)

func (s *Subject) findingHeadline() string {
	f := s.Finding
	if f.Status == schemas.Retracted {
		return "Retracted, nobody is accused any more. It had said: " + f.Why
	}
	return f.Why
}

func (s *Subject) sessionHeadline() string {
	r := s.Session
	return fmt.Sprintf("%s as %s in %s from %s to %s.", r.Person.Name, r.Role, s.accountName(r.Account), clock(r.Start), clock(r.End))
}

// sessionAnswers are the questions that an auditor has about a session, always
// all of them and in this order.
func (s *Subject) sessionAnswers() []Answer {
	r := s.Session
	answers := []Answer{
		{"who", who(r.Person)},
		{"account", s.account(r.Account)},
		{"role", fmt.Sprintf("%s, by %s, as %q", r.Role, federation(r.Federation), r.SessionName)},
		{"how long", fmt.Sprintf("%s, from %s to %s; %s", length(r.End.Sub(r.Start)), clock(r.Start), clock(r.End), ended(r.EndedBy))},
	}
	answers = append(answers, s.grantAnswers()...)
	return append(answers,
		Answer{"approved by", s.approvedBy(r.Requests)},
		Answer{"signed on", s.signedOn()},
		Answer{"second factor", secondFactor(r)},
		Answer{"used by", origins(r.Origins)},
		Answer{"calls", s.calls()},
		Answer{"allowed", s.allowed()},
	)
}

// findingAnswers are those about a finding that is about no session that is
// known.
func (s *Subject) findingAnswers() []Answer {
	f := s.Finding
	answers := []Answer{{"who", who(f.Person)}}
	if f.Account != "" {
		answers = append(answers, Answer{"account", s.account(f.Account)})
	}
	if f.Role != "" {
		answers = append(answers, Answer{"role", f.Role})
	}
	answers = append(answers, Answer{"when", clock(f.At)})
	if g := s.grant(f.Grant); g != nil {
		answers = append(answers, s.grantAnswers()...)
		answers = append(answers, Answer{"approved by", s.approvedBy(g.Requests)})
	}
	if f.Session != "" {
		answers = append(answers, Answer{"session", f.Session + ", which is no more: other events made another one of it"})
	}
	return answers
}

// grantAnswers tell of the grant by which the session was judged, or that the
// finding is about.
func (s *Subject) grantAnswers() []Answer {
	var id string
	more := 0
	if s.Session != nil {
		id, more = s.Session.Grant, len(s.Session.Grants)-1
	}
	if s.Finding != nil && s.Finding.Grant != "" && s.grant(s.Finding.Grant) != nil {
		id = s.Finding.Grant
	}
	g := s.grant(id)
	if g == nil {
		return []Answer{{"grant", cmp.Or(id, "none that is known")}}
	}
	words := grantWords(g)
	if more > 0 {
		words += "; the session has " + several(more, "further grant")
	}
	answers := []Answer{{"grant", words}}
	if g.GrantedBy != nil {
		answers = append(answers, Answer{"given by", actor(g.GrantedBy)})
	}
	return answers
}

// grantWords say what a grant is and how long it lasted.
func grantWords(g *schemas.Grant) string {
	out := map[schemas.GrantSource]string{
		schemas.BySnapshot:   "membership of " + g.Group + ", as Okta lists it",
		schemas.ByApp:        "assignment to the application " + g.Group,
		schemas.ByAssignment: "account assignment in IAM Identity Center (" + g.Group + ")",
		schemas.ByRequest:    "an approved request that names the role",
	}[g.Source]
	if out == "" {
		out = "membership of " + g.Group
	}
	switch {
	case !g.Opened.IsZero():
		out += ", from " + clock(g.Opened)
	case !g.FirstObserved.IsZero():
		out += ", first seen at " + clock(g.FirstObserved) + " (its beginning is not in the log)"
	default:
		out += ", whose beginning is not in the log"
	}
	if g.Removed.IsZero() {
		out += ", not taken away"
	} else {
		out += " to " + clock(g.Removed)
	}
	if g.ApprovedUntil.IsZero() {
		return out + ", without an approved end"
	}
	return out + ", approved until " + clock(g.ApprovedUntil)
}

// approvedBy names whoever approved. That nobody is named does not mean that
// nobody did.
func (s *Subject) approvedBy(rs []schemas.RequestRef) string {
	var known, silent []string
	for i := range rs {
		if len(rs[i].Approvers) > 0 {
			known = append(known, strings.Join(rs[i].Approvers, ", ")+" ("+s.requestWords(&rs[i])+")")
		} else {
			silent = append(silent, s.requestWords(&rs[i]))
		}
	}
	switch {
	case len(known) > 0:
		return strings.Join(known, "; ")
	case len(silent) > 0:
		return "approver unknown: no event names one (" + strings.Join(silent, "; ") + ")"
	}
	return "approver unknown: no request is known"
}

func (s *Subject) requestWords(r *schemas.RequestRef) string {
	out := map[schemas.RequestOrigin]string{
		schemas.OriginGovernance: "Okta access request", schemas.OriginGovernanceAPI: "Okta access request",
		schemas.OriginSelfService: "Okta self-service request", schemas.OriginFeed: "request of the approvals feed",
	}[r.Origin]
	out = cmp.Or(out, "request") + " " + r.ID
	if r.Requester != "" {
		out += " by " + s.requester(r.Requester)
	}
	if !r.DecidedAt.IsZero() {
		out += ", approved " + clock(r.DecidedAt)
	}
	if !r.Until.IsZero() {
		out += ", until " + clock(r.Until)
	}
	if reason := cmp.Or(r.Justification, r.Subject); reason != "" {
		out += fmt.Sprintf(": %q", reason)
	}
	return out
}

func (s *Subject) signedOn() string {
	on := s.Session.SignOn
	if on == nil {
		return "no sign-on in Okta explains it"
	}
	key := map[schemas.JoinKey]string{
		schemas.JoinAssertion: "the id of the SAML assertion is the same in both logs",
		schemas.JoinSubject:   "the SAML subject is the same, and the time fits",
		schemas.JoinEmail:     "the role session bears the person's name, and the time fits",
		schemas.JoinPortal:    "the session of the access portal was open",
	}[on.JoinedBy]
	return fmt.Sprintf("%s%s; joined by %s: %s", clock(on.At), from(on.IP), on.JoinedBy, key)
}

func secondFactor(r *schemas.Session) string {
	switch {
	case r.MFA == schemas.MFAYes && r.Factor != nil:
		return fmt.Sprintf("yes: %s at %s", r.Factor.Name, clock(r.Factor.At))
	case r.MFA == schemas.MFANo:
		return "no: the Okta session of the sign-on shows none"
	case r.MFA == schemas.MFAUnknown && r.SignOn == nil:
		return "unknown: no sign-on is known"
	case r.MFA == schemas.MFAUnknown:
		return "unknown: nothing tells for the Okta session of the sign-on"
	}
	return string(r.MFA)
}

func origins(all []schemas.Origin) string {
	if len(all) == 0 {
		return "nothing tells"
	}
	words := make([]string, len(all))
	for i, o := range all {
		words[i] = map[schemas.Origin]string{schemas.FromConsole: "console", schemas.FromCLI: "command line", schemas.FromSDK: "SDK"}[o]
		words[i] = cmp.Or(words[i], string(o))
	}
	return strings.Join(words, ", ")
}

// calls tell what was done.
func (s *Subject) calls() string {
	c, services := s.Counts, ""
	if len(s.Session.Services) > 0 {
		services = " to " + strings.Join(s.Session.Services, ", ")
	}
	if c.Calls == 0 {
		return cmp.Or(strings.TrimPrefix(services, " "), "none is known")
	}
	return fmt.Sprintf("%s: %s, %d denied, %d by AWS services on its behalf;%s",
		several(c.Calls, "call"), several(c.Writes, "write"), c.Denied, c.ServiceDriven, services)
}

// allowed is the verdict.
func (s *Subject) allowed() string {
	switch s.Session.Verdict {
	case schemas.VerdictAllowed:
		return "yes: every rule was judged and none is broken"
	case schemas.VerdictUnknown:
		return fmt.Sprintf("unknown: nothing is known to be broken, but %s could not be judged", several(len(s.unjudgedRules()), "rule"))
	}
	var broken []string
	for _, f := range s.Findings {
		if r, ok := ruleOf(f.Rule); ok && r.Advisory || f.Session != s.Session.ID || slices.Contains(broken, f.Rule) {
			continue
		}
		broken = append(broken, f.Rule)
	}
	return strings.TrimSuffix("no: "+strings.Join(broken, ", "), ": ")
}
