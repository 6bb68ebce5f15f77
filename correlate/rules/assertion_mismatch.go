package rules

import (
	"fmt"

	"jitaudit/schemas"
)

// assertionMismatch: a sign-on fits by name and time, but it issued another
// assertion. Either the ids of this provider do not match by nature, or a
// forged assertion hides behind a real sign-on.
func assertionMismatch() Rule {
	return Rule{
		Name:     "assertion_mismatch",
		Severity: schemas.High,
		Title:    "assertion id of no sign-on",
		Controls: []string{"SOC 2 CC6.1", "SOC 2 CC7.2", "ISO 27001 A.8.15", "NIST AU-6"},
		Attack:   []string{"T1606.002"},
		Fires:    "a sign-on explains the assumption by subject or time, while both carry an assertion id and those differ.",
		Needs:    "nothing: it says what was seen.",
		Notes:    "With a provider's `assertion_id: require` such an assumption is `no_sign_on` instead. Tools that reuse an older assertion can cause it.",
		Assumption: func(a *Assumption) *Breach {
			if a.SignOn == nil || (a.JoinedBy != schemas.JoinSubject && a.JoinedBy != schemas.JoinEmail) {
				return nil
			}
			if a.Fact.Who.AssertionID == "" || a.SignOn.Who.AssertionID == "" {
				return nil
			}
			return &Breach{
				Anchor:   a.Fact,
				Evidence: eventIDs(a.SignOn),
				Why: fmt.Sprintf("%s assumed %s at %s with assertion %s; the sign-on at %s that fits issued %s.",
					a.Person.Name, role(a), clock(a.At()), a.Fact.Who.AssertionID, clock(a.SignOn.At), a.SignOn.Who.AssertionID),
			}
		},
	}
}
