package policy

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"time"
)

// Target is a role that a group opens.
type Target struct {
	Account string // 12 digits
	Role    string // without path; for Identity Center the permission set
	// Duration is the approved length of the grant; 0 means without approved end.
	Duration time.Duration
}

// group is an entry of groups: a pattern of names, or one group with its roles.
type group struct {
	match    string // as written
	name, id string
	app      string // an Okta application, instead of a group
	duration time.Duration
	targets  []Target

	pattern              *regexp.Regexp
	role, account, alias int // submatches of pattern; -1: not there
	ids                  map[string]string
}

// maxPattern bounds a pattern; names of groups are much shorter.
const maxPattern = 1000

type groupKey struct{ id, name string }

// Targets are the roles that an Okta group opens: those of the first entry that
// matches its id or name; nil when it is no AWS group. The slice is shared: do
// not change it.
func (p *Policy) Targets(groupID, groupName string) []Target {
	if t, ok := p.byGroup.get(groupKey{groupID, groupName}); ok {
		return t
	}
	// Copied, or the memo would keep the event alive that they are cut from.
	k := groupKey{strings.Clone(groupID), strings.Clone(groupName)}
	var found []Target
	for i := range p.groups {
		if found = p.groups[i].open(k.id, k.name); found != nil {
			break
		}
	}
	p.byGroup.put(k, found)
	return found
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

// open returns what the entry opens for a group, nil when it does not match.
func (g *group) open(id, name string) []Target {
	switch {
	case g.app != "":
		return nil
	case g.id != "":
		if id == g.id {
			return g.targets
		}
		return nil
	case g.pattern == nil:
		if name == g.name {
			return g.targets
		}
		return nil
	}
	m := g.pattern.FindStringSubmatch(name)
	if m == nil || !isRole(m[g.role]) {
		return nil
	}
	var account string
	if g.account >= 0 {
		account = m[g.account]
	} else {
		account = g.ids[fold(m[g.alias])]
	}
	if !isAccountID(account) {
		return nil
	}
	return []Target{{account, m[g.role], g.duration}}
}

// isRole knows the names that IAM allows for roles (IAM quotas: 64 characters
// of letters, digits and _+=,.@-).
func isRole(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte("_+=,.@-", c) < 0 {
			return false
		}
	}
	return true
}

func (d *decoder) groups(root object, a *accounts, length time.Duration) []group {
	var out []group
	seen := map[string]bool{}
	for i, n := range d.list(root.values["groups"], "groups") {
		o := d.object(n, index("groups", i), "match", "name", "id", "app", "duration", "targets")
		g := group{duration: d.duration(o, "duration", length, approvedLength())}
		switch {
		case o.line == 0:
			continue
		case o.has("match"):
			d.pattern(o, a, &g)
		default:
			d.explicit(o, a, &g)
		}
		key := g.match + "\x00" + g.id + g.app
		if g.id == "" && g.app == "" {
			key += "\x00" + g.name
		}
		if seen[key] && key != "\x00\x00" {
			d.errorf(o.line, "%s is for the same groups as an earlier entry, so it would never be used", o.path)
		}
		seen[key] = true
		out = append(out, g)
	}
	return out
}

// explicit reads an entry for one group.
func (d *decoder) explicit(o object, a *accounts, g *group) {
	g.name, g.id = d.string(o.values["name"], o.key("name")), d.string(o.values["id"], o.key("id"))
	if g.app = d.string(o.values["app"], o.key("app")); g.app != "" {
		d.appID(o.key("app"), word{g.app, o.at("app")})
	}
	switch {
	case !o.has("name") && !o.has("id") && !o.has("app"):
		d.errorf(o.line, "%s needs match, or name, id or app with targets", o.path)
	case o.has("app") && (o.has("name") || o.has("id")):
		d.errorf(o.at("app"), "%s is an application, which has no group's name or id", o.key("app"))
	}
	if !o.has("targets") {
		d.errorf(o.line, "%s is missing", o.key("targets"))
	}
	for i, n := range d.list(o.values["targets"], o.key("targets")) {
		t := d.object(n, index(o.key("targets"), i), "account", "role")
		target := Target{Role: d.required(t, "role"), Duration: g.duration}
		if s := d.required(t, "account"); s != "" {
			target.Account = d.resolve(a, t.key("account"), s, t.at("account"))
		}
		if target.Role != "" && !isRole(target.Role) {
			d.errorf(t.at("role"), "%s: %s is no role name: up to 64 letters, digits and _+=,.@-, without path", t.key("role"), quote(target.Role))
		}
		if target.Account != "" && target.Role != "" && slices.Contains(g.targets, target) {
			d.errorf(t.line, "%s: the role stands twice", t.path)
		}
		g.targets = append(g.targets, target)
	}
}

