package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/internal/scan"
	"jitaudit/internal/scan/truth"
	"jitaudit/internal/visible"
	"jitaudit/schemas"
)

// tablePrinter writes what a person reads. It keeps the rows that it will print
// and counts the rest.
type tablePrinter struct {
	w        *bufio.Writer
	terminal terminal
	policies *policy.Set
	check    *truth.Check // nil without a truth
	// brief shows one finding of each rule.
	brief bool

	findings best[findingRow]
	byRule   map[string]*best[findingRow]
	sessions best[sessionRow]
	dead     best[schemas.DeadLetter]

	open     map[schemas.Severity]int
	resolved int
	verdicts map[schemas.Verdict]int
}

// tableOptions say how much is printed.
type tableOptions struct {
	limit int // most rows of a kind; 0: all
	brief bool
}

func newTable(w io.Writer, t terminal, set *policy.Set, check *truth.Check, opts tableOptions) *tablePrinter {
	return &tablePrinter{
		w: bufio.NewWriter(w), terminal: t, policies: set, check: check, brief: opts.brief,
		findings: best[findingRow]{limit: opts.limit, compare: compareFindings},
		byRule:   map[string]*best[findingRow]{},
		sessions: best[sessionRow]{limit: opts.limit, compare: compareSessions},
		dead:     best[schemas.DeadLetter]{limit: opts.limit, compare: inOrder[schemas.DeadLetter]},
		open:     map[schemas.Severity]int{},
		verdicts: map[schemas.Verdict]int{},
	}
}

// inOrder keeps what comes first.
func inOrder[T any](_, _ T) int { return 0 }

// Result implements scan.Sink.
func (p *tablePrinter) Result(r *scan.Result) error {
	for i := range r.Findings {
		p.finding(&r.Findings[i])
	}
	broken := openRules(r.Findings)
	for i := range r.Sessions {
		s := &r.Sessions[i]
		p.verdicts[s.Verdict]++
		row := sessionRow{verdict: s.Verdict, start: s.Start, id: s.ID}
		if p.sessions.wants(row) {
			row = p.sessionRow(s, &r.Activity[i], broken[s.ID])
		}
		p.sessions.add(row)
	}
	return nil
}

func (p *tablePrinter) finding(f *schemas.Finding) {
	if f.Status == schemas.Open {
		p.open[f.Severity]++
	} else {
		p.resolved++
	}
	to := &p.findings
	if p.brief {
		to = p.byRule[f.Rule]
		if to == nil {
			to = &best[findingRow]{limit: 1, compare: compareFindings}
			p.byRule[f.Rule] = to
		}
	}
	row := findingRow{open: f.Status == schemas.Open, severity: f.Severity, at: f.At, id: f.ID}
	if to.wants(row) {
		row = newFindingRow(f)
	}
	to.add(row)
}

// DeadLetter implements scan.Sink.
func (p *tablePrinter) DeadLetter(d *schemas.DeadLetter) error {
	letter := *d
	letter.Raw = nil
	p.dead.add(letter)
	return nil
}

// Finish implements printer.
func (p *tablePrinter) Finish(sum *scan.Summary) error {
	p.summary(sum)
	p.printFindings()
	p.printSessions(sum.Facts[schemas.AssumeFailed])
	p.printLedgers(sum.Ledgers)
	p.printCoverage(sum.Coverage)
	if !p.brief {
		p.printDeadLetters()
		p.printSkipped(sum.Skipped)
	}
	if p.check != nil {
		p.title("Findings against the truth")
		g := truthTable(p.check)
		g.print(p.w, p.terminal, "  ")
		p.w.WriteByte('\n')
	}
	return p.w.Flush()
}

// printf writes a line of text; an error stays in the writer until Flush.
func (p *tablePrinter) printf(format string, args ...any) {
	p.w.WriteString(fmt.Sprintf(format, args...) + "\n")
}

func (p *tablePrinter) title(s string) { p.printf("\n%s", p.terminal.paint(bold, s)) }

