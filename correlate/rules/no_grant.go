package rules

import (
	"fmt"

	"jitaudit/schemas"
)

// noGrant: the role was assumed although no grant of the person for it is
// anywhere near.
func noGrant() Rule {
	return Rule{
		Name:     "no_grant",
		Severity: schemas.High,
		Title:    "role assumed without any grant",
		Controls: []string{"SOC 2 CC6.1", "SOC 2 CC6.2", "ISO 27001 A.5.15", "ISO 27001 A.8.2", "PCI DSS 7.2", "NIST AC-2", "NIST AC-6"},
		Attack:   []string{"T1078.004"},
		Fires:    "no grant of the person for that account and role is near the assumption: none that began, lasted or ended within `grant_lookback` (24 hours, or the longest grant).",
		Needs:    "Okta from `grant_lookback` before the assumption until `propagation_delay` after it.",
		Notes:    "A member whose addition is older than the log has a grant once Okta has listed the group's members (directory snapshots); without snapshots it is flagged, and taken back by a later removal.",
		Assumption: func(a *Assumption) *Breach {
			if len(a.Containing) > 0 || len(a.Near) > 0 {
				return nil
			}
			return &Breach{
				Anchor: a.Fact,
				Needs:  aroundGrants(a),
				Why: fmt.Sprintf("%s assumed %s at %s; no grant for it is known within %s.",
					a.Person.Name, role(a), clock(a.At()), span(a.Policy.Bounds.GrantLookback)),
			}
		},
	}
}
