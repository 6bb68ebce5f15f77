package rules

import (
	"fmt"
	"strings"

	"jitaudit/schemas"
)

// staticCredential: an account that is to be entered through Okta was entered by
// an IAM user or by root.
func staticCredential() Rule {
	return Rule{
		Name:     "static_credential",
		Severity: schemas.High,
		Title:    "entered by an IAM user or root",
		Controls: []string{"SOC 2 CC6.1", "ISO 27001 A.5.17", "ISO 27001 A.8.2", "PCI DSS 8.2", "NIST AC-2", "NIST IA-5"},
		Attack:   []string{"T1078.004", "T1552"},
		Means:    "An account or role that is to be entered through Okta was entered by an IAM user or the root user.",
		Fires:    "an IAM user or the root user signed in to the console of a watched account (`watched`), got temporary keys there (`GetSessionToken`, `GetFederationToken`), or assumed a watched role. The root user is critical.",
		Needs:    "nothing: it says what was seen.",
		Notes:    "That such credentials were not used otherwise: plain calls with an IAM user's keys are not read.",
		Do:       "For the root user, ask whoever holds it, today. Replace IAM users by federation for people and by roles for machines, and delete their keys.",
		Life: func(l *Life) []*Breach {
			return entries(l, func(f *schemas.Fact) *Breach {
				switch f.Entry.Way {
				case schemas.ByIAMUser:
					return &Breach{Why: fmt.Sprintf("%s was entered by the IAM user %s at %s (%s), and not through Okta.", entered(l, f), iamUser(l, f), clock(f.At), f.Entry.Action)}
				case schemas.ByRoot:
					return &Breach{Severity: schemas.Critical, Why: fmt.Sprintf("%s was entered by the root user of %s at %s (%s), and not through Okta.", entered(l, f), iamUser(l, f), clock(f.At), f.Entry.Action)}
				}
				return nil
			})
		},
	}
}

// entries are the breaches that entries into watched places are.
func entries(l *Life, judge func(*schemas.Fact) *Breach) (out []*Breach) {
	for _, f := range l.Facts {
		if f.Entry == nil || !l.Policies.At(f.At).Watched(f.Entry.Account, f.Entry.Role) {
			continue
		}
		if b := judge(f); b != nil {
			b.Anchor, b.Account, b.Role = f, f.Entry.Account, f.Entry.Role
			out = append(out, b)
		}
	}
	return out
}

// entered names what was entered.
func entered(l *Life, f *schemas.Fact) string {
	account := accountName(l.Policies.At(f.At), f.Entry.Account)
	if f.Entry.Role == "" {
		return "Account " + account
	}
	return f.Entry.Role + " in " + account
}

// iamUser names an IAM user with the account, the root user by the account alone,
// and whose it is where the policy says so.
func iamUser(l *Life, f *schemas.Fact) string {
	account, name, ok := strings.Cut(f.Who.IAMUser, "/")
	if !ok {
		return l.Person.Name
	}
	who := accountName(l.Policies.At(f.At), account)
	if f.Entry.Way == schemas.ByIAMUser {
		who = name + " of " + who
	}
	if l.Person.Attributed() {
		who += ", who is " + l.Person.Name + ","
	}
	return who
}
