// Package alerts tells people and other systems what they have to know of: that a
// finding opened, grew worse, is over or was never true; that access was given and
// taken away; that a session began. It decides what is worth telling, groups it,
// and hands it to receivers, the packages beside it, each alert at least once and
// in the order of its versions. What has been told is remembered in the sent log,
// so that it is told again only where a receiver's acknowledgement was lost.
package alerts

import (
	"context"
	"errors"
	"strconv"
	"time"

	"jitaudit/schemas"
)

// Receiver is where alerts go: a SIEM, a chat.
type Receiver interface {
	// Send returns nil once the far side has acknowledged all of the notice. With
	// an error it says whether trying again may help: no means that the notice
	// itself is refused, and becomes a dead letter. The same notice, with the same
	// ids, may come again after an error and after a crash. Send is called by one
	// goroutine at a time; it ends soon after ctx has, and bounds by itself how long
	// it waits for an answer.
	Send(ctx context.Context, n *Notice) (retry bool, err error)
}

// Notice is what is told at once: alerts or a digest.
type Notice struct {
	// ID is the same whenever the same is told again.
	ID string
	// Alerts are in order; of one record there may be several versions.
	Alerts []Alert
	// Digest stands for alerts that are too many to be told one by one, or too old;
	// nil where there are Alerts.
	Digest *Digest
	// Test marks what was made by `jitaudit sink test`; it must show.
	Test bool
	// Threads remembers conversations; nil where nothing is to be remembered.
	Threads Threads
}

// Threads remembers, beside what was sent, where the conversation about something
// goes on: for a chat, the first message about a session.
type Threads interface {
	// Of returns what was kept for a key, empty for nothing.
	Of(key string) string
	// Keep is durable once Send has returned without an error.
	Keep(key, thread string)
}

// Change is why an alert is told.
type Change string

// The changes. Findings open, are raised (to a higher severity), resolved (true,
// and over), retracted (never true) and reopened. Grants open and close; sessions
// begin, and are judged otherwise than they were; both may be retracted.
const (
	Opened    Change = "opened"
	Raised    Change = "raised"
	Resolved  Change = "resolved"
	Retracted Change = "retracted"
	Reopened  Change = "reopened"
	Closed    Change = "closed"
	Judged    Change = "judged"
)

// Alert is one version of one record, and why it is told. One of Finding, Grant
// and Session is set.
type Alert struct {
	Change  Change
	Finding *schemas.Finding
	Grant   *schemas.Grant
	Session *schemas.Session
	// Triage is the last decision about the finding; nil for none.
	Triage *schemas.Triage
	// Requester and Approvers are those of the access that a finding or session is
	// about, as far as known.
	Requester string
	Approvers []string
	// Link leads to the record; empty where none is configured.
	Link string
}

// ID is the same whenever the same version of the same record is told.
func (a *Alert) ID() string {
	id, m := a.record()
	return id + "." + strconv.FormatInt(m.Version, 10)
}

// RecordID is the id of the finding, grant or session.
func (a *Alert) RecordID() string { id, _ := a.record(); return id }

// Version is that of the record.
func (a *Alert) Version() int64 { _, m := a.record(); return m.Version }

// Observed is when the version was published.
func (a *Alert) Observed() time.Time { _, m := a.record(); return m.Observed }

func (a *Alert) record() (string, *schemas.Meta) {
	switch {
	case a.Finding != nil:
		return a.Finding.ID, &a.Finding.Meta
	case a.Grant != nil:
		return a.Grant.ID, &a.Grant.Meta
	default:
		return a.Session.ID, &a.Session.Meta
	}
}

// Digest sums up alerts that are not told one by one.
type Digest struct {
	Reason DigestReason
	// Total is how many alerts it stands for, From and To the times of the events
	// they are about.
	Total    int
	From, To time.Time
	// Counts are by rule and severity, the most severe and most frequent first;
	// grants and sessions have no rule and count as theirs.
	Counts []Count
	// Link leads to the findings; empty where none is configured.
	Link string
}

// DigestReason is why alerts are summed up.
type DigestReason string

// The reasons.
const (
	TooMany  DigestReason = "too_many" // at once
	TooOld   DigestReason = "too_old"  // older than alerts.max_age: a backfill
	Rejudged DigestReason = "rejudged" // not new events but a new policy or program
)

// Count is how many alerts of a kind there are.
type Count struct {
	// Kind is "finding", "grant" or "session".
	Kind     string
	Rule     string
	Severity schemas.Severity
	Change   Change
	N        int
}

// After marks an error of Send: the receiver asks to be left alone for so long. It
// is err itself where it asks for nothing.
func After(err error, wait time.Duration) error {
	if err == nil || wait <= 0 {
		return err
	}
	return &afterError{err, wait}
}

// Delay is how long a receiver asked to be left alone; 0 where it did not.
func Delay(err error) time.Duration {
	var a *afterError
	if errors.As(err, &a) {
		return a.wait
	}
	return 0
}

type afterError struct {
	error
	wait time.Duration
}

func (e *afterError) Unwrap() error { return e.error }
