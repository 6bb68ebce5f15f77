package sinks

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"jitaudit/internal/kafka"
)

// Config says how a Loop works.
type Config struct {
	// Name is the sink's, for metrics and logs.
	Name string
	// A batch is written when it has MaxRecords records (default 50 000) or
	// MaxBytes of them (default 32 MiB), or when its first has waited for
	// MaxWait (default 1 s). One more batch is gathered meanwhile.
	MaxRecords, MaxBytes int
	MaxWait              time.Duration
	// A failed write is tried again after MinBackoff (default 250 ms), then
	// twice as long, up to MaxBackoff (default 30 s).
	MinBackoff, MaxBackoff time.Duration
	// Prepare, if there is one, must succeed before anything is read from Kafka,
	// and is tried again like a write.
	Prepare func(context.Context) error
}

func (c Config) withDefaults() Config {
	if c.MaxRecords == 0 {
		c.MaxRecords = 50_000
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 32 << 20
	}
	if c.MaxWait == 0 {
		c.MaxWait = time.Second
	}
	if c.MinBackoff == 0 {
		c.MinBackoff = 250 * time.Millisecond
	}
	if c.MaxBackoff == 0 {
		c.MaxBackoff = 30 * time.Second
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.Name == "":
		return fmt.Errorf("make a sink's loop: it has no name")
	case c.MaxRecords < 1, c.MaxBytes < 1, c.MaxWait < 0:
		return fmt.Errorf("make the loop of sink %s: a batch of %d records, %d bytes and %s can hold nothing", c.Name, c.MaxRecords, c.MaxBytes, c.MaxWait)
	case c.MinBackoff < 0, c.MaxBackoff < c.MinBackoff:
		return fmt.Errorf("make the loop of sink %s: cannot wait from %s up to %s", c.Name, c.MinBackoff, c.MaxBackoff)
	}
	return nil
}

// Loop feeds a sink from a consumer group. The batches of all partitions are
// one, so that the sink gets few and large ones. Offsets are committed after the
// sink has acknowledged what is before them, and after the dead letter topic has
// acknowledged what the sink refused; whoever is stopped in between does the
// last batch again.
type Loop struct {
	cfg     Config
	sink    Sink
	letters DeadLetters
	log     *slog.Logger
	metrics *metrics
	batcher *batcher
}

// NewLoop returns a loop that gives to sink what it reads, and to letters what
// the sink refuses. It registers its metrics with r; there can be one loop for
// each name.
func NewLoop(cfg Config, sink Sink, letters DeadLetters, r prometheus.Registerer, log *slog.Logger) (*Loop, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	m, err := newMetrics(cfg.Name, r)
	if err != nil {
		return nil, err
	}
	return &Loop{
		cfg: cfg, sink: sink, letters: letters, metrics: m,
		log:     log.With("sink", cfg.Name),
		batcher: newBatcher(cfg.MaxRecords, cfg.MaxBytes, cfg.MaxWait),
	}, nil
}

// Run is a member of the group until ctx ends. It returns early when Kafka
// denies access or has lost records that were not read, and when the sink fails
// for good: that error says what to do. A Loop runs once.
func (l *Loop) Run(ctx context.Context, client *kafka.Client, group kafka.GroupConfig) error {
	return l.run(ctx, func(ctx context.Context, do func(context.Context, claim) error) error {
		return client.Group(ctx, group, func(ctx context.Context, c *kafka.Claim) error { return do(ctx, c) })
	})
}

// claim is what is needed of a kafka.Claim. Commit is called beside Fetch.
type claim interface {
	Fetch(ctx context.Context, limit int) ([]kafka.Message, error)
	Commit(ctx context.Context, next int64) error
	Lag() int64
}

func (l *Loop) run(ctx context.Context, join func(context.Context, func(context.Context, claim) error) error) error {
	if l.cfg.Prepare != nil {
		if err := l.retry(ctx, "prepare", func() error { return l.cfg.Prepare(ctx) }); err != nil {
			return err
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return l.drain(ctx) })
	g.Go(func() error { return join(ctx, l.consume) })
	return g.Wait()
}

// fetchLimit is how many records are taken from a partition at once.
const fetchLimit = 5000

// consume puts the records of a partition into batches until ctx ends.
func (l *Loop) consume(ctx context.Context, c claim) error {
	ctx, cancel := context.WithCancelCause(ctx)
	p := &source{claim: c, ctx: ctx, fail: cancel}
	defer func() {
		cancel(nil)
		p.end()
		l.metrics.forget(p)
	}()
	for {
		messages, err := c.Fetch(ctx, fetchLimit)
		if err != nil {
			return p.why(err)
		}
		if len(messages) == 0 {
			continue
		}
		p.saw(&messages[0], messages[len(messages)-1].Offset+1+c.Lag())
		l.metrics.lags(p)
		if err := l.batcher.add(ctx, p, messages); err != nil {
			return p.why(err)
		}
	}
}

// drain writes one batch after the other.
func (l *Loop) drain(ctx context.Context) error {
	for {
		b, err := l.batcher.take(ctx)
		if err != nil {
			return err
		}
		if err := l.write(ctx, b); err != nil {
			return err
		}
		for p, next := range b.next {
			if err := p.commit(next); err == nil {
				l.metrics.lags(p)
			}
		}
	}
}

// write returns when every record of the batch is either with the sink or a
// dead letter.
func (l *Loop) write(ctx context.Context, b *batch) error {
	var refused []Refusal
	err := l.retry(ctx, "write", func() (err error) {
		refused, err = l.sink.Write(ctx, b.records)
		return err
	})
	if err != nil {
		return err
	}
	if len(refused) > 0 {
		letters := deadLetters(b.records, refused)
		if err := l.retry(ctx, "keep dead letters", func() error { return l.letters.Bury(ctx, letters) }); err != nil {
			return err
		}
		l.log.Warn("the sink refused records; they are dead letters now", "records", len(refused), "first", letters[0].File, "offset", letters[0].Record, "reason", letters[0].Reason)
	}
	l.metrics.wrote(b.records, refused)
	return nil
}
