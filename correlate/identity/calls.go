package identity

import (
	"cmp"
	"slices"
	"time"

	"jitaudit/schemas"
)

// Callers find whose a call is: by the issued key, else by the role session.
type Callers struct {
	byKey       map[string]assumed // the earliest, should two carry one key
	byPrincipal map[string][]assumed
}

// Anchor is an assumption with the person who made it.
type Anchor struct {
	Fact   *schemas.Fact
	Person *schemas.Person
}

// NewCallers returns the callers of some assumptions, whose order and repetition
// change nothing.
func NewCallers(anchors []Anchor) Callers {
	c := newCallers()
	for _, a := range anchors {
		c.add(a.Fact.Assume.PrincipalID, a.Fact.Assume.AccessKeyID, assumed{a.Fact.At, a.Fact.ID, a.Person})
	}
	c.sort()
	return c
}

// assumed says who made an assumption, and when.
type assumed struct {
	at     time.Time
	id     string
	person *schemas.Person
}

// ResolveCall says whose a call is; false when no SAML session is behind it.
// Of several people with one role session name it is the one whose assumption
// made the credentials: by key, else nearest to createdAt, else the latest
// before the call. The key is left empty for the console's calls and for those
// that a service made, as in correlate.UseKey.
func (d *Directory) ResolveCall(principalID, accessKeyID string, createdAt, at time.Time) (schemas.Person, bool) {
	return d.calls.Find(principalID, accessKeyID, createdAt, at)
}

// Find is Directory.ResolveCall.
func (c *Callers) Find(principalID, accessKeyID string, createdAt, at time.Time) (schemas.Person, bool) {
	if accessKeyID != "" {
		if a, ok := c.byKey[accessKeyID]; ok {
			return *a.person, true
		}
	}
	list := c.byPrincipal[principalID]
	if len(list) == 0 {
		return schemas.Person{}, false
	}
	when := createdAt
	if when.IsZero() {
		when = at
	}
	i, _ := slices.BinarySearchFunc(list, when, func(a assumed, t time.Time) int { return a.at.Compare(t) })
	switch {
	case i == len(list):
		return *list[i-1].person, true
	case i == 0 || createdAt.IsZero() && list[i].at.Equal(when):
		return *list[i].person, true
	case createdAt.IsZero() || when.Sub(list[i-1].at) < list[i].at.Sub(when):
		return *list[i-1].person, true
	}
	return *list[i].person, true
}

func (d *Directory) newCallers(facts map[copyKey]*assumption) Callers {
	c := newCallers()
	people := make(map[schemas.Person]*schemas.Person)
	for key, f := range facts {
		p := d.assumer(&schemas.Fact{At: f.at, Who: f.who, Assume: &schemas.Assume{ProviderARN: f.provider}})
		if people[p] == nil {
			people[p] = &p
		}
		c.add(f.principalID, f.accessKey, assumed{f.at, key.id, people[p]})
	}
	c.sort()
	return c
}

func newCallers() Callers {
	return Callers{byKey: make(map[string]assumed), byPrincipal: make(map[string][]assumed)}
}

func (c *Callers) add(principalID, accessKeyID string, a assumed) {
	if principalID != "" {
		c.byPrincipal[principalID] = append(c.byPrincipal[principalID], a)
	}
	if accessKeyID != "" {
		if o, ok := c.byKey[accessKeyID]; !ok || compareAssumed(a, o) < 0 {
			c.byKey[accessKeyID] = a
		}
	}
}

func (c *Callers) sort() {
	for _, list := range c.byPrincipal {
		slices.SortFunc(list, compareAssumed)
	}
}

func compareAssumed(a, b assumed) int {
	return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id), cmp.Compare(a.person.Key, b.person.Key), cmp.Compare(a.person.Name, b.person.Name))
}
