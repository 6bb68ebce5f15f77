package stream

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"jitaudit/correlate/stream/entry"
	"jitaudit/schemas"
)

// appendActivity appends a call that comes out, as encoding/json would, at
// several times its speed. What is not plain is left to it.
func appendActivity(b []byte, a *schemas.Activity) ([]byte, error) {
	if !plainActivity(a) {
		v, err := json.Marshal(a)
		if err != nil {
			return b, fmt.Errorf("encode the call %s: %w", a.EventID, err)
		}
		return append(b, v...), nil
	}
	c := &a.Call
	b = appendText(b, `{"event_id":"`, a.EventID)
	b = appendText(b, `,"use":"`, a.Use)
	b = appendText(b, `,"shard":"`, a.Shard)
	b = appendTime(b, `,"at":"`, a.At)
	b = appendText(b, `,"call":{"principal_id":"`, c.PrincipalID)
	if c.AccessKeyID != "" {
		b = appendText(b, `,"access_key_id":"`, c.AccessKeyID)
	}
	if c.RoleARN != "" {
		b = appendText(b, `,"role_arn":"`, c.RoleARN)
	}
	if !c.CreatedAt.IsZero() {
		b = appendTime(b, `,"created_at":"`, c.CreatedAt)
	}
	b = appendFlag(b, `,"console":true`, c.Console)
	b = appendFlag(b, `,"service_driven":true`, c.ServiceDriven)
	b = appendText(b, `,"service":"`, c.Service)
	b = appendText(b, `,"action":"`, c.Action)
	b = appendFlag(b, `,"denied":true`, c.Denied)
	b = appendFlag(b, `,"read_only":true`, c.ReadOnly)
	b = strconv.AppendUint(append(b, `},"rank":`...), a.Rank, 10)
	return append(b, '}'), nil
}

func plainActivity(a *schemas.Activity) bool {
	c := &a.Call
	return plainTime(a.At) && (c.CreatedAt.IsZero() || plainTime(c.CreatedAt)) &&
		entry.Plain(a.EventID) && entry.Plain(a.Use) && entry.Plain(a.Shard) &&
		entry.Plain(c.PrincipalID) && entry.Plain(c.AccessKeyID) && entry.Plain(c.RoleARN) && entry.Plain(c.Service) && entry.Plain(c.Action)
}

// plainTime reports whether a time is written without an offset, in a year of
// four digits.
func plainTime(t time.Time) bool {
	return t.Location() == time.UTC && t.Year() >= 1000 && t.Year() <= 9999
}

func appendText(b []byte, name, s string) []byte {
	return append(append(append(b, name...), s...), '"')
}

func appendTime(b []byte, name string, t time.Time) []byte {
	return append(t.AppendFormat(append(b, name...), time.RFC3339Nano), '"')
}

func appendFlag(b []byte, text string, set bool) []byte {
	if set {
		return append(b, text...)
	}
	return b
}
