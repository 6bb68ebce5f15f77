package rules

import (
	"fmt"

	"jitaudit/schemas"
)

// lingeringMembership: the timer that was to end the membership never fired.
// Okta writes no event for that; the missing removal is the only sign. Once a
// late removal is seen the finding is resolved, and late_revocation stands.
func lingeringMembership() Rule {
	return Rule{
		Name:     "lingering_membership",
		Severity: schemas.High,
		Title:    "still a member after the approved end",
		Controls: []string{"SOC 2 CC6.3", "ISO 27001 A.5.18", "PCI DSS 7.2", "NIST AC-2(2)", "NIST AC-2(3)"},
		Attack:   []string{"T1098"},
		Means:    "The access was to end and did not. Okta writes no event when a timer does not fire: the missing removal is the only sign.",
		Fires:    "a group, application or account with an approved end has not been taken away `revocation_tolerance` (5 minutes) after it. It is resolved by a late removal (which is then `late_revocation`), by a renewal, or when Okta no longer lists the member.",
		Needs:    "Okta (for an account assignment, the shard that recorded it) from the addition until the removal was due, unless a later removal or renewal is known.",
		Notes:    "That the person has the access at this minute: it says so as far as the source is covered.",
		Do:       "Take the access away. Then look at the timer.",
		Grant: func(g *Grant) *Breach {
			end := ended(g)
			switch {
			case g.Record.ApprovedUntil.IsZero() || !isStay(g):
				return nil
			case !end.IsZero() && !overdue(g, end):
				return nil
			}
			b := &Breach{Anchor: g.Opener, Evidence: g.Record.Evidence, Grant: g.Record.ID}
			if g.Removal == nil && g.Renewal == nil {
				b.Needs = []Need{{Shard: g.Opener.Shard, From: g.Opener.At, To: removalDue(g)}}
			}
			if b.Resolved = !end.IsZero(); b.Resolved {
				b.Why = fmt.Sprintf("%s still had %s after the approved end at %s, until %s at %s.",
					g.Record.Person.Name, granted(g), clock(g.Record.ApprovedUntil), ending(g), clock(end))
				return b
			}
			b.Why = fmt.Sprintf("%s still has %s; the approved end was %s.",
				g.Record.Person.Name, granted(g), clock(g.Record.ApprovedUntil))
			return b
		},
	}
}

func ending(g *Grant) string {
	switch {
	case g.Removal != nil:
		return "the removal"
	case g.Renewal != nil:
		return "it was granted anew"
	}
	return "Okta no longer listed them"
}
