package organisation

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// Event is one record of one log. It is turned into JSON when asked, so that a
// history of many records needs little memory.
type Event struct {
	// At is the event's own time: Okta's published (milliseconds), CloudTrail's
	// eventTime (whole seconds).
	At time.Time
	// Seen is when the log hands it out: Okta's persistence, CloudTrail's
	// delivery. It is never before At.
	Seen time.Time
	// Shard is "okta/ORG", "aws/ACCOUNT/REGION" or "approvals/FEED".
	Shard string

	id   uuid
	body body
	// addendum is the reason of a late or corrected copy, else empty.
	addendum string
}

// body writes the members of an event's JSON object, without its braces.
type body interface {
	encode(e *enc, ev *Event)
}

// ID is the event's own id: Okta's uuid, CloudTrail's eventID, that of a decision.
// What is listed of a group has none and goes by the hash of its bytes.
func (ev *Event) ID() string {
	if _, ok := ev.body.(listing); ok {
		sum := sha256.Sum256(ev.AppendJSON(nil))
		return "sha256:" + hex.EncodeToString(sum[:])
	}
	return ev.id.String()
}

// AppendJSON appends the event as its source would write it, on one line.
func (ev *Event) AppendJSON(b []byte) []byte {
	e := enc{b: append(b, '{')}
	ev.body.encode(&e, ev)
	if ev.addendum != "" {
		e.open("addendum")
		e.str("reason", ev.addendum)
		if ev.addendum == "UPDATED_DATA" {
			e.str("updatedFields", "additionalEventData")
		}
		e.close()
	}
	return append(e.b, '}')
}

// enc appends JSON in the order in which it is told.
type enc struct{ b []byte }

func (e *enc) comma() {
	switch e.b[len(e.b)-1] {
	case '{', '[', ':':
	default:
		e.b = append(e.b, ',')
	}
}

func (e *enc) key(k string) {
	e.comma()
	e.b = append(e.b, '"')
	e.b = append(e.b, k...)
	e.b = append(e.b, '"', ':')
}

func (e *enc) open(k string)      { e.key(k); e.b = append(e.b, '{') }
func (e *enc) close()             { e.b = append(e.b, '}') }
func (e *enc) openArray(k string) { e.key(k); e.b = append(e.b, '[') }
func (e *enc) element()           { e.comma(); e.b = append(e.b, '{') }
func (e *enc) closeArray()        { e.b = append(e.b, ']') }

func (e *enc) str(k, v string) {
	e.key(k)
	e.b = append(e.b, '"')
	for i := 0; i < len(v); i++ {
		if c := v[i]; c == '"' || c == '\\' {
			e.b = append(e.b, '\\')
		}
		e.b = append(e.b, v[i])
	}
	e.b = append(e.b, '"')
}

// opt writes null for an empty string, as both sources do.
func (e *enc) opt(k, v string) {
	if v == "" {
		e.null(k)
		return
	}
	e.str(k, v)
}

func (e *enc) null(k string) { e.raw(k, "null") }

func (e *enc) raw(k, v string) {
	e.key(k)
	e.b = append(e.b, v...)
}

func (e *enc) bool(k string, v bool) { e.key(k); e.b = strconv.AppendBool(e.b, v) }
func (e *enc) int(k string, v int)   { e.key(k); e.b = strconv.AppendInt(e.b, int64(v), 10) }

func (e *enc) id(k string, u uuid) {
	e.key(k)
	e.b = append(e.b, '"')
	e.b = u.append(e.b)
	e.b = append(e.b, '"')
}

// The layouts of the two logs' own times.
const (
	oktaTime  = "2006-01-02T15:04:05.000Z"
	trailTime = "2006-01-02T15:04:05Z"
)

func (e *enc) time(k string, t time.Time, layout string) {
	e.key(k)
	e.b = append(e.b, '"')
	e.b = t.AppendFormat(e.b, layout)
	e.b = append(e.b, '"')
}
