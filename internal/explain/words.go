package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"jitaudit/correlate/rules"
	"jitaudit/schemas"
)

func clock(t time.Time) string {
	if t.Nanosecond() == 0 {
		return t.UTC().Format("2006-01-02 15:04:05Z")
	}
	return t.UTC().Format("2006-01-02 15:04:05.000Z")
}

func (s *Subject) headline() string {
	if s.Finding != nil {
		return fmt.Sprintf("%s, %s: %s", s.Finding.Severity, s.Finding.Status, s.Finding.Why)
	}
	r := s.Session
	verdict := map[schemas.Verdict]string{
		schemas.VerdictAllowed: "every rule was judged and none is broken",
		schemas.VerdictFinding: "at least one rule is broken",
		schemas.VerdictUnknown: "nothing is known to be broken, but not every rule could be judged",
	}[r.Verdict]
	return fmt.Sprintf("%s as %s in %s from %s to %s: %s.", r.Person.Name, r.Role, r.Account, clock(r.Start), clock(r.End), verdict)
}

func (s *Subject) sessionFacts() []Fact {
	r := s.Session
	facts := []Fact{
		{"who", who(r.Person)},
		{"where", fmt.Sprintf("role %s in account %s, by %s", r.Role, r.Account, federation(r.Federation))},
		{"how long", fmt.Sprintf("%s, ended by %s", r.End.Sub(r.Start).Round(time.Second), strings.ReplaceAll(string(r.EndedBy), "_", " "))},
		{"on what grant", s.onGrant()},
		{"approved by", approvedBy(r.Requests)},
		{"signed on", s.signedOn()},
		{"second factor", s.secondFactor()},
		{"used with", origins(r.Origins)},
		{"did", s.did()},
	}
	if len(r.Chained) > 0 {
		facts = append(facts, Fact{"went on into", s.wentOn()})
	}
	return append(facts, Fact{"verdict", string(r.Verdict)})
}

func (s *Subject) findingFacts() []Fact {
	f := s.Finding
	facts := []Fact{{"who", who(f.Person)}}
	if f.Account != "" {
		facts = append(facts, Fact{"where", strings.TrimSpace(f.Role + " in account " + f.Account)})
	}
	if g := s.grant(f.Grant); g != nil {
		facts = append(facts, Fact{"grant", grantWords(g)}, Fact{"approved by", approvedBy(g.Requests)})
	}
	return facts
}

func who(p schemas.Person) string {
	if p.Attributed() {
		return fmt.Sprintf("%s (Okta org %s, %s)", p.Name, p.Org, p.Key)
	}
	return fmt.Sprintf("%s, whom nobody in Okta is known by (%s)", p.Name, p.Key)
}

func federation(f schemas.Federation) string {
	if f == schemas.IdentityCenter {
		return "IAM Identity Center"
	}
	return "Okta's SAML application of the account"
}

func (s *Subject) onGrant() string {
	if len(s.Session.Grants) == 0 {
		return "none that is known"
	}
	if g := s.grant(s.Session.Grant); g != nil {
		words := grantWords(g)
		if n := len(s.Session.Grants) - 1; n > 0 {
			words += fmt.Sprintf(", and %d more", n)
		}
		return words
	}
	return strings.Join(s.Session.Grants, ", ")
}

// grantWords say what a grant is and how long it lasted.
func grantWords(g *schemas.Grant) string {
	source := map[schemas.GrantSource]string{
		schemas.ByMembership: "membership of " + g.Group, schemas.BySnapshot: "membership of " + g.Group + ", listed by Okta",
		schemas.ByApp: "assignment to the application " + g.Group, schemas.ByAssignment: "account assignment", schemas.ByRequest: "approved request",
	}[g.Source]
	out := cmp.Or(source, "membership of "+g.Group)
	switch {
	case !g.Opened.IsZero():
		out += " from " + clock(g.Opened)
	case !g.FirstObserved.IsZero():
		out += ", seen first at " + clock(g.FirstObserved)
	default:
		out += " whose opening was not seen"
	}
	switch {
	case !g.Removed.IsZero():
		out += " to " + clock(g.Removed)
	default:
		out += ", not taken away"
	}
	if !g.ApprovedUntil.IsZero() {
		out += " (approved until " + clock(g.ApprovedUntil) + ")"
	}
	return out
}

func approvedBy(rs []schemas.RequestRef) string {
	var names []string
	for _, r := range rs {
		for _, a := range r.Approvers {
			if !slices.Contains(names, a) {
				names = append(names, a)
			}
		}
	}
	switch {
	case len(names) > 0:
		return strings.Join(names, ", ")
	case len(rs) > 0:
		return fmt.Sprintf("approver unknown (request %s names none)", rs[0].ID)
	}
	return "approver unknown"
}

