package rules

import (
	"cmp"
	"fmt"
	"time"

	"jitaudit/schemas"
)

// orphanActivity: a watched role acted, and nothing shows how it was entered.
func orphanActivity() Rule {
	return Rule{
		Name:     "orphan_activity",
		Severity: schemas.High,
		Title:    "activity without its assumption",
		Controls: []string{"SOC 2 CC7.2", "ISO 27001 A.8.15", "PCI DSS 10.2", "NIST AU-6", "NIST AU-12"},
		Attack:   []string{"T1078.004", "T1550.001"},
		Means:    "A watched role acted with credentials of which nothing shows how they were made.",
		Fires:    "calls were made by a session of a watched role (`watched`) for whose credentials no assumption by SAML, no onward role and no web identity is known. It fires once for the credentials that were made at one instant.",
		Needs:    "every collected shard of the account (`aws/ACCOUNT/*`) within 2 seconds of the making of the credentials, which calls name; where they do not, the 12 hours before the call.",
		Notes:    "That they were stolen. Services and instances use roles without SAML, and an assumption in a region that is not collected is not seen.",
		Do:       "Leave roles of services and instances out of `watched`. Else revoke the role's older sessions, and look at the addresses and tools that the calls came from.",
		Life: func(l *Life) (out []*Breach) {
			for i := range l.Orphans {
				o := &l.Orphans[i]
				b := &Breach{Anchor: &schemas.Fact{ID: o.EventID, At: o.At, Shard: o.Shard}, Account: o.Account, Role: o.Role}
				from, to := o.At.Add(-longestCredentials), o.At
				if !o.CreatedAt.IsZero() {
					from, to = o.CreatedAt.Add(-createdSlack), o.CreatedAt.Add(createdSlack)
				}
				b.Needs = []Need{{Shard: "aws/" + o.Account + "/*", From: from, To: to}}
				b.Why = fmt.Sprintf("%s in %s acted as %q at %s; nothing shows how those credentials were made.",
					o.Role, accountName(l.Policies.At(o.At), o.Account), cmp.Or(sessionName(o.PrincipalID), o.PrincipalID), clock(o.At))
				out = append(out, b)
			}
			return out
		},
	}
}

const (
	// longestCredentials is how long credentials of an assumed role live at most
	// (STS API reference, DurationSeconds).
	longestCredentials = 12 * time.Hour
	// createdSlack is how far creationDate may lie from the event of the making.
	createdSlack = 2 * time.Second
)
