package approvals

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/ingest"
	kafkalog "jitaudit/ingest/kafka"
	"jitaudit/internal/broker"
	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// cluster has the topics of jitaudit, and one of another system.
type cluster struct {
	ours, theirs *kafka.Client
	log          *kafkalog.Log
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	b, err := broker.Start(broker.Config{MinSession: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	client := func(prefix string) *kafka.Client {
		c, err := kafka.New(kafka.Config{Brokers: []string{b.Addr()}, Prefix: prefix, Partitions: 1, Replication: 1}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	c := &cluster{ours: client("jitaudit."), theirs: client("itsm.")}
	if err := c.ours.Ensure(t.Context(), topics.All(1)); err != nil {
		t.Fatal(err)
	}
	if err := c.theirs.Ensure(t.Context(), []topics.Topic{{Name: "decisions", Partitions: 1}}); err != nil {
		t.Fatal(err)
	}
	if c.log, err = kafkalog.New(c.ours); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *cluster) publish(t *testing.T, values ...[]byte) {
	t.Helper()
	w, err := c.theirs.Writer(kafka.WriterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		if err := w.Write(t.Context(), kafka.Message{Topic: "decisions", Key: []byte("k"), Value: v}); err != nil {
			t.Fatal(err)
		}
	}
}

// run reads the topic until the test ends or stop is called.
func (c *cluster) run(t *testing.T, log ingest.Log, topic string) (stop func() error) {
	t.Helper()
	r, err := NewTopic(TopicConfig{Feed: "tickets", Client: c.theirs, Topic: topic, Group: "jitaudit.approvals-tickets", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	return func() error { cancel(); return <-ended }
}

// raw waits until raw.approvals has n records.
func (c *cluster) raw(t *testing.T, n int) (out []kafka.Message) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		out = nil
		err := c.ours.ReadAll(t.Context(), topics.RawApprovals, 0, func(m kafka.Message) error {
			out = append(out, m)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(out) >= n {
			return out
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d records after 10 s, want %d", len(out), n)
		}
	}
}

func TestATopicOfAnotherSystemIsForwarded(t *testing.T) {
	c := newCluster(t)
	c.publish(t, []byte(full), nil, []byte("nonsense"))
	stop := c.run(t, c.log, "decisions")
	got := c.raw(t, 2)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{full, "nonsense"} {
		m := got[i]
		if string(m.Value) != want || string(m.Key) != "approvals/tickets" || m.Header(schemas.HeaderSource) != "approvals" ||
			m.Header(schemas.HeaderShard) != "approvals/tickets" || m.Header(schemas.HeaderKind) != "event" {
			t.Errorf("record %d: %q %s %v", i, m.Value, m.Key, m.Headers)
		}
	}
	if diff := cmp.Diff([]string{"d1", "2026-05-04T08:14:40.5Z", ""}, []string{got[0].Header(schemas.HeaderID), got[0].Header(schemas.HeaderTime), got[1].Header(schemas.HeaderID)}); diff != "" {
		t.Error(diff)
	}

	// It goes on where it was.
	c.publish(t, []byte(least))
	stop = c.run(t, c.log, "decisions")
	got = c.raw(t, 3)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || string(got[2].Value) != least {
		t.Errorf("%d records, the last %s", len(got), got[len(got)-1].Value)
	}
}

func TestNothingIsDoneWithBeforeTheLogHasIt(t *testing.T) {
	c := newCluster(t)
	c.publish(t, []byte(least))
	r, err := NewTopic(TopicConfig{Feed: "tickets", Client: c.theirs, Topic: "decisions", Group: "jitaudit.approvals-tickets", Log: &memory{err: errors.New("no broker")}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "put 1 approvals into the log: no broker") {
		t.Fatal(err)
	}
	stop := c.run(t, c.log, "decisions")
	if got := c.raw(t, 1); string(got[0].Value) != least {
		t.Errorf("%s", got[0].Value)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

func TestATopicThatIsNotThereSaysWhatToDo(t *testing.T) {
	c := newCluster(t)
	r, err := NewTopic(TopicConfig{Feed: "tickets", Client: c.theirs, Topic: "decision", Group: "g", Log: c.log})
	if err != nil {
		t.Fatal(err)
	}
	err = r.Run(t.Context())
	if err == nil || !errors.Is(err, kafka.ErrUnknownTopic) || !strings.Contains(err.Error(), "make it, or correct its name") {
		t.Error(err)
	}
}
