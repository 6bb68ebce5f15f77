package explain

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"jitaudit/schemas"
)

// Layout says how text is written.
type Layout struct {
	// Width is that of a line, in characters. Ids and words that are longer are not
	// broken.
	Width int
	// Visible makes what logs say fit to be shown: it must leave no line break in it.
	Visible func(string) string
}

// Write writes an explanation as text.
func (e *Explanation) Write(w io.Writer, l Layout) error {
	t := &page{l: l}
	asked := len(e.Findings) > 0 && e.Findings[0].Finding.ID == e.ID
	if !asked || e.Findings[0].Finding.Status == schemas.Retracted {
		t.paragraph(e.Headline)
		t.line("")
	}
	if asked {
		t.judgement(&e.Findings[0])
		t.title(map[bool]string{true: "The session", false: "What it is about"}[e.Session != nil])
	}
	for _, a := range e.Answers {
		t.field(a.Question, a.Answer)
	}
	if len(e.Onward) > 0 {
		t.title("Further roles that it led to")
		t.onward(e.Onward, 1)
	}
	t.timeline(e.Timeline)
	if !asked {
		for i := range e.Findings {
			t.line("")
			t.judgement(&e.Findings[i])
		}
	} else if len(e.Findings) > 1 {
		t.title("Found besides")
		for i := range e.Findings[1:] {
			t.brief(&e.Findings[i+1])
		}
	}
	if len(e.Unjudged) > 0 {
		t.title("Not judged")
		for _, u := range e.Unjudged {
			t.indented("  ", u)
		}
	}
	t.coverage(e.Coverage)
	t.line("")
	last := "Judged by policy " + e.Policy
	if !e.Observed.IsZero() {
		last += ", published " + clock(e.Observed)
	}
	t.paragraph(last + ".")
	_, err := w.Write(t.b.Bytes())
	return err
}

// page is text in the making.
type page struct {
	l Layout
	b bytes.Buffer
}

func (t *page) line(s string) {
	t.b.WriteString(strings.TrimRight(s, " "))
	t.b.WriteByte('\n')
}

func (t *page) title(s string) {
	t.line("")
	t.line(s)
}

func (t *page) paragraph(s string) { t.indented("", s) }

// indented writes a text below a margin.
func (t *page) indented(margin, s string) { t.hanging(margin, margin, s) }

// hanging writes a text whose first line begins otherwise than the rest.
func (t *page) hanging(head, margin, s string) {
	line, used := head, 0
	room := t.l.Width - utf8.RuneCountInString(margin)
	for _, word := range strings.Fields(t.l.Visible(s)) {
		n := utf8.RuneCountInString(word)
		if used > 0 && used+1+n > room {
			t.line(line)
			line, used = margin, 0
		}
		if used > 0 {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+n
	}
	t.line(line)
}

const fieldWidth = 18

func (t *page) field(name, value string) {
	if value == "" {
		return
	}
	margin := strings.Repeat(" ", fieldWidth)
	head := "  " + name
	t.hanging(head+margin[min(len(head), fieldWidth-1):], margin, value)
}

// judgement writes all there is to say about a finding.
func (t *page) judgement(j *Judgement) {
	f := &j.Finding
	t.paragraph(fmt.Sprintf("%s: %s (%s, %s)", f.Rule, j.Title, f.Severity, f.Status))
	t.field("seen", f.Why)
	t.field("expected", j.Expected)
	t.field("means", j.Means)
	t.field("rule", j.Fires)
	t.field("how sure", j.Sure)
	t.field("does not prove", j.Notes)
	t.field("what to do", j.Do)
	t.field("controls", strings.Join(j.Controls, ", "))
	t.standing(j)
	for i, e := range j.Evidence {
		name := ""
		if i == 0 {
			name = "evidence"
		}
		if e.What != "" {
			e.Event += ": "
		}
		t.field(name, e.Event+e.What)
	}
	t.field("id", f.ID)
}

// standing tells what policy and people say to a finding.
func (t *page) standing(j *Judgement) {
	if s := j.Finding.Suppressed; s != nil {
		t.field("accepted", fmt.Sprintf("by the policy until %s, for %s: %s", clock(s.Until), s.Owner, s.Reason))
	}
	for i := range j.Decisions {
		name := ""
		if i == 0 {
			name = "triage"
		}
		t.field(name, decision(&j.Decisions[i]))
	}
}

func decision(d *schemas.Triage) string {
	out := fmt.Sprintf("%s: %s by %s", clock(d.At), strings.ReplaceAll(string(d.Status), "_", " "), d.By)
	if d.Owner != "" {
		out += ", owner " + d.Owner
	}
	return out + ": " + d.Reason
}

// brief writes a finding that was not asked about.
func (t *page) brief(j *Judgement) {
	f := &j.Finding
	t.indented("  ", fmt.Sprintf("%s (%s, %s), %s", f.Rule, f.Severity, f.Status, f.ID))
	t.indented("    ", f.Why)
	if n := len(j.Decisions); n > 0 {
		t.indented("    ", "triage "+decision(&j.Decisions[n-1]))
	}
}

func (t *page) onward(all []Onward, depth int) {
	margin := strings.Repeat("  ", depth)
	for i := range all {
		t.hanging(margin, margin+"  ", all[i].words()+" ["+all[i].Event+"]")
		t.onward(all[i].Then, depth+1)
	}
}

// timeline marks what is evidence of a finding.
func (t *page) timeline(all []Moment) {
	t.title("What was seen (UTC; * is evidence of a finding)")
	const room = 28 // of a time to the millisecond
	for i := range all {
		m := &all[i]
		mark := " "
		if len(m.Proves) > 0 {
			mark = "*"
		}
		what := m.What
		if m.Event != "" {
			what += " [" + m.Event + "]"
		}
		t.hanging(fmt.Sprintf("%s %-26s", mark, clock(m.At)), strings.Repeat(" ", room), what)
	}
}

// coverage writes where each log is complete.
func (t *page) coverage(all []Covered) {
	if len(all) == 0 {
		return
	}
	t.title("Where the logs are complete")
	for i := range all {
		c := &all[i]
		t.indented("  ", c.Shard)
		if len(c.Complete) == 0 {
			t.indented("    ", "nowhere near")
		}
		for _, in := range c.Complete {
			t.indented("    ", fmt.Sprintf("%s to %s, %s", clock(in.From), clock(in.To), in.Basis))
		}
		for _, m := range c.Missing {
			if m.From.Equal(m.To) {
				t.indented("    ", "not at "+clock(m.From))
			} else {
				t.indented("    ", fmt.Sprintf("not from %s to %s", clock(m.From), clock(m.To)))
			}
		}
	}
	t.indented("  ", "Of accounts and regions that are not listed nothing is known.")
}
