package rules

import (
	"fmt"

	"jitaudit/schemas"
)

// longSession: the session lasts longer than the policy allows.
func longSession() Rule {
	return Rule{
		Name:        "long_session",
		Severity:    schemas.Medium,
		Title:       "session longer than allowed",
		AnyProvider: true,
		Controls:    []string{"SOC 2 CC6.1", "ISO 27001 A.8.2", "NIST AC-12", "NIST AC-2(5)"},
		Attack:      []string{"T1078.004"},
		Means:       "One session lasted longer than allowed.",
		Fires:       "from the session's first assumption to its end (expiry, last use or revocation) it is longer than `max_session` allows for the account, role, group or person.",
		Needs:       "nothing: it says what was seen.",
		Notes:       "That somebody was there all the time. A session is what its overlapping assumptions make together, and an open console renews its credentials by itself.",
		Do:          "Lower the maximum session duration of the role in IAM, or the session length of the permission set; allow more in `max_session` where the work needs it.",
		Session: func(s *Session) *Breach {
			length, limit := s.Record.End.Sub(s.Record.Start), s.Policy.MaxSession(s.Scope)
			if length <= limit {
				return nil
			}
			first := s.Assumptions[0]
			return &Breach{
				Anchor:   first.Fact,
				Evidence: []string{s.LastEvent},
				Why: fmt.Sprintf("The session of %s as %s lasted %s, from %s to %s; %s is allowed.",
					s.Person.Name, role(first), span(length), clock(s.Record.Start), clock(s.Record.End), span(limit)),
			}
		},
	}
}
