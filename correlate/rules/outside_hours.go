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
		Means:       "The role was assumed at a time for which the policy does not approve it.",
		Fires:       "the assumption lies outside the approved hours (`approved_hours`) of the account, role, group or person, in the time zone of each interval, changes of clocks and holidays included.",
		Needs:       "nothing: it says what was seen.",
		Notes:       "What was done when: the assumption is judged, not the calls that follow it.",
		Do:          "Ask for the reason. For emergencies there are break-glass roles (`break_glass`).",
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
