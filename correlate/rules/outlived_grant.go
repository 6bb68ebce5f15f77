package rules

import (
	"fmt"
	"time"

	"jitaudit/schemas"
)

// outlivedGrant: the credentials were used, or stay valid for long, after the
// grant had ended. Taking a group away does not end credentials that STS has
// issued (IAM User Guide: revoke the role's older sessions to do that).
func outlivedGrant() Rule {
	return Rule{
		Name:     "outlived_grant",
		Severity: schemas.High,
		Title:    "credentials outlived the grant",
		Controls: []string{"SOC 2 CC6.3", "ISO 27001 A.5.18", "ISO 27001 A.8.2", "PCI DSS 7.2", "NIST AC-2(3)"},
		Attack:   []string{"T1078.004", "T1550.001"},
		Means:    "The access was over, and the credentials were not.",
		Fires:    "a call was made after the end of the grants that contain the assumption, and inside no other (high); or, without such a call, the credentials expire more than `credentials_outlive` (1 hour) after that end (medium). Grants that follow each other without a hole count as one.",
		Needs:    "Okta from the grants' end until `propagation_delay` after the call or the expiry.",
		Notes:    "That nothing was done in shorter holes: of each quarter of an hour only the first and the last call of a credential are looked at.",
		Do:       "Taking a group away does not end credentials that STS has issued. Revoke the role's older sessions when access ends, or keep sessions shorter than grants. Look at the calls after the end.",
		Assumption: func(a *Assumption) *Breach {
			if len(a.Containing) == 0 || a.Limit.IsZero() {
				return nil
			}
			expires := earlier(a.Fact.Assume.Expires, a.Ends)
			switch {
			case a.LateUse != nil:
				b := outlived(a, a.LateUse.At)
				b.Evidence = append([]string{a.LateUse.EventID}, b.Evidence...)
				b.Why = fmt.Sprintf("Credentials of %s as %s were used at %s, %s after the grant (%s) ended.",
					a.Person.Name, role(a), clock(a.LateUse.At), span(a.LateUse.At.Sub(a.Limit)), granted(a.Containing[0]))
				return b
			case expires.Sub(a.Limit) > a.Policy.Bounds.CredentialsOutlive:
				b := outlived(a, expires)
				b.Severity = schemas.Medium
				b.Why = fmt.Sprintf("Credentials of %s as %s stay valid until %s, %s after the grant (%s) ended; %s is allowed.",
					a.Person.Name, role(a), clock(expires), span(expires.Sub(a.Limit)), granted(a.Containing[0]), span(a.Policy.Bounds.CredentialsOutlive))
				return b
			}
			return nil
		},
	}
}

// outlived is the breach of credentials that were alive at t.
func outlived(a *Assumption, t time.Time) *Breach {
	grant := a.Containing[0]
	return &Breach{
		Anchor:   a.Fact,
		Grant:    grant.Record.ID,
		Evidence: grant.Evidence(t),
		Needs: []Need{{
			Shard: schemas.OktaShard(a.Provider.OktaOrg),
			From:  a.Limit,
			To:    t.Add(a.Policy.Bounds.PropagationDelay),
		}},
	}
}

// earlier is the earlier of expiry and end, where an end is known: the sessions of
// the role may have been revoked.
func earlier(expires, ends time.Time) time.Time {
	if !ends.IsZero() && ends.Before(expires) {
		return ends
	}
	return expires
}
