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
		Means:    "What the way from Okta into AWS rests on was changed. Whoever controls that lets in whom they like.",
		Fires:    "a SAML or OpenID provider, the trust of a role, the identity source of Identity Center, an Okta application of a provider, its keys, a sign-on policy or a group rule was changed; or the attempt was refused (medium). Other Okta applications are left out, unless a provider of the policy names no `apps`.",
		Needs:    "nothing: it says what was seen.",
		Notes:    "That it was wrong: every deployment of such things makes one. What it was changed to is in the event.",
		Do:       "Compare it with the change that was planned. If there was none, look at the object as it is now, and at who did it.",
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
	where := "the Okta org " + f.Who.Org
	if d.Account != "" {
		where = accountName(l.Policies.At(f.At), d.Account)
	}
	who, what := cmp.Or(l.Person.Name, "Somebody"), cmp.Or(d.Object, d.ObjectID, "something unnamed")
	if d.Failed {
		b.Severity = refused
		b.Why = fmt.Sprintf("%s tried %s on %s in %s at %s, and was refused.", who, d.Action, what, where, clock(f.At))
		return b
	}
	b.Why = fmt.Sprintf("%s did %s on %s in %s at %s.", who, d.Action, what, where, clock(f.At))
	return b
}
