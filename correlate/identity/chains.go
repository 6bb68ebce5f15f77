package identity

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"jitaudit/schemas"
)

// credential is a role session, and the key where one is told.
type credential struct{ principalID, accessKeyID string }

// making is as much of a fact as tells by whom further credentials were made.
type making struct {
	id       string
	at       int64      // microseconds since 1970
	of       credential // what was made
	by       credential // with which; empty: with none of a role session
	created  int64      // when that was made, as at; unknown: noTime
	sharedID string
}

const noTime = math.MinInt64

// makingOf is the making of credentials that a fact tells of, if it does.
func makingOf(f *schemas.Fact) (making, bool) {
	m := making{id: f.ID, at: f.At.UnixMicro(), created: noTime}
	switch {
	case f.Chain != nil:
		if f.Call == nil || f.Call.PrincipalID == "" {
			return m, false
		}
		m.of = credential{f.Chain.PrincipalID, f.Chain.AccessKeyID}
		m.by, m.sharedID = callCredential(f.Call), f.Chain.SharedID
		if !f.Call.CreatedAt.IsZero() {
			m.created = f.Call.CreatedAt.UnixMicro()
		}
	case f.Entry != nil:
		m.of = credential{f.Entry.PrincipalID, f.Entry.AccessKeyID}
	}
	return m, m.of != credential{}
}

// callCredential is what a call was made with. The key is left empty where it does
// not tell, as in correlate.KeyOf.
func callCredential(c *schemas.Call) credential {
	if c.Console || c.ServiceDriven {
		return credential{principalID: c.PrincipalID}
	}
	return credential{c.PrincipalID, c.AccessKeyID}
}

// telling is how well a making tells with which credentials: the record of a call
// in the account of the role that was assumed names the caller only.
func (m *making) telling() int {
	switch {
	case m.by.accessKeyID != "":
		return 2
	case m.created != noTime:
		return 1
	}
	return 0
}

// lead makes known what known credentials led to. Passes go on until one finds
// nothing; within each the earlier comes first, as what was made later was mostly
// made with it.
func (c *Callers) lead(makings []making) {
	waiting := unite(makings)
	for n := -1; n != len(waiting); {
		n = len(waiting)
		waiting = slices.DeleteFunc(waiting, c.adopt)
	}
}

// adopt makes what was made known, if it is known with what.
func (c *Callers) adopt(m making) bool {
	at, created := time.UnixMicro(m.at).UTC(), time.Time{}
	if m.created != noTime {
		created = time.UnixMicro(m.created).UTC()
	}
	made := issue{at: at, id: m.id}
	if m.by != (credential{}) {
		by, ok := c.issue(m.by.principalID, m.by.accessKeyID, created, at)
		if !ok {
			return false
		}
		made.person = by.person
	}
	if p := m.of.principalID; p != "" {
		list := c.byPrincipal[p]
		i, _ := slices.BinarySearchFunc(list, made, compareIssues)
		c.byPrincipal[p] = slices.Insert(list, i, made)
	}
	c.key(m.of.accessKeyID, made)
	return true
}

// unite sorts makings, and of the two records of one call across accounts leaves
// the one that tells more.
func unite(all []making) []making {
	best := make(map[string]int)
	for i := range all {
		if m := &all[i]; m.sharedID != "" {
			best[m.sharedID] = max(best[m.sharedID], m.telling())
		}
	}
	kept := slices.DeleteFunc(all, func(m making) bool { return m.telling() < best[m.sharedID] })
	slices.SortFunc(kept, compareMakings)
	return slices.Compact(kept)
}

func compareMakings(a, b making) int {
	return cmp.Or(
		cmp.Compare(a.at, b.at), strings.Compare(a.id, b.id),
		compareCredentials(a.of, b.of), compareCredentials(a.by, b.by),
		cmp.Compare(a.created, b.created), strings.Compare(a.sharedID, b.sharedID),
	)
}

func compareCredentials(a, b credential) int {
	return cmp.Or(strings.Compare(a.principalID, b.principalID), strings.Compare(a.accessKeyID, b.accessKeyID))
}
