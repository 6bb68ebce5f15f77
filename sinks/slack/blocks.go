package slack

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"jitaudit/internal/visible"
	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
)

// evidenceShown bounds how many ids of events a message shows.
const evidenceShown = 10

// alertMessage is how an alert looks; where it goes is for the caller to say.
func alertMessage(a *alerts.Alert, test bool) *message {
	var title, about string
	var blocks []block
	switch {
	case a.Finding != nil:
		title, about = findingTitle(a), where(a.Finding.Person, a.Finding.Account, a.Finding.Role)
		blocks = finding(a)
	case a.Grant != nil:
		title, about = grantTitle(a), where(a.Grant.Person, a.Grant.Account, a.Grant.Role)
		blocks = grant(a)
	default:
		title, about = sessionTitle(a), where(a.Session.Person, a.Session.Account, a.Session.Role)
		blocks = session(a)
	}
	return assemble(title, about, append(blocks, link("Open in jitaudit", a.Link)...), test)
}

func assemble(title, about string, blocks []block, test bool) *message {
	if test {
		title = "TEST · " + title
		blocks = append([]block{footnote("This is a test by \"jitaudit sink test\". Nothing of it has happened.")}, blocks...)
	}
	if about != "" {
		about = " · " + about
	}
	return &message{
		Text:   fallback(title + about),
		Blocks: append([]block{header(title)}, blocks...),
		Parse:  "none",
	}
}

func where(p schemas.Person, account, role string) string {
	s := visible.Clip(p.Name, 100)
	if account == "" && role == "" {
		return s
	}
	return s + " · " + visible.Clip(account, 40) + "/" + visible.Clip(role, 70)
}

func findingTitle(a *alerts.Alert) string {
	severity, rule := visible.Clip(string(a.Finding.Severity), 20), visible.Clip(a.Finding.Rule, 60)
	switch a.Change {
	case alerts.Resolved:
		return "✅ Resolved: " + rule
	case alerts.Retracted:
		return "🚫 Retracted, was never true: " + rule
	case alerts.Raised:
		return mark(a.Finding.Severity) + " Raised to " + severity + ": " + rule
	case alerts.Reopened:
		return mark(a.Finding.Severity) + " Reopened, " + severity + ": " + rule
	}
	return mark(a.Finding.Severity) + " New, " + severity + ": " + rule
}

func finding(a *alerts.Alert) []block {
	f := a.Finding
	var blocks []block
	if why := visible.Clip(f.Why, whyLimit); strings.Trim(why, " ") != "" {
		blocks = append(blocks, section(why))
	}
	var fs fields
	fs.add("Who", f.Person.Name)
	fs.add("Account", f.Account)
	fs.add("Role", f.Role)
	fs.addTime("When", f.At)
	fs.add("Session", f.Session)
	fs.add("Requested by", a.Requester)
	fs.add("Approved by", list(a.Approvers, 3, 70))
	if t := a.Triage; t != nil {
		decided := string(t.Status) + " by " + t.By
		if t.Reason != "" {
			decided += ": " + t.Reason
		}
		fs.add("Decided", decided)
	}
	if sup := f.Suppressed; sup != nil {
		fs.add("Suppressed by policy", fmt.Sprintf("until %s, %s: %s", moment(sup.Until), sup.Owner, sup.Reason))
	}
	return append(blocks, withFields(fs, f.Evidence, f.ID, f.Policy, &f.Meta)...)
}

func grantTitle(a *alerts.Alert) string {
	switch a.Change {
	case alerts.Closed:
		return "🔒 Access taken away"
	case alerts.Retracted:
		return "🚫 Retracted: this access was not given"
	}
	return "🔑 Access given"
}

func grant(a *alerts.Alert) []block {
	g := a.Grant
	var fs fields
	fs.add("Who", g.Person.Name)
	fs.add("Account", g.Account)
	fs.add("Role", g.Role)
	fs.add("Group", g.Group)
	fs.addTime("Opened", g.Opened)
	fs.addTime("Approved until", g.ApprovedUntil)
	fs.addTime("Taken away", g.Removed)
	requester, approvers := asked(a)
	fs.add("Requested by", requester)
	fs.add("Approved by", list(approvers, 3, 70))
	for _, r := range g.Requests {
		fs.add("Justification", r.Justification)
	}
	return withFields(fs, g.Evidence, g.ID, g.Policy, &g.Meta)
}

