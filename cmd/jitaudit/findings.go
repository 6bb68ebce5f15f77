package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"jitaudit/correlate/rules"
	"jitaudit/internal/visible"
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
	more     int // such findings that are not shown
}

// eventsShown is how many event ids of a finding are listed.
const eventsShown = 4

func newFindingRow(f *schemas.Finding) findingRow {
	const longest = 4 << 10
	row := findingRow{
		open: f.Status == schemas.Open, severity: f.Severity, at: f.At, id: strings.Clone(f.ID),
		rule: f.Rule, why: visible.Text(strings.Clone(f.Why[:min(len(f.Why), longest)])),
	}
	for _, id := range f.Evidence[:min(len(f.Evidence), eventsShown)] {
		row.events = append(row.events, shorten(visible.Text(strings.Clone(id[:min(len(id), longest)])), 64))
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
	p.more(more)
}

// examples are one finding of each rule.
func (p *tablePrinter) examples() []findingRow {
	var rows []findingRow
	for _, b := range p.byRule {
		kept, more := b.list()
		for _, f := range kept {
			f.more = more
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
	label := []text{{visible.Text(f.rule), bold}}
	if f.more > 0 {
		label = append(label, text{fmt.Sprintf("and %d more", f.more), dim})
	}
	style := ""
	for _, lines := range [][]string{wrap(f.why, right, mostLines), wrap(strings.Join(f.events, " "), right, mostLines)} {
		for _, line := range lines {
			var l text
			if len(label) > 0 {
				l, label = label[0], label[1:]
			}
			p.printf("  %s%s%s", p.terminal.paint(l.style, l.s), strings.Repeat(" ", max(ruleWidth()-width(l.s), 0)),
				p.terminal.paint(style, line))
		}
		style = dim
	}
}