func (p *tablePrinter) summary(sum *scan.Summary) {
	open := 0
	var parts []string
	for _, s := range severities() {
		if n := p.open[s]; n > 0 {
			open += n
			parts = append(parts, p.terminal.paint(severityStyle(s), fmt.Sprintf("%d %s", n, s)))
		}
	}
	line := count(open, "open finding", "open findings")
	if len(parts) > 0 {
		line += ": " + strings.Join(parts, ", ")
	}
	if p.resolved > 0 {
		line += "; " + thousands(int64(p.resolved)) + " resolved"
	}
	about := []string{count(sum.People, "person", "people"), count(p.sessions.seen, "session", "sessions")}
	if sum.Files > 0 { // what is read back from the database has none
		about = append(about, span(sum))
	}
	for _, line := range wrap(strings.Join(about, ", "), p.terminal.width, 4) {
		p.printf("%s", line)
	}
	p.printf("%s", line)
}

func span(sum *scan.Summary) string {
	files := count(sum.Files, "file", "files")
	if sum.First.IsZero() {
		return "no events in " + files
	}
	return "events from " + minute(sum.First) + " to " + minute(sum.Last) + " UTC in " + files
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(int64(n)) + " " + many
}

// note prints a sentence, indented.
func (p *tablePrinter) note(s string) {
	for _, line := range wrap(s, p.terminal.width-2, 10) {
		p.printf("  %s", line)
	}
}

// more says that rows were left out.
func (p *tablePrinter) more(n int) {
	how := "--format json or csv has them all, --limit 0 shows them"
	if p.brief {
		how = "with --keep it goes on, for you to ask ClickHouse for all"
	}
	if n > 0 {
		p.note("… and " + thousands(int64(n)) + " more; " + how)
	}
}

func severities() []schemas.Severity {
	return []schemas.Severity{schemas.Critical, schemas.High, schemas.Medium, schemas.Low, schemas.Info}
}

func severityStyle(s schemas.Severity) string {
	switch s {
	case schemas.Critical:
		return magenta
	case schemas.High:
		return boldRed
	case schemas.Medium:
		return yellow
	}
	return ""
}

func (p *tablePrinter) printDeadLetters() {
	letters, more := p.dead.list()
	if len(letters) == 0 {
		return
	}
	p.title(fmt.Sprintf("Dead letters: %s could not be read", count(p.dead.seen, "record", "records")))
	for _, d := range letters {
		at := visible.Text(d.File)
		if d.Record > 0 {
			at += fmt.Sprintf(":%d@%d", d.Record, d.Offset)
		}
		p.printf("  %s", at)
		for _, line := range wrap(visible.Text(d.Reason), p.terminal.width-4, 6) {
			p.printf("    %s", line)
		}
	}
	if more > 0 {
		p.note(fmt.Sprintf("… and %s more; --dead-letters FILE keeps them all", thousands(int64(more))))
	}
}

func (p *tablePrinter) printSkipped(skipped []scan.Skipped) {
	if len(skipped) == 0 {
		return
	}
	p.title(fmt.Sprintf("Skipped: %s", count(len(skipped), "file or folder", "files and folders")))
	shown := skipped
	if limit := p.dead.limit; limit > 0 {
		shown = shown[:min(len(shown), limit)]
	}
	for _, s := range shown {
		p.printf("  %s: %s", visible.Text(s.Path), visible.Text(s.Reason))
	}
	if more := len(skipped) - len(shown); more > 0 {
		p.note(fmt.Sprintf("… and %s more; --limit 0 shows them", thousands(int64(more))))
	}
}

func (p *tablePrinter) printLedgers(ledgers []schemas.Ledger) {
	if len(ledgers) == 0 {
		return // what is read back from the database has none
	}
	p.title("Records")
	g := grid{columns: []column{{title: "SOURCE"}}}
	for _, title := range []string{"READ", "USED", "IRRELEVANT", "DUPLICATE", "CORRECTED", "DEAD"} {
		g.columns = append(g.columns, column{title: title, right: true})
	}
	for _, l := range ledgers {
		dead := number(l.Dead)
		if l.Dead > 0 {
			dead.style = boldRed
		}
		g.add(text{s: string(l.Source)}, number(l.Read), number(l.Used), number(l.Irrelevant),
			number(l.Duplicate), number(l.Corrected), dead)
	}
	g.print(p.w, p.terminal, "  ")
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }
func second(t time.Time) string { return t.UTC().Format(time.DateTime) }
