package identity

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"jitaudit/schemas"
)

// Callers find whose a call is: by the issued key, else by the role session.
type Callers struct {
	byKey       map[string]issue // none without a key; the earliest, should two carry one
	byPrincipal map[string][]issue
}

// Anchor is an assumption with the person who made it.
type Anchor struct {
	Fact   *schemas.Fact
	Person *schemas.Person
}

// NewCallers returns the callers of some assumptions, and of the credentials that
// were made with theirs: those that facts with a Chain tell of, and so on. Facts
// with an Entry tell of credentials that are known to be nobody's. Order and
// repetition change nothing.
func NewCallers(anchors []Anchor, further ...*schemas.Fact) Callers {
	c := newCallers()
	for _, a := range anchors {
		as := a.Fact.Assume
		c.add(credential{as.PrincipalID, as.AccessKeyID}, issue{a.Fact.At, a.Fact.ID, a.Person})
	}
	c.sort()
	makings := make([]making, 0, len(further))
	for _, f := range further {
		if m, ok := makingOf(f); ok {
			makings = append(makings, m)
		}
	}
	c.lead(makings)
	return c
}

// issue is the making of credentials: when, by which event, and for whom; nil:
// for nobody that is looked for.
type issue struct {
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
	i, _ := c.issue(principalID, accessKeyID, createdAt, at)
	who := i.who()
	return who, who.Key != ""
}

// Known reports whether it is known who made any credentials of a role session,
// be it nobody that is looked for.
func (c *Callers) Known(principalID string) bool { return len(c.byPrincipal[principalID]) > 0 }

// issue finds where the credentials of a call came from.
func (c *Callers) issue(principalID, accessKeyID string, createdAt, at time.Time) (issue, bool) {
	if i, ok := c.byKey[accessKeyID]; ok {
		return i, true
	}
	list := c.byPrincipal[principalID]
	if len(list) == 0 {
		return issue{}, false
	}
	when := createdAt
	if when.IsZero() {
		when = at
	}
	i, _ := slices.BinarySearchFunc(list, when, func(a issue, t time.Time) int { return a.at.Compare(t) })
	switch {
	case i == len(list):
		return list[i-1], true
	case i == 0 || list[i].at.Equal(when):
		return list[i], true
	case createdAt.IsZero() || when.Sub(list[i-1].at) < list[i].at.Sub(when):
		return list[i-1], true
	}
	return list[i], true
}

func (d *Directory) newCallers(facts map[copyKey]*assumption, made map[copyKey]making) Callers {
	c := newCallers()
	people := make(map[schemas.Person]*schemas.Person)
	for key, f := range facts {
		p := d.assumer(&schemas.Fact{At: f.at, Who: f.who, Assume: &schemas.Assume{ProviderARN: f.provider}})
		if people[p] == nil {
			people[p] = &p
		}
		c.add(credential{f.principalID, f.accessKey}, issue{f.at, key.id, people[p]})
	}
	c.sort()
	makings := make([]making, 0, len(made))
	for _, m := range made {
		makings = append(makings, m)
	}
	c.lead(makings)
	return c
}

func newCallers() Callers {
	return Callers{byKey: make(map[string]issue), byPrincipal: make(map[string][]issue)}
}

func (c *Callers) add(of credential, i issue) {
	if of.principalID != "" {
		c.byPrincipal[of.principalID] = append(c.byPrincipal[of.principalID], i)
	}
	c.key(of.accessKeyID, i)
}

func (c *Callers) key(accessKeyID string, i issue) {
	if accessKeyID == "" {
		return
	}
	if o, ok := c.byKey[accessKeyID]; !ok || compareIssues(i, o) < 0 {
		c.byKey[accessKeyID] = i
	}
}

func (c *Callers) sort() {
	for _, list := range c.byPrincipal {
		slices.SortFunc(list, compareIssues)
	}
}

func compareIssues(a, b issue) int {
	x, y := a.who(), b.who()
	return cmp.Or(a.at.Compare(b.at), strings.Compare(a.id, b.id), strings.Compare(x.Key, y.Key), strings.Compare(x.Name, y.Name))
}

// who is for whom; without a key: for nobody.
func (i *issue) who() schemas.Person {
	if i.person == nil {
		return schemas.Person{}
	}
	return *i.person
}
