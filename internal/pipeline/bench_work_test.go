package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	kafkago "github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"jitaudit/correlate/stream"
	"jitaudit/correlate/stream/entry"
	"jitaudit/internal/chdb/chdbtest"
	"jitaudit/internal/config"
	"jitaudit/internal/reference"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
	"jitaudit/sinks/clickhouse"
)

// work does one stage on the data in dir and prints its figures.
func work(t *testing.T, stage, dir string) {
	w := readWanted(t, dir)
	r := benchRunner(dir)
	defer func() {
		if err := r.parts.close(); err != nil {
			t.Error(err)
		}
	}()
	r.Policies = []entry.Policy{{Name: "policy.yaml", Data: w.Policy}}
	r.cfg.Sinks.ClickHouse.RawEvents = stage == keptStage
	switch stage {
	case sinkStage:
		r.Role = config.RoleSinkClickHouse
	case readStage, resolveStage, rebuildStage:
		r.Role = config.RoleCorrelate
	}
	if r.sinks() {
		lib, err := chdbtest.Library()
		if err != nil {
			t.Skip("no embedded ClickHouse: ", err)
		}
		r.cfg.ClickHouse.EmbeddedEngine.Library = lib
	}
	if err := r.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := timed(t, r, stage, &w)
	if r.sinks() {
		got, err := reference.Read(t.Context(), r.parts.db)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, w.Tables, got)
		for _, c := range got.Calls {
			f.Rows += c.Calls
		}
	}
	b, err := json.Marshal(&f)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("measured %s\n", b)
}

// timed runs a stage until it has nothing left to do.
func timed(t *testing.T, r *runner, stage string, w *wanted) figures {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	watch := startWatch(t)
	if stage == readStage {
		if err := readAlone(ctx, r); err != nil {
			t.Fatal(err)
		}
		return watch.stop(w.Events)
	}
	metrics := stream.NewMetrics(prometheus.NewRegistry()) // the whole makes its own
	ended := make(chan error, 1)
	run := map[string]func() error{
		resolveStage: func() error { return stream.Resolve(ctx, r.stream(metrics), decoder) },
		rebuildStage: func() error { return stream.Rebuild(ctx, r.stream(metrics)) },
		sinkStage:    func() error { return r.sink(ctx) },
		wholeStage:   func() error { return r.work(ctx) },
		keptStage:    func() error { return r.work(ctx) },
	}[stage]
	go func() { ended <- run() }()
	whole := func() (bool, error) {
		covered, err := r.parts.db.Coverage(ctx)
		if err != nil || !coveredTo(covered, w) {
			return false, err
		}
		return r.sunk(ctx)
	}
	done := map[string]func() (bool, error){
		resolveStage: func() (bool, error) {
			return r.reached(ctx, stream.ResolveGroup, topics.RawOkta, topics.RawCloudTrail)
		},
		rebuildStage: func() (bool, error) { return rebuilt(r, metrics, w), nil },
		sinkStage:    func() (bool, error) { return r.sunk(ctx) },
		wholeStage:   whole,
		keptStage: func() (bool, error) {
			if ok, err := whole(); err != nil || !ok {
				return false, err
			}
			return r.reached(ctx, rawGroup, clickhouse.RawTopics()...)
		},
	}[stage]
	every := time.NewTicker(200 * time.Millisecond)
	defer every.Stop()
	for {
		ok, err := done()
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			break
		}
		select {
		case err := <-ended:
			t.Fatal("it ended: ", err)
		case <-every.C:
		}
	}
	f := watch.stop(w.Events)
	cancel()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return f
}

// reached reports whether a group has committed all there is.
func (r *runner) reached(ctx context.Context, group string, names ...string) (bool, error) {
	lag, err := r.parts.kafka.Lag(ctx, r.cfg.Kafka.Prefix+group, names...)
	for _, partitions := range lag {
		for _, n := range partitions {
			if n > 0 {
				return false, err
			}
		}
	}
	return true, err
}

func (r *runner) sunk(ctx context.Context) (bool, error) {
	a := Addresses{Kafka: r.parts.kafka, prefix: r.cfg.Kafka.Prefix}
	n, err := a.Waiting(ctx)
	return n == 0, err
}

// rebuilt reports whether all partitions take everything into account.
func rebuilt(r *runner, m *stream.Metrics, w *wanted) bool {
	covered := m.Covered()
	for n := range r.cfg.Kafka.Partitions {
		if !coveredTo(covered[n], w) {
			return false
		}
	}
	return true
}

func coveredTo(covered []schemas.Coverage, w *wanted) bool {
	ends := make(map[string]time.Time)
	for _, c := range covered {
		if c.To.After(ends[c.Shard]) {
			ends[c.Shard] = c.To
		}
	}
	return !slices.ContainsFunc(w.Shards, func(s string) bool { return !ends[s].Equal(w.To) })
}

// readAlone reads the raw topics with kafka-go's own reader, all partitions at
// once.
func readAlone(ctx context.Context, r *runner) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, topic := range []string{topics.RawOkta, topics.RawCloudTrail} {
		bounds, err := r.parts.kafka.Offsets(ctx, topic)
		if err != nil {
			return err
		}
		for n, b := range bounds {
			if b.First == b.End {
				continue
			}
			g.Go(func() error {
				reader := kafkago.NewReader(kafkago.ReaderConfig{
					Brokers: r.parts.brokers, Topic: r.cfg.Kafka.Prefix + topic, Partition: n,
					QueueCapacity: 1000, MinBytes: 1, MaxBytes: 4 << 20, MaxWait: 100 * time.Millisecond,
				})
				for {
					m, err := reader.ReadMessage(ctx)
					if err != nil {
						return errors.Join(err, reader.Close())
					}
					if m.Offset == b.End-1 {
						return reader.Close()
					}
				}
			})
		}
	}
	return g.Wait()
}

// compare holds what the tables say against what a scan says.
func compare(t *testing.T, want, got *reference.Tables) {
	t.Helper()
	for _, topic := range slices.Sorted(maps.Keys(want.Lines)) {
		if a, b := want.Lines[topic], got.Lines[topic]; !slices.Equal(a, b) {
			t.Errorf("%s: want %d, got %d\n%.3000s", topic, len(a), len(b), cmp.Diff(a, b))
		}
	}
	if !maps.Equal(want.Calls, got.Calls) {
		t.Errorf("the calls of %d sessions are wanted, got those of %d", len(want.Calls), len(got.Calls))
	}
}
