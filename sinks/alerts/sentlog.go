package alerts

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// The sent log is topic sentlog: what each receiver was told, by which a
// dispatcher goes on after a restart. The keys of a receiver are
//
//	RECEIVER/record/ID                the Sent of a finding, grant or session
//	RECEIVER/thread/KEY               a Thread
//	RECEIVER/offset/TOPIC/PARTITION   an Offset
//
// with JSON as their values; no value means that it is forgotten.

// Sent is what a receiver was told of a record.
type Sent struct {
	// Version is the last one that was decided on. What is not above it is not
	// told again.
	Version int64 `json:"version"`
	// Change is what was told last; empty where nothing was.
	Change Change `json:"change,omitempty"`
	// Over: it was told to be over, or never to have been.
	Over bool `json:"over,omitempty"`
	// Severity and Verdict are as they were told, of a finding and a session.
	Severity schemas.Severity `json:"severity,omitempty"`
	Verdict  schemas.Verdict  `json:"verdict,omitempty"`
	// Digest: it was never told but as one of many. Refused: the receiver did not
	// take the version, which is a dead letter; the rest is as before it.
	Digest  bool `json:"digest,omitempty"`
	Refused bool `json:"refused,omitempty"`
	// Requester and Approvers are those of a grant or session, for findings that
	// are about it.
	Requester string   `json:"requester,omitempty"`
	Approvers []string `json:"approvers,omitempty"`
	// Observed is when the version was published. Ends is when the record is over
	// without saying so; zero where it will say so.
	Observed time.Time `json:"observed,omitzero"`
	Ends     time.Time `json:"ends,omitzero"`
	// Held is the version itself, of a finding that people have accepted: should
	// they decide otherwise, there is something to tell.
	Held *schemas.Finding `json:"held,omitempty"`
}

// Thread is where a conversation goes on, see Threads. Observed is up to when
// results had been read when it was kept.
type Thread struct {
	Thread   string    `json:"thread"`
	Observed time.Time `json:"observed,omitzero"`
}

// Offset is how far a partition of results is done with: all before Next.
type Offset struct {
	Next int64 `json:"next"`
}

// told reports whether the receiver knows of the record. Nil is told nothing.
func (s *Sent) told() bool { return s != nil && s.Change != "" }

// after is what has been told once a version has.
func (r *record) after(before *Sent, c Change, digest bool) *Sent {
	_, m := r.meta()
	digest = digest && (!before.told() || before.Digest)
	s := &Sent{Version: m.Version, Change: c, Digest: digest, Observed: m.Observed, Ends: r.ends()}
	s.Requester, s.Approvers = r.people()
	switch {
	case r.finding != nil:
		s.Severity = r.finding.Severity
		s.Over = m.Deleted || r.finding.Status != schemas.Open
	case r.grant != nil:
		s.Over = m.Deleted || !r.grant.Removed.IsZero()
	default:
		s.Verdict = r.session.Verdict
		s.Over = m.Deleted
	}
	return s
}

// refused is what has been told when a version was not taken.
func (r *record) refused(before *Sent) *Sent {
	_, m := r.meta()
	s := Sent{Observed: m.Observed, Ends: r.ends()}
	if before != nil {
		s = *before
	}
	s.Version, s.Refused, s.Held = m.Version, true, nil
	return &s
}

// held is what has been told when a version is held back.
func (r *record) held(before *Sent) *Sent {
	s := Sent{}
	if before != nil {
		s = *before
	}
	s.Version, s.Held, s.Observed = r.finding.Version, r.finding, r.finding.Observed
	return &s
}

// unheld is what was told before the version that is held back, which then counts
// as not decided on.
func (s *Sent) unheld() *Sent {
	before := *s
	before.Version, before.Held = s.Held.Version-1, nil
	return &before
}

// noted is what has been told when a version tells nothing but changes what is
// remembered; nil where it does not.
func (r *record) noted(before *Sent) *Sent {
	if before == nil {
		return nil
	}
	s := *before
	s.Held = nil
	if r.finding == nil {
		s.Requester, s.Approvers = r.people()
		s.Ends = r.ends()
	}
	if before.Held == nil && s.Requester == before.Requester && slices.Equal(s.Approvers, before.Approvers) && s.Ends.Equal(before.Ends) {
		return nil
	}
	s.Version = r.version()
	return &s
}

