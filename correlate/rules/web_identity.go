package rules

import (
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
		Fires:    "a watched role (`watched`) was assumed by `AssumeRoleWithWebIdentity`.",
		Needs:    "nothing: it says what was seen.",
		Notes:    "Pipelines do so by design, as do okta-aws-cli's machine modes: leave their roles out of `watched`.",
		Life: func(l *Life) []*Breach {
			return entries(l, func(f *schemas.Fact) *Breach {
				if f.Entry.Way != schemas.ByWebIdentity {
					return nil
				}
				return &Breach{Why: fmt.Sprintf("%s was assumed by %q at %s through %s, and not through Okta's SAML.", entered(l, f), l.Person.Name, clock(f.At), f.Entry.Provider)}
			})
		},
	}
}
