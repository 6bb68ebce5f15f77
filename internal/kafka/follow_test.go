package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"jitaudit/internal/broker"
	"jitaudit/internal/kafka"
	"jitaudit/schemas/topics"
)

// follow reads so many messages.
func follow(t *testing.T, f *kafka.Follower, n int) (got []kafka.Message) {
	t.Helper()
	for len(got) < n {
		messages, err := f.Fetch(within(t), n-len(got))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, messages...)
	}
	return got
}

func TestFollowGoesOnWhereItIsTold(t *testing.T) {
	h := start(t)
	h.ensure(t, deleted("a", 2))
	var messages []kafka.Message
	for i := range 100 {
		messages = append(messages, kafka.Message{Topic: "a", Partition: 1, Pinned: true, Value: fmt.Append(nil, i)})
	}
	h.write(t, messages...)
	for _, tt := range []struct {
		name         string
		offset, from int64
	}{
		{"the first", kafka.FirstOffset, 0}, {"an offset", 40, 40}, {"the last", 99, 99},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := h.Follow("a", 1, tt.offset)
			got := follow(t, f, int(100-tt.from))
			for i, m := range got {
				if want := tt.from + int64(i); m.Offset != want || string(m.Value) != fmt.Sprint(want) || m.Topic != "a" || m.Partition != 1 {
					t.Fatalf("message %d is %+v", i, m)
				}
			}
			if f.Lag() != 0 {
				t.Errorf("the lag at the end is %d", f.Lag())
			}
		})
	}
	f := h.Follow("a", 1, 0)
	follow(t, f, 30)
	if f.Lag() != 70 {
		t.Errorf("after 30 of 100 the lag is %d", f.Lag())
	}
}

func TestFollowWaitsForWhatComes(t *testing.T) {
	h := start(t)
	h.ensure(t, deleted("a", 1))
	f := h.Follow("a", 0, kafka.FirstOffset)
	got := make(chan []string, 1)
	go func() {
		messages, err := f.Fetch(within(t), 10)
		if err != nil {
			t.Error(err)
		}
		got <- values(messages)
	}()
	select {
	case early := <-got:
		t.Fatalf("of an empty partition it returned %q", early)
	case <-time.After(100 * time.Millisecond):
	}
	h.write(t, kafka.Message{Topic: "a", Pinned: true, Value: []byte("one")})
	if v := <-got; !slices.Equal(v, []string{"one"}) {
		t.Errorf("got %q", v)
	}
}

func TestFollowEndsWithItsContext(t *testing.T) {
	h := start(t)
	h.ensure(t, deleted("a", 1))
	ctx, cancel := context.WithCancelCause(within(t))
	ended := make(chan error, 1)
	go func() {
		_, err := h.Follow("a", 0, kafka.FirstOffset).Fetch(ctx, 10)
		ended <- err
	}()
	why := errors.New("led by another")
	cancel(why)
	select {
	case err := <-ended:
		if !errors.Is(err, why) {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it goes on")
	}
}

func TestFollowTellsOfLostRecords(t *testing.T) {
	h := embedded(t)
	h.ensure(t, deleted("a", 1))
	for i := range 10 {
		h.write(t, kafka.Message{Topic: "a", Pinned: true, Value: fmt.Append(nil, i)})
	}
	if err := h.broker.DeleteRecords(h.cfg.Prefix+"a", 0, 6); err != nil {
		t.Fatal(err)
	}
	for name, offset := range map[string]int64{"deleted": 3, "past the end": 12} {
		t.Run(name, func(t *testing.T) {
			_, err := h.Follow("a", 0, offset).Fetch(within(t), 10)
			var lost *kafka.OffsetLostError
			if !errors.As(err, &lost) || lost.Offset != offset || lost.First != 6 || lost.End != 10 {
				t.Fatalf("got %v", err)
			}
			if got := values(follow(t, h.Follow("a", 0, lost.First), 4)); !slices.Equal(got, []string{"6", "7", "8", "9"}) {
				t.Errorf("from the first there is: %q", got)
			}
		})
	}
	if _, err := h.Follow("none", 0, kafka.FirstOffset).Fetch(within(t), 10); !errors.Is(err, kafka.ErrUnknownTopic) {
		t.Errorf("a topic that is not there: %v", err)
	}
}

// What compaction removed is passed over, within a batch and between.
func TestFollowPassesHoles(t *testing.T) {
	h := embedded(t)
	h.ensure(t, topics.Topic{Name: "a", Partitions: 1, Config: map[string]string{"cleanup.policy": "compact"}})
	one := func(key, value string) kafka.Message {
		return kafka.Message{Topic: "a", Pinned: true, Key: []byte(key), Value: []byte(value)}
	}
	h.write(t, one("x", "1"), one("y", "1"), one("x", "2"))
	h.write(t, one("x", "3"))
	h.write(t, one("z", "1"), one("x", "4"))
	h.write(t, one("last", "1"))
	if err := h.broker.Compact(); err != nil {
		t.Fatal(err)
	}
	for offset, want := range map[int64]int{0: 4, 1: 4, 2: 3, 3: 3, 5: 2} {
		f := h.Follow("a", 0, offset)
		got := values(follow(t, f, want))
		if all := []string{"1", "1", "4", "1"}; !slices.Equal(got, all[4-want:]) || f.Lag() != 0 {
			t.Errorf("from offset %d: %q, and a lag of %d", offset, got, f.Lag())
		}
	}
}

func TestFollowingIsTriedAgain(t *testing.T) {
	for name, fault := range map[string]broker.Fault{"not the leader": broker.NotLeader, "dropped": broker.Dropped, "failed": broker.Failed} {
		t.Run(name, func(t *testing.T) {
			h := embedded(t)
			h.ensure(t, deleted("a", 1))
			h.write(t, kafka.Message{Topic: "a", Pinned: true, Value: []byte("one")})
			hits, repair := h.broker.Break(kmsg.Fetch, fault, 2)
			defer repair()
			if got := values(follow(t, h.Follow("a", 0, 0), 1)); !slices.Equal(got, []string{"one"}) || hits() != 2 {
				t.Errorf("got %q after %d failures", got, hits())
			}
		})
	}
}
