package rules

import (
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
		Fires:       "a session made an access key, console password, service-specific credential, SSH key or signing certificate in IAM.",
		Needs:       "nothing: it says what was seen.",
		Notes:       "Such a credential stays when the grant is gone. Delete it, or say why it is needed.",
		Session: func(s *Session) *Breach {
			if len(s.Created) == 0 {
				return nil
			}
			first := s.Created[0]
			b := &Breach{Anchor: first, Evidence: eventIDs(s.Created...)}
			b.Why = fmt.Sprintf("The session of %s as %s called %s for %s at %s.", s.Person.Name, role(s.Assumptions[0]), first.Deed.Action, first.Deed.Object, clock(first.At))
			if n := len(s.Created); n > 1 {
				b.Why = fmt.Sprintf("The session of %s as %s made %d credentials, the first by %s for %s at %s.",
					s.Person.Name, role(s.Assumptions[0]), n, first.Deed.Action, first.Deed.Object, clock(first.At))
			}
			return b
		},
	}
}
