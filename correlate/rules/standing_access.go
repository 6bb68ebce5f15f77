package rules

import (
	"fmt"
	"time"

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
		Means:    "Access without an end has lasted longer than the policy allows: it is not just in time any more.",
		Fires:    "a grant without approved end is older than `standing_access` (90 days; `none`: any age). It counts from the addition or, where the log does not show one, from the first time that Okta listed the member. It is resolved once the access was taken away.",
		Needs:    "Okta (for an account assignment, the shard that recorded it) from the beginning until the grant came of age, unless a later removal is known.",
		Notes:    "How old the access truly is: a member whose addition is older than the log may have been one for years.",
		Do:       "Take it away, or give it an end. Where it is meant to stand, review it, and suppress the finding until the next review.",
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
			end := ended(g)
			if !end.IsZero() && !end.After(due) {
				return nil
			}
			if g.Removal == nil && g.Renewal == nil {
				b.Needs = []Need{{Shard: g.Opener.Shard, From: since, To: due}}
			}
			if b.Resolved = !end.IsZero(); b.Resolved {
				b.Why = fmt.Sprintf("%s had %s without an approved end from %s to %s; %s is allowed.",
					g.Record.Person.Name, granted(g), clock(since), clock(end), span(limit))
				return b
			}
			b.Why = fmt.Sprintf("%s has had %s without an approved end since %s; %s is allowed.",
				g.Record.Person.Name, granted(g), clock(since), span(limit))
			return b
		},
	}
}

// ended is when the grant was taken away or given anew; zero while it lasts. An end
// that no event tells, but that Okta no longer lists the member, is the latest that
// it can have been.
func ended(g *Grant) time.Time {
	if g.Renewal != nil {
		return g.Renewal.At
	}
	return g.Record.Removed
}
