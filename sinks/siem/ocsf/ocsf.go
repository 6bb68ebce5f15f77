// Package ocsf turns alerts into events of the Open Cybersecurity Schema Framework:
// a finding into a Detection Finding, a session into an Authorize Session and the
// Authentication before it, a grant into a Group Management. It is pure: the same
// notice gives the same events. docs/receivers/ocsf.md has the mapping field by
// field; package schemas/ocsf checks it.
//
// Texts of the events come from logs. Each stays within its JSON string and a bound
// of bytes, and what would not be seen in it is an escape (package visible). Every
// event is one line.
package ocsf

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"jitaudit/correlate/rules"
	"jitaudit/internal/visible"
	"jitaudit/schemas/ocsf"
	"jitaudit/sinks/alerts"
)

// MaxEvent is how many bytes an event has at most.
const MaxEvent = 512 << 10

// Event is one event of a notice.
type Event struct {
	// UID is its metadata.uid: the same whenever the same is told again, and no
	// other event's.
	UID string
	// Class is its class_uid.
	Class int
	// Record is the id of the finding, grant or session that it is about; for a
	// digest the notice's.
	Record string
	// JSON is the event, one line without its end.
	JSON []byte
}

// Mapper makes events.
type Mapper struct {
	version string
	rules   map[string]*rules.Rule
}

// NewMapper returns a mapper that names version as that of the product; empty where
// it is not known.
func NewMapper(version string) *Mapper {
	m := &Mapper{version: version, rules: make(map[string]*rules.Rule)}
	all := rules.All()
	for i := range all {
		m.rules[all[i].Name] = &all[i]
	}
	return m
}

// Events are those of a notice, in the order of its alerts. At is the time of a
// digest, and of what has no time of its own.
func (m *Mapper) Events(n *alerts.Notice, at time.Time) ([]Event, error) {
	var out []Event
	add := func(record string, e *event) error {
		if n.Test {
			markTest(e)
		}
		e.Metadata.Version = ocsf.Version
		e.Metadata.Product = product{Name: productName, UID: productName, VendorName: productName, Version: name(m.version)}
		if e.Cloud != nil {
			e.Metadata.Profiles = []string{"cloud"}
		}
		if e.Time == 0 {
			e.Time = at.UnixMilli()
		}
		line, err := encode(e)
		if err != nil {
			return fmt.Errorf("write event %s as OCSF: %w", e.Metadata.UID, err)
		}
		out = append(out, Event{UID: e.Metadata.UID, Class: e.ClassUID, Record: record, JSON: line})
		return nil
	}
	for i := range n.Alerts {
		events, err := m.alert(&n.Alerts[i])
		if err != nil {
			return nil, fmt.Errorf("map alert %d of notice %s to OCSF: %w", i, name(n.ID), err)
		}
		for _, e := range events {
			if err := add(id(n.Alerts[i].RecordID()), e); err != nil {
				return nil, err
			}
		}
	}
	if n.Digest != nil || len(n.Alerts) == 0 && n.Test {
		if err := add(id(n.ID), summary(n)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

const productName = "jitaudit"

func (m *Mapper) alert(a *alerts.Alert) ([]*event, error) {
	switch {
	case a.Finding != nil:
		return []*event{m.finding(a)}, nil
	case a.Grant != nil:
		return []*event{grantChange(a)}, nil
	case a.Session != nil:
		return sessionEvents(a), nil
	}
	return nil, errors.New("it has no finding, grant or session")
}

// markTest makes it plain that an event is none.
func markTest(e *event) {
	const mark = "[TEST] "
	e.Message = mark + e.Message
	e.Metadata.Labels = append(e.Metadata.Labels, "test")
	if e.FindingInfo != nil {
		e.FindingInfo.Title = mark + e.FindingInfo.Title
	}
	if e.Unmapped == nil {
		e.Unmapped = make(map[string]any)
	}
	e.Unmapped["test"] = true
}

// encode writes an event as one line. Whatever of its characters is not plainly to
// be seen, or means something in HTML, is a JSON escape.
func encode(e *event) ([]byte, error) {
	plain, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	line := visible.JSON(make([]byte, 0, len(plain)), plain)
	if len(line) > MaxEvent {
		return nil, fmt.Errorf("it has %d bytes, more than %d", len(line), MaxEvent)
	}
	return line, nil
}

// of makes the base of an event about a record.
func of(a *alerts.Alert) *event {
	e := &event{Unmapped: make(map[string]any)}
	e.Metadata.UID = id(a.ID())
	e.Metadata.LoggedTime = ms(a.Observed())
	e.Unmapped["record_id"] = id(a.RecordID())
	e.Unmapped["record_version"] = a.Version()
	e.keep("change", name(string(a.Change)))
	e.keep("requester", name(a.Requester))
	e.keepAll("approvers", a.Approvers)
	e.keep("link", name(a.Link))
	return e
}

// Lines are the events of a notice without what is said about each.
func (m *Mapper) Lines(n *alerts.Notice, at time.Time) ([][]byte, error) {
	events, err := m.Events(n, at)
	if err != nil {
		return nil, err
	}
	lines := make([][]byte, len(events))
	for i := range events {
		lines[i] = events[i].JSON
	}
	return lines, nil
}
