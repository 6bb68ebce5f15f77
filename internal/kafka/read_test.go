package kafka_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"jitaudit/internal/broker"
	"jitaudit/internal/kafka"
	"jitaudit/schemas/topics"
)

func TestReadAllOfACompactedTopicHasTheLastOfEachKey(t *testing.T) {
	h := embedded(t)
	h.ensure(t, topics.Topic{Name: "state", Partitions: 1, Config: map[string]string{"cleanup.policy": "compact"}})
	want := map[string]string{}
	for round := range 20 {
		var messages []kafka.Message
		for key := range 10 {
			m := kafka.Message{Topic: "state", Pinned: true, Key: fmt.Append(nil, key), Value: fmt.Append(nil, round)}
			messages = append(messages, m)
			want[string(m.Key)] = string(m.Value)
		}
		h.write(t, messages...)
	}
	// The end of the first batch is all that compaction takes of it, so the
	// offset after what is left lies in a hole.
	h.write(t, kafka.Message{Topic: "state", Pinned: true, Key: []byte("early"), Value: []byte("1")}, kafka.Message{Topic: "state", Pinned: true, Key: []byte("9"), Value: []byte("old")})
	h.write(t, kafka.Message{Topic: "state", Pinned: true, Key: []byte("9"), Value: []byte("new")})
	want["early"], want["9"] = "1", "new"
	h.write(t, kafka.Message{Topic: "state", Pinned: true, Key: []byte("last"), Value: []byte("1")})
	want["last"] = "1"
	if err := h.broker.Compact(); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	all := h.read(t, "state", 0)
	for _, m := range all {
		got[string(m.Key)] = string(m.Value)
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(all) > 20 {
		t.Errorf("%d records are left, want at most 20: it is not compacted", len(all))
	}
}

func TestReadAllEndsAtTheEndOfTheCall(t *testing.T) {
	h := start(t)
	h.ensure(t, deleted("a", 1))
	h.write(t, kafka.Message{Topic: "a", Pinned: true, Value: []byte("one")})
	var got []string
	err := h.ReadAll(within(t), "a", 0, func(m kafka.Message) error {
		got = append(got, string(m.Value))
		h.write(t, kafka.Message{Topic: "a", Pinned: true, Value: []byte("later")})
		return nil
	})
	if err != nil || !slices.Equal(got, []string{"one"}) {
		t.Errorf("got %q, %v; want only what was there", got, err)
	}
	stop := errors.New("stop")
	if err := h.ReadAll(within(t), "a", 0, func(kafka.Message) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v, want the function's own error", err)
	}
	if err := h.ReadAll(within(t), "none", 0, func(kafka.Message) error { return nil }); !errors.Is(err, kafka.ErrUnknownTopic) {
		t.Errorf("got %v, want ErrUnknownTopic", err)
	}
}

func TestReadingIsTriedAgain(t *testing.T) {
	for name, fault := range map[string]broker.Fault{"not the leader": broker.NotLeader, "dropped": broker.Dropped, "failed": broker.Failed} {
		t.Run(name, func(t *testing.T) {
			h := embedded(t)
			h.ensure(t, deleted("a", 1))
			h.write(t, kafka.Message{Topic: "a", Pinned: true, Value: []byte("one")})
			hits, repair := h.broker.Break(kmsg.Fetch, fault, 2)
			defer repair()
			if got := values(h.read(t, "a", 0)); !slices.Equal(got, []string{"one"}) || hits() != 2 {
				t.Errorf("got %q after %d failures", got, hits())
			}
		})
	}
}

func TestWrongPasswordIsDeniedWithoutThePassword(t *testing.T) {
	for _, mechanism := range []string{kafka.Plain, kafka.ScramSHA256, kafka.ScramSHA512} {
		t.Run(mechanism, func(t *testing.T) {
			b, err := broker.Start(broker.Config{Login: &broker.Login{Mechanism: mechanism, User: "ada", Password: "right-one"}})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			h := &harness{cfg: kafka.Config{Brokers: []string{b.Addr()}, SASL: kafka.SASL{Mechanism: mechanism, User: "ada", Password: "right-one"}}}
			h.Client = h.client(t, h.cfg)
			h.ensure(t, deleted("a", 1))
			h.write(t, kafka.Message{Topic: "a", Pinned: true, Value: []byte("one")})
			if got := values(h.read(t, "a", 0)); !slices.Equal(got, []string{"one"}) {
				t.Errorf("got %q with the right password", got)
			}

			wrong := h.cfg
			wrong.SASL.Password = "wrong-one"
			c := h.client(t, wrong)
			w, err := c.Writer(kafka.WriterConfig{})
			if err != nil {
				t.Fatal(err)
			}
			for name, err := range map[string]error{
				"ensure": c.Ensure(within(t), []topics.Topic{deleted("a", 1)}),
				"write":  w.Write(within(t), kafka.Message{Topic: "a", Pinned: true}),
				"group":  c.Group(within(t), kafka.GroupConfig{ID: "g", Topics: []string{"a"}}, nil),
			} {
				const want = "Kafka refuses the login: check sasl's user and password"
				if !errors.Is(err, kafka.ErrDenied) || !contains(err, want) || contains(err, "wrong-one") {
					t.Errorf("%s: got %v, want %q", name, err, want)
				}
			}
			none := h.cfg
			none.SASL = kafka.SASL{}
			if err := h.client(t, none).Ensure(within(t), []topics.Topic{deleted("a", 1)}); !errors.Is(err, kafka.ErrUnreachable) || !contains(err, "as it does when it wants TLS or a login") {
				t.Errorf("without a login: got %v", err)
			}
		})
	}
}
