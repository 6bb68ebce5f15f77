package aws

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"
)

// lookupInput is CloudTrail's LookupEventsInput; times are Unix seconds, with a
// fraction where they have one.
type lookupInput struct {
	StartTime        *float64
	EndTime          *float64
	LookupAttributes []struct{ AttributeKey, AttributeValue string }
	MaxResults       *int
	NextToken        string
	EventCategory    string
}

type lookupOutput struct {
	Events    []listed
	NextToken string `json:",omitempty"`
}

// history is how far back events can be looked up (API reference of
// LookupEvents: "the last 90 days").
const history = 90 * 24 * time.Hour

func attributes() []string {
	return []string{"EventId", "EventName", "ReadOnly", "Username", "ResourceType", "ResourceName", "EventSource", "AccessKeyId"}
}

// lookup answers LookupEvents for the request's shard.
func (s *Server) lookup(body []byte, req *Request) (*lookupOutput, *refusal) {
	var in lookupInput
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, refuse(http.StatusBadRequest, "SerializationException", "the body is no LookupEventsInput")
	}
	req.Start, req.End, req.Paged = unix(in.StartTime), unix(in.EndTime), in.NextToken != ""
	q, n, refused := in.check(req.At)
	if refused != nil {
		return nil, refused
	}
	bound := in.bound(req.Shard)
	after, ok := s.place(in.NextToken, bound)
	if !ok {
		return nil, refuse(http.StatusBadRequest, "InvalidNextTokenException", "Invalid NextToken: it is unknown, or was given for other parameters.")
	}
	out := &lookupOutput{Events: []listed{}}
	h := s.shards[req.Shard]
	if h == nil || in.EventCategory != "" { // there are no Insights events
		return out, nil
	}
	events, last := h.page(q, after, n)
	out.Events = append(out.Events, events...)
	req.Events = len(events)
	if last >= 0 {
		out.NextToken = s.token(bound, last)
	}
	return out, nil
}

// check refuses parameters that AWS refuses.
func (in *lookupInput) check(now time.Time) (q span, n int, refused *refusal) {
	q, n = span{now: now, start: now.Add(-history), end: now.Add(time.Hour)}, 50
	bad := func(code, message string) (span, int, *refusal) {
		return q, n, refuse(http.StatusBadRequest, code, message)
	}
	if in.EventCategory != "" && in.EventCategory != "insight" {
		return bad("InvalidEventCategoryException", "EventCategory must be insight")
	}
	if len(in.LookupAttributes) > 1 {
		return bad("InvalidLookupAttributesException", "You can specify only one lookup attribute.")
	}
	for _, a := range in.LookupAttributes {
		if !slices.Contains(attributes(), a.AttributeKey) || a.AttributeValue == "" {
			return bad("InvalidLookupAttributesException", "Invalid lookup attribute: "+a.AttributeKey)
		}
		q.key, q.value = a.AttributeKey, a.AttributeValue
	}
	if in.MaxResults != nil {
		n = *in.MaxResults
	}
	if n < 1 || n > 50 {
		return bad("InvalidMaxResultsException", fmt.Sprintf("MaxResults must be 1 to 50 (got %d)", n))
	}
	oldest := q.start
	if in.StartTime != nil {
		q.start = unix(in.StartTime)
	}
	if in.EndTime != nil {
		q.end = unix(in.EndTime)
	}
	switch {
	case q.end.Before(q.start):
		return bad("InvalidTimeRangeException", "StartTime must not be after EndTime")
	// What AWS does with an older start is nowhere said; a client that never asks
	// for it is right in either case.
	case q.start.Before(oldest):
		return bad("InvalidTimeRangeException", "StartTime must be within the last 90 days")
	}
	return q, n, nil
}

func unix(seconds *float64) time.Time {
	if seconds == nil {
		return time.Time{}
	}
	return time.UnixMilli(int64(math.Round(*seconds * 1000))).UTC()
}

// bound is what a NextToken is bound to: all parameters but itself.
func (in lookupInput) bound(shard string) string {
	in.NextToken = ""
	b, _ := json.Marshal(in) // it was JSON
	return shard + " " + string(b)
}

// token is a place in a shard, sealed together with what it is bound to.
func (s *Server) token(bound string, place int) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(place))
	return base64.StdEncoding.EncodeToString(append(b, s.seal(bound, b)...))
}

// place opens a token; without one the place is before the first event.
func (s *Server) place(token, bound string) (int, bool) {
	if token == "" {
		return -1, true
	}
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(b) < 8 || !hmac.Equal(b[8:], s.seal(bound, b[:8])) {
		return 0, false
	}
	return int(binary.BigEndian.Uint64(b)), true
}

func (s *Server) seal(bound string, place []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return mac(s.tokenKey, string(place)+bound)
}
