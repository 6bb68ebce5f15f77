// Package correlate joins the facts of two logs into grants, assumptions,
// sessions and findings. It is pure: it has no clock and no I/O, and neither
// the order nor the repetition of facts changes what it says. The contract is
// docs/correlation.md.
package correlate

import (
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

// Input is all that is known about one person.
type Input struct {
	Person schemas.Person
	// Facts are the person's facts in any order; copies are allowed. Calls may
	// be among them or, folded, in Uses. Rebuild changes none of them.
	Facts []*schemas.Fact
	// Shared are facts that concern nobody in particular (FactKind.Shared), of
	// the whole estate or as much of it as concerns the person; order and copies
	// change nothing.
	Shared   []*schemas.Fact
	Uses     []Use
	Policies *policy.Set
	Coverage Coverage
}

// Outcome is what the facts amount to. All slices are sorted, so that equal
// inputs give equal bytes.
type Outcome struct {
	Grants      []schemas.Grant
	Assumptions []schemas.Assumption
	Sessions    []schemas.Session
	Findings    []schemas.Finding
	// Next is, per shard, the earliest coverage at which the outcome can
	// change without a new fact.
	Next []Due

	anchors *anchors
}

// Due is a shard and the instant that its coverage must pass.
type Due struct {
	Shard string
	At    time.Time
}

// Rebuild says what the facts about one person amount to.
func Rebuild(in Input) Outcome {
	facts, _, _ := Distinct(in.Facts)
	grants := grants(&in, facts)
	all := assumptions(&in, facts, grants)
	anchors := attribute(all, fold(in.Uses, facts), grants)
	sessions := sessions(all)

	j := newJudge(&in)
	out := Outcome{
		Grants:      make([]schemas.Grant, 0, len(grants)),
		Assumptions: make([]schemas.Assumption, 0, len(all)),
		Sessions:    make([]schemas.Session, 0, len(sessions)),
		anchors:     anchors,
	}
	for _, g := range grants {
		j.grant(g)
		out.Grants = append(out.Grants, *g.Record)
	}
	for _, s := range sessions {
		j.session(s)
		out.Sessions = append(out.Sessions, s.record)
	}
	for _, a := range all {
		out.Assumptions = append(out.Assumptions, a.record())
	}
	out.Findings, out.Next = j.sorted(), j.dues()
	return out
}

// SessionOf returns the id of the session that a use belongs to.
func (o *Outcome) SessionOf(u *Use) (id string, ok bool) {
	_, id, ok = o.Attribute(u)
	return id, ok
}

// Attribute returns the ids of the assumption that a use belongs to, and of the
// session that holds it.
func (o *Outcome) Attribute(u *Use) (assumption, session string, ok bool) {
	if o.anchors == nil {
		return "", "", false
	}
	a := o.anchors.find(&u.UseKey, u.First)
	if a == nil {
		return "", "", false
	}
	return a.id, a.session.record.ID, true
}
