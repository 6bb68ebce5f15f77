package explain

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Write writes an explanation as text for a terminal.
func (e *Explanation) Write(w io.Writer) error {
	var b bytes.Buffer
	line := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	line("%s", e.Headline)
	line("")
	for _, f := range e.Facts {
		line("  %-14s %s", f.Question, f.Answer)
	}
	line("")
	line("What was seen (UTC)")
	for _, m := range e.Timeline {
		event := ""
		if m.Event != "" {
			event = "  [" + m.Event + "]"
		}
		line("  %-25s %s%s", clock(m.At), m.What, event)
	}
	for _, j := range e.Findings {
		f := &j.Finding
		line("")
		line("%s: %s (%s, %s)", f.Rule, j.Title, f.Severity, f.Status)
		line("  seen      %s", f.Why)
		line("  expected  %s", j.Expected)
		line("  how sure  %s", j.Sure)
		line("  evidence  %s", strings.Join(f.Evidence, " "))
		if s := f.Suppressed; s != nil {
			line("  accepted  by %s until %s: %s", s.Owner, clock(s.Until), s.Reason)
		}
		if t := j.Triage; t != nil {
			line("  triage    %s by %s at %s: %s", t.Status, t.By, clock(t.At), t.Reason)
		}
		line("  id        %s", f.ID)
	}
	if len(e.Unknown) > 0 {
		line("")
		line("Not known")
		for _, u := range e.Unknown {
			line("  %s", u)
		}
	}
	if len(e.Coverage) > 0 {
		line("")
		line("Where the logs are complete")
		for _, c := range e.Coverage {
			line("  %s", c)
		}
	}
	line("")
	line("Judged by policy %s.", e.Policy)
	_, err := w.Write(b.Bytes())
	return err
}
