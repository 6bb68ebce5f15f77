package partition

import (
	"slices"

	"jitaudit/correlate/identity"
)

// heldClaims are the records that stated claims which may be outdone by others.
// Those of other kinds are needed for good.
type heldClaims struct {
	assertions map[carries]heldAssertion
	handles    map[carries][]heldHandle
}

// carries is who carries a handle.
type carries struct{ handle, person string }

// heldAssertion is since when an assertion is somebody's, by which record.
type heldAssertion struct{ since, offset int64 }

// heldHandle is a claim to a handle. The first and the last count.
type heldHandle struct {
	name          string
	since, offset int64
}

func newHeldClaims() *heldClaims {
	return &heldClaims{assertions: make(map[carries]heldAssertion), handles: make(map[carries][]heldHandle)}
}

// claim learns about a handle. What depends on it is looked at by the next tick.
func (p *Partition) claim(offset int64, c identity.Claim) bool {
	if p.directory == nil { // no policy yet
		p.policies.waiting = append(p.policies.waiting, c)
	} else if !p.directory.Learn(c) {
		return false
	}
	k := carries{c.Handle, c.Person}
	p.refs.hold(offset)
	switch c.Kind {
	case identity.AssertionClaim:
		if before, ok := p.claims.assertions[k]; ok {
			if p.directory == nil && before.since <= c.Since {
				p.refs.release(offset)
				return false
			}
			p.refs.release(before.offset)
		}
		p.claims.assertions[k] = heldAssertion{c.Since, offset}
	case identity.HandleClaim:
		p.claims.handles[k] = append(p.claims.handles[k], heldHandle{c.Name, c.Since, offset})
		p.outdone(k)
	}
	if w := p.waiting[c.Key()]; w != nil {
		for _, h := range w.homes {
			h.moved = true
			p.touchedHomes[h] = struct{}{}
		}
	}
	return true
}

// outdone lets go of claims to a handle without which the same would be known.
func (p *Partition) outdone(k carries) {
	if p.directory == nil {
		return
	}
	p.claims.handles[k] = slices.DeleteFunc(p.claims.handles[k], func(h heldHandle) bool {
		c := identity.Claim{Kind: identity.HandleClaim, Handle: k.handle, Person: k.person, Name: h.name, Since: h.since}
		if p.directory.Holds(c) {
			return false
		}
		p.refs.release(h.offset)
		return true
	})
}