// asked is who asked for access and who approved it.
func asked(a *alerts.Alert) (requester string, approvers []string) {
	requester, approvers = a.Requester, a.Approvers
	if a.Grant == nil {
		return requester, approvers
	}
	for _, r := range a.Grant.Requests {
		requester = cmp.Or(requester, r.Requester)
		if len(a.Approvers) == 0 {
			approvers = append(approvers, r.Approvers...)
		}
	}
	return requester, approvers
}

func sessionTitle(a *alerts.Alert) string {
	switch a.Change {
	case alerts.Judged:
		return "📋 Session judged anew: " + visible.Clip(string(a.Session.Verdict), 20)
	case alerts.Closed:
		return "🏁 Session ended"
	case alerts.Retracted:
		if a.Session.SupersededBy != "" {
			return "🔗 Session is part of another one"
		}
		return "🚫 Retracted: there was no such session"
	}
	return "👤 Session began"
}

func session(a *alerts.Alert) []block {
	s := a.Session
	var blocks []block
	if a.Change != alerts.Retracted {
		blocks = append(blocks, section(verdict(s)))
	}
	var fs fields
	fs.add("Who", s.Person.Name)
	fs.add("Account", s.Account)
	fs.add("Role", s.Role)
	fs.addTime("From", s.Start)
	fs.addTime("To", s.End)
	fs.add("Second factor", string(s.MFA))
	if s.SignOn != nil {
		fs.add("Signed on from", s.SignOn.IP)
	}
	fs.add("Requested by", a.Requester)
	fs.add("Approved by", list(a.Approvers, 3, 70))
	fs.add("Part of", s.SupersededBy)
	return append(blocks, withFields(fs, s.Evidence, s.ID, s.Policy, &s.Meta)...)
}

func verdict(s *schemas.Session) string {
	switch s.Verdict {
	case schemas.VerdictAllowed:
		return "Every rule was judged, and none is broken."
	case schemas.VerdictFinding:
		return "At least one rule is broken."
	}
	rules := make([]string, 0, len(s.Unjudged))
	for _, u := range s.Unjudged {
		rules = append(rules, u.Rule)
	}
	return "No rule is known to be broken, but not all could be judged: " + cmp.Or(list(rules, 10, 40), "it is not said which") + "."
}

// withFields closes an alert: its fields, what proves it and what it is.
func withFields(fs fields, evidence []string, id, policy string, m *schemas.Meta) []block {
	var blocks []block
	if len(fs) > 0 {
		blocks = append(blocks, block{Type: "section", Fields: fs})
	}
	identity := fmt.Sprintf("%s · version %d", visible.Clip(id, idLimit), m.Version)
	if policy != "" {
		identity += " · policy " + visible.Clip(policy, idLimit)
	}
	var lines []string
	if len(evidence) > 0 {
		lines = append(lines, "Evidence: "+list(evidence, evidenceShown, idLimit))
	}
	return append(blocks, footnote(append(lines, identity)...))
}

// kindsShown bounds the lines of a digest.
const kindsShown = 20

func digestMessage(d *alerts.Digest, test bool) *message {
	why := "they are too many to be told one by one"
	switch d.Reason {
	case alerts.TooOld:
		why = "they are about what happened long ago"
	case alerts.Rejudged:
		why = "what was known is judged anew, by another policy or another version of jitaudit"
	}
	lines := []string{"One message stands for them, as " + why + "."}
	for _, c := range d.Counts[:min(kindsShown, len(d.Counts))] {
		lines = append(lines, countLine(&c))
	}
	if rest := d.Counts[min(kindsShown, len(d.Counts)):]; len(rest) > 0 {
		n := 0
		for _, c := range rest {
			n += c.N
		}
		lines = append(lines, fmt.Sprintf("%d of %s", n, count(len(rest), "further kind", "further kinds")))
	}
	var fs fields
	fs.addTime("From", d.From)
	fs.addTime("To", d.To)
	blocks := []block{section(strings.Join(lines, "\n"))}
	if len(fs) > 0 {
		blocks = append(blocks, block{Type: "section", Fields: fs})
	}
	return assemble("📚 "+count(d.Total, "alert", "alerts"), why, append(blocks, link("Open in jitaudit", d.Link)...), test)
}

func countLine(c *alerts.Count) string {
	what := visible.Clip(c.Kind, 20) + " " + visible.Clip(string(c.Change), 20)
	if c.Kind != "finding" {
		return fmt.Sprintf("• %d × %s", c.N, what)
	}
	return fmt.Sprintf("%s %d × %s, %s, %s", mark(c.Severity), c.N, visible.Clip(c.Rule, 40), visible.Clip(string(c.Severity), 12), what)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
