package rules

import (
	"fmt"
	"slices"

	"jitaudit/schemas"
)

// manualGrant: somebody put a person into a group that opens a role by hand, past
// the process that decides who may.
func manualGrant() Rule {
	return Rule{
		Name:     "manual_grant",
		Severity: schemas.High,
		Title:    "access given by hand",
		Controls: []string{"SOC 2 CC6.2", "SOC 2 CC6.3", "ISO 27001 A.5.18", "PCI DSS 7.2", "NIST AC-2", "NIST AC-6"},
		Attack:   []string{"T1098", "T1098.003"},
		Fires:    "an actor whom the policy does not trust (`trusted_grantors`; by default every User is untrusted) added the person to a group, application or account that opens a role. Adding oneself is `self_granted` instead.",
		Needs:    "nothing: it says what was seen.",
		Notes:    "An administrator may have had good reason. Ask for it, and let the next addition go through the process; a machine that gives access belongs in `trusted_grantors`.",
		Grant: func(g *Grant) *Breach {
			for _, f := range additions(g) {
				a := grantorOf(f)
				if a == (schemas.Actor{}) || g.Policy.TrustsGrantor(a) || isMember(g, a) {
					continue
				}
				return &Breach{
					Anchor: g.Opener, Grant: g.Record.ID, Evidence: append([]string{f.ID}, g.Record.Evidence...),
					Why: fmt.Sprintf("%s was given %s at %s by %s, who is no trusted grantor.", g.Record.Person.Name, granted(g), clock(f.At), actorName(a)),
				}
			}
			return nil
		},
	}
}

// additions are the events by which the grant was given, the earliest first.
func additions(g *Grant) []*schemas.Fact {
	return slices.DeleteFunc(slices.Clone(g.Events), func(f *schemas.Fact) bool {
		return f == g.Renewal || f.Kind != schemas.GroupAdded && f.Kind != schemas.AppAssigned && f.Kind != schemas.AccountAssigned
	})
}

func grantorOf(f *schemas.Fact) schemas.Actor {
	switch {
	case f.Group != nil:
		return f.Group.Actor
	case f.Assignment != nil:
		return f.Assignment.Actor
	}
	return schemas.Actor{}
}
