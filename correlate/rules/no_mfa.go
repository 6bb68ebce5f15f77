package rules

import (
	"fmt"

	"jitaudit/schemas"
)

// noMFA: the Okta session behind the sign-on has no true second factor.
// CloudTrail's own mfaAuthenticated is "false" for every federated user and
// says nothing.
func noMFA() Rule {
	return Rule{
		Name:     "no_mfa",
		Severity: schemas.High,
		Title:    "signed on without a second factor",
		Controls: []string{"SOC 2 CC6.1", "ISO 27001 A.8.5", "PCI DSS 8.4", "NIST IA-2(1)"},
		Attack:   []string{"T1078.004", "T1556.006"},
		Means:    "The Okta session by which the person signed on shows no second factor.",
		Fires:    "a sign-on explains the assumption, and no second factor is in its Okta session within the `okta_session` (24 hours) before. A password or security question is none; FastPass without user verification counts only with a password.",
		Needs:    "Okta from `okta_session` before the sign-on until `clock_skew` after it.",
		Notes:    "That none was ever given: an Okta session that is older than `okta_session` may have begun with one. A sign-on that names no Okta session leaves the answer unknown, which the session says. CloudTrail's `mfaAuthenticated` is false for every federated user and is not looked at.",
		Do:       "Look at the sign-on policy of the Okta application: whether it asks for a factor, and how often.",
		Assumption: func(a *Assumption) *Breach {
			switch {
			case a.SignOn == nil || a.MFA == schemas.MFAYes:
				return nil
			case a.MFA == schemas.MFAUnknown:
				return &Breach{Anchor: a.Fact, Cannot: schemas.NoOktaSession}
			}
			return &Breach{
				Anchor:   a.Fact,
				Evidence: eventIDs(a.SignOn),
				Needs:    []Need{FactorNeed(a)},
				Why: fmt.Sprintf("%s assumed %s at %s; no second factor is in the Okta session of the sign-on at %s.",
					a.Person.Name, role(a), clock(a.At()), clock(a.SignOn.At)),
			}
		},
	}
}

// FactorNeed is what must be covered to say that the sign-on of an explained
// assumption had no second factor.
func FactorNeed(a *Assumption) Need {
	b := &a.Policy.Bounds
	return Need{
		Shard: a.SignOn.Shard,
		From:  a.SignOn.At.Add(-b.OktaSession),
		To:    a.SignOn.At.Add(b.ClockSkew),
	}
}
