package kafka_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"

	"jitaudit/internal/broker"
	"jitaudit/internal/kafka"
	"jitaudit/schemas/topics"
)

// The vectors of testMurmur2 in UtilsTest of Apache Kafka, as the partition of
// the same hash.
func TestPartitionIsThatOfJava(t *testing.T) {
	vectors := map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	}
	const most = 1<<31 - 1 // the hash itself, but for its sign
	for key, hash := range vectors {
		if got, want := kafka.PartitionOf([]byte(key), most), int(hash&0x7fffffff)%most; got != want {
			t.Errorf("%q: got %d, want %d", key, got, want)
		}
	}
	for n := range 100 { // of every length, against another implementation
		key := bytes.Repeat([]byte{0xff, 'a', 0, 0x80}, 30)[:n]
		want := kafkago.Murmur2Balancer{Consistent: true}.Balance(kafkago.Message{Key: key}, []int{0, 1, 2, 3, 4, 5, 6}...)
		if got := kafka.PartitionOf(key, 7); got != want {
			t.Errorf("%d bytes: got %d, want %d", n, got, want)
		}
	}
}

func TestWriteKeepsOrderPartitionAndContent(t *testing.T) {
	h := start(t)
	h.ensure(t, deleted("a", 3), deleted("b", 2))
	const many = 25_000 // several batches
	var messages []kafka.Message
	for i := range many {
		messages = append(messages, kafka.Message{Topic: "a", Partition: 2, Pinned: true, Value: fmt.Append(nil, i)})
	}
	own := kafka.PartitionOf([]byte("person"), 2)
	messages = append(messages,
		kafka.Message{Topic: "b", Key: []byte("person"), Value: []byte("keyed"), Headers: []kafka.Header{{Key: "kind", Value: []byte("event")}}},
		kafka.Message{Topic: "b", Partition: 1 - own, Pinned: true, Key: []byte("person"), Value: []byte("pinned")},
		kafka.Message{Topic: "b", Key: []byte("person")},
	)
	h.write(t, messages...)

	got := h.read(t, "a", 2)
	if len(got) != many {
		t.Fatalf("partition 2 has %d messages, want %d", len(got), many)
	}
	for i, m := range got {
		if string(m.Value) != fmt.Sprint(i) || m.Offset != int64(i) {
			t.Fatalf("message %d is %q at offset %d", i, m.Value, m.Offset)
		}
	}
	if n := len(h.read(t, "a", 0)) + len(h.read(t, "a", 1)); n != 0 {
		t.Errorf("the other partitions have %d messages, want none", n)
	}
	keyed := h.read(t, "b", own)
	pinned := h.read(t, "b", 1-own)
	if len(keyed) != 2 || string(keyed[0].Value) != "keyed" || keyed[0].Topic != "b" || keyed[0].Header("kind") != "event" || keyed[0].Header("none") != "" {
		t.Errorf("by key: %+v", keyed)
	}
	if keyed[1].Value != nil {
		t.Errorf("a deletion came back as %q, want nil", keyed[1].Value)
	}
	if len(pinned) != 1 || string(pinned[0].Key) != "person" || string(pinned[0].Value) != "pinned" {
		t.Errorf("pinned: %+v", pinned)
	}
}

func TestWriteRefusesWhatHasNoPlace(t *testing.T) {
	h := start(t)
	h.ensure(t, deleted("a", 3))
	tests := []struct {
		name    string
		message kafka.Message
		want    error
	}{
		{"no key and no partition", kafka.Message{Topic: "a"}, nil},
		{"partition too high", kafka.Message{Topic: "a", Pinned: true, Partition: 3}, nil},
		{"partition below zero", kafka.Message{Topic: "a", Pinned: true, Partition: -1}, nil},
		{"unknown topic", kafka.Message{Topic: "none", Key: []byte("k")}, kafka.ErrUnknownTopic},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			good := kafka.Message{Topic: "a", Pinned: true}
			err := h.writer(t).Write(within(t), good, tt.message)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want an error that is %v", err, tt.want)
			}
		})
	}
	if got := h.read(t, "a", 0); len(got) != 0 {
		t.Errorf("%d messages were written beside a refused one", len(got))
	}
}

