package rules

import (
	"fmt"

	"jitaudit/schemas"
)

// unattributed: no user of Okta is known by any name that the assumption
// carries.
func unattributed() Rule {
	return Rule{
		Name:        "unattributed",
		Severity:    schemas.Medium,
		Title:       "nobody found for the session",
		AnyProvider: true,
		Controls:    []string{"SOC 2 CC6.1", "ISO 27001 A.8.15", "PCI DSS 10.2", "NIST AU-3", "NIST AC-2"},
		Attack:      []string{"T1078.004"},
		Means:       "It is not known who used the session.",
		Fires:       "nobody in Okta is known by a name that the assumption carries: assertion id, SAML subject, role session name, source identity or Identity Center user.",
		Needs:       "the provider's Okta org (without provider, each org of the policy) from `grant_lookback` before the assumption until `propagation_delay` after it.",
		Notes:       "That it was a stranger. Tools make up session names, and people have names that no source ties to them. The session is kept under the name that AWS knows.",
		Do:          "Tie the name to its person in `people`: that attributes the session, also in hindsight. Where nobody knows the name, look at what it did.",
		Assumption: func(a *Assumption) *Breach {
			if a.Person.Attributed() {
				return nil
			}
			return &Breach{
				Anchor: a.Fact,
				Needs:  everyOrg(a),
				Why: fmt.Sprintf("%q assumed %s at %s; nobody in Okta is known by a name that the assumption carries.",
					a.Person.Name, role(a), clock(a.At())),
			}
		},
	}
}

// everyOrg is what must be covered to say that nobody is known: the provider's
// org or, where the provider is not in the policy, each of its orgs.
func everyOrg(a *Assumption) []Need {
	if a.Provider != nil {
		return aroundGrants(a)
	}
	b := &a.Policy.Bounds
	var needs []Need
	for _, org := range a.Policy.Orgs() {
		needs = append(needs, Need{
			Shard: schemas.OktaShard(org),
			From:  a.At().Add(-b.GrantLookback),
			To:    a.At().Add(b.PropagationDelay),
		})
	}
	return needs
}
