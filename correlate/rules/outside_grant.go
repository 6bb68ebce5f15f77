package rules

import (
	"fmt"

	"jitaudit/schemas"
)

// outsideGrant: there are grants for the role, but none for that time.
func outsideGrant() Rule {
	return Rule{
		Name:     "outside_grant",
		Severity: schemas.High,
		Title:    "role assumed outside the grant",
		Controls: []string{"SOC 2 CC6.1", "SOC 2 CC6.3", "ISO 27001 A.5.18", "ISO 27001 A.8.2", "PCI DSS 7.2", "NIST AC-2", "NIST AC-6"},
		Attack:   []string{"T1078.004"},
		Means:    "The person had been given the role, but not for that time.",
		Fires:    "grants are near, but none contains the assumption: it came before the grant opened (by more than `propagation_delay`) or after it closed.",
		Needs:    "Okta from `grant_lookback` before the assumption until `propagation_delay` after it.",
		Notes:    "That it was meant. Two vendors' clocks and slow provisioning lie behind the first minutes, which is what `propagation_delay` is for.",
		Do:       "The sentence names the nearest grant and by how much it was missed. After its end, look at why the role could still be assumed (`lingering_membership`); before its beginning, at how.",
		Assumption: func(a *Assumption) *Breach {
			if len(a.Containing) > 0 || len(a.Near) == 0 {
				return nil
			}
			nearest := a.Near[0]
			return &Breach{
				Anchor:   a.Fact,
				Needs:    aroundGrants(a),
				Evidence: nearest.Evidence(a.SeenFrom()),
				Grant:    nearest.Record.ID,
				Why:      fmt.Sprintf("%s assumed %s at %s, %s.", a.Person.Name, role(a), clock(a.At()), howFarOutside(a, nearest)),
			}
		},
	}
}

func howFarOutside(a *Assumption, g *Grant) string {
	at, end, name := a.At(), ended(g), granted(g)
	switch {
	case at.Before(g.From) && g.Record.Opened.IsZero():
		return fmt.Sprintf("%s before the nearest grant (%s) is known to have begun", span(g.From.Sub(at)), name)
	case at.Before(g.From):
		return fmt.Sprintf("%s before the nearest grant (%s) opened", span(g.Record.Opened.Sub(at)), name)
	case g.Removal != nil && !at.Before(end):
		return fmt.Sprintf("%s after the nearest grant (%s) was removed", span(at.Sub(end)), name)
	case !end.IsZero() && !at.Before(end) && isStay(g):
		return fmt.Sprintf("%s after Okta no longer listed them for the nearest grant (%s)", span(at.Sub(end)), name)
	case !end.IsZero() && !at.Before(end):
		return fmt.Sprintf("%s after the nearest grant (%s) was withdrawn", span(at.Sub(end)), name)
	case isStay(g):
		return fmt.Sprintf("%s after the approved end of the nearest grant (%s), which had not been taken away",
			span(at.Sub(g.Record.ApprovedUntil)), name)
	}
	return fmt.Sprintf("%s after the approved end of the nearest grant (%s)", span(at.Sub(g.Record.ApprovedUntil)), name)
}