// pattern reads an entry for all groups whose whole name matches.
func (d *decoder) pattern(o object, a *accounts, g *group) {
	for _, k := range []string{"name", "id", "app", "targets"} {
		if o.has(k) {
			d.errorf(o.at(k), "%s does not go with match: the pattern says which role in which account", o.key(k))
		}
	}
	g.match = d.string(o.values["match"], o.key("match"))
	if g.match == "" {
		return
	}
	line, path := o.at("match"), o.key("match")
	if len(g.match) > maxPattern {
		d.errorf(line, "%s: a pattern of %d bytes: at most %d", path, len(g.match), maxPattern)
		return
	}
	re, err := syntax.Parse(g.match, syntax.Perl)
	if err != nil {
		d.errorf(line, "%s: %s", path, oneLine(err.Error()))
		return
	}
	if !d.parts(re, path, line) {
		return
	}
	whole := g.match
	if !slices.Contains(re.CapNames(), "account") {
		g.ids = a.ids
		if !bindAliases(re, aliasesFor(re, g.match, a)) {
			d.errorf(line, "%s: no name in accounts fits the part alias, so it matches nothing", path)
			return
		}
		whole = re.String()
	}
	g.pattern, err = regexp.Compile(`\A(?:` + whole + `)\z`)
	if err != nil {
		d.errorf(line, "%s: %s", path, oneLine(err.Error()))
		return
	}
	g.role, g.account, g.alias = g.pattern.SubexpIndex("role"), g.pattern.SubexpIndex("account"), g.pattern.SubexpIndex("alias")
}

// parts checks the named parts of a pattern.
func (d *decoder) parts(re *syntax.Regexp, path string, line int) bool {
	known := []string{"account", "alias", "role"}
	names := re.CapNames()
	for _, n := range names {
		if n != "" && !slices.Contains(known, n) {
			d.errorf(line, "%s: unknown part %s%s", path, quote(n), Suggestion(n, known))
			return false
		}
	}
	if !slices.Contains(names, "role") {
		d.errorf(line, "%s: the part (?P<role>…) is missing", path)
		return false
	}
	if !slices.Contains(names, "account") && !slices.Contains(names, "alias") {
		d.errorf(line, "%s: a part (?P<account>…) or (?P<alias>…) is missing", path)
		return false
	}
	return true
}

// aliasesFor are the names of accounts that the part alias of a pattern can
// match, the longest first. With (?i) in front of the pattern they match in any
// case.
func aliasesFor(re *syntax.Regexp, pattern string, a *accounts) []*syntax.Regexp {
	part := find(re, "alias")
	body, err := regexp.Compile(`\A(?:` + part.Sub[0].String() + `)\z`)
	if err != nil {
		return nil
	}
	names := slices.DeleteFunc(a.aliases(), func(s string) bool { return !body.MatchString(s) })
	slices.SortStableFunc(names, func(a, b string) int { return len(b) - len(a) })
	flags := syntax.Perl
	if ignoresCase(pattern) {
		flags |= syntax.FoldCase
	}
	out := make([]*syntax.Regexp, 0, len(names))
	for _, n := range names {
		if lit, err := syntax.Parse(regexp.QuoteMeta(n), flags); err == nil {
			out = append(out, lit)
		}
	}
	return out
}

// bindAliases lets the part alias match the given names only. Go's regexp tries
// alternatives in order (leftmost-first), so the longest name that lets the
// whole pattern match wins and hyphens are no longer ambiguous.
func bindAliases(re *syntax.Regexp, names []*syntax.Regexp) bool {
	if len(names) == 0 {
		return false
	}
	part := find(re, "alias")
	if len(names) == 1 {
		part.Sub[0] = names[0]
		return true
	}
	part.Sub[0] = &syntax.Regexp{Op: syntax.OpAlternate, Sub: names, Flags: syntax.Perl}
	return true
}

// find returns the named part of a pattern.
func find(re *syntax.Regexp, name string) *syntax.Regexp {
	if re.Op == syntax.OpCapture && re.Name == name {
		return re
	}
	for _, s := range re.Sub {
		if f := find(s, name); f != nil {
			return f
		}
	}
	return nil
}

// ignoresCase reports whether a pattern begins with flags that hold i.
func ignoresCase(pattern string) bool {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(pattern, "^"), "(?")
	if !ok {
		return false
	}
	flags, _, ok := strings.Cut(rest, ")")
	on, _, _ := strings.Cut(flags, "-")
	return ok && strings.Contains(on, "i") && strings.Trim(on, "imsU") == ""
}
