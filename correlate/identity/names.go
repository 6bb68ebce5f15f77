package identity

import (
	"slices"
	"strings"
	"time"

	"jitaudit/correlate/policy"
)

// naming is what the policies say of names.
type naming struct {
	aliases map[*policy.Policy]map[string][]alias
	// domains are those of any policy, strips whether any of them strips tags.
	domains []string
	strips  bool
}

// alias is a further name of whoever carries a login, in some interval.
type alias struct {
	policy.Alias
	login string
}

func newNaming(ps *policy.Set) naming {
	n := naming{aliases: make(map[*policy.Policy]map[string][]alias)}
	for _, p := range ps.All() {
		m := make(map[string][]alias)
		for _, person := range p.People() {
			for _, a := range person.Aliases {
				name := Fold(a.Name)
				m[name] = append(m[name], alias{a, Fold(person.Login)})
				if bare := untagged(name); p.StripTags() && bare != name {
					m[bare] = append(m[bare], alias{a, Fold(person.Login)})
				}
			}
		}
		n.aliases[p] = m
		n.strips = n.strips || p.StripTags()
		n.domains = append(n.domains, p.Domains()...)
	}
	slices.Sort(n.domains)
	n.domains = slices.Compact(n.domains)
	return n
}

// login is whose a folded name is by the policy's alias table at t; empty: it says
// nothing.
func (n *naming) login(p *policy.Policy, name string, t time.Time) string {
	for _, a := range n.aliases[p][name] {
		if a.Valid(t) {
			return a.login
		}
	}
	return ""
}

// untagged is a folded address without its "+tag". What is no address stays.
func untagged(address string) string {
	at := max(strings.LastIndexByte(address, '@'), 0)
	plus := strings.IndexByte(address[:at], '+')
	if plus <= 0 {
		return address
	}
	return address[:plus] + address[at:]
}

// find looks a name up as of t: as it is, and without "@" with the policy's
// domains, in the order of the policy. nil: nobody goes by it.
func (d *Directory) find(p *policy.Policy, handle, org string, t time.Time) *user {
	h := Fold(handle)
	if h == "" {
		return nil
	}
	if u := d.known(p, h, org, t); u != nil {
		return u
	}
	if strings.Contains(h, "@") {
		return nil
	}
	for _, domain := range p.Domains() {
		if u := d.known(p, h+"@"+domain, org, t); u != nil {
			return u
		}
	}
	return nil
}

// GoesBy reports whether whoever goes by a name at t is the person of a key.
func (d *Directory) GoesBy(key, name string, t time.Time) bool {
	u := d.users[key]
	if u == nil {
		return false
	}
	found := d.find(d.policies.At(t), name, u.org, t)
	return found == u
}

// known looks a name up by itself and then by way of the policy's alias table;
// where the policy strips tags, then the same without one.
func (d *Directory) known(p *policy.Policy, name, org string, t time.Time) *user {
	if u := d.handles.asOf(org, t, name); u != nil {
		return u
	}
	if u := d.aliased(p, name, org, t); u != nil || !p.StripTags() {
		return u
	}
	bare := untagged(name)
	if u := d.bare(bare, org, t); u != nil {
		return u
	}
	return d.aliased(p, bare, org, t)
}

// aliased looks up whose a name is by the policy's alias table.
func (d *Directory) aliased(p *policy.Policy, name, org string, t time.Time) *user {
	return d.carrier(p, d.rules.login(p, name, t), org, t)
}

// carrier looks up who carries a login.
func (d *Directory) carrier(p *policy.Policy, login, org string, t time.Time) *user {
	if u := d.handles.asOf(org, t, login); u != nil || !p.StripTags() {
		return u
	}
	return d.bare(untagged(login), org, t)
}

// bare looks up who carries an address, whatever its tag.
func (d *Directory) bare(address, org string, t time.Time) *user {
	return d.handles.asOf(org, t, address, d.tagged[address]...)
}

// ties are names, folded and sorted, by what they are tied to.
type ties map[string][]string

func (ts ties) learn(to, name string) bool {
	names := ts[to]
	i, known := slices.BinarySearch(names, name)
	if !known {
		ts[to] = slices.Insert(names, i, name)
	}
	return !known
}
