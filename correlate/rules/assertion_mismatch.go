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
		Means:    "A sign-on of the person fits by name and time, but the assertion that AWS saw has another id. A forged one may hide behind a real sign-on.",
		Fires:    "a sign-on explains the assumption by subject or by time, both carry an assertion id, and the two differ.",
		Needs:    "nothing: it says what was seen.",
		Notes:    "That anything was forged. Nobody has documented that the two ids are the same for every application; look at how many of this provider's are.",
		Do:       "Where the ids of the provider match elsewhere, treat it as `no_sign_on`, and set `assertion_id: require` for the provider: such an assumption then is `no_sign_on`.",
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
