package alerts

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// Kind is a kind of record that alerts are about.
type Kind string

// The kinds, each with a topic of its own.
const (
	Findings Kind = "finding"
	Grants   Kind = "grant"
	Sessions Kind = "session"
)

// topic is where records of the kind are published; empty for no kind.
func (k Kind) topic() string {
	switch k {
	case Findings:
		return topics.Findings
	case Grants:
		return topics.Grants
	case Sessions:
		return topics.Sessions
	}
	return ""
}

// place is a partition.
type place struct {
	topic     string // without prefix
	partition int
}

// record is one version of a finding, grant or session, as it was published.
type record struct {
	finding *schemas.Finding
	grant   *schemas.Grant
	session *schemas.Session
	// cause is why it was published, where events are not.
	cause schemas.Cause
	// at and offset are where it stands; zero for one that was held back.
	at     place
	offset int64
}

// idLimit bounds ids, which become keys; ours have 36 bytes.
const idLimit = 128

// decode reads a message of a result topic. It is nil for one without value: what
// no longer exists is published as a record that says so.
func decode(m *kafka.Message) (*record, error) {
	if m.Value == nil {
		return nil, nil
	}
	r := &record{cause: schemas.Cause(m.Header(schemas.CauseHeader)), at: place{m.Topic, m.Partition}, offset: m.Offset}
	var to any
	switch m.Topic {
	case topics.Findings:
		r.finding = new(schemas.Finding)
		to = r.finding
	case topics.Grants:
		r.grant = new(schemas.Grant)
		to = r.grant
	case topics.Sessions:
		r.session = new(schemas.Session)
		to = r.session
	default:
		return nil, fmt.Errorf("nothing is told of records of topic %s", m.Topic)
	}
	if err := json.Unmarshal(m.Value, to); err != nil {
		return nil, fmt.Errorf("it is no record of this topic: %w", err)
	}
	if id := r.id(); id == "" || len(id) > idLimit {
		return nil, errors.New("it has no id, or one that is none of ours")
	}
	return r, nil
}

// alert is the record as it is told.
func (r *record) alert(c Change) Alert {
	return Alert{Change: c, Finding: r.finding, Grant: r.grant, Session: r.session}
}

func (r *record) id() string { id, _ := r.meta(); return id }

func (r *record) version() int64 { _, m := r.meta(); return m.Version }

func (r *record) meta() (string, *schemas.Meta) {
	a := r.alert("")
	return a.record()
}

// value is the record alone, for its JSON.
func (r *record) value() any {
	switch {
	case r.finding != nil:
		return r.finding
	case r.grant != nil:
		return r.grant
	}
	return r.session
}

// happened is when what a change tells of took place; zero where that is not known.
func (r *record) happened(c Change) time.Time {
	switch {
	case r.finding != nil:
		return r.finding.At
	case r.session != nil:
		return r.session.Start
	case c == Opened && !r.grant.Opened.IsZero(), r.grant.Removed.IsZero():
		return r.grant.Opened
	}
	return r.grant.Removed
}

// ends is when a record is over without another version that says so; zero where
// there will be one.
func (r *record) ends() time.Time {
	switch {
	case r.session != nil:
		return r.session.End
	case r.grant != nil && r.grant.Source == schemas.ByRequest:
		return r.grant.ApprovedUntil
	}
	return time.Time{}
}

// Of people we keep as many and as long names as a record honestly has.
const (
	approversLimit = 16
	personLimit    = 320 // an address has at most 64 + 1 + 255 bytes (RFC 5321, 4.5.3.1)
)

// people are who asked for the access that a record is about, and who approved.
func (r *record) people() (requester string, approvers []string) {
	var requests []schemas.RequestRef
	switch {
	case r.grant != nil:
		requests = r.grant.Requests
	case r.session != nil:
		requests = r.session.Requests
	}
	seen := map[string]bool{}
	for i := range requests {
		if who := requests[i].Requester; requester == "" && len(who) <= personLimit {
			requester = who
		}
		for _, who := range requests[i].Approvers {
			if who != "" && len(who) <= personLimit && !seen[who] && len(approvers) < approversLimit {
				seen[who] = true
				approvers = append(approvers, who)
			}
		}
	}
	return requester, approvers
}
