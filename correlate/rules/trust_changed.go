package rules

import (
	"cmp"
	"fmt"

	"jitaudit/schemas"
)

// trustChanged: what the way from Okta into AWS rests on was changed.
func trustChanged() Rule {
	return Rule{
		Name:     "trust_changed",
		Severity: schemas.High,
		Title:    "federation or sign-on rules changed",
		Controls: []string{"SOC 2 CC6.1", "SOC 2 CC8.1", "ISO 27001 A.8.9", "ISO 27001 A.8.32", "PCI DSS 10.2", "NIST CM-3", "NIST AC-2"},
		Attack:   []string{"T1484.002", "T1556.007"},
		Fires:    "a SAML or OpenID provider, the trust of a role, the identity source of Identity Center, an Okta application of a provider, its keys, a sign-on policy or a group rule was changed, or the attempt was refused (one degree lower). Changes of other Okta applications are left out, unless a provider of the policy names no applications.",
		Needs:    "nothing: it says what was seen.",
		Notes:    "Every deployment of such things makes one. Compare it with the change that was planned.",
		Life: func(l *Life) (out []*Breach) {
			for _, f := range l.Facts {
				if f.Kind != schemas.TrustChanged || f.Deed.ObjectType == "AppInstance" && !l.Policies.At(f.At).IsApp(f.Deed.ObjectID) {
					continue
				}
				out = append(out, deed(l, f, schemas.Medium))
			}
			return out
		},
	}
}

// deed is the breach that a change is; an attempt that was refused is of a lower
// severity.
func deed(l *Life, f *schemas.Fact, refused schemas.Severity) *Breach {
	d := f.Deed
	b := &Breach{Anchor: f, Account: d.Account}
	where := "Okta"
	if d.Account != "" {
		where = accountName(l.Policies.At(f.At), d.Account)
	}
	what := "did"
	if d.Failed {
		b.Severity, what = refused, "tried and was refused"
	}
	b.Why = fmt.Sprintf("%s %s %s on %s in %s at %s.", cmp.Or(l.Person.Name, "somebody"), what, d.Action, cmp.Or(d.Object, d.ObjectID, "something unnamed"), where, clock(f.At))
	return b
}
