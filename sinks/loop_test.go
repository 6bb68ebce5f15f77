package sinks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"jitaudit/internal/kafka"
	"jitaudit/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal is what happened, in order.
type journal struct {
	mu   sync.Mutex
	list []string
}

func (j *journal) note(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.list = append(j.list, fmt.Sprintf(format, args...))
}

func (j *journal) entries() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.list)
}

// partition is a claim on messages that the test brings.
type partition struct {
	*journal
	topic    string
	id       int
	messages chan []kafka.Message
	commit   error

	mu   sync.Mutex
	next int64
}

func newPartition(j *journal, topic string, id int) *partition {
	return &partition{journal: j, topic: topic, id: id, messages: make(chan []kafka.Message, 100)}
}

// bring adds messages, each with a value.
func (p *partition) bring(values ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []kafka.Message
	for _, v := range values {
		out = append(out, kafka.Message{Topic: p.topic, Partition: p.id, Offset: p.next, Value: []byte(v), Time: time.Now()})
		p.next++
	}
	p.messages <- out
}

func (p *partition) Fetch(ctx context.Context, limit int) ([]kafka.Message, error) {
	select {
	case m := <-p.messages:
		return m[:min(limit, len(m))], nil
	case <-ctx.Done():
		return nil, fmt.Errorf("fetch: %w", context.Cause(ctx))
	}
}

func (p *partition) Commit(_ context.Context, next int64) error {
	if p.commit != nil {
		return p.commit
	}
	p.note("commit %s/%d %d", p.topic, p.id, next)
	return nil
}

func (p *partition) Lag() int64 { return 7 }

// recorder is a sink that notes what it gets, and fails as it is told: with one
// of errs at a time. It refuses what says so.
type recorder struct {
	*journal
	errs []error
}

func (r *recorder) Write(_ context.Context, batch []Record) ([]Refusal, error) {
	if len(r.errs) > 0 {
		err := r.errs[0]
		r.errs = r.errs[1:]
		if err != nil {
			r.note("failed")
			return nil, err
		}
	}
	var values []string
	var refused []Refusal
	for i, b := range batch {
		values = append(values, string(b.Value))
		if bytes.HasPrefix(b.Value, []byte("bad")) {
			refused = append(refused, Refusal{Record: i, Reason: "It is bad."})
		}
	}
	r.note("write %s", strings.Join(values, " "))
	return refused, nil
}

// cemetery notes dead letters, and fails as it is told.
type cemetery struct {
	*journal
	errs []error
}

func (c *cemetery) Bury(_ context.Context, letters []schemas.DeadLetter) error {
	if len(c.errs) > 0 {
		err := c.errs[0]
		c.errs = c.errs[1:]
		c.note("not buried")
		return err
	}
	for _, l := range letters {
		c.note("bury %s %d %s %q %s", l.File, l.Record, l.Source, l.Raw, l.Reason)
	}
	return nil
}

// world is a loop with all that is around it.
type world struct {
	*journal
	sink     *recorder
	cemetery *cemetery
	metrics  *prometheus.Registry
	log      *bytes.Buffer
	stop     context.CancelFunc
	ended    chan error
}

// start runs a loop over partitions. It must be called in a bubble of synctest.
func start(t *testing.T, cfg Config, sink []error, letters []error, partitions ...*partition) *world {
	t.Helper()
	j := &journal{}
	w := &world{
		journal: j, sink: &recorder{j, sink}, cemetery: &cemetery{j, letters}, metrics: prometheus.NewRegistry(), log: &bytes.Buffer{},
		ended: make(chan error, 1),
	}
	for _, p := range partitions {
		p.journal = j
	}
	cfg.Name = "test"
	loop, err := NewLoop(cfg, w.sink, w.cemetery, w.metrics, slog.New(slog.NewTextHandler(w.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.stop = cancel
	go func() {
		w.ended <- loop.run(ctx, func(ctx context.Context, do func(context.Context, claim) error) error {
			var wg sync.WaitGroup
			failed := make(chan error, len(partitions))
			for _, p := range partitions {
				wg.Go(func() { failed <- do(ctx, p) })
			}
			wg.Wait()
			return <-failed
		})
	}()
	return w
}

// expect waits until nothing moves and compares what happened so far.
func (w *world) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := w.entries(); !slices.Equal(got, want) {
		t.Errorf("happened\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func (w *world) end(t *testing.T) {
	t.Helper()
	w.stop()
	if err := <-w.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v, want that it was stopped", err)
	}
}

func TestABatchIsWrittenWhenItIsOldEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPartition(nil, "sessions", 3)
		w := start(t, Config{MaxWait: time.Second}, nil, nil, p)
		p.bring("a", "b")
		time.Sleep(600 * time.Millisecond)
		p.bring("c")
		time.Sleep(399 * time.Millisecond)
		w.expect(t)
		time.Sleep(time.Millisecond)
		w.expect(t, "write a b c", "commit sessions/3 3")
		time.Sleep(time.Hour)
		p.bring("d")
		time.Sleep(time.Second)
		w.expect(t, "write a b c", "commit sessions/3 3", "write d", "commit sessions/3 4")
		w.end(t)
	})
}

