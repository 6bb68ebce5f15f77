package correlate

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"jitaudit/schemas"
)

// chained is a further role that a session led to.
type chained struct {
	fact *schemas.Fact
	// copies are the records of the same call in the other account.
	copies            []*schemas.Fact
	parent            *chained // nil: the session itself
	firstUse, lastUse time.Time
	services          []string
}

// chain finds what each assumption led to, and makes its credentials known.
// facts are sorted by time.
func (an *anchors) chain(facts []*schemas.Fact) {
	var waiting []*chained
	for _, f := range facts {
		if f.Chain != nil {
			waiting = append(waiting, &chained{fact: f})
		}
	}
	waiting = unite(waiting)
	// Each pass finds those whose parent the one before has made known.
	for found := true; found; {
		found = false
		waiting = slices.DeleteFunc(waiting, func(c *chained) bool {
			by := an.made(c.fact)
			if by == nil {
				return false
			}
			an.adopt(c, by)
			found = true
			return true
		})
	}
}

// unite brings together the two records of one call across accounts; that of
// the caller's account, which names the credentials, stands for both.
func unite(all []*chained) []*chained {
	byShared := make(map[string]*chained)
	out := all[:0]
	for _, c := range all {
		id := c.fact.Chain.SharedID
		first := byShared[id]
		switch {
		case id == "":
			out = append(out, c)
		case first == nil:
			byShared[id] = c
			out = append(out, c)
		case telling(c.fact):
			first.copies = append(first.copies, first.fact)
			first.fact = c.fact
		default:
			first.copies = append(first.copies, c.fact)
		}
	}
	return out
}

// telling reports whether a record of a call tells by which credentials it was
// made: that of the account whose role was assumed names the caller alone.
func telling(f *schemas.Fact) bool { return f.Call.AccessKeyID != "" || !f.Call.CreatedAt.IsZero() }

func (an *anchors) adopt(c *chained, by *anchor) {
	f := c.fact
	a := &anchor{principal: f.Chain.PrincipalID, key: f.Chain.AccessKeyID, at: f.At, id: f.ID, assumption: by.assumption, chained: by.chained}
	if f.Kind == schemas.Minted {
		by.minted = append(by.minted, f)
	} else {
		c.parent, a.chained = by.chained, c
		by.chain = append(by.chain, c)
	}
	an.add(a)
}

func (c *chained) take(u *Use) {
	if c.firstUse.IsZero() || u.First.Before(c.firstUse) {
		c.firstUse = u.First
	}
	if u.Last.After(c.lastUse) {
		c.lastUse = u.Last
	}
	c.services = union(c.services, u.Services)
}

// union adds what is new; to is sorted, and stays so.
func union[T cmp.Ordered](to, more []T) []T {
	for _, s := range more {
		if i, found := slices.BinarySearch(to, s); !found {
			to = slices.Insert(to, i, s)
		}
	}
	return to
}

// until is how long the role's credentials can have mattered.
func (c *chained) until() time.Time {
	last := c.fact.Chain.Expires
	for _, t := range []time.Time{c.fact.At, c.lastUse} {
		if t.After(last) {
			last = t
		}
	}
	return last
}

func (c *chained) record() schemas.ChainedRole {
	x := c.fact.Chain
	r := schemas.ChainedRole{
		EventID: c.fact.ID, At: c.fact.At, Account: x.Account, Role: x.Role, RoleARN: x.RoleARN, PrincipalID: x.PrincipalID,
		Expires: x.Expires, FirstUse: c.firstUse, LastUse: c.lastUse, Services: c.services, SharedID: x.SharedID,
	}
	if c.parent != nil {
		r.From = c.parent.fact.ID
	}
	return r
}

// facts are all records of the call, the telling one first.
func (c *chained) facts() []*schemas.Fact { return append([]*schemas.Fact{c.fact}, c.copies...) }

func compareChained(a, b *chained) int {
	return cmp.Or(a.fact.At.Compare(b.fact.At), strings.Compare(a.fact.ID, b.fact.ID))
}
