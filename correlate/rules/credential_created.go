package rules

import (
	"cmp"
	"fmt"

	"jitaudit/schemas"
)

// credentialCreated: the session made a credential that outlives it.
func credentialCreated() Rule {
	return Rule{
		Name:        "credential_created",
		Severity:    schemas.High,
		Title:       "long-lived credential made",
		AnyProvider: true,
		Controls:    []string{"SOC 2 CC6.1", "ISO 27001 A.5.17", "PCI DSS 8.3", "PCI DSS 10.2", "NIST AC-2", "NIST IA-5"},
		Attack:      []string{"T1098.001", "T1136.003"},
		Means:       "The session made a credential that stays when the grant is gone.",
		Fires:       "a session, or one of its onward roles, made an access key, console password, service-specific credential, SSH key or signing certificate in IAM.",
		Needs:       "nothing: it says what was seen.",
		Notes:       "That the credential was used, or that it still exists.",
		Do:          "Delete it, or have the reason written down. Who comes through Okta needs no IAM user.",
		Session: func(s *Session) *Breach {
			if len(s.Created) == 0 {
				return nil
			}
			first, made := s.Created[0], "a credential"
			if n := len(s.Created); n > 1 {
				made = fmt.Sprintf("%d credentials, the first", n)
			}
			return &Breach{
				Anchor: first, Evidence: eventIDs(s.Created...),
				Why: fmt.Sprintf("The session of %s as %s made %s for %s at %s (%s).", s.Person.Name, role(s.Assumptions[0]), made,
					cmp.Or(first.Deed.Object, "somebody unnamed"), clock(first.At), first.Deed.Action),
			}
		},
	}
}
