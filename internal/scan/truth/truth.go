// Package truth compares findings with those that were planted in a made-up
// organisation.
package truth

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"jitaudit/internal/organisation"
	"jitaudit/schemas"
)

// Check takes findings one after another and tells what is missing and what is
// too much.
type Check struct {
	planted []planted
	byKey   map[key][]int
	near    map[nearKey]string
	rules   map[string]*Count
	wrong   []string // what was found and is not planted
}

// Count is how it stands with one rule, or with all.
type Count struct {
	Rule                          string
	Planted, Found, Missed, False int
}

type planted struct {
	organisation.Planted
	found   bool
	nearest string // how the finding that comes nearest differs
}

type key struct{ rule, person, anchor string }

type nearKey struct{ rule, event string }

// shownWrong bounds how many findings too much are described.
const shownWrong = 1000

// Read reads a truth.json as the generator writes it.
func Read(path string) (*Check, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the truth: %w", err)
	}
	var t organisation.Truth
	if err := json.Unmarshal(data, &t); err != nil {
		return nil, fmt.Errorf("read the truth in %s, which jitaudit demo generate writes: %w", path, err)
	}
	return New(t), nil
}

// New returns the check against a truth.
func New(t organisation.Truth) *Check {
	c := &Check{
		byKey: make(map[key][]int),
		near:  make(map[nearKey]string),
		rules: make(map[string]*Count),
	}
	for i, p := range t.Planted {
		c.planted = append(c.planted, planted{Planted: p})
		k := key{p.Rule, fold(p.Person), p.Anchor}
		c.byKey[k] = append(c.byKey[k], i)
		c.rule(p.Rule).Planted++
	}
	for _, n := range t.NearMisses {
		c.near[nearKey{n.Rule, n.Event}] = n.Note
	}
	return c
}

func (c *Check) rule(name string) *Count {
	n := c.rules[name]
	if n == nil {
		n = &Count{Rule: name}
		c.rules[name] = n
	}
	return n
}

func fold(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// Add takes in one finding.
func (c *Check) Add(f *schemas.Finding) {
	for _, i := range c.byKey[key{f.Rule, fold(f.Person.Name), f.Anchor}] {
		p := &c.planted[i]
		if p.found {
			continue
		}
		if p.nearest = differs(&p.Planted, f); p.nearest == "" {
			p.found = true
			c.rule(f.Rule).Found++
			return
		}
	}
	c.rule(f.Rule).False++
	if len(c.wrong) < shownWrong {
		c.wrong = append(c.wrong, c.describe(f))
	}
}

// differs says in which of what was planted the finding falls short.
func differs(p *organisation.Planted, f *schemas.Finding) string {
	var lacks []string
	for _, id := range p.Evidence {
		if !slices.Contains(f.Evidence, id) {
			lacks = append(lacks, id)
		}
	}
	switch {
	case len(lacks) > 0:
		return "found, but without the evidence " + strings.Join(lacks, ", ")
	case p.Status != "" && p.Status != string(f.Status):
		return "found, but " + string(f.Status)
	case p.Severity != "" && p.Severity != string(f.Severity):
		return "found, but as " + string(f.Severity)
	}
	return ""
}

func (c *Check) describe(f *schemas.Finding) string {
	s := fmt.Sprintf("false: %s (%s, %s) of %s at %s on event %s: %s", f.Rule, f.Severity, f.Status, f.Person.Name,
		f.At.Format("2006-01-02 15:04:05.000Z"), f.Anchor, f.Why)
	if note, ok := c.near[nearKey{f.Rule, f.Anchor}]; ok {
		s += " (a near miss: " + note + ")"
	}
	return s
}

// Rules counts by rule, sorted by name.
func (c *Check) Rules() []Count {
	all := make([]Count, 0, len(c.rules))
	for _, n := range c.rules {
		n.Missed = n.Planted - n.Found
		all = append(all, *n)
	}
	slices.SortFunc(all, func(a, b Count) int { return strings.Compare(a.Rule, b.Rule) })
	return all
}

// Total counts all rules together.
func (c *Check) Total() Count {
	var t Count
	for _, n := range c.Rules() {
		t.Planted += n.Planted
		t.Found += n.Found
		t.Missed += n.Missed
		t.False += n.False
	}
	return t
}

// Right reports whether exactly what was planted was found.
func (c *Check) Right() bool { t := c.Total(); return t.Missed == 0 && t.False == 0 }

// Differences describes what was missed, by time, and what was found too much.
func (c *Check) Differences() []string {
	var out []string
	for _, p := range c.planted {
		if p.found {
			continue
		}
		s := fmt.Sprintf("missed: %s (%s) of %s at %s on event %s: %s", p.Rule, p.Status, p.Person,
			p.Time.Format("2006-01-02 15:04:05.000Z"), p.Anchor, p.Note)
		if p.nearest != "" {
			s += " (" + p.nearest + ")"
		}
		out = append(out, s)
	}
	out = append(out, c.wrong...)
	if more := c.Total().False - len(c.wrong); more > 0 {
		out = append(out, fmt.Sprintf("and %d false findings more", more))
	}
	return out
}

// Line is the total as scripts read it.
func (t Count) Line() string {
	return fmt.Sprintf("planted=%d found=%d missed=%d false=%d", t.Planted, t.Found, t.Missed, t.False)
}
