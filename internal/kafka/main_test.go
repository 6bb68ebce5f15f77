package kafka_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"jitaudit/internal/broker"
	"jitaudit/internal/kafka"
	"jitaudit/schemas/topics"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// harness is a cluster for one test: the embedded broker in memory, or a real
// one, with topics of its own.
type harness struct {
	*kafka.Client
	// broker is nil if the cluster is a real one.
	broker *broker.Broker
	cfg    kafka.Config
	// session is the shortest that the cluster allows.
	session time.Duration
}

func start(t *testing.T) *harness {
	t.Helper()
	h := &harness{session: 6 * time.Second}
	address := os.Getenv("JITAUDIT_TEST_KAFKA")
	if address == "" {
		h.session = time.Second
		b, err := broker.Start(broker.Config{MinSession: h.session})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
		h.broker, address = b, b.Addr()
	}
	h.cfg = kafka.Config{Brokers: []string{address}, Prefix: "test-" + rand.Text() + "."}
	h.Client = h.client(t, h.cfg)
	return h
}

// embedded is start for tests that break the broker.
func embedded(t *testing.T) *harness {
	t.Helper()
	if os.Getenv("JITAUDIT_TEST_KAFKA") != "" {
		t.Skip("needs the embedded broker")
	}
	return start(t)
}

func (h *harness) client(t *testing.T, cfg kafka.Config) *kafka.Client {
	t.Helper()
	c, err := kafka.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func (h *harness) ensure(t *testing.T, wanted ...topics.Topic) {
	t.Helper()
	if err := h.Ensure(within(t), wanted); err != nil {
		t.Fatal(err)
	}
}

func (h *harness) writer(t *testing.T) *kafka.Writer {
	t.Helper()
	w, err := h.Writer(kafka.WriterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (h *harness) write(t *testing.T, messages ...kafka.Message) {
	t.Helper()
	if err := h.writer(t).Write(within(t), messages...); err != nil {
		t.Fatal(err)
	}
}

// read returns all of a partition.
func (h *harness) read(t *testing.T, topic string, partition int) []kafka.Message {
	t.Helper()
	var got []kafka.Message
	err := h.ReadAll(within(t), topic, partition, func(m kafka.Message) error {
		got = append(got, m)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func values(messages []kafka.Message) []string {
	var out []string
	for _, m := range messages {
		out = append(out, string(m.Value))
	}
	return out
}

// within is how long anything may take.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func deleted(name string, partitions int) topics.Topic {
	return topics.Topic{Name: name, Partitions: partitions, Config: map[string]string{"cleanup.policy": "delete", "retention.ms": "604800000"}}
}
