package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"jitaudit/schemas"
)

// sessionRow is what a table keeps of a session.
type sessionRow struct {
	verdict schemas.Verdict
	start   time.Time
	id      string
	cells   []text // of all columns but the start
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
		name(s.Person.Name), name(account), name(s.Role), {s: length(s.End.Sub(s.Start))},
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

// printSessions prints the sessions, and how often a role was refused.
func (p *tablePrinter) printSessions(refused int64) {
	p.title("Sessions (UTC)")
	n := func(v schemas.Verdict) string { return thousands(int64(p.verdicts[v])) }
	line := fmt.Sprintf("%s with findings, %s not fully judged, %s allowed", n(schemas.VerdictFinding), n(schemas.VerdictUnknown), n(schemas.VerdictAllowed))
	if refused > 0 {
		line += "; " + count(int(refused), "assumption was", "assumptions were") + " refused by AWS"
	}
	p.note(line)
	rows, more := p.sessions.list()
	if len(rows) == 0 {
		return
	}
	p.printf("")
	g := sessionGrid(rows)
	left := g.print(p.w, p.terminal, "  ")
	p.more(more)
	if len(left) > 0 {
		p.note("a wider terminal also shows " + strings.ToLower(strings.Join(left, ", ")))
	}
}

func sessionGrid(rows []sessionRow) grid {
	g := grid{columns: []column{
		{title: "START"}, {title: "PERSON", least: 16}, {title: "ACCOUNT", least: 12}, {title: "ROLE", least: 7},
		{title: "LENGTH", right: true, drop: 3}, {title: "MFA"}, {title: "SIGN-ON", drop: 2}, {title: "GRANT"},
		{title: "CALLS", right: true, drop: 1}, {title: "VERDICT", least: 12},
	}}
	layout := "2006-01-02 15:04"
	year := rows[0].start.UTC().Year()
	if !slices.ContainsFunc(rows, func(r sessionRow) bool { return r.start.UTC().Year() != year }) {
		g.columns[0].title += fmt.Sprint(" ", year) // said once
		layout = "01-02 15:04"
	}
	for i := range rows {
		g.add(append([]text{{s: rows[i].start.UTC().Format(layout)}}, rows[i].cells...)...)
	}
	return g
}
