package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"jitaudit/correlate/rules"
	"jitaudit/schemas"
)

// findingRow is what a table keeps of a finding. Its texts are copies: those of
// a result may hold on to all that was read with them.
type findingRow struct {
	open     bool
	severity schemas.Severity
	at       time.Time
	id       string
	rule     string
	why      string
	events   []string
}

// eventsShown is how many event ids of a finding are listed.
const eventsShown = 4

func newFindingRow(f *schemas.Finding) findingRow {
	const longest = 4 << 10
	row := findingRow{
		open: f.Status == schemas.Open, severity: f.Severity, at: f.At, id: strings.Clone(f.ID),
		rule: f.Rule, why: visible(strings.Clone(f.Why[:min(len(f.Why), longest)])),
	}
	for _, id := range f.Evidence[:min(len(f.Evidence), eventsShown)] {
		row.events = append(row.events, shorten(visible(strings.Clone(id[:min(len(id), longest)])), 64))
	}
	if more := len(f.Evidence) - eventsShown; more > 0 {
		row.events = append(row.events, fmt.Sprintf("and %d more", more))
	}
	return row
}

// compareFindings puts the gravest first, and those that are over last.
func compareFindings(a, b findingRow) int {
	if a.open != b.open {
		if a.open {
			return -1
		}
		return 1
	}
	return cmp.Or(slices.Index(severities(), a.severity)-slices.Index(severities(), b.severity),
		a.at.Compare(b.at), strings.Compare(a.id, b.id))
}

// printFindings groups the findings by severity.
func (p *tablePrinter) printFindings() {
	found, more := p.findings.list()
	if p.brief {
		found, more = p.examples(), 0
	}
	group := ""
	for _, f := range found {
		title, style := strings.ToUpper(string(f.severity)), severityStyle(f.severity)
		if !f.open {
			title, style = "RESOLVED", ""
		}
		if title != group {
			group = title
			n := p.resolved
			if f.open {
				n = p.open[f.severity]
			}
			p.printf("\n%s  %s", p.terminal.paint(cmp.Or(style, bold), title), p.terminal.paint(dim, fmt.Sprint(n)))
		}
		p.printFinding(&f)
	}
	p.more(more, "findings")
}

// examples are one finding of each rule.
func (p *tablePrinter) examples() []findingRow {
	var rows []findingRow
	for _, b := range p.byRule {
		kept, more := b.list()
		for _, f := range kept {
			if more > 0 {
				f.events = append(f.events, fmt.Sprintf("(%d more such findings)", more))
			}
			rows = append(rows, f)
		}
	}
	slices.SortFunc(rows, compareFindings)
	return rows
}

// ruleWidth is that of the longest rule name and a little more.
func ruleWidth() int {
	n := 0
	for _, name := range rules.Names() {
		n = max(n, len(name))
	}
	return n + gap
}

func (p *tablePrinter) printFinding(f *findingRow) {
	const mostLines = 8
	left := 2 + ruleWidth()
	right := max(p.terminal.width-left, 20)
	rule := visible(f.rule)
	for i, line := range wrap(f.why, right, mostLines) {
		if i > 0 {
			rule = ""
		}
		p.printf("  %s%s%s", p.terminal.paint(bold, rule), strings.Repeat(" ", max(ruleWidth()-width(rule), 0)), line)
	}
	for _, line := range wrap(strings.Join(f.events, " "), right, mostLines) {
		p.printf("%s%s", strings.Repeat(" ", left), p.terminal.paint(dim, line))
	}
}

// sessionRow is what a table keeps of a session.
type sessionRow struct {
	verdict schemas.Verdict
	start   time.Time
	id      string
	cells   []text
}

// compareSessions puts those with findings first, then those that cannot be
// judged, each by time.
func compareSessions(a, b sessionRow) int {
	order := []schemas.Verdict{schemas.VerdictFinding, schemas.VerdictUnknown, schemas.VerdictAllowed}
	return cmp.Or(slices.Index(order, a.verdict)-slices.Index(order, b.verdict),
		a.start.Compare(b.start), strings.Compare(a.id, b.id))
}

func (p *tablePrinter) sessionRow(s *schemas.Session, n *schemas.ActivityCounts, broken []string) sessionRow {
	account := cmp.Or(p.policies.At(s.Start).AccountName(s.Account), s.Account)
	row := sessionRow{verdict: s.Verdict, start: s.Start, id: strings.Clone(s.ID)}
	row.cells = []text{
		{s: second(s.Start)}, name(s.Person.Name), name(account), name(s.Role), {s: length(s.End.Sub(s.Start))},
		factor(s.MFA), signOn(s.SignOn), grantMark(s), number(n.Calls), verdict(s, broken),
	}
	return row
}

// name is a text of a log, of which a table needs no more than the beginning.
func name(s string) text {
	const longest = 256
	return plain(strings.Clone(s[:min(len(s), longest)]))
}

func factor(m schemas.MFA) text {
	switch m {
	case schemas.MFAYes:
		return text{s: "yes"}
	case schemas.MFANo:
		return text{"no", boldRed}
	}
	return text{"?", yellow}
}

func signOn(s *schemas.SignOnRef) text {
	if s == nil {
		return text{"–", dim}
	}
	return text{s: strings.TrimSuffix(string(s.JoinedBy), "_id")}
}

func grantMark(s *schemas.Session) text {
	if s.Grant == "" {
		return text{"–", dim}
	}
	return text{"✓", green}
}

// verdict names the rules that are broken, or why they could not be judged.
func verdict(s *schemas.Session, broken []string) text {
	switch s.Verdict {
	case schemas.VerdictAllowed:
		return text{"allowed", green}
	case schemas.VerdictFinding:
		return text{strings.Join(broken, ", "), red}
	}
	var reasons []string
	for _, u := range s.Unjudged {
		if r := strings.ReplaceAll(string(u.Reason), "_", " "); !slices.Contains(reasons, r) {
			reasons = append(reasons, r)
		}
	}
	return text{"unknown: " + strings.Join(reasons, ", "), yellow}
}

// length writes how long a session was, to the minute if it was that long.
func length(d time.Duration) string {
	switch d = d.Round(time.Second); {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%02dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

func (p *tablePrinter) printSessions() {
	rows, more := p.sessions.list()
	p.title("Sessions (UTC)")
	if p.sessions.seen == 0 {
		p.printf("  none")
		return
	}
	p.printf("  %d with findings, %d not fully judged, %d allowed", p.verdicts[schemas.VerdictFinding],
		p.verdicts[schemas.VerdictUnknown], p.verdicts[schemas.VerdictAllowed])
	g := grid{columns: []column{
		{title: "START"}, {title: "PERSON", least: 14}, {title: "ACCOUNT", least: 8}, {title: "ROLE", least: 8},
		{title: "LENGTH", right: true}, {title: "MFA"}, {title: "SIGN-ON", drop: 2}, {title: "GRANT"},
		{title: "CALLS", right: true, drop: 1}, {title: "VERDICT", least: 12},
	}}
	for i := range rows {
		g.add(rows[i].cells...)
	}
	g.print(p.w, p.terminal, "  ")
	p.more(more, "sessions")
}