func (s *Subject) signedOn() string {
	on := s.Session.SignOn
	if on == nil {
		return "no sign-on explains it"
	}
	key := map[schemas.JoinKey]string{
		schemas.JoinAssertion: "the assertion's id is the same in both logs", schemas.JoinSubject: "the SAML subject is the same, and the time fits",
		schemas.JoinEmail: "the session bears the person's name, and the time fits", schemas.JoinPortal: "the portal session was open",
	}[on.JoinedBy]
	out := fmt.Sprintf("at %s", clock(on.At))
	if on.IP != "" {
		out += " from " + on.IP
	}
	return fmt.Sprintf("%s; joined by %s: %s", out, on.JoinedBy, key)
}

func (s *Subject) secondFactor() string {
	switch r := s.Session; {
	case r.MFA == schemas.MFAYes && r.Factor != nil:
		return fmt.Sprintf("yes: %s at %s", r.Factor.Name, clock(r.Factor.At))
	default:
		return string(r.MFA)
	}
}

func origins(all []schemas.Origin) string {
	if len(all) == 0 {
		return "nothing tells"
	}
	words := make([]string, len(all))
	for i, o := range all {
		words[i] = string(o)
	}
	return strings.Join(words, ", ")
}

func (s *Subject) did() string {
	c := s.Counts
	if c.Calls == 0 {
		if len(s.Session.Services) > 0 {
			return "calls to " + strings.Join(s.Session.Services, ", ")
		}
		return "no call is known"
	}
	return fmt.Sprintf("%d calls (%d writes, %d denied, %d by services on its behalf) to %s", c.Calls, c.Writes, c.Denied, c.ServiceDriven, strings.Join(s.Session.Services, ", "))
}

func (s *Subject) wentOn() string {
	var out []string
	for _, c := range s.Session.Chained {
		out = append(out, c.Role+" in "+c.Account)
	}
	return strings.Join(out, ", ")
}

func (s *Subject) judgement(f schemas.Finding) Judgement {
	j := Judgement{Finding: f, Title: f.Rule, Triage: s.latest(f.ID)}
	all := rules.All()
	i := slices.IndexFunc(all, func(r rules.Rule) bool { return r.Name == f.Rule })
	if i < 0 {
		j.Expected, j.Sure = "a rule that this program does not know: a later version found it", "unknown"
		return j
	}
	r := all[i]
	j.Title, j.Expected = r.Title, "The rule fires when "+r.Fires
	switch {
	case f.Status == schemas.Retracted:
		j.Sure = "It was never true: an event that came later explains it."
	case r.NotKnowing:
		j.Sure = "It says what is not known; it accuses nobody."
	case strings.HasPrefix(r.Needs, "nothing"):
		j.Sure = "It says what was seen, in the events named as evidence."
	default:
		j.Sure = "Something is missing in a log that is known to be complete there. Needed was: " + r.Needs
	}
	return j
}

func (s *Subject) unknown() (out []string) {
	if s.Session == nil {
		return nil
	}
	for _, u := range s.Session.Unjudged {
		why := map[schemas.UnjudgedReason]string{
			schemas.BeforeCoverage: "the log begins later", schemas.InGap: "the log has a hole there, or has stopped",
			schemas.Pending: "the log has not got there yet", schemas.NoProvider: "the SAML provider is not in the policy",
			schemas.NoOktaSession: "the sign-on names no Okta session",
		}[u.Reason]
		line := fmt.Sprintf("%s: %s", u.Rule, cmp.Or(why, string(u.Reason)))
		if u.Shard != "" {
			line += fmt.Sprintf(" (%s from %s to %s)", u.Shard, clock(u.From), clock(u.To))
		}
		out = append(out, line)
	}
	return out
}

// coverage tells of the logs that matter: Okta's, and the account's.
func (s *Subject) coverage() (out []string) {
	account := ""
	if s.Session != nil {
		account = s.Session.Account
	} else if s.Finding != nil {
		account = s.Finding.Account
	}
	for _, c := range s.Coverage {
		if org, okta := strings.CutPrefix(c.Shard, "okta/"); okta && s.person().Org != "" && org != s.person().Org {
			continue
		} else if !okta && (account == "" || !strings.HasPrefix(c.Shard, "aws/"+account+"/")) {
			continue
		}
		out = append(out, fmt.Sprintf("%s from %s to %s (%s)", c.Shard, clock(c.From), clock(c.To), c.Basis))
	}
	return out
}
