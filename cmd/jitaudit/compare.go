package main

import (
	"encoding/json"
	"fmt"

	"jitaudit/internal/scan/truth"
)

// compare tells how the findings stand against the truth; the total is the last
// line of output.
func (m *Main) compare(f *scanFlags, a *audit) error {
	for _, d := range a.check.Differences() {
		m.tell(d)
	}
	if !a.check.Right() && len(f.complete)+len(f.gaps) == 0 {
		m.tell("give --complete and --gap as the truth file has them under complete and gaps")
	}
	if _, err := fmt.Fprintf(m.Stdout, "truth: %s\n", a.check.Total().Line()); err != nil {
		return writing(err)
	}
	if !a.check.Right() {
		return exitCode(exitError)
	}
	return nil
}

// truthTable lists the counts by rule.
func truthTable(check *truth.Check) grid {
	g := grid{columns: []column{
		{title: "RULE"}, {title: "PLANTED", right: true}, {title: "FOUND", right: true},
		{title: "MISSED", right: true}, {title: "FALSE", right: true},
	}}
	for _, r := range check.Rules() {
		style := ""
		if r.Missed+r.False > 0 {
			style = boldRed
		}
		g.add(text{r.Rule, style}, number(r.Planted), number(r.Found), number(r.Missed), number(r.False))
	}
	return g
}

// truthLine is the same as a record of JSON.
func truthLine(check *truth.Check) ([]byte, error) {
	type counts struct {
		Planted int `json:"planted"`
		Found   int `json:"found"`
		Missed  int `json:"missed"`
		False   int `json:"false"`
	}
	rules := map[string]counts{}
	for _, r := range check.Rules() {
		rules[r.Rule] = counts{r.Planted, r.Found, r.Missed, r.False}
	}
	line, err := json.Marshal(struct {
		Kind  string            `json:"kind"`
		Rules map[string]counts `json:"rules"`
	}{"truth", rules})
	return append(line, '\n'), err
}
