package ingest

import (
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"jitaudit/schemas"
)

// Metrics is what collectors tell of their work.
type Metrics struct {
	// Records counts records put into the log, by shard and kind; Requests those
	// to the vendor, by shard and outcome (ok | throttled | failed).
	Records, Requests *prometheus.CounterVec
	// Broken counts events that turned up behind coverage already claimed.
	Broken *prometheus.CounterVec
	// Dead counts records that could not be read.
	Dead      *prometheus.CounterVec
	coveredTo *prometheus.GaugeVec

	mu    sync.Mutex
	state map[string]State
}

// State is how a shard's collector stands.
type State struct {
	// CoveredTo is the event time up to which the shard is covered; At the
	// server's time of the last exhausted poll.
	CoveredTo, At time.Time
	// Err is why the last round failed; nil once one has succeeded.
	Err error
}

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "jitaudit", Subsystem: "collect", Name: name, Help: help}, labels)
	}
	m := &Metrics{
		Records:  counter("records_total", "Records put into the raw topics.", "shard", "kind"),
		Requests: counter("requests_total", "Requests to the vendor's API: ok, throttled or failed.", "shard", "outcome"),
		Broken:   counter("coverage_broken_total", "Events that turned up behind coverage already claimed.", "shard"),
		Dead:     counter("dead_letters_total", "Records that could not be read.", "shard"),
		coveredTo: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "jitaudit", Subsystem: "collect", Name: "covered_to_seconds",
			Help: "Event time up to which a shard is covered, in Unix seconds.",
		}, []string{"shard"}),
		state: make(map[string]State),
	}
	r.MustRegister(m.Records, m.Requests, m.Broken, m.Dead, m.coveredTo)
	return m
}

// Round notes the end of one round of a shard's collector. A failed round keeps
// what is covered.
func (m *Metrics) Round(shard string, s State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.Err != nil {
		err := s.Err
		s = m.state[shard]
		s.Err = err
	}
	m.state[shard] = s
	if !s.CoveredTo.IsZero() {
		m.coveredTo.WithLabelValues(shard).Set(float64(s.CoveredTo.UnixMilli()) / 1000)
	}
}

// States returns how each shard's collector stands.
func (m *Metrics) States() map[string]State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.state)
}

// Without cuts holes out of the interval [from, to): what remains may be
// claimed as covered.
func Without(shard string, from, to time.Time, holes []schemas.Interval) []schemas.Coverage {
	out := []schemas.Coverage{}
	if from.Before(to) {
		out = append(out, schemas.Coverage{Shard: shard, From: from, To: to, Basis: schemas.CoverageAssumed})
	}
	for _, h := range holes {
		var rest []schemas.Coverage
		for _, c := range out {
			if !h.From.Before(c.To) || !c.From.Before(h.To) {
				rest = append(rest, c)
				continue
			}
			if left := c; left.From.Before(h.From) {
				left.To = h.From
				rest = append(rest, left)
			}
			if right := c; h.To.Before(right.To) {
				right.From = h.To
				rest = append(rest, right)
			}
		}
		out = rest
	}
	return out
}
