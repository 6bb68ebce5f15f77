package syslog

import (
	"fmt"
	"strings"
	"time"

	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
)

// subject is what a message is about, the same for findings, grants, sessions and
// digests. Its texts are as the logs have them.
type subject struct {
	id, notice, record string
	version            int64
	part               int
	kind               string
	change             alerts.Change
	rule               string
	severity           schemas.Severity
	status             string // of a finding; the verdict of a session
	person             schemas.Person
	account, role      string
	sessionName        string
	about              string // the id of the session or grant
	requester          string
	approvers          string
	triage             string
	mfa                string
	by                 string // who granted or took away
	ip                 string
	evidence           []string
	msg                string
	link               string
	count              int
	observed           time.Time
	start, end         time.Time
	test               bool
}

func alertSubject(a *alerts.Alert) subject {
	s := subject{
		id: a.ID(), record: a.RecordID(), version: a.Version(), change: a.Change, observed: a.Observed(),
		requester: a.Requester, approvers: strings.Join(a.Approvers, ", "), link: a.Link,
	}
	switch {
	case a.Finding != nil:
		s.finding(a.Finding)
	case a.Grant != nil:
		s.grant(a.Grant)
	default:
		s.session(a.Session)
	}
	if t := a.Triage; t != nil {
		s.triage = strings.Trim(fmt.Sprintf("%s %s: %s", t.Status, t.Owner, t.Reason), " :")
	}
	return s
}

func (s *subject) finding(f *schemas.Finding) {
	s.kind, s.rule, s.severity, s.status = "finding", f.Rule, f.Severity, string(f.Status)
	s.person, s.account, s.role = f.Person, f.Account, f.Role
	s.start, s.evidence, s.msg = f.At, f.Evidence, f.Why
	if s.about = f.Session; s.about == "" {
		s.about = f.Grant
	}
}

func (s *subject) grant(g *schemas.Grant) {
	s.kind = "grant"
	s.person, s.account, s.role = g.Person, g.Account, g.Role
	s.start, s.end, s.evidence = g.Opened, g.Removed, g.Evidence
	actor, verb := g.GrantedBy, "was given"
	if s.change == alerts.Closed {
		actor, verb = g.RemovedBy, "no longer has"
	}
	if actor != nil {
		s.by = firstOf(actor.AlternateID, actor.Name, actor.ID)
	}
	s.msg = fmt.Sprintf("%s %s %s in %s by %s %s", g.Person.Name, verb, g.Role, g.Account, g.Source, g.Group)
}

func (s *subject) session(v *schemas.Session) {
	s.kind, s.status, s.mfa = "session", string(v.Verdict), string(v.MFA)
	s.person, s.account, s.role, s.sessionName = v.Person, v.Account, v.Role, v.SessionName
	s.start, s.end, s.evidence, s.about = v.Start, v.End, v.Evidence, v.Grant
	if v.SignOn != nil {
		s.ip = v.SignOn.IP
	}
	s.msg = fmt.Sprintf("%s used %s in %s; verdict %s, second factor %s", v.Person.Name, v.Role, v.Account, v.Verdict, v.MFA)
}

func digestSubject(d *alerts.Digest) subject {
	s := subject{kind: "digest", change: alerts.Change(d.Reason), count: d.Total, start: d.From, end: d.To, link: d.Link}
	var b strings.Builder
	fmt.Fprintf(&b, "%d alerts are not told one by one (%s)", d.Total, d.Reason)
	for i, c := range d.Counts {
		if syslogSeverity(c.Severity) < syslogSeverity(s.severity) {
			s.severity = c.Severity
		}
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		if b.Len() < maxDigestText {
			fmt.Fprintf(&b, "%s%d %s", sep, c.N, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s", c.Kind, c.Rule, c.Severity, c.Change)), " "))
		}
	}
	s.msg = b.String()
	return s
}

// maxDigestText is more than is ever shown of one.
const maxDigestText = 4000

func firstOf(some ...string) string {
	for _, s := range some {
		if s != "" {
			return s
		}
	}
	return ""
}
