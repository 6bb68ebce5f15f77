package rules

import (
	"fmt"

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
		Assumption: func(a *Assumption) *Breach {
			if len(a.Containing) == 0 || a.Limit.IsZero() {
				return nil
			}
			grant := a.Containing[0]
			b := &Breach{Anchor: a.Fact, Grant: grant.Record.ID}
			until := a.Fact.Assume.Expires
			switch {
			case a.LateUse != nil:
				until = a.LateUse.At
				b.Evidence = []string{a.LateUse.EventID}
				b.Why = fmt.Sprintf("Credentials of %s as %s were used at %s, %s after the grant (%s) ended.",
					a.Person.Name, role(a), clock(until), span(until.Sub(a.Limit)), grant.Record.Group)
			case until.Sub(a.Limit) > a.Policy.Bounds.CredentialsOutlive:
				b.Severity = schemas.Medium
				b.Why = fmt.Sprintf("Credentials of %s as %s stay valid until %s, %s after the grant (%s) ended; %s is allowed.",
					a.Person.Name, role(a), clock(until), span(until.Sub(a.Limit)), grant.Record.Group, span(a.Policy.Bounds.CredentialsOutlive))
			default:
				return nil
			}
			b.Evidence = append(b.Evidence, grant.Evidence(until)...)
			b.Needs = []Need{{Shard: schemas.OktaShard(a.Provider.OktaOrg), From: a.Limit, To: until.Add(a.Policy.Bounds.PropagationDelay)}}
			return b
		},
	}
}
