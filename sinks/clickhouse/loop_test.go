package clickhouse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	kafkago "github.com/segmentio/kafka-go"

	"jitaudit/internal/broker"
	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
	"jitaudit/sinks"
)

const partitions = 2

// kafkaClient is a Kafka with the topics of jitaudit.
func kafkaClient(t *testing.T) *kafka.Client {
	t.Helper()
	b, err := broker.Start(broker.Config{MinSession: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := kafka.New(kafka.Config{Brokers: []string{b.Addr()}, Partitions: partitions}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := c.Ensure(deadline(t), topics.All(partitions)); err != nil {
		t.Fatal(err)
	}
	return c
}

func publish(t *testing.T, c *kafka.Client, topic string, values ...[]byte) {
	t.Helper()
	w := letterWriter(t, c)
	messages := make([]kafka.Message, len(values))
	for i, v := range values {
		messages[i] = kafka.Message{Topic: topic, Key: fmt.Appendf(nil, "%d", i), Value: v}
	}
	if err := w.Write(deadline(t), messages...); err != nil {
		t.Fatal(err)
	}
}

func letterWriter(t *testing.T, c *kafka.Client) *kafka.Writer {
	t.Helper()
	w, err := c.Writer(kafka.WriterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// runLoop feeds a sink from Kafka until stop is called, which returns why it
// ended.
func runLoop(t *testing.T, c *kafka.Client, sink sinks.Sink, cfg sinks.Config) (stop func() error) {
	t.Helper()
	cfg.Name = "clickhouse"
	l, err := sinks.NewLoop(cfg, sink, sinks.KafkaDeadLetters{Writer: letterWriter(t, c)}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx, c, groupOf()) }()
	return func() error {
		cancel()
		return <-ended
	}
}

func groupOf() kafka.GroupConfig {
	return kafka.GroupConfig{ID: "jitaudit.sink.clickhouse", Topics: Topics(), SessionTimeout: time.Second}
}

// committed is how many records of a topic the group is done with.
func committed(t *testing.T, c *kafka.Client, topic string) int64 {
	t.Helper()
	offsets, err := c.Committed(deadline(t), groupOf().ID, topic)
	if errors.Is(err, kafkago.GroupIdNotFound) {
		return 0 // nobody has joined it yet
	}
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	for _, o := range offsets {
		sum += max(0, o)
	}
	return sum
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx := deadline(t)
	for !holds() {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// dying is a sink whose process dies after its nth write was acknowledged and
// before anything is done about it.
type dying struct {
	sinks.Sink
	left int
	dead chan struct{}
}

var errDead = errors.New("dead")

func (d *dying) Write(ctx context.Context, batch []sinks.Record) ([]sinks.Refusal, error) {
	refused, err := d.Sink.Write(ctx, batch)
	if d.left--; err == nil && d.left == 0 {
		close(d.dead)
		return nil, sinks.Permanent(errDead)
	}
	return refused, err
}

func TestOffsetsAreCommittedOnlyAfterTheInsert(t *testing.T) {
	c, db := kafkaClient(t), migrated(t)
	const n = 50
	var values [][]byte
	for i := range n {
		values = append(values, session(fmt.Sprint("ses_", i), int64(i), nil))
	}
	publish(t, c, topics.Sessions, values...)

	d := &dying{Sink: NewSink(db), left: 1, dead: make(chan struct{})}
	stop := runLoop(t, c, d, sinks.Config{MaxRecords: n})
	<-d.dead
	if err := stop(); !errors.Is(err, errDead) {
		t.Fatalf("ended with %v", err)
	}
	first := ask(t, db, "SELECT count() FROM sessions")
	if first == "0" {
		t.Fatal("nothing was inserted before it died")
	}
	if got := committed(t, c, topics.Sessions); got != 0 {
		t.Errorf("%d offsets were committed although it died before", got)
	}

	stop = runLoop(t, c, NewSink(db), sinks.Config{MaxWait: 10 * time.Millisecond})
	eventually(t, "all offsets are committed", func() bool { return committed(t, c, topics.Sessions) == n })
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Fatalf("ended with %v", err)
	}
	if got := ask(t, db, "SELECT count(), uniqExact(id), sum(version) FROM sessions"); got != fmt.Sprint(n, " ", n, " ", n*(n-1)/2) {
		t.Errorf("after the repetition the view has %s", got)
	}
}

func TestRefusedRecordsBecomeDeadLetters(t *testing.T) {
	c, db := kafkaClient(t), migrated(t)
	publish(t, c, topics.Sessions, session("a", 1, nil), []byte("{not JSON"), session("b", 1, nil), []byte(`{"id":7}`))
	stop := runLoop(t, c, NewSink(db), sinks.Config{MaxWait: 10 * time.Millisecond})
	eventually(t, "all offsets are committed", func() bool { return committed(t, c, topics.Sessions) == 4 })
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if got := ask(t, db, "SELECT groupArray(id) FROM (SELECT id FROM sessions ORDER BY id)"); got != "[a b]" {
		t.Errorf("stored %s, want both that can be", got)
	}
	letters := map[string]schemas.DeadLetter{}
	err := c.ReadAll(deadline(t), topics.DeadLetters, 0, func(m kafka.Message) error {
		var l schemas.DeadLetter
		if err := json.Unmarshal(m.Value, &l); err != nil {
			return err
		}
		letters[string(l.Raw)] = l
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range []string{"{not JSON", `{"id":7}`} {
		l, found := letters[raw]
		if !found || l.Source != schemas.Pipeline || !strings.HasPrefix(l.File, "sessions/") || l.Reason == "" {
			t.Fatalf("no letter for %s: %+v", raw, letters)
		}
		// Its position leads back to it.
		var partition int
		if _, err := fmt.Sscanf(l.File, "sessions/%d", &partition); err != nil {
			t.Fatal(err)
		}
		err := c.ReadAll(deadline(t), topics.Sessions, partition, func(m kafka.Message) error {
			if m.Offset == l.Record && string(m.Value) != raw {
				t.Errorf("at %s, offset %d stands %s, not %s", l.File, l.Record, m.Value, raw)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestTheServerCrashesBelowTheLoop kills the server while results and calls
// flow: the loop goes on by itself, nothing is lost and nothing is there twice.
func TestTheServerCrashesBelowTheLoop(t *testing.T) {
	c, db := kafkaClient(t), migrated(t)
	killable(t)
	const n = 4000
	var sessions, activity [][]byte
	for i := range n {
		sessions = append(sessions, session(fmt.Sprint("ses_", i), int64(i), nil))
		activity = append(activity, call(fmt.Sprint("event_", i), fmt.Sprint("key_", i/50), day.Add(time.Duration(i)*time.Second), 1, nil))
	}
	publish(t, c, topics.Sessions, sessions...)
	publish(t, c, topics.Activity, activity...)
	stop := runLoop(t, c, NewSink(db), sinks.Config{MaxRecords: 500, MinBackoff: 20 * time.Millisecond, MaxBackoff: 100 * time.Millisecond})
	eventually(t, "it has begun", func() bool { return committed(t, c, topics.Sessions)+committed(t, c, topics.Activity) > 0 })
	shared.child.kill()
	restart(t)
	eventually(t, "all offsets are committed", func() bool {
		return committed(t, c, topics.Sessions) == n && committed(t, c, topics.Activity) == n
	})
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	for _, sql := range []string{"SELECT count(), uniqExact(id) FROM sessions", "SELECT count(), uniqExact(event_id) FROM activity"} {
		if got := ask(t, db, sql); got != fmt.Sprint(n, " ", n) {
			t.Errorf("%s: %s, want %d of each", sql, got, n)
		}
	}
}
