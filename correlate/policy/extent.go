package policy

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

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

// usualGroups are the names that stand for access to AWS where the policy does
// not say: those of Okta's guide to role-based access, and AWS-….
var usualGroups = []string{`(?i)aws-.+`, `aws#.+`, `aws_\(.+`, `arn:aws[a-z-]*:iam::.+`}

// LooksLikeAWS reports whether a group's name is one that stands for access to
// AWS, mapped or not.
func (p *Policy) LooksLikeAWS(group string) bool {
	return slices.ContainsFunc(p.awsGroups, func(re *regexp.Regexp) bool { return re.MatchString(group) })
}

func (d *decoder) awsGroups(root object) []*regexp.Regexp {
	patterns := make([]word, len(usualGroups))
	for i, p := range usualGroups {
		patterns[i].text = p
	}
	if root.has("aws_groups") {
		patterns = d.words(root.values["aws_groups"], "aws_groups")
	}
	var out []*regexp.Regexp
	for _, w := range patterns {
		if len(w.text) > maxPattern {
			d.errorf(w.line, "aws_groups: a pattern of %d bytes: at most %d", len(w.text), maxPattern)
			continue
		}
		re, err := regexp.Compile(`\A(?:` + w.text + `)\z`)
		if err != nil {
			d.errorf(w.line, "aws_groups: %s", oneLine(err.Error()))
			continue
		}
		out = append(out, re)
		d.patterns = append(d.patterns, w.text)
	}
	return out
}

// Watched reports whether entries into an account, and into a role of it, that
// do not come through SAML are findings. Role may be empty: the account as such,
// which is watched with any of its roles, unless those are watched in all accounts.
func (p *Policy) Watched(account, role string) bool {
	for i := range p.watched {
		w := &p.watched[i]
		if w.account(account) && (w.everyRole || role == "" && !w.everyAccount || matchAny(w.roles, role)) {
			return true
		}
	}
	return false
}

func (d *decoder) watched(root object, a *accounts) []scope {
	var out []scope
	for i, n := range d.list(root.values["watched"], "watched") {
		o := d.object(n, index("watched", i), "accounts", "roles")
		if o.line > 0 && len(o.values) == 0 {
			d.errorf(o.line, "%s needs accounts or roles: write accounts: ['*'] to watch all", o.path)
		}
		out = append(out, d.scope(o, a))
	}
	return out
}

// network is a place that people work from, with all its addresses.
type network struct {
	name  string
	cidrs []netip.Prefix
}

// SameNetwork reports whether two addresses are equal, or within one of the
// networks that the policy takes for one place.
func (p *Policy) SameNetwork(a, b string) bool {
	x, err := netip.ParseAddr(a)
	if err != nil {
		return a == b
	}
	y, err := netip.ParseAddr(b)
	if err != nil {
		return false
	}
	x, y = x.Unmap(), y.Unmap()
	holds := func(n network, addr netip.Addr) bool {
		return slices.ContainsFunc(n.cidrs, func(c netip.Prefix) bool { return c.Contains(addr) })
	}
	return x == y || slices.ContainsFunc(p.networks, func(n network) bool { return holds(n, x) && holds(n, y) })
}

func (d *decoder) networks(root object) []network {
	var out []network
	for i, n := range d.list(root.values["networks"], "networks") {
		o := d.object(n, index("networks", i), "name", "cidrs")
		nw := network{name: d.required(o, "name")}
		if !o.has("cidrs") && o.line > 0 {
			d.errorf(o.line, "%s is missing", o.key("cidrs"))
		}
		for _, w := range d.words(o.values["cidrs"], o.key("cidrs")) {
			c, err := netip.ParsePrefix(w.text)
			if err != nil {
				d.errorf(w.line, "%s: %s is no range of addresses: write 192.0.2.0/24 or 2001:db8::/32", o.key("cidrs"), quote(w.text))
				continue
			}
			nw.cidrs = append(nw.cidrs, c.Masked())
		}
		out = append(out, nw)
	}
	return out
}

// AppTargets are the roles that an assignment to an Okta application opens: those
// of the first entry of groups for it. The slice is shared: do not change it.
func (p *Policy) AppTargets(id string) []Target {
	for i := range p.groups {
		if g := &p.groups[i]; g.app != "" && g.app == id {
			return g.targets
		}
	}
	return nil
}

// IsApp reports whether an Okta application is one of a provider's; where a
// provider names none, every application may be.
func (p *Policy) IsApp(id string) bool {
	return slices.ContainsFunc(p.providers, func(pr provider) bool { return len(pr.Apps) == 0 || slices.Contains(pr.Apps, id) })
}

// AssignmentTargets are the roles that an account assignment opens: the
// permission set that the policy names for the ARN; nil when it names none.
func (p *Policy) AssignmentTargets(account, permissionSet string) []Target {
	name := p.permissionSets[permissionSet]
	if name == "" || !isAccountID(account) {
		return nil
	}
	return []Target{{account, name, p.assigned}}
}

func (d *decoder) permissionSets(root object) (names map[string]string, order []string) {
	names = map[string]string{}
	pairs, _ := d.pairs(root.values["permission_sets"], "permission_sets")
	for _, pr := range pairs {
		name := d.string(pr.value, "permission_sets."+pr.key)
		switch {
		case !strings.HasPrefix(pr.key, "arn:") || !strings.Contains(pr.key, ":permissionSet/"):
			d.errorf(pr.line, "permission_sets: %s is no ARN of a permission set: write arn:aws:sso:::permissionSet/ssoins-…/ps-…", quote(pr.key))
		case name != "" && !isRole(name):
			d.errorf(pr.line, "permission_sets: %s is no name of a permission set", quote(name))
		case name != "":
			names[pr.key] = name
			order = append(order, pr.key)
		}
	}
	return names, order
}
