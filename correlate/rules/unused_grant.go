package rules

import (
	"fmt"

	"jitaudit/schemas"
)

// unusedGrant: access was given, and is over, and nobody used it.
func unusedGrant() Rule {
	return Rule{
		Name:     "unused_grant",
		Severity: schemas.Low,
		Title:    "access never used",
		Controls: []string{"SOC 2 CC6.3", "ISO 27001 A.5.18", "PCI DSS 7.2", "NIST AC-2(3)", "NIST AC-6"},
		Attack:   []string{"T1098"},
		Means:    "Access was given, and was over before anybody used it.",
		Fires:    "a grant is over, and the person assumed none of the roles that its event opened while it lasted. Not judged where the opening was not seen.",
		Needs:    "every collected shard of each account that it opened (`aws/ACCOUNT/*`) from its opening to its limit, for STS may log in any region; where nothing took it away, also Okta until then, for something might have prolonged it.",
		Notes:    "That nobody used it: a session that is attributed to nobody (`unattributed`) is nobody's use. Nor is it a wrong in itself.",
		Do:       "One says little. Many of one person or group say that access is asked for out of habit: give less of it, or for shorter.",
		Grant: func(g *Grant) *Breach {
			if g.Used || g.Limit.IsZero() || g.Record.Opened.IsZero() {
				return nil
			}
			b := &Breach{
				Anchor: g.Opener, Grant: g.Record.ID, Evidence: g.Record.Evidence,
				Why: fmt.Sprintf("%s was given %s at %s, and assumed no role with it before it was over at %s.",
					g.Record.Person.Name, granted(g), clock(g.Record.Opened), clock(g.Limit)),
			}
			for _, account := range g.Accounts {
				b.Needs = append(b.Needs, Need{Shard: "aws/" + account + "/*", From: g.From, To: g.Limit})
			}
			// What has not been taken away is over only if nothing has prolonged it.
			if g.Record.Removed.IsZero() && isStay(g) {
				b.Needs = append(b.Needs, Need{Shard: g.Opener.Shard, From: g.Opener.At, To: g.Limit})
			}
			return b
		},
	}
}
