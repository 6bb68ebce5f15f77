package correlate

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"jitaudit/schemas"
)

// anchors find where a call's credentials came from: an assumption, or a role
// that was chained from one.
type anchors struct {
	byKey       map[string]*anchor
	byPrincipal []*anchor // by principal, then time, then event
	// orphans are the uses whose credentials came from none.
	orphans []*Use
}

// anchor is the making of credentials.
type anchor struct {
	principal, key string
	at             time.Time
	id             string // of its event
	*assumption
	chained *chained // nil: the assumption's own
}

// creationSlack is how far a call's creationDate may lie from the assumption:
// both are whole seconds, written by different hosts.
const creationSlack = 2 * time.Second

// newAnchors takes assumptions sorted by time.
func newAnchors(all []*assumption) *anchors {
	an := &anchors{byKey: make(map[string]*anchor, len(all)), byPrincipal: make([]*anchor, len(all))}
	block := make([]anchor, len(all))
	for i, a := range all {
		as := a.Fact.Assume
		block[i] = anchor{principal: as.PrincipalID, key: as.AccessKeyID, at: a.At(), id: a.Fact.ID, assumption: a}
		an.byPrincipal[i] = &block[i]
		an.know(&block[i])
	}
	slices.SortStableFunc(an.byPrincipal, compareAnchors)
	return an
}

func compareAnchors(a, b *anchor) int {
	if c := strings.Compare(a.principal, b.principal); c != 0 {
		return c
	}
	return cmp.Or(a.at.Compare(b.at), strings.Compare(a.id, b.id))
}

// know takes a key for the first that carries it.
func (an *anchors) know(a *anchor) {
	if a.key != "" && an.byKey[a.key] == nil {
		an.byKey[a.key] = a
	}
}

// add takes in a further anchor.
func (an *anchors) add(a *anchor) {
	at, _ := slices.BinarySearchFunc(an.byPrincipal, a, compareAnchors)
	an.byPrincipal = slices.Insert(an.byPrincipal, at, a)
	an.know(a)
}

func (an *anchors) ofPrincipal(id string) []*anchor {
	lo, _ := slices.BinarySearchFunc(an.byPrincipal, id, func(a *anchor, id string) int {
		return strings.Compare(a.principal, id)
	})
	hi := lo
	for hi < len(an.byPrincipal) && an.byPrincipal[hi].principal == id {
		hi++
	}
	return an.byPrincipal[lo:hi]
}

// find returns nil when the call belongs to none.
func (an *anchors) find(k *UseKey, first time.Time) *anchor {
	if a := an.byKey[k.AccessKeyID]; a != nil {
		return a
	}
	candidates := an.ofPrincipal(k.PrincipalID)
	if k.CreatedAt.IsZero() {
		i, _ := slices.BinarySearchFunc(candidates, first, func(a *anchor, t time.Time) int {
			if a.at.After(t) {
				return 1
			}
			return -1
		})
		if i == 0 {
			return nil
		}
		return candidates[i-1]
	}
	return nearestCreated(candidates, k.CreatedAt)
}

// made finds where the credentials of a call that is a fact came from.
func (an *anchors) made(f *schemas.Fact) *anchor {
	if f.Call == nil {
		return nil
	}
	k := KeyOf(f.Call, f.At)
	return an.find(&k, f.At)
}

func nearestCreated(candidates []*anchor, created time.Time) *anchor {
	i, _ := slices.BinarySearchFunc(candidates, created.Add(-creationSlack), func(a *anchor, t time.Time) int {
		return a.at.Compare(t)
	})
	var best *anchor
	var bestGap time.Duration
	for ; i < len(candidates) && !candidates[i].at.After(created.Add(creationSlack)); i++ {
		gap := candidates[i].at.Sub(created).Abs()
		if best == nil || gap < bestGap {
			best, bestGap = candidates[i], gap
		}
	}
	return best
}
