package pipeline

import (
	"context"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"jitaudit/internal/kafka"
	"jitaudit/schemas/topics"
	"jitaudit/sinks"
	"jitaudit/sinks/clickhouse"
)

// The consumer groups of the sink, without prefix. Results wait neither for raw
// events, which are kept to be judged anew, nor coverage for itself: it waits for
// them.
const (
	sinkGroup     = "sink-clickhouse"
	coverageGroup = "sink-clickhouse-coverage"
	rawGroup      = "sink-clickhouse-raw"
)

// sinkLoop is one consumer of the sink.
type sinkLoop struct {
	// name is that of its metrics, stage how health calls it.
	name, stage, group string
	topics             []string
	sink               func(*runner) sinks.Sink
	// prepare, if there is one, must succeed before anything is read.
	prepare func(*runner, context.Context) error
}

// sinkLoops are those that bring results and coverage into ClickHouse, and, if
// they are kept, raw events.
func sinkLoops(raw bool) []sinkLoop {
	results := slices.DeleteFunc(clickhouse.Topics(), func(t string) bool { return t == topics.Coverage })
	loops := []sinkLoop{
		{"clickhouse", "sink clickhouse", sinkGroup, results, func(r *runner) sinks.Sink { return clickhouse.NewSink(r.parts.db) }, nil},
		{"clickhouse-coverage", "sink clickhouse coverage", coverageGroup, []string{topics.Coverage}, func(r *runner) sinks.Sink {
			return &behind{Sink: clickhouse.NewSink(r.parts.db), kafka: r.parts.kafka, group: r.cfg.Kafka.Prefix + sinkGroup, topics: results}
		}, nil},
	}
	if raw {
		loops = append(loops, sinkLoop{"clickhouse-raw", "sink clickhouse raw", rawGroup, clickhouse.RawTopics(),
			func(r *runner) sinks.Sink { return clickhouse.NewRawSink(r.parts.db) },
			func(r *runner, ctx context.Context) error {
				return r.parts.db.KeepRaw(ctx, r.cfg.Sinks.ClickHouse.RawEventsTTL)
			}})
	}
	return loops
}

// SinkGroups are the consumer groups of the sink, without prefix, with the topics
// that each reads.
func SinkGroups() map[string][]string {
	out := make(map[string][]string)
	for _, l := range sinkLoops(true) {
		out[l.group] = l.topics
	}
	return out
}

// sink writes results and coverage into ClickHouse until ctx ends.
func (r *runner) sink(ctx context.Context) error { return r.runLoops(ctx, sinkLoops(false)) }

func (r *runner) runLoops(ctx context.Context, loops []sinkLoop) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range loops {
		g.Go(func() error { return r.runLoop(ctx, l) })
	}
	return g.Wait()
}

func (r *runner) runLoop(ctx context.Context, l sinkLoop) error {
	w, err := r.parts.kafka.Writer(kafka.WriterConfig{})
	if err != nil {
		return err
	}
	c := &r.cfg.Sinks.ClickHouse
	cfg := sinks.Config{Name: l.name, MaxRecords: c.BatchRows, MaxWait: c.BatchInterval}
	if l.prepare != nil {
		cfg.Prepare = func(ctx context.Context) error { return l.prepare(r, ctx) }
	}
	loop, err := sinks.NewLoop(cfg, l.sink(r), sinks.KafkaDeadLetters{Writer: w}, r.metrics, r.Log)
	if err != nil {
		return err
	}
	return loop.Run(ctx, r.parts.kafka, kafka.GroupConfig{ID: r.cfg.Kafka.Prefix + l.group, Topics: l.topics})
}

// behind writes a batch once a group has written all that stands in its topics by
// then: coverage says that the results are there.
type behind struct {
	sinks.Sink
	kafka  *kafka.Client
	group  string
	topics []string
}

// lookAgain is how often it is looked whether the group has got there.
const lookAgain = 100 * time.Millisecond

// Write implements sinks.Sink.
func (b *behind) Write(ctx context.Context, batch []sinks.Record) ([]sinks.Refusal, error) {
	ends := make(map[string][]kafka.Bounds)
	for _, t := range b.topics {
		bounds, err := b.kafka.Offsets(ctx, t)
		if err != nil {
			return nil, err
		}
		ends[t] = bounds
	}
	for {
		for _, t := range slices.Collect(maps.Keys(ends)) {
			committed, err := b.kafka.Committed(ctx, b.group, t)
			if err != nil {
				return nil, err
			}
			if reached(committed, ends[t]) {
				delete(ends, t)
			}
		}
		if len(ends) == 0 {
			return b.Sink.Write(ctx, batch)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(lookAgain):
		}
	}
}

// reached reports whether what is committed is all there was.
func reached(committed map[int]int64, ends []kafka.Bounds) bool {
	for p, b := range ends {
		if at, ok := committed[p]; b.First < b.End && (!ok || at < b.End) {
			return false
		}
	}
	return true
}

// Waiting is how many records of results and coverage the sink has still to write.
func (a *Addresses) Waiting(ctx context.Context) (n int64, err error) {
	for _, l := range sinkLoops(false) {
		lag, err := a.Kafka.Lag(ctx, a.prefix+l.group, l.topics...)
		if err != nil {
			return 0, err
		}
		for _, partitions := range lag {
			for _, behind := range partitions {
				n += behind
			}
		}
	}
	return n, nil
}