// forgettable reports whether nothing more is expected of a record, as of when
// results were published of which so much has been read.
func (s *Sent) forgettable(observed time.Time, after time.Duration) bool {
	line := observed.Add(-after)
	over := s.Over || !s.told() || !s.Ends.IsZero() && s.Ends.Before(line)
	if s.Held != nil {
		over = s.Held.Status != schemas.Open
	}
	return over && s.Observed.Before(line)
}

const (
	recordKey = "record"
	threadKey = "thread"
	offsetKey = "offset"
)

// memory is what a receiver's part of the sent log says.
type memory struct {
	sent    map[string]*Sent
	threads map[string]Thread
	offsets map[place]int64
}

// load reads the sent log. A leader that has lost the lead without knowing may
// have written behind its successor: of a record the highest version counts.
func (d *Dispatcher) load(ctx context.Context, client *kafka.Client) (*memory, error) {
	mem := &memory{sent: map[string]*Sent{}, threads: map[string]Thread{}, offsets: map[place]int64{}}
	err := client.ReadAll(ctx, topics.SentLog, 0, func(m kafka.Message) error {
		rest, ours := strings.CutPrefix(string(m.Key), d.cfg.Name+"/")
		if !ours {
			return nil
		}
		if err := mem.take(rest, m.Value); err != nil {
			d.log.Warn("an entry of the sent log cannot be read and is left out; what it is about may be told again", "offset", m.Offset, "error", err)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what receiver %s was told: %w", d.cfg.Name, err)
	}
	return mem, nil
}

// take takes an entry in.
func (m *memory) take(key string, value []byte) error {
	what, of, _ := strings.Cut(key, "/")
	switch what {
	case recordKey:
		return m.takeRecord(of, value)
	case threadKey:
		if value == nil {
			delete(m.threads, of)
			return nil
		}
		var t Thread
		if err := json.Unmarshal(value, &t); err != nil {
			return err
		}
		m.threads[of] = t
	case offsetKey:
		topic, partition, _ := strings.Cut(of, "/")
		id, err := strconv.Atoi(partition)
		if err != nil {
			return err
		}
		var o Offset
		if value == nil {
			delete(m.offsets, place{topic, id})
			return nil
		}
		if err := json.Unmarshal(value, &o); err != nil {
			return err
		}
		m.offsets[place{topic, id}] = o.Next
	}
	return nil
}

func (m *memory) takeRecord(id string, value []byte) error {
	if value == nil {
		delete(m.sent, id)
		return nil
	}
	s := new(Sent)
	if err := json.Unmarshal(value, s); err != nil {
		return err
	}
	if known := m.sent[id]; known == nil || s.Version >= known.Version {
		m.sent[id] = s
	}
	return nil
}

// entries are what is to be written to the sent log at once.
type entries struct {
	ctx      context.Context
	to       writer
	receiver string
	messages []kafka.Message
}

// writer is what is needed of a kafka.Writer.
type writer interface {
	Write(ctx context.Context, messages ...kafka.Message) error
}

// writeMost is how many entries are written at once. Only digests of more records
// have more: their records are remembered bit by bit, with the offsets last, as
// they must not all be held in memory encoded.
const writeMost = 5000

// add adds an entry; a nil value forgets it.
func (e *entries) add(what, of string, value any) error {
	m := kafka.Message{Topic: topics.SentLog, Pinned: true, Key: []byte(e.receiver + "/" + what + "/" + of)}
	if value != nil {
		var err error
		if m.Value, err = json.Marshal(value); err != nil {
			return fmt.Errorf("write down what receiver %s was told of %s: %w", e.receiver, of, err)
		}
	}
	if len(e.messages) == writeMost {
		if err := e.flush(); err != nil {
			return err
		}
	}
	e.messages = append(e.messages, m)
	return nil
}

// flush returns when all is durable.
func (e *entries) flush() error {
	if len(e.messages) == 0 {
		return nil
	}
	if err := e.to.Write(e.ctx, e.messages...); err != nil {
		return fmt.Errorf("write down what receiver %s was told: %w", e.receiver, err)
	}
	e.messages = e.messages[:0]
	return nil
}