func TestABatchIsWrittenWhenItIsFull(t *testing.T) {
	tests := []struct {
		name string
		cfg  Config
	}{
		{"of records", Config{MaxRecords: 3, MaxWait: time.Hour}},
		{"of bytes", Config{MaxBytes: 3, MaxWait: time.Hour}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPartition(nil, "sessions", 0)
				w := start(t, tt.cfg, nil, nil, p)
				p.bring("a", "b", "c", "d", "e", "f", "g")
				w.expect(t, "write a b c", "commit sessions/0 3", "write d e f", "commit sessions/0 6")
				w.end(t)
			})
		})
	}
}

func TestPartitionsShareABatchAndCommitEachTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, q := newPartition(nil, "sessions", 0), newPartition(nil, "activity", 1)
		w := start(t, Config{}, nil, nil, p, q)
		p.bring("a")
		synctest.Wait()
		q.bring("b", "c")
		time.Sleep(time.Second)
		synctest.Wait()
		got := w.entries()
		slices.Sort(got)
		if want := []string{"commit activity/1 2", "commit sessions/0 1", "write a b c"}; !slices.Equal(got, want) || w.entries()[0] != "write a b c" {
			t.Errorf("happened %q, want %q, the write first", w.entries(), want)
		}
		w.end(t)
	})
}

func TestNothingIsCommittedBeforeTheSinkHasAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPartition(nil, "sessions", 0)
		down := errors.New("the server is down")
		w := start(t, Config{MaxRecords: 2, MaxWait: time.Hour, MinBackoff: time.Second, MaxBackoff: 4 * time.Second}, []error{down, down, down, down, nil}, nil, p)
		p.bring("a", "b")
		p.bring("c", "d", "e", "f", "g")
		w.expect(t, "failed")
		time.Sleep(time.Second + 2*time.Second)
		w.expect(t, "failed", "failed", "failed")
		if got := metric(t, w, "jitaudit_sink_failures_total"); got != 3 {
			t.Errorf("%v failures are counted, want 3", got)
		}
		time.Sleep(9 * time.Second)
		w.expect(t, "failed", "failed", "failed", "failed", "write a b", "commit sessions/0 2", "write c d", "commit sessions/0 4", "write e f", "commit sessions/0 6")
		if n := strings.Count(w.log.String(), "the server is down"); n != 1 {
			t.Errorf("it is said %d times, want once:\n%s", n, w.log)
		}
		if n := strings.Count(w.log.String(), "the sink goes on"); n != 1 {
			t.Errorf("that it goes on is said %d times, want once", n)
		}
		w.end(t)
	})
}

// metric is the sum of a metric over its labels; 0 where there is none.
func metric(t *testing.T, w *world, name string) (sum float64) {
	t.Helper()
	families, err := w.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

func TestNothingIsReadBeforeTheSinkIsPrepared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPartition(nil, "sessions", 0)
		tries := 0
		w := start(t, Config{MinBackoff: time.Minute, MaxBackoff: time.Minute, Prepare: func(context.Context) error {
			if tries++; tries == 1 {
				return errors.New("not up yet")
			}
			return nil
		}}, nil, nil, p)
		p.bring("a")
		synctest.Wait()
		if len(p.messages) != 1 {
			t.Error("a record was read before")
		}
		time.Sleep(time.Minute + time.Second)
		w.expect(t, "write a", "commit sessions/0 1")
		w.end(t)
	})
}

func TestAPermanentFailureEndsTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPartition(nil, "sessions", 0)
		denied := Permanent(errors.New("the password is wrong"))
		w := start(t, Config{}, []error{fmt.Errorf("write: %w", denied)}, nil, p)
		p.bring("a")
		if err := <-w.ended; !errors.Is(err, denied) {
			t.Errorf("ended with %v", err)
		}
		w.expect(t, "failed")
	})
}

func TestRefusedRecordsAreCommittedOnceTheyAreDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPartition(nil, "sessions", 3)
		full := errors.New("no space")
		w := start(t, Config{MinBackoff: time.Second}, nil, []error{full, full}, p)
		p.bring("a", "bad1", "b")
		p.bring("bad2")
		time.Sleep(time.Second)
		w.expect(t, "write a bad1 b bad2", "not buried")
		time.Sleep(3 * time.Second)
		w.expect(t, "write a bad1 b bad2", "not buried", "not buried",
			`bury sessions/3 1 pipeline "bad1" It is bad.`, `bury sessions/3 3 pipeline "bad2" It is bad.`, "commit sessions/3 4")
		if got := metric(t, w, "jitaudit_sink_dead_letters_total"); got != 2 {
			t.Errorf("%v dead letters are counted, want 2", got)
		}
		if got := metric(t, w, "jitaudit_sink_rows_total"); got != 2 {
			t.Errorf("%v rows are counted, want 2", got)
		}
		w.end(t)
	})
}

