package reference

import (
	"jitaudit/internal/organisation"
	"jitaudit/schemas"
)

// Org is the name of a made-up history's Okta org.
const Org = "example"

// Event is one event of a history with the log that it is of.
type Event struct {
	*organisation.Event
	Source schemas.Source
}

// Events are all events of a history: Okta's in the order of persistence, then
// CloudTrail's in that of delivery.
func Events(h *organisation.History) []Event {
	all := make([]Event, 0, len(h.Okta)+len(h.CloudTrail))
	for i := range h.Okta {
		all = append(all, Event{&h.Okta[i], schemas.Okta})
	}
	for i := range h.CloudTrail {
		all = append(all, Event{&h.CloudTrail[i], schemas.CloudTrail})
	}
	return all
}

// Shards are the shards of a history, in the order of their first event.
func Shards(h *organisation.History) (shards []string) {
	known := make(map[string]bool)
	for _, e := range Events(h) {
		if !known[e.Shard] {
			known[e.Shard] = true
			shards = append(shards, e.Shard)
		}
	}
	return shards
}

// Coverage is where a shard of a history is complete.
func Coverage(h *organisation.History, shard string) (out []schemas.Coverage) {
	from := h.Truth.Complete.From
	for _, g := range h.Truth.Gaps {
		if g.Shard == shard {
			out = append(out, schemas.Coverage{Shard: shard, From: from, To: g.From, Basis: schemas.CoverageAssumed})
			from = g.To
		}
	}
	return append(out, schemas.Coverage{Shard: shard, From: from, To: h.Truth.Complete.To, Basis: schemas.CoverageAssumed})
}

func lines(events []organisation.Event) (b []byte) {
	for i := range events {
		b = append(events[i].AppendJSON(b), '\n')
	}
	return b
}
