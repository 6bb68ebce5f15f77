package policy

import (
	"slices"

	"jitaudit/schemas"
)

// grantor is an actor that may give memberships.
type grantor struct{ id, alternateID, name, typ wildcard }

// TrustsGrantor reports whether memberships may be given by an actor: by the
// trusted grantors; where the policy lists none, by everything but a User.
func (p *Policy) TrustsGrantor(a schemas.Actor) bool {
	if len(p.grantors) == 0 {
		return a.Type != "User"
	}
	return slices.ContainsFunc(p.grantors, func(g grantor) bool {
		return g.id.match(a.ID) && g.alternateID.match(fold(a.AlternateID)) && g.name.match(a.Name) && g.typ.match(a.Type)
	})
}

func (d *decoder) grantors(root object) []grantor {
	var out []grantor
	for i, n := range d.list(root.values["trusted_grantors"], "trusted_grantors") {
		o := d.object(n, index("trusted_grantors", i), "id", "alternate_id", "name", "type")
		if o.line > 0 && len(o.values) == 0 {
			d.errorf(o.line, "%s trusts everybody: give an id, alternate_id, name or type", o.path)
		}
		any := func(key string) wildcard {
			if s := d.string(o.values[key], o.key(key)); s != "" {
				return newWildcard(s)
			}
			return newWildcard("*")
		}
		g := grantor{id: any("id"), alternateID: any("alternate_id"), name: any("name"), typ: any("type")}
		g.alternateID = newWildcard(fold(g.alternateID.text))
		out = append(out, g)
	}
	return out
}
