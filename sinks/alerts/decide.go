package alerts

import (
	"slices"
	"time"

	"jitaudit/schemas"
)

// decision is what a version of a record comes to.
type decision struct {
	// change is what it is told as; empty: there is nothing to tell.
	change Change
	// digest is why it is summed up with others; empty: it is told by itself.
	digest DigestReason
	// mute is why it is not told although there is something to tell.
	mute mute
	// stale is a version that was decided on before.
	stale bool
}

// mute is why something is not told.
type mute string

const (
	suppressed mute = "suppressed" // the policy accepts findings like this one
	triaged    mute = "triaged"    // somebody has accepted this one
)

// decide says what is told of a version of a record, given what was told of the
// record before (nil: it is not known) and the last decision of people about it
// (nil: none).
//
// An end is told only of what was told; but what is already over when it is first
// seen is told once, for it was true. What is older than maxAge, or comes of
// nothing but another policy or program, is summed up: a backfill must flood
// nobody. What was told by itself is not too old to be told on, however long ago
// its event is: whoever has an open case must learn that it is closed, and there
// are no more of these than were told.
func decide(sent *Sent, r *record, triage *schemas.Triage, maxAge time.Duration, now time.Time) decision {
	if sent == nil {
		sent = &Sent{}
	} else if r.version() <= sent.Version {
		return decision{stale: true}
	}
	var d decision
	switch {
	case r.finding != nil:
		d.change, d.mute = decideFinding(sent, r.finding)
	case r.grant != nil:
		d.change = decideGrant(sent, r.grant)
	default:
		d.change = decideSession(sent, r.session)
	}
	if d.change == "" || d.mute != "" {
		return d
	}
	if mutes(triage) {
		d.mute = triaged
		return d
	}
	d.digest = summed(sent, r, d.change, maxAge, now)
	return d
}

func decideFinding(sent *Sent, f *schemas.Finding) (c Change, why mute) {
	gone := f.Deleted || f.Status == schemas.Retracted
	switch {
	case !sent.told() && gone:
		return "", ""
	case !sent.told():
		c = Opened
	case gone:
		return unless(sent.Change == Retracted, Retracted), ""
	case f.Status == schemas.Resolved:
		return unless(sent.Over && sent.Change != Retracted, Resolved), ""
	case sent.Over:
		c = Reopened
	case rank(f.Severity) > rank(sent.Severity):
		c = Raised
	default:
		return "", ""
	}
	if f.Suppressed != nil {
		why = suppressed
	}
	return c, why
}

// decideGrant tells of one whose opening is not known when it closes.
func decideGrant(sent *Sent, g *schemas.Grant) Change {
	closed := !g.Removed.IsZero()
	switch {
	case g.Deleted:
		return unless(!sent.told() || sent.Change == Retracted, Retracted)
	case !sent.told() && !g.Opened.IsZero():
		return Opened
	case closed:
		return unless(sent.told() && sent.Over && sent.Change != Retracted, Closed)
	}
	return unless(!sent.told() || !sent.Over, Opened) // it was told to be over, and is not
}

func decideSession(sent *Sent, s *schemas.Session) Change {
	switch {
	case s.Deleted:
		return unless(!sent.told() || sent.Change == Retracted, Retracted)
	case !sent.told(), sent.Change == Retracted:
		return Opened
	}
	return unless(s.Verdict == sent.Verdict, Judged)
}

func unless(not bool, c Change) Change {
	if not {
		return ""
	}
	return c
}

// summed is why an alert is told in a digest; empty: it is told by itself.
func summed(sent *Sent, r *record, c Change, maxAge time.Duration, now time.Time) DigestReason {
	at := r.happened(c)
	switch {
	case r.cause != "":
		return Rejudged
	case sent.told() && !sent.Digest:
		return ""
	case !at.IsZero() && now.Sub(at) > maxAge:
		return TooOld
	}
	return ""
}

// mutes reports whether a decision asks to hear no more of a finding.
func mutes(t *schemas.Triage) bool {
	return t != nil && (t.Status == schemas.TriageAccepted || t.Status == schemas.TriageFalsePositive)
}

// rank orders severities; one that is not known ranks lowest.
func rank(s schemas.Severity) int {
	return slices.Index([]schemas.Severity{schemas.Info, schemas.Low, schemas.Medium, schemas.High, schemas.Critical}, s)
}
