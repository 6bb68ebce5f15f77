package policytest

import (
	"fmt"
	"slices"
	"strings"

	"jitaudit/schemas"
)

// findings says what differs between the findings that are expected and those that
// came out.
func (e *Expect) findings(all []schemas.Finding, sessions []schemas.Session) (problems []string) {
	var got []*schemas.Finding
	for i := range all {
		if f := &all[i]; !slices.ContainsFunc(e.Ignore, func(r Rule) bool { return r.Name == f.Rule }) {
			got = append(got, f)
		}
	}
	pairs, left := match(len(e.Findings), len(got), func(w, g int) bool { return len(e.Findings[w].differs(got[g])) == 0 })
	for w := range e.Findings {
		if want := &e.Findings[w]; pairs[w] < 0 {
			// Of what else came out by the same rule, the nearest is probably meant.
			g := nearest(left, func(g int) []string { return want.differs(got[g]) }, func(g int) bool { return got[g].Rule == want.Rule })
			if g < 0 {
				problems = append(problems, fmt.Sprintf("missing: %s (line %d)%s", want, want.Line, unjudged(want.Rule, sessions)))
				continue
			}
			left = slices.DeleteFunc(left, func(l int) bool { return l == g })
			problems = append(problems, fmt.Sprintf("differs: finding %s (line %d): %s: %s", want.Rule, want.Line, strings.Join(want.differs(got[g]), "; "), got[g].Why))
		}
	}
	for _, g := range left {
		f := got[g]
		if e.None == nil || slices.ContainsFunc(e.None, func(r Rule) bool { return r.Name == f.Rule }) {
			problems = append(problems, fmt.Sprintf("not expected: %s: %s", describe(f), f.Why))
		}
	}
	return problems
}

// sessions says what differs between the sessions that are expected and those that
// came out.
func (e *Expect) sessions(got []schemas.Session) (problems []string) {
	if e.Sessions == nil {
		return nil
	}
	pairs, left := match(len(e.Sessions), len(got), func(w, g int) bool { return len(e.Sessions[w].differs(&got[g])) == 0 })
	for w := range e.Sessions {
		if want := &e.Sessions[w]; pairs[w] < 0 {
			g := nearest(left, func(g int) []string { return want.differs(&got[g]) }, func(int) bool { return true })
			if g < 0 {
				problems = append(problems, fmt.Sprintf("missing: %s (line %d)", want, want.Line))
				continue
			}
			left = slices.DeleteFunc(left, func(l int) bool { return l == g })
			problems = append(problems, fmt.Sprintf("differs: session (line %d): %s%s", want.Line, strings.Join(want.differs(&got[g]), "; "), reasons(&got[g])))
		}
	}
	for _, g := range left {
		s := &got[g]
		problems = append(problems, fmt.Sprintf("not expected: session of %s as %s in %s, verdict %s, second factor %s", s.Person.Name, s.Role, s.Account, s.Verdict, s.MFA))
	}
	return problems
}

// match pairs what is wanted with what was got, as many as can be: of each wanted the
// index of what it got or -1, and what is left over.
func match(wanted, got int, fits func(w, g int) bool) (pairs, left []int) {
	pairs = slices.Repeat([]int{-1}, wanted)
	owner := slices.Repeat([]int{-1}, got)
	var seek func(w int, tried []bool) bool
	seek = func(w int, tried []bool) bool {
		for g := range got {
			if tried[g] || !fits(w, g) {
				continue
			}
			tried[g] = true
			// One that is taken is free if its owner finds another.
			if owner[g] < 0 || seek(owner[g], tried) {
				owner[g], pairs[w] = w, g
				return true
			}
		}
		return false
	}
	for w := range wanted {
		seek(w, make([]bool, got))
	}
	for g, w := range owner {
		if w < 0 {
			left = append(left, g)
		}
	}
	return pairs, left
}

