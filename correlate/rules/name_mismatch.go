package rules

import (
	"fmt"
	"slices"
	"strings"

	"jitaudit/schemas"
)

// nameMismatch: the role session bears a name that is not the person's.
func nameMismatch() Rule {
	return Rule{
		Name:        "name_mismatch",
		Severity:    schemas.Medium,
		Title:       "session under another name",
		AnyProvider: true, // without one no sign-on explains it
		Controls:    []string{"SOC 2 CC6.1", "SOC 2 CC7.2", "ISO 27001 A.8.15", "PCI DSS 10.2", "NIST AU-3", "NIST AU-6"},
		Attack:      []string{"T1036", "T1078.004"},
		Fires:       "a sign-on explains the assumption, and the role session name is none of the person's names: login, mail address, SAML subject, alias of the policy. Unless the provider says `session_name: require`, only a name that is an address (has an `@`) counts: others are often made up by tools.",
		Needs:       "nothing: it says what was seen.",
		Notes:       "CloudTrail shows the session name wherever the role acts, so a foreign one lays a false trail. A harmless cause is an address that no source ties to the person: add it to `people`.",
		Assumption: func(a *Assumption) *Breach {
			name := strings.ToLower(strings.TrimSpace(a.Fact.Who.SessionName))
			if a.SignOn == nil || name == "" || slices.Contains(a.Handles, name) {
				return nil
			}
			if !strings.Contains(name, "@") && !a.Provider.RequireSessionName {
				return nil
			}
			return &Breach{
				Anchor: a.Fact, Evidence: eventIDs(a.SignOn),
				Why: fmt.Sprintf("%s assumed %s at %s under the session name %q, which is none of their names.", a.Person.Name, role(a), clock(a.At()), a.Fact.Who.SessionName),
			}
		},
	}
}
