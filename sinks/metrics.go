package sinks

import (
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what a loop tells of its work, as jitaudit_sink_…{sink=NAME}.
type metrics struct {
	rows, refused     *prometheus.CounterVec // by topic
	batches, failures prometheus.Counter
	lag               *prometheus.GaugeVec // by topic and partition
	age               *prometheus.GaugeVec // by topic
	lastSuccess       prometheus.Gauge
}

func newMetrics(sink string, r prometheus.Registerer) (*metrics, error) {
	name := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "jitaudit", Subsystem: "sink", Name: name, Help: help}
	}
	m := &metrics{
		rows: prometheus.NewCounterVec(prometheus.CounterOpts(name("rows_total",
			"Records that the sink has acknowledged.")), []string{"topic"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts(name("dead_letters_total",
			"Records that the sink refused and that became dead letters.")), []string{"topic"}),
		batches: prometheus.NewCounter(prometheus.CounterOpts(name("batches_total",
			"Batches that the sink has acknowledged."))),
		failures: prometheus.NewCounter(prometheus.CounterOpts(name("failures_total",
			"Writes that failed; each was tried again."))),
		lag: prometheus.NewGaugeVec(prometheus.GaugeOpts(name("lag_records",
			"Records of a partition that the sink has not acknowledged yet.")), []string{"topic", "partition"}),
		age: prometheus.NewGaugeVec(prometheus.GaugeOpts(name("age_seconds",
			"How old the newest record of the last batch was when it was acknowledged.")), []string{"topic"}),
		lastSuccess: prometheus.NewGauge(prometheus.GaugeOpts(name("last_success_timestamp_seconds",
			"When a batch was last acknowledged, in Unix seconds."))),
	}
	r = prometheus.WrapRegistererWith(prometheus.Labels{"sink": sink}, r)
	for _, c := range []prometheus.Collector{m.rows, m.refused, m.batches, m.failures, m.lag, m.age, m.lastSuccess} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register the metrics of sink %s: %w", sink, err)
		}
	}
	return m, nil
}

// wrote notes an acknowledged batch.
func (m *metrics) wrote(records []Record, refused []Refusal) {
	type topic struct {
		rows, refused int
		newest        time.Time
	}
	seen := map[string]*topic{}
	for i := range records {
		t := seen[records[i].Topic]
		if t == nil {
			t = &topic{}
			seen[records[i].Topic] = t
		}
		t.rows++
		if records[i].Time.After(t.newest) {
			t.newest = records[i].Time
		}
	}
	for _, r := range refused {
		seen[records[r.Record].Topic].refused++
	}
	now := time.Now()
	for name, t := range seen {
		m.rows.WithLabelValues(name).Add(float64(t.rows - t.refused))
		m.refused.WithLabelValues(name).Add(float64(t.refused))
		if !t.newest.IsZero() {
			m.age.WithLabelValues(name).Set(max(0, now.Sub(t.newest).Seconds()))
		}
	}
	m.batches.Inc()
	m.lastSuccess.Set(float64(now.UnixMilli()) / 1000)
}

// lags notes how far a partition is done with.
func (m *metrics) lags(p *source) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		m.lag.WithLabelValues(p.topic, strconv.Itoa(p.partition)).Set(float64(max(0, p.logEnd-p.done)))
	}
}

// forget drops what concerns a partition that has ended.
func (m *metrics) forget(p *source) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m.lag.DeleteLabelValues(p.topic, strconv.Itoa(p.partition))
}
