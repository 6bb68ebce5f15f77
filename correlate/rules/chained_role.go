package rules

import (
	"fmt"
	"slices"

	"jitaudit/schemas"
)

// chainedRole: the session went on into further roles, in which CloudTrail no
// longer names the person.
func chainedRole() Rule {
	return Rule{
		Name:        "chained_role",
		Severity:    schemas.Info,
		Title:       "went on into a further role",
		AnyProvider: true,
		Advisory:    true,
		Controls:    []string{"SOC 2 CC7.2", "ISO 27001 A.8.15", "PCI DSS 10.2", "NIST AU-3", "NIST AU-12"},
		Attack:      []string{"T1078.004", "T1548"},
		Means:       "The session went on into further roles, whose calls do not name the person.",
		Fires:       "a session assumed a further role by `AssumeRole`, or one of its further roles did.",
		Needs:       "nothing: it says what was seen.",
		Notes:       "That it was wrong: deployments do so by design. Whether somebody may go on into a role is not judged. A role that was assumed in an account or region that is not collected is not seen.",
		Do:          "The session's record has the tree of roles, across accounts, and what each did. Let the trust of those roles say who may assume them.",
		Session: func(s *Session) *Breach {
			if len(s.Chained) == 0 {
				return nil
			}
			b := &Breach{Anchor: s.Chained[0]}
			var names []string
			for _, f := range s.Chained {
				b.Evidence = append(b.Evidence, f.ID)
				name := f.Chain.Role + " in " + accountName(s.Policy, f.Chain.Account)
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
			b.Why = fmt.Sprintf("The session of %s as %s went on into %s, first at %s.", s.Person.Name, role(s.Assumptions[0]), list(names), clock(b.Anchor.At))
			return b
		},
	}
}
