package main

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"jitaudit/internal/backtest"
	"jitaudit/internal/visible"
	"jitaudit/schemas"
)

// backtestText is a report as text.
func backtestText(r *backtest.Report, t terminal) string {
	var b bytes.Buffer
	line := func(margin, s string) {
		for _, l := range wrap(visible.Text(s), t.width-len(margin), 20) {
			fmt.Fprintf(&b, "%s%s\n", margin, l)
		}
	}
	fmt.Fprintf(&b, "%s; findings and sessions since %s\n", count(r.Events, "raw event", "raw events"), second(r.Since))
	fmt.Fprintf(&b, "  by the policies in force  %s\n", backtestCounts(&r.Old))
	fmt.Fprintf(&b, "  by the new policies       %s\n", backtestCounts(&r.New))
	if len(r.Differences) == 0 {
		b.WriteString("\nNo difference.\n")
	} else {
		b.WriteByte('\n')
		differencesByRule(&b, r, t)
	}
	for i := range r.Differences {
		d := &r.Differences[i]
		if i == 0 || r.Differences[i-1].Change != d.Change {
			title := strings.ToUpper(string(d.Change)[:1]) + string(d.Change)[1:]
			fmt.Fprintf(&b, "\n%s\n", t.paint(bold, title))
		}
		f := d.Finding()
		line("  ", fmt.Sprintf("%s (%s, %s), %s", f.Rule, f.Severity, f.Status, f.ID))
		line("    ", f.Why)
		for _, s := range changes(d) {
			line("    ", s)
		}
	}
	if len(r.Coverage) == 0 {
		b.WriteByte('\n')
		line("", "No log is known to be complete in the raw events: nothing that is missing was held against anybody.")
	}
	return b.String()
}

func backtestCounts(c *backtest.Counts) string {
	s := c.Sessions
	total := s[schemas.VerdictAllowed] + s[schemas.VerdictFinding] + s[schemas.VerdictUnknown]
	return fmt.Sprintf("%s; %s: %d allowed, %d not, %d unknown", count(c.Findings, "finding", "findings"),
		count(total, "session", "sessions"), s[schemas.VerdictAllowed], s[schemas.VerdictFinding], s[schemas.VerdictUnknown])
}

// differencesByRule is a table of how many findings of each rule differ.
func differencesByRule(b *bytes.Buffer, r *backtest.Report, t terminal) {
	byRule := map[string]map[backtest.Change]int{}
	for i := range r.Differences {
		d := &r.Differences[i]
		rule := d.Finding().Rule
		if byRule[rule] == nil {
			byRule[rule] = map[backtest.Change]int{}
		}
		byRule[rule][d.Change]++
	}
	g := grid{columns: []column{{title: "RULE"}, {title: "ADDED", right: true}, {title: "CHANGED", right: true}, {title: "REMOVED", right: true}}}
	for _, rule := range slices.Sorted(maps.Keys(byRule)) {
		n := byRule[rule]
		g.add(text{s: visible.Text(rule)}, number(int64(n[backtest.Added])), number(int64(n[backtest.Changed])), number(int64(n[backtest.Removed])))
	}
	w := bufio.NewWriter(b)
	g.print(w, t, "  ")
	_ = w.Flush() // into memory
}

// changes say in what a changed finding differs.
func changes(d *backtest.Difference) (out []string) {
	if d.Change != backtest.Changed {
		return nil
	}
	for _, field := range d.Fields {
		switch field {
		case "severity":
			out = append(out, fmt.Sprintf("severity was %s", d.Old.Severity))
		case "status":
			out = append(out, fmt.Sprintf("status was %s", d.Old.Status))
		case "why":
			out = append(out, "before: "+d.Old.Why)
		case "suppressed":
			out = append(out, suppressionChange(d))
		default:
			out = append(out, field+" differs")
		}
	}
	return out
}

func suppressionChange(d *backtest.Difference) string {
	if s := d.New.Suppressed; s != nil {
		return fmt.Sprintf("accepted for %s until %s: %s", s.Owner, second(s.Until), s.Reason)
	}
	return "no longer accepted by the policy"
}
