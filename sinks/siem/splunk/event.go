package splunk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"jitaudit/internal/visible"
	"jitaudit/sinks/alerts"
)

// fieldLimit bounds an indexed field, which takes room in Splunk's index files.
const fieldLimit = 200

// event is one event as it is sent.
type event struct {
	id   string // of the alert, or of the notice for a digest
	json []byte
}

// envelope is what HEC takes (Splunk: Format events for HTTP Event Collector).
type envelope struct {
	// Time is seconds of the epoch; without it Splunk takes the time of arrival.
	Time       json.Number `json:"time,omitempty"`
	Host       string      `json:"host,omitempty"`
	Source     string      `json:"source"`
	SourceType string      `json:"sourcetype"`
	Index      string      `json:"index,omitempty"`
	// Event is the OCSF event.
	Event json.RawMessage `json:"event"`
	// Fields are indexed: searched without opening the event.
	Fields fields `json:"fields"`
}

type fields struct {
	AlertID string `json:"alert_id,omitempty"`
	// Part counts the events of one alert from 1.
	Part     string `json:"part"`
	NoticeID string `json:"notice_id"`
	RecordID string `json:"record_id,omitempty"`
	Version  string `json:"version,omitempty"`
	Kind     string `json:"kind"`
	Change   string `json:"change,omitempty"`
	Rule     string `json:"rule,omitempty"`
	Severity string `json:"severity,omitempty"`
	Test     string `json:"test,omitempty"`
}

// events are those of a notice, in its order.
func (r *Receiver) events(n *alerts.Notice) ([]event, error) {
	if n.Digest != nil || len(n.Alerts) == 0 {
		return r.eventsOf(n, n.ID, time.Time{}, fields{Kind: "digest"})
	}
	var out []event
	for i := range n.Alerts {
		a := &n.Alerts[i]
		// One at a time, to know whose the bodies are.
		one := *n
		one.Alerts = n.Alerts[i : i+1]
		of, err := r.eventsOf(&one, a.ID(), a.Observed(), alertFields(a))
		if err != nil {
			return nil, fmt.Errorf("alert %s: %w", clip(a.ID()), err)
		}
		out = append(out, of...)
	}
	return out, nil
}

func (r *Receiver) eventsOf(n *alerts.Notice, id string, at time.Time, f fields) ([]event, error) {
	bodies, err := r.cfg.Encode(n)
	if err != nil {
		return nil, err
	}
	if len(bodies) == 0 {
		return nil, errors.New("it has no body")
	}
	f.NoticeID = clip(n.ID)
	if n.Test {
		f.Test = "true"
	}
	var out []event
	for i, body := range bodies {
		f.Part = strconv.Itoa(i + 1)
		e := event{id: id}
		if e.json, err = r.envelope(at, body, f); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// envelope puts a body into an event of no more than MaxBytes.
func (r *Receiver) envelope(at time.Time, body []byte, f fields) ([]byte, error) {
	e := envelope{
		Time: seconds(at), Host: r.cfg.Host, Source: r.cfg.Source, SourceType: r.cfg.SourceType, Index: r.cfg.Index,
		Event: bytes.ToValidUTF8(body, []byte("\ufffd")), Fields: f,
	}
	if len(body) > 0 && body[0] != '{' {
		return nil, errors.New("the event's body is no JSON object")
	}
	out, err := e.marshal()
	if err != nil || len(out) <= r.cfg.MaxBytes {
		return out, err
	}
	// A text that somebody put into a log must not keep an alert back by its length.
	e.Event, err = json.Marshal(struct {
		TooLarge int    `json:"too_large_bytes"`
		Message  string `json:"message"`
	}{len(out), "the event was larger than max_bytes and was left out; see the record by its id"})
	if err != nil {
		return nil, err
	}
	return e.marshal()
}

func (e *envelope) marshal() ([]byte, error) {
	raw, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	return visible.JSON(nil, raw), nil
}

// seconds is with milliseconds, as HEC wants it.
func seconds(at time.Time) json.Number {
	if ms := at.UnixMilli(); !at.IsZero() && ms >= 0 {
		return json.Number(fmt.Sprintf("%d.%03d", ms/1000, ms%1000))
	}
	return ""
}

func alertFields(a *alerts.Alert) fields {
	f := fields{
		AlertID: clip(a.ID()), RecordID: clip(a.RecordID()),
		Version: strconv.FormatInt(a.Version(), 10), Change: clip(string(a.Change)), Kind: kind(a),
	}
	if a.Finding != nil {
		f.Rule, f.Severity = clip(a.Finding.Rule), clip(string(a.Finding.Severity))
	}
	return f
}

func kind(a *alerts.Alert) string {
	switch {
	case a.Finding != nil:
		return "finding"
	case a.Grant != nil:
		return "grant"
	}
	return "session"
}

func clip(s string) string { return visible.Clip(s, fieldLimit) }

// split makes bodies of no more than limit bytes, of one event at least.
func split(events []event, limit int) [][]event {
	var bodies [][]event
	for len(events) > 0 {
		n, size := 1, len(events[0].json)
		for n < len(events) && size+len(events[n].json) <= limit {
			size += len(events[n].json)
			n++
		}
		bodies = append(bodies, slices.Clip(events[:n]))
		events = events[n:]
	}
	return bodies
}
