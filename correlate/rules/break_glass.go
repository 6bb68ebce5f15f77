package rules

import (
	"fmt"

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
		Assumption: func(a *Assumption) *Breach {
			if a.Policy.BreakGlass(a.Scope) == nil {
				return nil
			}
			return &Breach{
				Anchor: a.Fact,
				Why:    fmt.Sprintf("%s used the break-glass role %s at %s.", a.Person.Name, role(a), clock(a.At())),
			}
		},
	}
}