// nearest is the one of those left that differs least and may be meant; -1 for none.
func nearest(left []int, differs func(g int) []string, may func(g int) bool) int {
	best := -1
	for _, g := range left {
		if may(g) && (best < 0 || len(differs(g)) < len(differs(best))) {
			best = g
		}
	}
	return best
}

// difference is a list of what is expected and is otherwise.
type difference []string

func (d *difference) text(what, want, got string) {
	if want != "" && want != got {
		if got == "" {
			got = "none"
		}
		*d = append(*d, fmt.Sprintf("%s: expected %s, got %s", what, want, got))
	}
}

func (d *difference) person(want string, got schemas.Person) {
	if !strings.EqualFold(want, got.Name) && want != got.Key {
		d.text("person", want, got.Name)
	}
}

// differs is empty when a finding is as expected.
func (f *Finding) differs(got *schemas.Finding) []string {
	var d difference
	d.text("rule", f.Rule, got.Rule)
	d.text("status", f.Status, string(got.Status))
	d.text("severity", f.Severity, string(got.Severity))
	d.person(f.Person, got.Person)
	d.text("account", f.Account, got.Account)
	d.text("role", f.Role, got.Role)
	d.text("anchor", f.Anchor, got.Anchor)
	if f.Suppressed != nil {
		d.text("suppressed", fmt.Sprint(*f.Suppressed), fmt.Sprint(got.Suppressed != nil))
	}
	return d
}

// differs is empty when a session is as expected.
func (s *Session) differs(got *schemas.Session) []string {
	var d difference
	d.person(s.Person, got.Person)
	d.text("account", s.Account, got.Account)
	d.text("role", s.Role, got.Role)
	d.text("verdict", s.Verdict, string(got.Verdict))
	d.text("mfa", s.MFA, string(got.MFA))
	return d
}

// unjudged says that a rule could not be judged, where it could not.
func unjudged(rule string, sessions []schemas.Session) string {
	for i := range sessions {
		for _, u := range sessions[i].Unjudged {
			if u.Rule == rule {
				return fmt.Sprintf("; it could not be judged (%s)", why(u))
			}
		}
	}
	return ""
}

// reasons says which rules of a session could not be judged.
func reasons(s *schemas.Session) string {
	var all []string
	for _, u := range s.Unjudged {
		all = append(all, fmt.Sprintf("%s (%s)", u.Rule, why(u)))
	}
	if len(all) == 0 {
		return ""
	}
	return "; not judged: " + strings.Join(all, ", ")
}

func why(u schemas.Unjudged) string { return strings.TrimSpace(string(u.Reason) + " " + u.Shard) }

func describe(f *schemas.Finding) string {
	out := fmt.Sprintf("%s (%s, %s", f.Rule, f.Severity, f.Status)
	if f.Suppressed != nil {
		out += ", suppressed"
	}
	return out + ")"
}

// said lists what is expected, without what may be anything.
func said(head string, parts ...[2]string) string {
	for _, part := range parts {
		if part[1] != "" {
			head += ", " + part[0] + " " + part[1]
		}
	}
	return head
}

// String is what is expected, without what may be anything.
func (f *Finding) String() string {
	suppressed := ""
	if f.Suppressed != nil {
		suppressed = fmt.Sprint(*f.Suppressed)
	}
	return said("finding "+f.Rule, [2]string{"status", f.Status}, [2]string{"severity", f.Severity}, [2]string{"person", f.Person},
		[2]string{"account", f.Account}, [2]string{"role", f.Role}, [2]string{"anchor", f.Anchor}, [2]string{"suppressed", suppressed})
}

// String is what is expected, without what may be anything.
func (s *Session) String() string {
	return said("session", [2]string{"person", s.Person}, [2]string{"account", s.Account}, [2]string{"role", s.Role},
		[2]string{"verdict", s.Verdict}, [2]string{"mfa", s.MFA})
}
