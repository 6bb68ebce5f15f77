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
		Means:    "A request was approved by who made it or gains by it: there was no second pair of eyes.",
		Fires:    "an approver of a request behind a grant is its requester or the person whom the access is for: by id where both have one, else by login.",
		Needs:    "nothing: it says what was seen.",
		Notes:    "That all other requests were approved by somebody else. Where no event or record names an approver, who approved is unknown and this rule is silent; Okta's `access.request` events name none.",
		Do:       "Have somebody else confirm the access. Let the process refuse requesters and grantees as approvers.",
		Grant: func(g *Grant) *Breach {
			for _, q := range g.Requests {
				for _, a := range q.Approvers {
					grantee := isMember(g, a) || isGrantee(q, a)
					if !grantee && !samePerson(a, q.Requester) {
						continue
					}
					what := "they had made it"
					if grantee {
						what = "it was for themselves"
					}
					return &Breach{
						// One request may lead to several grants, of which each is final in its
						// own time: the finding hangs on the grant.
						Anchor: g.Opener, Grant: g.Record.ID, Evidence: append(eventIDs(q.Decision), g.Record.Evidence...),
						Why: fmt.Sprintf("%s approved the request %s for %s at %s; %s.",
							actorName(a), cmp.Or(q.ID, "without id"), granted(g), clock(q.Decision.At), what),
					}
				}
			}
			return nil
		},
	}
}

// isGrantee reports whether an actor is whom the request names as the one that the
// access is for, by a name that need not be the person's usual one.
func isGrantee(q *Request, a schemas.Actor) bool {
	w := &q.Grantee
	return samePerson(a, schemas.Actor{ID: w.OktaUserID, AlternateID: cmp.Or(w.Login, w.Email, w.NameID)})
}
