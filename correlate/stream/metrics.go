package stream

import (
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"jitaudit/correlate/stream/partition"
	"jitaudit/correlate/stream/resolve"
	"jitaudit/schemas"
)

// Metrics is what the stages tell of their work.
type Metrics struct {
	raw, published      *prometheus.CounterVec
	lag, persons, homes *prometheus.GaugeVec
	taken               *prometheus.CounterVec
	late                prometheus.Counter
	refused             *prometheus.CounterVec
	ticks               prometheus.Histogram
	mu                  sync.Mutex
	covered             map[int][]schemas.Coverage
	stats               map[int]partition.Stats
}

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "jitaudit", Subsystem: "correlate", Name: name, Help: help}
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts(opts(name, help)), labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts(opts(name, help)), labels)
	}
	m := &Metrics{
		raw:       counter("raw_records_total", "Raw events by what became of them: used, irrelevant or dead.", "topic", "outcome"),
		published: counter("results_total", "Versions of results published, by topic.", "topic"),
		taken:     counter("facts_total", "Facts and calls taken in: fact, call, duplicate.", "partition", "kind"),
		refused:   counter("refused_records_total", "Records of the facts topic that were not taken: policy (those before it stay in force) or record.", "kind"),
		late:      prometheus.NewCounter(prometheus.CounterOpts(opts("late_facts_total", "Facts that came after their interval was sealed."))),
		lag:       gauge("lag_records", "Records of a topic that a stage has still to read, by partition.", "topic", "partition"),
		persons:   gauge("persons", "Persons with facts that are not sealed.", "partition"),
		homes:     gauge("homes", "Role sessions and names with facts that are not sealed.", "partition"),
		ticks: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "jitaudit", Subsystem: "correlate", Name: "tick_seconds", Help: "How long it took to let results come out.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 9),
		}),
		covered: make(map[int][]schemas.Coverage), stats: make(map[int]partition.Stats),
	}
	r.MustRegister(m.raw, m.published, m.taken, m.late, m.refused, m.lag, m.persons, m.homes, m.ticks)
	return m
}

func (m *Metrics) resolved(topic string, n int, b *resolve.Batch, lag int64) {
	for outcome, n := range map[string]int64{"used": b.Used, "irrelevant": b.Irrelevant, "dead": int64(len(b.Dead))} {
		m.raw.WithLabelValues(topic, outcome).Add(float64(n))
	}
	m.lag.WithLabelValues(topic, strconv.Itoa(n)).Set(float64(lag))
}

func (m *Metrics) ticked(n int, out *partition.Output, p *partition.Partition, took time.Duration, lag int64) {
	label := strconv.Itoa(n)
	for _, r := range slices.Concat(out.Results, out.Covered) {
		m.published.WithLabelValues(r.Topic).Inc()
	}
	m.published.WithLabelValues("activity").Add(float64(len(out.Calls)))
	m.late.Add(float64(len(out.Late)))
	m.ticks.Observe(took.Seconds())
	m.lag.WithLabelValues("facts", label).Set(float64(lag))
	s := p.Stats()
	m.persons.WithLabelValues(label).Set(float64(s.Persons))
	m.homes.WithLabelValues(label).Set(float64(s.Homes))
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.stats[n]
	m.taken.WithLabelValues(label, "fact").Add(float64(s.Facts - before.Facts))
	m.taken.WithLabelValues(label, "call").Add(float64(s.Calls - before.Calls))
	m.taken.WithLabelValues(label, "duplicate").Add(float64(s.Duplicates - before.Duplicates))
	m.stats[n], m.covered[n] = s, p.Covered()
}

// disowned forgets a partition that another instance owns now.
func (m *Metrics) disowned(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.stats, n)
	delete(m.covered, n)
}

// Covered is, per owned partition, what its results take into account.
func (m *Metrics) Covered() map[int][]schemas.Coverage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.covered)
}
