package alerts

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what a dispatcher tells of its work, as
// jitaudit_alerts_…{receiver=NAME}.
type metrics struct {
	sent     *prometheus.CounterVec // by change
	digested *prometheus.CounterVec // by reason
	digests  *prometheus.CounterVec // by reason
	muted    *prometheus.CounterVec // by why
	refused  prometheus.Counter
	failures prometheus.Counter
	pending  prometheus.Gauge
	leading  prometheus.Gauge
	lag      *prometheus.GaugeVec // by topic
	delay    prometheus.Histogram
	last     prometheus.Gauge
}

func newMetrics(receiver string, r prometheus.Registerer) (*metrics, error) {
	name := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "jitaudit", Subsystem: "alerts", Name: name, Help: help}
	}
	counter := func(n, help string) prometheus.CounterOpts { return prometheus.CounterOpts(name(n, help)) }
	gauge := func(n, help string) prometheus.GaugeOpts { return prometheus.GaugeOpts(name(n, help)) }
	m := &metrics{
		sent: prometheus.NewCounterVec(counter("sent_total",
			"Alerts that the receiver has acknowledged, but for those of digests."), []string{"change"}),
		digested: prometheus.NewCounterVec(counter("digested_total",
			"Alerts that were summed up in digests that the receiver has acknowledged."), []string{"reason"}),
		digests: prometheus.NewCounterVec(counter("digests_total",
			"Digests that the receiver has acknowledged."), []string{"reason"}),
		muted: prometheus.NewCounterVec(counter("muted_total",
			"Alerts that were not told since a policy suppresses them, or somebody has accepted the finding."), []string{"why"}),
		refused: prometheus.NewCounter(counter("dead_letters_total",
			"Alerts that the receiver refused and that became dead letters.")),
		failures: prometheus.NewCounter(counter("failures_total",
			"Attempts to tell the receiver that failed; each was tried again.")),
		pending: prometheus.NewGauge(gauge("pending",
			"Alerts that wait to be told, those of digests included.")),
		leading: prometheus.NewGauge(gauge("leading",
			"1 where this instance tells the receiver, 0 where another one does.")),
		lag: prometheus.NewGaugeVec(gauge("lag_records",
			"Records of a topic that are not done with yet."), []string{"topic"}),
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "jitaudit", Subsystem: "alerts", Name: "delay_seconds",
			Help:    "How long after a record was published the receiver has acknowledged its alert, but for those of digests.",
			Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 6 * 3600, 24 * 3600}}),
		last: prometheus.NewGauge(gauge("last_success_timestamp_seconds",
			"When the receiver last acknowledged something, in Unix seconds.")),
	}
	r = prometheus.WrapRegistererWith(prometheus.Labels{"receiver": receiver}, r)
	for _, c := range []prometheus.Collector{m.sent, m.digested, m.digests, m.muted, m.refused, m.failures, m.pending, m.leading, m.lag, m.delay, m.last} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register the metrics of receiver %s: %w", receiver, err)
		}
	}
	return m, nil
}

// told notes what the receiver has acknowledged.
func (m *metrics) told(j *job, now time.Time) {
	m.last.Set(float64(now.UnixMilli()) / 1000)
	if j.sum != nil {
		m.digests.WithLabelValues(string(j.sum.reason)).Inc()
		m.digested.WithLabelValues(string(j.sum.reason)).Add(float64(j.sum.total))
		return
	}
	for _, it := range j.items {
		m.sent.WithLabelValues(string(it.change)).Inc()
		if _, meta := it.rec.meta(); !meta.Observed.IsZero() {
			m.delay.Observe(max(0, now.Sub(meta.Observed).Seconds()))
		}
	}
}
