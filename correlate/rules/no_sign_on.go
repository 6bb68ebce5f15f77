package rules

import (
	"fmt"

	"jitaudit/schemas"
)

// noSignOn: no Okta sign-on explains the assumption. A forged assertion
// ("golden SAML") looks exactly like this and like nothing else.
func noSignOn() Rule {
	return Rule{
		Name:     "no_sign_on",
		Severity: schemas.Critical,
		Title:    "role assumed without an Okta sign-on",
		Controls: []string{"SOC 2 CC6.1", "SOC 2 CC7.2", "ISO 27001 A.8.15", "PCI DSS 8.4", "PCI DSS 10.2", "NIST AU-6"},
		Attack:   []string{"T1606.002", "T1550"},
		Means:    "AWS accepted an assertion that Okta does not know of. This is what a forged one (\"golden SAML\") looks like: normal access in every respect but this.",
		Fires:    "no Okta sign-on explains the assumption, by any join key; where the provider says `assertion_id: require`, an assumption that carries an assertion id is explained by that id only.",
		Needs:    "Okta from `assertion_window` (Identity Center: `portal_session`) before the assumption until `clock_skew` after it.",
		Notes:    "That the assertion was forged. A sign-on to an application that is not among the provider's `apps` looks the same, and so does one that Okta logs later than the bound on lateness; the finding is retracted when it comes.",
		Do:       "At once: compare the signing certificates of the Okta application with those of the SAML provider in IAM, look for `trust_changed` before it, revoke the role's older sessions. Then look at what the session did.",
		Assumption: func(a *Assumption) *Breach {
			if a.SignOn != nil {
				return nil
			}
			return &Breach{
				Anchor: a.Fact,
				Needs:  signOnNeeds(a),
				Why: fmt.Sprintf("%s assumed %s at %s through %s; %s.",
					a.Person.Name, role(a), clock(a.At()), a.Provider.Name, missingSignOn(a)),
			}
		},
	}
}

func signOnNeeds(a *Assumption) []Need {
	b := &a.Policy.Bounds
	back := b.AssertionWindow
	if a.Provider.Federation == schemas.IdentityCenter {
		back = b.PortalSession
	}
	return []Need{{
		Shard: schemas.OktaShard(a.Provider.OktaOrg),
		From:  a.At().Add(-back),
		To:    a.At().Add(b.ClockSkew),
	}}
}

func missingSignOn(a *Assumption) string {
	switch {
	case a.Provider.Federation == schemas.IdentityCenter:
		return fmt.Sprintf("no Okta sign-on opened a portal session in the %s before", span(a.Policy.Bounds.PortalSession))
	case a.Provider.RequireAssertionID && a.Fact.Who.AssertionID != "":
		return fmt.Sprintf("no Okta sign-on carries its assertion id %s", a.Fact.Who.AssertionID)
	default:
		return fmt.Sprintf("no Okta sign-on explains it, by assertion id or within %s", span(a.Policy.Bounds.AssertionWindow))
	}
}
