package correlate

import (
	"slices"
	"strings"
	"time"
)

// anchors find the assumption that a call's credentials came from.
type anchors struct {
	byKey       map[string]*assumption
	byPrincipal []*assumption // by principal, then time
}

// creationSlack is how far a call's creationDate may lie from the assumption:
// both are whole seconds, written by different hosts.
const creationSlack = 2 * time.Second

// newAnchors takes assumptions sorted by time.
func newAnchors(all []*assumption) *anchors {
	an := &anchors{byKey: make(map[string]*assumption, len(all)), byPrincipal: slices.Clone(all)}
	for _, a := range all {
		if k := a.Fact.Assume.AccessKeyID; k != "" && an.byKey[k] == nil {
			an.byKey[k] = a
		}
	}
	slices.SortStableFunc(an.byPrincipal, func(a, b *assumption) int {
		return strings.Compare(a.Fact.Assume.PrincipalID, b.Fact.Assume.PrincipalID)
	})
	return an
}

func (an *anchors) ofPrincipal(id string) []*assumption {
	lo, _ := slices.BinarySearchFunc(an.byPrincipal, id, func(a *assumption, id string) int {
		return strings.Compare(a.Fact.Assume.PrincipalID, id)
	})
	hi := lo
	for hi < len(an.byPrincipal) && an.byPrincipal[hi].Fact.Assume.PrincipalID == id {
		hi++
	}
	return an.byPrincipal[lo:hi]
}

// find returns nil when the call belongs to none.
func (an *anchors) find(k *UseKey, first time.Time) *assumption {
	if k.AccessKeyID != "" {
		if a := an.byKey[k.AccessKeyID]; a != nil {
			return a
		}
	}
	candidates := an.ofPrincipal(k.PrincipalID)
	if k.CreatedAt.IsZero() {
		i, _ := slices.BinarySearchFunc(candidates, first, func(a *assumption, t time.Time) int {
			if a.At().After(t) {
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

func nearestCreated(candidates []*assumption, created time.Time) *assumption {
	i, _ := slices.BinarySearchFunc(candidates, created.Add(-creationSlack), func(a *assumption, t time.Time) int {
		return a.At().Compare(t)
	})
	var best *assumption
	var bestGap time.Duration
	for ; i < len(candidates) && !candidates[i].At().After(created.Add(creationSlack)); i++ {
		gap := candidates[i].At().Sub(created).Abs()
		if best == nil || gap < bestGap {
			best, bestGap = candidates[i], gap
		}
	}
	return best
}
