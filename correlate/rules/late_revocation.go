package rules

import (
	"fmt"
	"time"

	"jitaudit/schemas"
)

// lateRevocation: the membership was taken away later than approved.
func lateRevocation() Rule {
	return Rule{
		Name:     "late_revocation",
		Severity: schemas.Medium,
		Title:    "access removed late",
		Controls: []string{"SOC 2 CC6.3", "ISO 27001 A.5.18", "PCI DSS 7.2", "NIST AC-2(3)"},
		Attack:   []string{"T1098"},
		Means:    "Access was taken away later than approved.",
		Fires:    "a group, application or account was taken away more than `revocation_tolerance` (5 minutes) after the approved end. A removal at exactly the bound is in time.",
		Needs:    "nothing: it says what was seen.",
		Notes:    "That the access was used in the meantime: `outside_grant` and `outlived_grant` say so where it was. The approved end is what the request says or, where it says none, the length in `groups` after the addition.",
		Do:       "Look at why the removal came late: flows that were paused, limits on their steps, a nightly clean-up that did their work.",
		Grant: func(g *Grant) *Breach {
			if g.Removal == nil || !overdue(g, g.Removal.At) {
				return nil
			}
			return &Breach{
				Anchor:   g.Opener,
				Evidence: g.Record.Evidence,
				Grant:    g.Record.ID,
				Why: fmt.Sprintf("%s was removed from %s at %s, %s after the approved end.",
					g.Record.Person.Name, granted(g), clock(g.Removal.At), span(g.Removal.At.Sub(g.Record.ApprovedUntil))),
			}
		},
	}
}

// overdue reports whether t is after the approved end and its tolerance.
func overdue(g *Grant, t time.Time) bool {
	return isStay(g) && !g.Record.ApprovedUntil.IsZero() && t.After(removalDue(g))
}

// isStay reports whether somebody must take the access away; a request that opens
// a role by itself ends by itself.
func isStay(g *Grant) bool { return g.Record.Source != schemas.ByRequest }

func removalDue(g *Grant) time.Time {
	return g.Record.ApprovedUntil.Add(g.Policy.Bounds.RevocationTolerance)
}
