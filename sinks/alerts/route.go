package alerts

import (
	"fmt"
	"slices"
	"strings"

	"jitaudit/schemas"
)

// Route says what a receiver is told of: what one of Match matches, or anything if
// there are none, and none of Except. Of what it was once told it is told to the
// end, whatever its route is by then.
type Route struct {
	Match  []Matcher
	Except []Matcher
}

// Matcher matches a record that fits all of its fields that are not empty.
type Matcher struct {
	// Kinds has the record's.
	Kinds []Kind
	// Rules has the finding's. Severity is the lowest of a finding. Neither fits a
	// grant or a session.
	Rules    []string
	Severity schemas.Severity
	// Accounts has the record's.
	Accounts []string
	// Persons has the login or the key of the person whom the record is about, in
	// upper or lower case.
	Persons []string
}

func (r *Route) validate() error {
	for name, list := range map[string][]Matcher{"match": r.Match, "except": r.Except} {
		for i := range list {
			if err := list[i].validate(); err != nil {
				return fmt.Errorf("%s %d: %w", name, i+1, err)
			}
		}
	}
	return nil
}

func (m *Matcher) validate() error {
	for _, k := range m.Kinds {
		if k.topic() == "" {
			return fmt.Errorf("kinds: want finding, grant or session (got %q)", k)
		}
	}
	if m.Severity != "" && rank(m.Severity) < 0 {
		return fmt.Errorf("severity: want info, low, medium, high or critical (got %q)", m.Severity)
	}
	if len(m.Kinds)+len(m.Rules)+len(m.Accounts)+len(m.Persons) == 0 && m.Severity == "" {
		return fmt.Errorf("it is empty, and would match everything: leave it out")
	}
	return nil
}

// folded returns the route with persons as they are compared.
func (r Route) folded() Route {
	fold := func(list []Matcher) []Matcher {
		out := slices.Clone(list)
		for i := range out {
			out[i].Persons = slices.Clone(out[i].Persons)
			for j, p := range out[i].Persons {
				out[i].Persons[j] = folded(p)
			}
		}
		return out
	}
	return Route{fold(r.Match), fold(r.Except)}
}

func folded(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// takes reports whether the route leads here.
func (r *Route) takes(rec *record) bool {
	f := rec.facets()
	fits := func(m Matcher) bool { return m.fits(&f) }
	return (len(r.Match) == 0 || slices.ContainsFunc(r.Match, fits)) && !slices.ContainsFunc(r.Except, fits)
}

func (m *Matcher) fits(f *facets) bool {
	in := func(list []string, value string) bool { return len(list) == 0 || slices.Contains(list, value) }
	switch {
	case len(m.Kinds) > 0 && !slices.Contains(m.Kinds, f.kind),
		!in(m.Rules, f.rule), !in(m.Accounts, f.account),
		m.Severity != "" && (f.kind != Findings || rank(f.severity) < rank(m.Severity)):
		return false
	}
	return len(m.Persons) == 0 || slices.Contains(m.Persons, folded(f.person.Name)) || slices.Contains(m.Persons, folded(f.person.Key))
}

// facets are by what records are routed and grouped.
type facets struct {
	kind                         Kind
	rule, account, role, session string
	severity                     schemas.Severity
	person                       *schemas.Person
}

func (r *record) facets() facets {
	switch {
	case r.finding != nil:
		f := r.finding
		return facets{Findings, f.Rule, f.Account, f.Role, f.Session, f.Severity, &f.Person}
	case r.grant != nil:
		g := r.grant
		return facets{Grants, "", g.Account, g.Role, "", "", &g.Person}
	}
	s := r.session
	return facets{Sessions, "", s.Account, s.Role, s.ID, "", &s.Person}
}

// Label is by what alerts are grouped.
type Label string

// The labels. Grants have no rule, severity or session; sessions have themselves.
const (
	ByRule     Label = "rule"
	ByAccount  Label = "account"
	ByRole     Label = "role"
	ByPerson   Label = "person"
	BySeverity Label = "severity"
	BySession  Label = "session"
)

// groupKey is the same for all alerts of a group.
func groupKey(by []Label, r *record) string {
	f := r.facets()
	var b strings.Builder
	for _, l := range by {
		switch l {
		case ByRule:
			b.WriteString(f.rule)
		case ByAccount:
			b.WriteString(f.account)
		case ByRole:
			b.WriteString(f.role)
		case ByPerson:
			b.WriteString(f.person.Key)
		case BySeverity:
			b.WriteString(string(f.severity))
		case BySession:
			b.WriteString(f.session)
		}
		b.WriteByte(0)
	}
	return b.String()
}

func (l Label) valid() bool {
	return slices.Contains([]Label{ByRule, ByAccount, ByRole, ByPerson, BySeverity, BySession}, l)
}
