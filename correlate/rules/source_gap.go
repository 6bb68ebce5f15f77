package rules

import (
	"fmt"

	"jitaudit/schemas"
)

// sourceGap: something about the session cannot be known, because a source is
// not held where it would be needed, and will not be by waiting.
func sourceGap() Rule {
	return Rule{
		Name:        "source_gap",
		Severity:    schemas.Low,
		Title:       "not judged: a source has a gap",
		AnyProvider: true,
		NotKnowing:  true,
		Controls:    []string{"SOC 2 CC7.2", "ISO 27001 A.8.15", "PCI DSS 10.4", "NIST AU-6", "NIST AU-12"},
		Means:       "Something about the session cannot be known. It accuses nobody.",
		Fires:       "a rule could not be judged for the session, because a source begins too late, has a hole where it would be needed, or has stalled.",
		Needs:       "nothing: it says what is not known.",
		Notes:       "Anything about the session, neither good nor bad.",
		Do:          "The session's `unjudged` names each rule, shard and interval. Collect what is missing, and the rules are judged.",
		Session: func(s *Session) *Breach {
			for _, u := range s.Unjudged {
				if u.Reason != schemas.InGap && u.Reason != schemas.BeforeCoverage {
					continue
				}
				return &Breach{
					Anchor:   s.Assumptions[0].Fact,
					Evidence: s.Gapped,
					Why: fmt.Sprintf("For the session of %s as %s, %s could not be judged: %s is not held from %s to %s.",
						s.Person.Name, role(s.Assumptions[0]), u.Rule, u.Shard, clock(u.From), clock(u.To)),
				}
			}
			return nil
		},
	}
}
