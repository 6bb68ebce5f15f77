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
		Means:    "Somebody gave access by hand, past the process that decides who may have it.",
		Fires:    "an actor whom the policy does not trust gave the person a group, application or account that opens a role. Trusted are those of `trusted_grantors`; where it lists none, everything but an Okta user. Giving it to oneself is `self_granted`.",
		Needs:    "nothing: it says what was seen.",
		Notes:    "That it was wrong: an administrator may have had good reason. An addition whose event names no actor is not judged.",
		Do:       "Ask for the reason. A machine that gives access by right belongs in `trusted_grantors`; a person hardly ever does.",
		Grant: func(g *Grant) *Breach {
			for _, f := range additions(g) {
				a := grantorOf(f)
				if unnamed(a) || g.Policy.TrustsGrantor(a) || isMember(g, a) {
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

// unnamed reports whether an event does not say who did it.
func unnamed(a schemas.Actor) bool { return a.ID == "" && a.Name == "" && loginOf(a) == "" }

// additions are the events by which the grant was given, the earliest first. The
// renewal, which is one of its events too, gives a grant of its own.
func additions(g *Grant) []*schemas.Fact {
	return slices.DeleteFunc(slices.Clone(g.Events), func(f *schemas.Fact) bool {
		return f == g.Renewal || f.Kind != schemas.GroupAdded && f.Kind != schemas.AppAssigned && f.Kind != schemas.AccountAssigned
	})
}

func grantorOf(f *schemas.Fact) schemas.Actor {
	if f.Group != nil {
		return f.Group.Actor
	}
	return f.Assignment.Actor
}
