package rules

import (
	"cmp"
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
		Fires:    "the membership has not been taken away `revocation_tolerance` after its approved end. Resolved by a late removal (which is then `late_revocation`) or a renewal.",
		Needs:    "while neither is known, Okta from the addition until the removal was due.",
		Notes:    "Okta writes no event when a timer does not fire; the missing removal is the only sign.",
		Grant: func(g *Grant) *Breach {
			end := cmp.Or(g.Removal, g.Renewal)
			switch {
			case g.Record.ApprovedUntil.IsZero() || !isStay(g):
				return nil
			case end != nil && !overdue(g, end.At):
				return nil
			case end == nil && !g.Record.Removed.IsZero():
				return nil // a snapshot no longer lists the member; when that began is unknown
			}
			b := &Breach{Anchor: g.Opener, Evidence: g.Record.Evidence, Grant: g.Record.ID}
			if end != nil {
				b.Resolved = true
				b.Why = fmt.Sprintf("%s stayed a member of %s after the approved end at %s, until %s at %s.",
					g.Record.Person.Name, g.Record.Group, clock(g.Record.ApprovedUntil), ending(end), clock(end.At))
				return b
			}
			b.Needs = []Need{{Shard: schemas.OktaShard(g.Org), From: g.Opener.At, To: removalDue(g)}}
			b.Why = fmt.Sprintf("%s is still a member of %s; the approved end was %s.",
				g.Record.Person.Name, g.Record.Group, clock(g.Record.ApprovedUntil))
			return b
		},
	}
}

func ending(f *schemas.Fact) string {
	if f.Kind == schemas.GroupAdded {
		return "it was granted anew"
	}
	return "the removal"
}
