package rules

import (
	"fmt"

	"jitaudit/schemas"
)

// selfGranted: a person put themselves into a group that opens a role.
func selfGranted() Rule {
	return Rule{
		Name:     "self_granted",
		Severity: schemas.Critical,
		Title:    "access given to oneself",
		Controls: []string{"SOC 2 CC6.2", "SOC 2 CC6.3", "ISO 27001 A.5.3", "ISO 27001 A.5.18", "PCI DSS 7.2", "NIST AC-2", "NIST AC-5"},
		Attack:   []string{"T1098", "T1098.003"},
		Means:    "Somebody gave access to themselves.",
		Fires:    "the actor of an addition to a group, application or account that opens a role is the person who was added: by Okta's user id or, where that is not said, by login. A job of Okta's own, which may bear a user's name, is nobody.",
		Needs:    "nothing: it says what was seen.",
		Notes:    "Who it was: somebody else may have used an administrator's session.",
		Do:       "Look at that Okta session, and take the access away unless it is explained. Nobody should administer a group that they may be in.",
		Grant: func(g *Grant) *Breach {
			for _, f := range additions(g) {
				if a := grantorOf(f); isMember(g, a) {
					return &Breach{
						Anchor: g.Opener, Grant: g.Record.ID, Evidence: append([]string{f.ID}, g.Record.Evidence...),
						Why: fmt.Sprintf("%s gave %s to themselves at %s.", g.Record.Person.Name, granted(g), clock(f.At)),
					}
				}
			}
			return nil
		},
	}
}

// isMember reports whether an actor is the person whom the grant is for. A job of
// Okta's own bears the id and login of a user on whose account it runs, of the
// assigned one too, but is nobody's deed.
func isMember(g *Grant, a schemas.Actor) bool {
	return a.Type != "SystemPrincipal" && IsPerson(g.Record.Person, a)
}
