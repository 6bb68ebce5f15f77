package partition

import (
	"cmp"
	"strings"
	"time"

	"jitaudit/schemas"
)

// name is what a person goes by, and since when.
type name struct {
	text   string
	at     time.Time
	offset int64
}

// Person is who it is, by the name that is known of them last; of somebody
// unknown to Okta by the first in the order of names.
func (who *person) Person() schemas.Person {
	org, attributed := orgOf(who.key)
	best := who.sealed
	for i := range who.facts {
		if n, ok := who.facts[i].named(attributed); ok && n.better(best, attributed) {
			best = n
		}
	}
	if !attributed {
		for i := range who.uses {
			if n, ok := who.uses[i].named(false); ok && n.better(best, false) {
				best = n
			}
		}
	}
	return schemas.Person{Key: who.key, Name: cmp.Or(best.text, who.key), Org: org}
}

func orgOf(key string) (org string, attributed bool) {
	rest, ok := strings.CutPrefix(key, "okta:")
	if !ok {
		return "", false
	}
	org, _, _ = strings.Cut(rest, "/")
	return org, true
}

// named is the name that a fact gives.
func (h *held) named(attributed bool) (name, bool) {
	n := name{text: h.name, offset: h.offset}
	if attributed {
		if h.fact == nil || h.fact.Source != schemas.Okta {
			return n, false
		}
		n.text, n.at = strings.TrimSpace(h.fact.Who.Login), h.fact.At
	}
	return n, n.text != "" && !h.gone
}

func (n name) better(than name, attributed bool) bool {
	if than.text == "" {
		return true
	}
	if attributed {
		return cmp.Or(n.at.Compare(than.at), strings.Compare(n.text, than.text)) > 0
	}
	return n.text < than.text
}
