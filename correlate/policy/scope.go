package policy

import (
	"slices"
	"strings"
	"time"
)

// Scope is what an entry of the policy may be limited to.
type Scope struct {
	Account string // 12 digits
	Role    string // without path
	// People are the login and aliases of the person, folded (trimmed, lower
	// case). An entry for certain people applies when any of them matches.
	People []string
	// Groups are the names of the Okta groups by which the role was opened. An
	// entry for certain groups applies when any of them matches.
	Groups []string
}

// scope is the condition of an entry. What is left out matches everything.
type scope struct {
	accounts, roles, people []wildcard
	groups                  []wildcard
	ids                     []string // accounts that are named one by one
	written                 []string // accounts as the file names them
	everyAccount            bool
	everyRole               bool
	everybody               bool
	everyGroup              bool
}

func (s *scope) role(account, role string) bool {
	return s.account(account) && (s.everyRole || matchAny(s.roles, role))
}

func (s *scope) account(id string) bool {
	return s.everyAccount || slices.Contains(s.ids, id) || matchAny(s.accounts, id)
}

// who reports whether the entry is for the person, and for a group of theirs.
func (s *scope) who(in Scope) bool {
	return (s.everybody || matchesOne(s.people, in.People)) && (s.everyGroup || matchesOne(s.groups, in.Groups))
}

// fits reports whether the entry is for all of a scope.
func (s *scope) fits(in Scope) bool { return s.role(in.Account, in.Role) && s.who(in) }

func matchesOne(ws []wildcard, texts []string) bool {
	for _, t := range texts {
		if matchAny(ws, t) {
			return true
		}
	}
	return false
}

func matchAny(ws []wildcard, s string) bool {
	for i := range ws {
		if ws[i].match(s) {
			return true
		}
	}
	return false
}

// limit is an entry of max_session.
type limit struct {
	scope
	length time.Duration
}

// BreakGlass is what the policy says of a role for emergencies.
type BreakGlass struct {
	// Waives are rules that are not judged for it.
	Waives []string
	// Justify is how long after its use the justification may come.
	Justify time.Duration
}

// JustifyWithin is Justify.
func (b *BreakGlass) JustifyWithin() time.Duration { return b.Justify }

type breakGlass struct {
	scope
	BreakGlass
}

type roleKey struct{ account, role string }

// entries are those that can apply to one role, in order; who decides the rest.
type entries struct {
	hours      []*hours
	limits     []*limit
	breakGlass []*breakGlass
}

// entries picks by account and role once, so that later only people are matched.
func (p *Policy) entries(account, role string) *entries {
	if e, ok := p.byRole.get(roleKey{account, role}); ok {
		return e
	}
	e := &entries{}
	for i := range p.hours {
		if h := &p.hours[i]; h.role(account, role) {
			e.hours = append(e.hours, h)
		}
	}
	for i := range p.limits {
		if l := &p.limits[i]; l.role(account, role) {
			e.limits = append(e.limits, l)
		}
	}
	for i := range p.breakGlass {
		if b := &p.breakGlass[i]; b.role(account, role) {
			e.breakGlass = append(e.breakGlass, b)
		}
	}
	p.byRole.put(roleKey{strings.Clone(account), strings.Clone(role)}, e)
	return e
}

// MaxSession is the longest session allowed there: that of the first entry that
// matches, else Bounds.MaxSession.
func (p *Policy) MaxSession(s Scope) time.Duration {
	for _, l := range p.entries(s.Account, s.Role).limits {
		if l.who(s) {
			return l.length
		}
	}
	return p.Bounds.MaxSession
}

// BreakGlass is the first entry that matches; nil when the role is not one for
// emergencies. It is shared: do not change it.
func (p *Policy) BreakGlass(s Scope) *BreakGlass {
	for _, b := range p.entries(s.Account, s.Role).breakGlass {
		if b.who(s) {
			return &b.BreakGlass
		}
	}
	return nil
}

