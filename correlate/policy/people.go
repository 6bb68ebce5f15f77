package policy

import (
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// PersonAliases are further names of one person, all folded (trimmed, lower
// case).
type PersonAliases struct {
	Login   string
	Aliases []Alias
}

// People are the persons to whom the policy gives further names, in the order
// of the file. The slice is shared: do not change it.
func (p *Policy) People() []PersonAliases { return p.people }

// OtherNames are the login and further names, folded, of whoever goes by a folded
// name at t, but for that name; nil where the policy gives none.
func (p *Policy) OtherNames(name string, t time.Time) []string {
	var out []string
	for _, i := range p.named[name] {
		person := &p.people[i]
		valid := slices.DeleteFunc(slices.Clone(person.Aliases), func(a Alias) bool { return !a.Valid(t) })
		if person.Login != name && !slices.ContainsFunc(valid, func(a Alias) bool { return a.Name == name }) {
			continue
		}
		for _, a := range append(valid, Alias{Name: person.Login}) {
			if a.Name != name {
				out = append(out, a.Name)
			}
		}
	}
	return out
}

// byName are the places in people of those who ever go by a name.
func byName(people []PersonAliases) map[string][]int {
	out := make(map[string][]int, 2*len(people))
	for i := range people {
		out[people[i].Login] = append(out[people[i].Login], i)
		for _, a := range people[i].Aliases {
			if own := out[a.Name]; len(own) == 0 || own[len(own)-1] != i {
				out[a.Name] = append(own, i)
			}
		}
	}
	return out
}

// Alias is a further name of a person, folded, from some time until another;
// zero times for always.
type Alias struct {
	Name        string
	From, Until time.Time
}

// Valid reports whether the alias is the person's at t: From ≤ t < Until.
func (a Alias) Valid(t time.Time) bool {
	return !t.Before(a.From) && (a.Until.IsZero() || t.Before(a.Until))
}

// meets reports whether two aliases are valid at one time.
func (a Alias) meets(b Alias) bool {
	return (b.Until.IsZero() || a.From.Before(b.Until)) && (a.Until.IsZero() || b.From.Before(a.Until))
}

// StripTags reports whether "+tag" in an address says nothing about whose it is.
func (p *Policy) StripTags() bool { return p.stripTags }

// Domains are those with which a name without "@" is tried, folded, in the order
// of the file. The slice is shared: do not change it.
func (p *Policy) Domains() []string { return p.domains }

func (d *decoder) identity(root object, p *Policy) {
	o := d.object(root.values["identity"], "identity", "strip_tags", "domains")
	p.stripTags = d.oneOf(o, "strip_tags", "false", "true", "false") == "true"
	for _, w := range d.words(o.values["domains"], o.key("domains")) {
		if strings.ContainsAny(w.text, "@* \t") || !strings.Contains(w.text, ".") {
			d.errorf(w.line, "%s: %s is no domain: write example.com", o.key("domains"), quote(w.text))
		}
		p.domains = append(p.domains, fold(w.text))
	}
}

func (d *decoder) people(root object) []PersonAliases {
	var out []PersonAliases
	type owned struct {
		Alias
		login string
	}
	owners := map[string][]owned{}
	claim := func(a Alias, login string, line int) {
		for _, o := range owners[a.Name] {
			if o.meets(a) {
				d.errorf(line, "%s already names %s: a handle has one person at a time", quote(a.Name), o.login)
				return
			}
		}
		owners[a.Name] = append(owners[a.Name], owned{a, login})
	}
	for i, n := range d.list(root.values["people"], "people") {
		o := d.object(n, index("people", i), "login", "aliases")
		person := PersonAliases{Login: fold(d.required(o, "login"))}
		if person.Login == "" {
			continue
		}
		claim(Alias{Name: person.Login}, person.Login, o.at("login"))
		if !o.has("aliases") {
			d.errorf(o.line, "%s is missing", o.key("aliases"))
		}
		for j, n := range d.list(o.values["aliases"], o.key("aliases")) {
			a := d.alias(n, index(o.key("aliases"), j))
			if a.Name != "" {
				claim(a, person.Login, n.Line)
				person.Aliases = append(person.Aliases, a)
			}
		}
		out = append(out, person)
	}
	return out
}

// alias reads a name, or a name with an interval.
func (d *decoder) alias(n *yaml.Node, path string) Alias {
	if v := d.deref(n); v == nil || v.Kind != yaml.MappingNode {
		return Alias{Name: fold(d.string(n, path))}
	}
	o := d.object(n, path, "name", "from", "until")
	a := Alias{Name: fold(d.required(o, "name")), From: d.instant(o, "from"), Until: d.instant(o, "until")}
	if !a.Until.IsZero() && !a.From.Before(a.Until) {
		d.errorf(o.at("until"), "%s is not after from", o.key("until"))
	}
	return a
}
