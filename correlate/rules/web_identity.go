package rules

import (
	"cmp"
	"fmt"

	"jitaudit/schemas"
)

// webIdentity: a watched role was assumed by a token of a web identity provider,
// past SAML.
func webIdentity() Rule {
	return Rule{
		Name:     "web_identity",
		Severity: schemas.Medium,
		Title:    "entered by a web identity",
		Controls: []string{"SOC 2 CC6.1", "ISO 27001 A.5.15", "ISO 27001 A.8.2", "PCI DSS 8.2", "NIST AC-2", "NIST AC-3"},
		Attack:   []string{"T1078.004", "T1550.001"},
		Means:    "A watched role was assumed with a token of a web identity provider, past Okta's SAML.",
		Fires:    "a watched role (`watched`) was assumed by `AssumeRoleWithWebIdentity`.",
		Needs:    "nothing: it says what was seen.",
		Notes:    "Who stands behind the token: only its provider knows.",
		Do:       "Pipelines do so by design, as do the machine modes of okta-aws-cli: leave their roles out of `watched`. A role for people should not trust such a provider.",
		Life: func(l *Life) []*Breach {
			return entries(l, func(f *schemas.Fact) *Breach {
				if f.Entry.Way != schemas.ByWebIdentity {
					return nil
				}
				return &Breach{Why: fmt.Sprintf("%s was assumed by %q at %s, for whom %s vouches, and not through Okta's SAML.",
					entered(l, f), cmp.Or(f.Who.NameID, f.Who.SessionName, l.Person.Name), clock(f.At), cmp.Or(f.Entry.Provider, "a provider that the event does not name"))}
			})
		},
	}
}
