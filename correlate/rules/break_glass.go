package rules

import (
	"cmp"
	"fmt"
	"strings"

	"jitaudit/schemas"
)

// breakGlass: a role for emergencies was used. That is reported always.
func breakGlass() Rule {
	return Rule{
		Name:        "break_glass",
		Severity:    schemas.High,
		Title:       "break-glass role used",
		AnyProvider: true,
		Controls:    []string{"SOC 2 CC6.1", "SOC 2 CC7.2", "ISO 27001 A.8.2", "PCI DSS 10.2", "NIST AC-2", "NIST AU-6"},
		Attack:      []string{"T1078.004"},
		Means:       "A role for emergencies was used. That is always reported.",
		Fires:       "a role of `break_glass` was assumed. It is resolved when an approved request covers the use, decided before it or, within `justify_within`, after it.",
		Needs:       "nothing: it says what was seen.",
		Notes:       "That there was an emergency, or that what was done was needed. Rules that the entry waives were not judged.",
		Do:          "Have somebody else look at what was done, and have the approval recorded in Okta or the approvals feed; the sentence then says who approved it and why.",
		Assumption: func(a *Assumption) *Breach {
			if a.Policy.BreakGlass(a.Scope) == nil {
				return nil
			}
			b := &Breach{
				Anchor: a.Fact,
				Why:    fmt.Sprintf("%s used the break-glass role %s at %s.", a.Person.Name, role(a), clock(a.At())),
			}
			if q := a.Justified; q != nil {
				b.Resolved = true
				b.Evidence = q.Evidence
				b.Why = fmt.Sprintf("%s used the break-glass role %s at %s; %s approved it at %s (%s).", a.Person.Name, role(a), clock(a.At()),
					approvedBy(q), clock(q.Decision.At), cmp.Or(q.Justification, q.Subject, q.ID))
			}
			return b
		},
	}
}

// approvedBy names who approved a request, as far as that is known.
func approvedBy(q *Request) string {
	if len(q.RequestRef.Approvers) == 0 {
		return "somebody unknown"
	}
	return strings.Join(q.RequestRef.Approvers, ", ")
}
