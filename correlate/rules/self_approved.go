package rules

import (
	"cmp"
	"fmt"

	"jitaudit/schemas"
)

// selfApproved: who approved the request also made it, or is whom it is for.
func selfApproved() Rule {
	return Rule{
		Name:     "self_approved",
		Severity: schemas.High,
		Title:    "own request approved",
		Controls: []string{"SOC 2 CC6.3", "ISO 27001 A.5.3", "PCI DSS 7.2", "NIST AC-5", "NIST AC-6"},
		Attack:   []string{"T1098"},
		Fires:    "an approver of a request behind a grant is its requester or the person whom the access is for.",
		Needs:    "nothing: it says what was seen.",
		Notes:    "Where no event or record names an approver, who approved is unknown, and this rule is silent: that is not the same as a second pair of eyes.",
		Grant: func(g *Grant) *Breach {
			for _, q := range g.Requests {
				for _, a := range q.Approvers {
					grantee := isMember(g, a)
					if !grantee && !samePerson(a, q.Requester) {
						continue
					}
					what := "made"
					if grantee {
						what = "profits from"
					}
					return &Breach{
						Anchor: q.Decision, Grant: g.Record.ID, Evidence: append(append([]string{}, q.Evidence...), g.Record.Evidence...),
						Why: fmt.Sprintf("%s approved the request %s for %s at %s, which they %s.",
							actorName(a), cmp.Or(q.ID, "without id"), granted(g), clock(q.Decision.At), what),
					}
				}
			}
			return nil
		},
	}
}
