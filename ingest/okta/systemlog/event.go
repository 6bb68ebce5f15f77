package systemlog

import (
	"encoding/json"
	"slices"

	"github.com/cespare/xxhash/v2"

	"jitaudit/ingest"
	"jitaudit/ingest/jsonscan"
	"jitaudit/ingest/timestamp"
	"jitaudit/schemas"
)

const (
	fUUID = iota
	fPublished
)

var eventFields = jsonscan.NewFields("uuid", "published")

// message makes a record of what stands in a page. What cannot be read goes into
// the log as well: whoever decodes it makes a dead letter of it.
func (c *Collector) message(raw json.RawMessage) ingest.Message {
	m := ingest.Message{Source: schemas.Okta, Kind: schemas.RawEvent, Raw: raw}
	if v, err := c.doc.Parse(raw, eventFields); err == nil {
		m.ID = string(v.Bytes(fUUID))
		m.Time, _ = timestamp.Parse(v.Bytes(fPublished))
	}
	return m
}

// judge counts events that turned up behind what was claimed as covered. Copies
// of what was read before are none: Okta delivers at least once, and so do we.
func (c *Collector) judge(messages []ingest.Message) {
	broken := 0
	var example ingest.Message
	for _, m := range messages {
		again := c.seen.add(xxhash.Sum64(m.Raw))
		if again || !c.claimed(m) {
			continue
		}
		if broken++; broken == 1 {
			example = m
		}
	}
	if broken > 0 {
		c.cfg.Metrics.Broken.WithLabelValues(c.shard).Add(float64(broken))
		c.cfg.Logger.Warn("events turned up behind coverage already claimed; raise lateness if this goes on",
			"events", broken, "first", example.ID, "published", example.Time, "covered_to", c.at.CoveredTo)
	}
}

// claimed reports whether an event should have been there before.
func (c *Collector) claimed(m ingest.Message) bool {
	t := m.Time
	if t.IsZero() || t.Before(c.at.From) || !t.Before(c.at.CoveredTo) || !t.After(c.at.RereadTo) {
		return false
	}
	return !slices.ContainsFunc(c.holes(), func(h schemas.Interval) bool { return !t.Before(h.From) && t.Before(h.To) })
}

// holes are what is never claimed.
func (c *Collector) holes() []schemas.Interval {
	return slices.Concat(c.cfg.Holes, c.at.Gaps)
}

// recent remembers the last events by their hash, between one and two
// generations of them. It needs a few megabytes.
type recent struct{ young, old map[uint64]struct{} }

const generation = 50_000

// add remembers a hash and reports whether it was known.
func (r *recent) add(h uint64) bool {
	_, young := r.young[h]
	_, old := r.old[h]
	if young {
		return true
	}
	if r.young == nil || len(r.young) >= generation {
		r.young, r.old = make(map[uint64]struct{}), r.young
	}
	r.young[h] = struct{}{}
	return old
}
