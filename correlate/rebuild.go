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
	// the whole estate or as much of it as concerns the person. Their order and
	// repetition change nothing; of copies with other contents only the one that
	// counts may be among them.
	Shared   []*schemas.Fact
	Uses     []Use
	Policies *policy.Set
	Coverage Coverage
	// GoesBy reports whether a name, folded, is the person's at a time; nil where
	// nothing is known but what the facts say. The same question must get the same
	// answer.
	GoesBy func(name string, at time.Time) bool
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
	opened := open(&in, facts)
	all := assumptions(&in, facts, opened)
	anchors := attribute(&in, facts, all, opened)
	sessions := sessions(all)

	j := newJudge(&in)
	out := Outcome{
		Grants:      make([]schemas.Grant, 0, len(opened.grants)),
		Assumptions: make([]schemas.Assumption, 0, len(all)),
		Sessions:    make([]schemas.Session, 0, len(sessions)),
		anchors:     anchors,
	}
	for _, g := range opened.grants {
		j.grant(g)
		out.Grants = append(out.Grants, *g.Record)
	}
	for _, s := range sessions {
		j.session(s)
		out.Sessions = append(out.Sessions, s.record)
	}
	j.life(newLife(&in, facts, opened, anchors))
	for _, a := range all {
		out.Assumptions = append(out.Assumptions, a.record())
	}
	out.Findings, out.Next = j.sorted(), j.dues()
	return out
}

// Attribution says what a use belongs to.
type Attribution struct {
	// Assumption and Session are ids.
	Assumption, Session string
	// Chained is the event id of the chained role whose credentials were used;
	// empty for the session's own.
	Chained string
}

// Attribute says what a use belongs to; false when it belongs to no session.
func (o *Outcome) Attribute(u *Use) (Attribution, bool) {
	if o.anchors == nil {
		return Attribution{}, false
	}
	a := o.anchors.find(&u.UseKey, u.First)
	if a == nil {
		return Attribution{}, false
	}
	at := Attribution{Assumption: a.assumption.id, Session: a.session.record.ID}
	if a.chained != nil {
		at.Chained = a.chained.fact.ID
	}
	return at, true
}

// SessionOf returns the id of the session that a use belongs to.
func (o *Outcome) SessionOf(u *Use) (id string, ok bool) {
	at, ok := o.Attribute(u)
	return at.Session, ok
}
