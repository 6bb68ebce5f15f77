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
		Means:    "Somebody got into a role that nothing shows to have been given to them: no group, application, account assignment or request that the policy maps to it.",
		Fires:    "no grant of the person for that account and role is near the assumption: none that began, lasted or ended within `grant_lookback` (24 hours, or the longest grant) of it.",
		Needs:    "Okta from `grant_lookback` before the assumption until `propagation_delay` after it.",
		Notes:    "That there was no access. A membership older than the log is known only once Okta has listed the group's members (`directory`), an account assignment only where the account is collected that Identity Center is managed from. A group that no entry of `groups` maps gives no grant (`unmapped_group`).",
		Do:       "Ask the person, and look at the ways into the role: its trust policy, how the Okta application gives roles, groups that the policy does not know.",
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
