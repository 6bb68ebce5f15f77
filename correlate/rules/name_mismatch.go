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
		Means:       "The role session bears a name that is not the person's. CloudTrail shows that name wherever the role acts, so a foreign one lays a false trail.",
		Fires:       "a sign-on explains the assumption, or its SAML subject is one of the person's names, and the role session name is none of them: logins, mail addresses, SAML subjects, aliases of the policy. Unless the provider says `session_name: require`, only a name with an `@` counts: others are often made up by tools.",
		Needs:       "Okta from `okta_session` before the assumption until `clock_skew` after it, when a change of name would explain it.",
		Notes:       "That somebody hides. An address of the person that no source ties to them looks the same.",
		Do:          "Tie it to the person in `people` if it is theirs. In Okta, fill the attribute RoleSessionName from a field that users cannot edit.",
		Assumption: func(a *Assumption) *Breach {
			name := fold(a.Fact.Who.SessionName)
			switch {
			case a.Provider == nil || name == "" || slices.Contains(a.Handles, name):
				return nil
			case a.SignOn == nil && !slices.Contains(a.Handles, fold(a.Fact.Who.NameID)):
				return nil // then the name is what the person is known by
			case !strings.Contains(name, "@") && !a.Provider.RequireSessionName:
				return nil
			}
			return &Breach{
				Anchor: a.Fact, Evidence: eventIDs(a.SignOn),
				// A change of name explains it, if there was one.
				Needs: []Need{{
					Shard: schemas.OktaShard(a.Provider.OktaOrg),
					From:  a.At().Add(-a.Policy.Bounds.OktaSession),
					To:    a.At().Add(a.Policy.Bounds.ClockSkew),
				}},
				Why: fmt.Sprintf("%s assumed %s at %s under the session name %q, which is none of their names.", a.Person.Name, role(a), clock(a.At()), a.Fact.Who.SessionName),
			}
		},
	}
}
