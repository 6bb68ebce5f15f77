package scan

import (
	"slices"
	"strings"
	"sync"
	"time"

	"jitaudit/correlate/identity"
	"jitaudit/correlate/policy"
	"jitaudit/internal/scan/wire"
	"jitaudit/schemas"
)

// role is what a record is to a person: a fact of theirs, a call that they made, or
// both.
type role uint8

const (
	asFact role = 1 << iota
	asCall

	// roleBits is how many bits hold a role.
	roleBits = 2
)

// owners are whose a fact is, and who made the call that it is: mostly one person.
type owners struct {
	list [2]owner
	n    int
}

type owner struct {
	person schemas.Person
	role   role
}

func (o *owners) all() []owner { return o.list[:o.n] }

func (o *owners) nobody() bool { return o.n == 0 }

func (o *owners) add(who schemas.Person, as role) {
	if o.n == 1 && o.list[0].person.Key == who.Key {
		o.list[0].role |= as
		return
	}
	o.list[o.n] = owner{who, as}
	o.n++
}

// owners finds the persons that an event concerns.
func (s *scan) owners(dir *identity.Directory, f *schemas.Fact) (o owners) {
	if f.Kind != schemas.Acted && !f.Kind.Shared() {
		if who, ok := dir.OwnerOf(f); ok {
			o.add(who, asFact)
		}
	}
	if f.Counts() {
		c := f.Call
		by := wire.Credential{PrincipalID: c.PrincipalID, AccessKeyID: c.AccessKeyID, RoleARN: c.RoleARN, CreatedAt: c.CreatedAt}
		if c.Console || c.ServiceDriven {
			by.AccessKeyID = ""
		}
		at := f.At
		if !by.CreatedAt.IsZero() {
			at = by.CreatedAt
		}
		if who, ok := s.callerAt(dir, &by, at); ok {
			o.add(who, asCall)
		}
	}
	return o
}

// caller finds the person whose credential this is.
func (s *scan) caller(dir *identity.Directory, c *wire.Credential) (schemas.Person, bool) {
	return s.callerAt(dir, c, c.CreatedAt)
}

// callerAt is caller for a call at some time, which matters where it is not known
// when the credential was made. What is done with a watched role that nobody is
// known to have assumed is told of whom the session is named after; the role may
// be watched from some later policy on.
func (s *scan) callerAt(dir *identity.Directory, c *wire.Credential, at time.Time) (schemas.Person, bool) {
	if who, ok := dir.ResolveCall(c.PrincipalID, c.AccessKeyID, c.CreatedAt, at); ok {
		return who, true
	}
	if !s.watched.role(c.RoleARN, s.opts.Policies) {
		return schemas.Person{}, false
	}
	if who, ok := dir.Orphan(c.PrincipalID, c.RoleARN, at); ok {
		return who, true
	}
	for _, p := range s.opts.Policies.All() {
		if !p.EffectiveFrom.After(at) {
			continue
		}
		if who, ok := dir.Orphan(c.PrincipalID, c.RoleARN, p.EffectiveFrom); ok {
			return who, true
		}
	}
	return schemas.Person{}, false
}

// watchedRoles remember which roles any policy watches: nearly all credentials are of
// machines, and of few roles.
type watchedRoles struct {
	mu    sync.RWMutex
	known map[string]bool
}

func (w *watchedRoles) role(arn string, ps *policy.Set) bool {
	w.mu.RLock()
	is, known := w.known[arn]
	w.mu.RUnlock()
	if known {
		return is
	}
	account, role := schemas.RoleOf(arn)
	is = role != "" && slices.ContainsFunc(ps.All(), func(p *policy.Policy) bool { return p.Watched(account, role) })
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.known == nil {
		w.known = make(map[string]bool)
	}
	w.known[strings.Clone(arn)] = is // it may lie in a longer text
	return is
}
