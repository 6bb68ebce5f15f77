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
		Advisory: true,
		Controls: []string{"SOC 2 CC6.3", "ISO 27001 A.5.18", "PCI DSS 7.2", "NIST AC-2(3)", "NIST AC-6"},
		Attack:   []string{"T1098"},
		Fires:    "a grant is over and none of the roles that its event opened was assumed while it lasted.",
		Needs:    "every shard that is collected of each account that it opened (`aws/ACCOUNT/*`), from its opening to its limit: STS may log in any region.",
		Notes:    "Not a wrong in itself. Many of them say that people ask for more than they need, or that a session is attributed to nobody (see `unattributed`). A grant whose opening was not seen is not judged.",
		Grant: func(g *Grant) *Breach {
			if g.Used || g.Limit.IsZero() || g.Opener == nil || g.Record.Source == schemas.BySnapshot {
				return nil
			}
			b := &Breach{
				Anchor: g.Opener, Grant: g.Record.ID, Evidence: g.Record.Evidence,
				Why: fmt.Sprintf("%s had %s from %s to %s and never used it.", g.Record.Person.Name, granted(g), clock(g.Record.Opened), clock(g.Limit)),
			}
			for _, account := range g.Accounts {
				b.Needs = append(b.Needs, Need{Shard: "aws/" + account + "/*", From: g.From, To: g.Limit})
			}
			return b
		},
	}
}
