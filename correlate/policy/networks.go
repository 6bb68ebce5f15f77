package policy

import (
	"net/netip"
	"slices"
)

// network is a place that people work from, with all its addresses.
type network struct {
	name  string
	cidrs []netip.Prefix
}

// SameNetwork reports whether two addresses are equal, or within one of the
// networks that the policy takes for one place.
func (p *Policy) SameNetwork(a, b netip.Addr) bool {
	a, b = a.Unmap(), b.Unmap()
	holds := func(n network, addr netip.Addr) bool {
		return slices.ContainsFunc(n.cidrs, func(c netip.Prefix) bool { return c.Contains(addr) })
	}
	return a == b || slices.ContainsFunc(p.networks, func(n network) bool { return holds(n, a) && holds(n, b) })
}

func (d *decoder) networks(root object) []network {
	var out []network
	names := map[string]bool{}
	for i, n := range d.list(root.values["networks"], "networks") {
		o := d.object(n, index("networks", i), "name", "cidrs")
		nw := network{name: d.required(o, "name")}
		if nw.name != "" && names[nw.name] {
			d.errorf(o.at("name"), "%s: %s is the name of an earlier network: give its cidrs there", o.key("name"), quote(nw.name))
		}
		names[nw.name] = true
		if !o.has("cidrs") && o.line > 0 {
			d.errorf(o.line, "%s is missing", o.key("cidrs"))
		}
		for _, w := range d.words(o.values["cidrs"], o.key("cidrs")) {
			c, err := netip.ParsePrefix(w.text)
			if err != nil {
				d.errorf(w.line, "%s: %s is no range of addresses: write 192.0.2.0/24 or 2001:db8::/32", o.key("cidrs"), quote(w.text))
				continue
			}
			nw.cidrs = append(nw.cidrs, unmapped(c).Masked())
		}
		out = append(out, nw)
	}
	return out
}

// unmapped is a range of IPv4 addresses that is written as one of IPv6
// (::ffff:192.0.2.0/120), as the IPv4 range that it is.
func unmapped(c netip.Prefix) netip.Prefix {
	const head = 96 // bits before the IPv4 address
	if c.Addr().Is4In6() && c.Bits() >= head {
		return netip.PrefixFrom(c.Addr().Unmap(), c.Bits()-head)
	}
	return c
}
