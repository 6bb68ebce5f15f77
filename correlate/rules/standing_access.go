package rules

import (
	"fmt"

	"jitaudit/schemas"
)

// standingAccess: a grant without end that is older than allowed.
func standingAccess() Rule {
	return Rule{
		Name:     "standing_access",
		Severity: schemas.Medium,
		Title:    "standing access older than allowed",
		Controls: []string{"SOC 2 CC6.3", "ISO 27001 A.5.18", "ISO 27001 A.8.2", "PCI DSS 7.2", "NIST AC-2(3)", "NIST AC-6"},
		Attack:   []string{"T1078.004", "T1098"},
		Fires:    "a grant has no approved end and is older than `standing_access` (90 days). Resolved once the removal is known.",
		Needs:    "while it lasts, Okta (or, for an account assignment, the AWS shard that recorded it) from its beginning until it came of age.",
		Notes:    "A member whose addition is older than the log counts from the first time that Okta listed them, so the grant may be older still.",
		Grant: func(g *Grant) *Breach {
			since, limit := g.Record.Opened, g.Policy.Bounds.StandingAccess
			if since.IsZero() {
				since = g.Record.FirstObserved
			}
			if g.Opener == nil || limit == 0 || !g.Record.ApprovedUntil.IsZero() {
				return nil
			}
			due := since.Add(limit)
			b := &Breach{Anchor: g.Opener, Grant: g.Record.ID, Evidence: g.Record.Evidence}
			if end := g.Record.Removed; !end.IsZero() || g.Renewal != nil {
				if end.IsZero() {
					end = g.Renewal.At
				}
				if !end.After(due) {
					return nil
				}
				b.Resolved = true
				b.Why = fmt.Sprintf("%s had %s without an approved end from %s to %s; %s is allowed.",
					g.Record.Person.Name, granted(g), clock(since), clock(end), span(limit))
				return b
			}
			b.Needs = []Need{{Shard: g.Opener.Shard, From: since, To: due}}
			b.Why = fmt.Sprintf("%s has had %s without an approved end since %s; %s is allowed.",
				g.Record.Person.Name, granted(g), clock(since), span(limit))
			return b
		},
	}
}