func TestTooLargeMessageIsNamed(t *testing.T) {
	h := start(t)
	h.ensure(t, deleted("a", 1))
	small := topics.Topic{Name: "small", Partitions: 1, Config: map[string]string{"cleanup.policy": "delete", "max.message.bytes": "200000"}}
	h.ensure(t, small)
	random := func(n int) []byte {
		b := make([]byte, n)
		rand.Read(b)
		return b
	}
	t.Run("for us", func(t *testing.T) {
		err := h.writer(t).Write(within(t), kafka.Message{Topic: "a", Key: []byte("k")}, kafka.Message{Topic: "a", Key: []byte("big"), Value: make([]byte, kafka.MaxMessage)})
		var large *kafka.TooLargeError
		if !errors.As(err, &large) || large.Index != 1 || string(large.Key) != "big" || large.Limit != kafka.MaxMessage {
			t.Fatalf("got %v", err)
		}
		if n := len(h.read(t, "a", 0)); n != 0 {
			t.Errorf("%d messages were written", n)
		}
	})
	t.Run("almost", func(t *testing.T) {
		value := random(kafka.MaxMessage - 1000)
		h.write(t, kafka.Message{Topic: "a", Key: []byte("k"), Value: value})
		if got := h.read(t, "a", 0); len(got) != 1 || !bytes.Equal(got[0].Value, value) {
			t.Error("it came back otherwise")
		}
	})
	t.Run("for the broker", func(t *testing.T) {
		var messages []kafka.Message
		for range 5 { // together more than the broker takes, each alone less
			messages = append(messages, kafka.Message{Topic: "small", Pinned: true, Value: random(100_000)})
		}
		messages = append(messages, kafka.Message{Topic: "small", Pinned: true, Key: []byte("big"), Value: random(250_000)})
		err := h.writer(t).Write(within(t), messages...)
		var large *kafka.TooLargeError
		if !errors.As(err, &large) || large.Index != 5 || string(large.Key) != "big" {
			t.Fatalf("got %v", err)
		}
		if n := len(h.read(t, "small", 0)); n != 5 {
			t.Errorf("%d messages stand before the large one, want 5", n)
		}
	})
}

func TestWriteIsTriedAgain(t *testing.T) {
	tests := []struct {
		name  string
		fault broker.Fault
		times int // how often each message stands there in the end
	}{
		{"not the leader", broker.NotLeader, 1},
		{"connection dropped", broker.Dropped, 1},
		{"broker fails", broker.Failed, 1},
		{"time-out after it was applied", broker.AppliedLate, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := embedded(t)
			h.ensure(t, deleted("a", 1))
			hits, repair := h.broker.Break(kmsg.Produce, tt.fault, 2)
			defer repair()
			h.write(t, kafka.Message{Topic: "a", Pinned: true, Value: []byte("one")}, kafka.Message{Topic: "a", Pinned: true, Value: []byte("two")})
			if hits() != 2 {
				t.Errorf("%d requests failed, want 2", hits())
			}
			want := slices.Repeat([]string{"one", "two"}, tt.times)
			if got := values(h.read(t, "a", 0)); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// What follows a batch that could not be written must not be written without it.
func TestAbandonedWriteLeavesOnlyItsBeginning(t *testing.T) {
	h := embedded(t)
	h.ensure(t, deleted("a", 1))
	hits, repair := h.broker.Break(kmsg.Produce, broker.Dropped, -1)
	defer repair()
	var messages []kafka.Message
	for i := range 30_000 {
		messages = append(messages, kafka.Message{Topic: "a", Pinned: true, Value: fmt.Append(nil, i)})
	}
	ctx, cancel := context.WithCancel(within(t))
	w := h.writer(t)
	result := make(chan error, 1)
	go func() { result <- w.Write(ctx, messages...) }()
	for hits() < 2 {
		if ctx.Err() != nil {
			t.Fatal("nothing was tried")
		}
	}
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want that it was cancelled", err)
	}
	repair()
	h.write(t, kafka.Message{Topic: "a", Pinned: true, Value: []byte("next")})
	if got := values(h.read(t, "a", 0)); !slices.Equal(got, []string{"next"}) {
		t.Errorf("got %d messages, want only the next one", len(got))
	}
}

func TestManyWritersAtOnce(t *testing.T) {
	h := start(t)
	h.ensure(t, deleted("a", 2))
	w := h.writer(t)
	const writers, each = 20, 50
	results := make(chan error, writers)
	for i := range writers {
		go func() {
			for j := range each {
				if err := w.Write(within(t), kafka.Message{Topic: "a", Key: fmt.Append(nil, i), Value: fmt.Appendf(nil, "%d.%d", i, j)}); err != nil {
					results <- err
					return
				}
			}
			results <- nil
		}()
	}
	for range writers {
		if err := <-results; err != nil {
			t.Fatal(err)
		}
	}
	next := map[string]int{}
	for p := range 2 {
		for _, m := range h.read(t, "a", p) {
			want := fmt.Sprintf("%s.%d", m.Key, next[string(m.Key)])
			if got := string(m.Value); got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
			next[string(m.Key)]++
		}
	}
	if len(next) != writers {
		t.Errorf("messages of %d writers, want %d", len(next), writers)
	}
}