// LongestJustify is the longest justify_within of the break-glass roles; 0 where
// there are none.
func (p *Policy) LongestJustify() (longest time.Duration) {
	for i := range p.breakGlass {
		longest = max(longest, p.breakGlass[i].Justify)
	}
	return longest
}

// scopeKeys are the keys that scope reads.
func scopeKeys(more ...string) []string {
	return append([]string{"accounts", "roles", "people", "groups"}, more...)
}

// scope reads accounts, roles, people and groups. An account is an id, a name, or a
// wildcard over both.
func (d *decoder) scope(o object, a *accounts) scope {
	s := scope{everyAccount: !o.has("accounts"), everyRole: !o.has("roles"), everybody: !o.has("people"), everyGroup: !o.has("groups")}
	for _, w := range d.words(o.values["accounts"], o.key("accounts")) {
		s.written = append(s.written, w.text)
		if !strings.Contains(w.text, "*") {
			if id := d.resolve(a, o.key("accounts"), w.text, w.line); id != "" {
				s.ids = append(s.ids, id)
			}
			continue
		}
		s.accounts = append(s.accounts, newWildcard(w.text))
		s.ids = append(s.ids, d.wildAccounts(o, a, w)...)
	}
	for _, w := range d.words(o.values["roles"], o.key("roles")) {
		s.roles = append(s.roles, newWildcard(w.text))
	}
	for _, w := range d.words(o.values["people"], o.key("people")) {
		s.people = append(s.people, newWildcard(fold(w.text)))
	}
	for _, w := range d.words(o.values["groups"], o.key("groups")) {
		s.groups = append(s.groups, newWildcard(w.text))
	}
	s.everyAccount = s.everyAccount || slices.ContainsFunc(s.accounts, wildcard.any)
	s.everyRole = s.everyRole || slices.ContainsFunc(s.roles, wildcard.any)
	s.everyGroup = s.everyGroup || slices.ContainsFunc(s.groups, wildcard.any)
	s.everybody = s.everybody || slices.ContainsFunc(s.people, wildcard.any)
	return s
}

// wildAccounts are the accounts whose names a wildcard matches. One that can
// match neither a name nor an id is a slip of the pen.
func (d *decoder) wildAccounts(o object, a *accounts, w word) []string {
	var ids []string
	for _, e := range a.list {
		if newWildcard(w.text).match(e.alias) {
			ids = append(ids, e.id)
		}
	}
	if len(ids) == 0 && strings.Trim(w.text, "*0123456789") != "" {
		d.errorf(w.line, "%s: %s matches no name in accounts", o.key("accounts"), quote(w.text))
	}
	return ids
}

func (d *decoder) limits(root object, a *accounts) []limit {
	var out []limit
	for i, n := range d.list(root.values["max_session"], "max_session") {
		o := d.object(n, index("max_session", i), scopeKeys("limit")...)
		d.required(o, "limit")
		out = append(out, limit{d.scope(o, a), d.duration(o, "limit", 0, sessionLength())})
	}
	return out
}

func (d *decoder) breakGlass(root object, a *accounts) []breakGlass {
	var out []breakGlass
	for i, n := range d.list(root.values["break_glass"], "break_glass") {
		o := d.object(n, index("break_glass", i), scopeKeys("waives", "justify_within")...)
		b := breakGlass{scope: d.scope(o, a)}
		if !o.has("roles") && o.line > 0 {
			d.errorf(o.line, "%s is missing: break-glass roles must be named", o.key("roles"))
		}
		b.Justify = d.duration(o, "justify_within", 7*day, span{time.Minute, 90 * day, false})
		b.Waives = d.ruleNames(o, "waives")
		if slices.Contains(b.Waives, "break_glass") {
			d.errorf(o.at("waives"), "%s: break_glass can't be waived: the use of such a role is always reported", o.key("waives"))
		}
		out = append(out, b)
	}
	return out
}
