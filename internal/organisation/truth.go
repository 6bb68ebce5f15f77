package organisation

import (
	"slices"
	"strings"
	"time"
)

// Truth is what is known about a history because it was made up: truth.json.
type Truth struct {
	// Complete is the interval in which both logs are complete but for Gaps.
	Complete Interval `json:"complete"`
	Gaps     []Gap    `json:"gaps"`
	// Planted are all findings that docs/correlation.md implies, one entry each,
	// by time.
	Planted []Planted `json:"planted"`
	// NearMisses are deeds that look like a breach of the rule and are none.
	NearMisses []NearMiss `json:"near_misses"`
	// Records counts the records of each log, copies included.
	Records Records `json:"records"`
}

// Interval is [From, To) in event time.
type Interval struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Gap is a hole in one shard.
type Gap struct {
	Shard string `json:"shard"`
	Interval
}

// Planted is one finding to be found.
type Planted struct {
	Rule   string `json:"rule"`
	Status string `json:"status"` // open | resolved
	// Severity is given where a rule knows several, else empty.
	Severity string `json:"severity,omitempty"`
	// Person is the Okta login, or the name in AWS of somebody unknown to Okta.
	Person string    `json:"person"`
	Time   time.Time `json:"time"` // the anchor's
	Anchor string    `json:"anchor"`
	// Evidence are event ids that the finding must name, the anchor first.
	Evidence []string `json:"evidence"`
	// Unjudged are, for source_gap, the rules that cannot be judged.
	Unjudged []string `json:"unjudged,omitempty"`
	Note     string   `json:"note"`
}

// NearMiss is an event that must not be the anchor of a finding of the rule.
type NearMiss struct {
	Rule   string    `json:"rule"`
	Person string    `json:"person"`
	Time   time.Time `json:"time"`
	Event  string    `json:"event"`
	Note   string    `json:"note"`
}

// Records counts a history's records.
type Records struct {
	Okta       LogRecords `json:"okta"`
	CloudTrail LogRecords `json:"cloudtrail"`
}

// LogRecords counts the records of one log. Copies are only made of events that
// prove something about a JIT session.
type LogRecords struct {
	Read int `json:"read"`
	// Duplicates are byte-equal copies, Corrected those events that a copy with
	// an addendum replaces.
	Duplicates int `json:"duplicates"`
	Corrected  int `json:"corrected"`
}

func (t *Truth) sort() {
	slices.SortStableFunc(t.Planted, func(a, b Planted) int {
		if c := a.Time.Compare(b.Time); c != 0 {
			return c
		}
		if c := strings.Compare(a.Anchor, b.Anchor); c != 0 {
			return c
		}
		return strings.Compare(a.Rule, b.Rule)
	})
	slices.SortStableFunc(t.NearMisses, func(a, b NearMiss) int {
		if c := a.Time.Compare(b.Time); c != 0 {
			return c
		}
		return strings.Compare(a.Event, b.Event)
	})
}