func TestADeadLetterIsCut(t *testing.T) {
	long := bytes.Repeat([]byte("x"), schemas.RawLimit+1)
	got := deadLetters([]Record{{Topic: "t", Value: long}}, []Refusal{{Reason: "r"}})
	if len(got) != 1 || len(got[0].Raw) != schemas.RawLimit {
		t.Errorf("kept %d bytes, want %d", len(got[0].Raw), schemas.RawLimit)
	}
}

func TestAPartitionThatIsNotOursAnyMoreIsNotCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPartition(nil, "sessions", 0)
		p.commit = fmt.Errorf("commit: %w", kafka.ErrFenced)
		w := start(t, Config{}, nil, nil, p)
		p.bring("a")
		time.Sleep(time.Second)
		if err := <-w.ended; !errors.Is(err, kafka.ErrFenced) {
			t.Errorf("the partition's consumer ended with %v, want that it is fenced", err)
		}
	})
}

// TestAnEndedPartitionIsWrittenButNotCommitted: a generation ends while its
// records wait in a batch.
func TestAnEndedPartitionIsWrittenButNotCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journal{}
		l, err := NewLoop(Config{Name: "test"}, &recorder{j, nil}, &cemetery{j, nil}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		drained := make(chan error, 1)
		go func() { drained <- l.drain(ctx) }()
		p := newPartition(j, "sessions", 0)
		generation, over := context.WithCancel(ctx)
		consumed := make(chan error, 1)
		go func() { consumed <- l.consume(generation, p) }()
		p.bring("a")
		synctest.Wait()
		over()
		if err := <-consumed; !errors.Is(err, context.Canceled) {
			t.Errorf("consume ended with %v", err)
		}
		again := newPartition(j, "sessions", 0) // the next generation reads it again
		go func() { consumed <- l.consume(ctx, again) }()
		again.bring("a")
		time.Sleep(time.Second)
		synctest.Wait()
		if want := []string{"write a a", "commit sessions/0 1"}; !slices.Equal(j.entries(), want) {
			t.Errorf("happened %q, want %q", j.entries(), want)
		}
		stop()
		for _, err := range []error{<-drained, <-consumed} {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("ended with %v, want that it was stopped", err)
			}
		}
	})
}

func TestTheLoopHoldsAtMostOneBatchBesideTheOneItWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPartition(nil, "sessions", 0)
		down := errors.New("down")
		w := start(t, Config{MaxRecords: 1, MinBackoff: time.Hour, MaxBackoff: time.Hour}, []error{down}, nil, p)
		for range 10 {
			p.bring("a")
		}
		synctest.Wait()
		// One is being written, one waits, one is held by who brings it.
		if got := len(p.messages); got != 7 {
			t.Errorf("%d batches are left with Kafka, want 7", got)
		}
		w.end(t)
	})
}

func TestLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPartition(nil, "sessions", 0)
		w := start(t, Config{}, []error{errors.New("down")}, nil, p)
		p.bring("a", "b")
		synctest.Wait()
		if got := metric(t, w, "jitaudit_sink_lag_records"); got != 9 {
			t.Errorf("lag is %v, want the 2 that are not written and the 7 that are not read", got)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := metric(t, w, "jitaudit_sink_lag_records"); got != 7 {
			t.Errorf("lag is %v, want the 7 that are not read", got)
		}
		if got := metric(t, w, "jitaudit_sink_last_success_timestamp_seconds"); got < 946684800 {
			t.Errorf("last success is %v", got)
		}
		w.end(t)
		if got := metric(t, w, "jitaudit_sink_lag_records"); got != 0 {
			t.Errorf("lag is %v after the end, want that it is forgotten", got)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	tests := []struct {
		name string
		cfg  Config
	}{
		{"no name", Config{}},
		{"no records", Config{Name: "a", MaxRecords: -1}},
		{"backoff that shrinks", Config{Name: "a", MinBackoff: time.Minute, MaxBackoff: time.Second}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := NewLoop(tt.cfg, nil, nil, prometheus.NewRegistry(), slog.New(slog.DiscardHandler)); err == nil {
				t.Error("it was accepted")
			}
		})
	}
	r := prometheus.NewRegistry()
	for i := range 2 {
		_, err := NewLoop(Config{Name: "a"}, nil, nil, r, slog.New(slog.DiscardHandler))
		if (err != nil) != (i == 1) {
			t.Errorf("loop %d of one name: %v", i, err)
		}
	}
}
