package alerts

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"jitaudit/internal/kafka"
	"jitaudit/schemas/topics"
	"jitaudit/sinks"
)

// Dispatcher tells one receiver what it has to know of. Any number of instances
// may run for a receiver: one of them leads, and another one takes over when it
// goes. Receivers do not wait for each other.
type Dispatcher struct {
	cfg      Config
	receiver Receiver
	log      *slog.Logger
	metrics  *metrics
	limit    *rate.Limiter // nil for none
	state    shared

	// timer and wrap are replaced by tests: what waits, and what goes before
	// everything that is written.
	timer func(time.Duration) (<-chan time.Time, func())
	wrap  func(writer) writer
}

// Group is the consumer group, without prefix, whose member leads a receiver: it
// is given the one partition of topic sentlog. It commits no offsets.
func Group(receiver string) string { return "alerts-" + receiver }

// New returns a dispatcher for a receiver. It registers its metrics with r; there
// can be one for each name.
func New(cfg Config, receiver Receiver, r prometheus.Registerer, log *slog.Logger) (*Dispatcher, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure receiver %q: %w", cfg.Name, err)
	}
	m, err := newMetrics(cfg.Name, r)
	if err != nil {
		return nil, err
	}
	d := &Dispatcher{
		cfg: cfg, receiver: receiver, log: log.With("receiver", cfg.Name), metrics: m,
		timer: func(wait time.Duration) (<-chan time.Time, func()) {
			t := time.NewTimer(wait)
			return t.C, func() { t.Stop() }
		},
		wrap: func(w writer) writer { return w },
	}
	if cfg.Rate > 0 {
		d.limit = rate.NewLimiter(rate.Limit(cfg.Rate)/60, cfg.Rate)
	}
	return d, nil
}

// Run tells the receiver until ctx ends, whenever this instance leads. A receiver
// that fails is told again until it takes what it is told, and never ends Run; what
// does is Kafka, where it denies access or fails for good, and the error says so.
// A Dispatcher runs once at a time.
func (d *Dispatcher) Run(ctx context.Context, client *kafka.Client) error {
	cfg := kafka.GroupConfig{ID: d.cfg.Prefix + Group(d.cfg.Name), Topics: []string{topics.SentLog}, SessionTimeout: d.cfg.Session}
	err := client.Group(ctx, cfg, func(ctx context.Context, _ *kafka.Claim) error { return d.lead(ctx, client) })
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("tell receiver %s: %w", d.cfg.Name, err)
	}
	return err
}

// lead tells the receiver for as long as this instance leads.
func (d *Dispatcher) lead(ctx context.Context, client *kafka.Client) error {
	w, err := client.Writer(kafka.WriterConfig{})
	if err != nil {
		return err
	}
	l := newLead(d, client, d.wrap(w), sinks.KafkaDeadLetters{Writer: w})
	if err := l.begin(ctx); err != nil {
		return err
	}
	d.log.Info("alerts go on from here", "remembered", len(l.sent), "partitions", len(l.positions))
	d.metrics.leading.Set(1)
	d.state.lead(true)
	defer func() {
		d.metrics.leading.Set(0)
		d.metrics.pending.Set(0)
		d.metrics.lag.Reset()
		d.state.lead(false)
	}()
	return l.run(ctx)
}

// State is how a dispatcher is doing.
type State struct {
	// Leading: this instance tells the receiver. If it does not, the rest is empty.
	Leading bool
	// Pending is how many alerts wait.
	Pending int
	// Failing is why the receiver does not take what it is told, since when; nil
	// while it does.
	Failing error
	Since   time.Time
}

// State returns how the dispatcher is doing. It may be called at any time.
func (d *Dispatcher) State() State {
	d.state.mu.Lock()
	defer d.state.mu.Unlock()
	return d.state.State
}

// shared is a state that several look at.
type shared struct {
	mu sync.Mutex
	State
}

func (s *shared) lead(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.State = State{Leading: yes}
}

func (s *shared) wait(pending int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Pending = pending
}

// fail notes that the receiver failed, or with nil that it took what it was told.
func (s *shared) fail(err error, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.Since = time.Time{}
	case s.Failing == nil:
		s.Since = now
	}
	s.Failing = err
}
