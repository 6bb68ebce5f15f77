package rules

import (
	"fmt"

	"jitaudit/schemas"
)

// outsideHours: the approved hours of that account, role and person were not on.
func outsideHours() Rule {
	return Rule{
		Name:        "outside_hours",
		Severity:    schemas.Medium,
		Title:       "role assumed outside approved hours",
		AnyProvider: true,
		Controls:    []string{"SOC 2 CC6.1", "ISO 27001 A.5.15", "NIST AC-2(12)", "NIST AC-6"},
		Attack:      []string{"T1078.004"},
		Fires:       "the assumption lies outside the approved hours that apply to the account, role, group or person: `approved_hours`, in the time zone of each interval, changes of clocks and holidays included.",
		Needs:       "nothing: it says what was seen.",
		Notes:       "Judged when the role is assumed. Calls that a session makes later are not looked at.",
		Assumption: func(a *Assumption) *Breach {
			ok, hours := a.Policy.WithinHours(a.Scope, a.At())
			if ok {
				return nil
			}
			return &Breach{
				Anchor: a.Fact,
				Why: fmt.Sprintf("%s assumed %s at %s, outside the approved hours (%s).",
					a.Person.Name, role(a), clock(a.At()), hours),
			}
		},
	}
}
