package rules

import (
	"fmt"

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
		Fires:    "a watched account (`watched`) was entered by an IAM user or root: by signing in to the console, by `GetSessionToken` or `GetFederationToken`; or a watched role was assumed by one. Root is critical.",
		Needs:    "nothing: it says what was seen.",
		Notes:    "An IAM user's plain API calls are not read, so a key that is used without any of these leaves no finding.",
		Life: func(l *Life) []*Breach {
			return entries(l, func(f *schemas.Fact) *Breach {
				e := f.Entry
				switch e.Way {
				case schemas.ByIAMUser:
					return &Breach{Why: fmt.Sprintf("%s was entered by the IAM user %s at %s, by %s, and not through Okta.", entered(l, f), l.Person.Name, clock(f.At), e.Action)}
				case schemas.ByRoot:
					return &Breach{Severity: schemas.Critical, Why: fmt.Sprintf("%s was entered by root at %s, by %s, and not through Okta.", entered(l, f), clock(f.At), e.Action)}
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
