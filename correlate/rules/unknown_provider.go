package rules

import (
	"cmp"
	"fmt"

	"jitaudit/schemas"
)

// unknownProvider: a role was assumed through a SAML provider that the policy
// does not know. Somebody who may create providers gets in by one of their own.
func unknownProvider() Rule {
	return Rule{
		Name:        "unknown_provider",
		Severity:    schemas.High,
		Title:       "SAML provider that nobody configured",
		AnyProvider: true,
		Controls:    []string{"SOC 2 CC6.1", "SOC 2 CC7.2", "ISO 27001 A.5.15", "PCI DSS 8.2", "NIST AC-2", "NIST IA-2"},
		Attack:      []string{"T1484.002", "T1606.002"},
		Means:       "A role was assumed through a SAML provider that the policy does not know. Whoever may create providers gets in by one of their own.",
		Fires:       "no entry of `providers` matches the SAML provider of the assumption.",
		Needs:       "nothing: it says what was seen.",
		Notes:       "That the provider is foreign. Rules that need its Okta org cannot be judged for the session, which says so.",
		Do:          "Add it to `providers` if it is yours. If it is not, find out who made it (`trust_changed`), and delete it.",
		Assumption: func(a *Assumption) *Breach {
			if a.Provider != nil {
				return nil
			}
			return &Breach{
				Anchor: a.Fact,
				Why: fmt.Sprintf("%s assumed %s at %s through %s, which the policy does not know.",
					a.Person.Name, role(a), clock(a.At()), cmp.Or(a.Fact.Assume.ProviderARN, "a SAML provider that the event does not name")),
			}
		},
	}
}
