package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"jitaudit/internal/broker"
	"jitaudit/internal/kafka"
)

func contains(err error, text string) bool {
	return err != nil && strings.Contains(err.Error(), text)
}

// member is one member of a group that notes what it reads.
type member struct {
	cancel context.CancelFunc
	result chan error
}

func (h *harness) join(t *testing.T, id, topic string, do func(context.Context, *kafka.Claim) error) *member {
	ctx, cancel := context.WithCancel(within(t))
	m := &member{cancel: cancel, result: make(chan error, 1)}
	go func() {
		m.result <- h.Group(ctx, kafka.GroupConfig{ID: h.cfg.Prefix + id, Topics: []string{topic}, SessionTimeout: h.session}, do)
	}()
	return m
}

func (m *member) leave(t *testing.T) {
	t.Helper()
	m.cancel()
	if err := <-m.result; !errors.Is(err, context.Canceled) {
		t.Errorf("the member ended with %v", err)
	}
}

func TestTwoMembersProcessEverything(t *testing.T) {
	h := start(t)
	h.ensure(t, deleted("a", 4))
	var mu sync.Mutex
	seen := map[string]int{}
	owners := map[string]map[int]bool{"one": {}, "two": {}}
	changed := make(chan struct{}, 1)
	work := func(name string) func(context.Context, *kafka.Claim) error {
		return func(ctx context.Context, c *kafka.Claim) error {
			mu.Lock()
			owners[name][c.Partition] = true
			mu.Unlock()
			for {
				messages, err := c.Fetch(ctx, 100)
				if err != nil {
					return err
				}
				mu.Lock()
				for _, m := range messages {
					seen[string(m.Value)]++
				}
				mu.Unlock()
				if err := c.Commit(ctx, messages[len(messages)-1].Offset+1); err != nil {
					return err
				}
				select { // also after the commit, which the last wait is for
				case changed <- struct{}{}:
				default:
				}
			}
		}
	}
	count := 0
	produce := func(n int) {
		var messages []kafka.Message
		for range n {
			messages = append(messages, kafka.Message{Topic: "a", Key: fmt.Append(nil, count), Value: fmt.Append(nil, count)})
			count++
		}
		h.write(t, messages...)
	}
	await := func(what string, reached func() bool) {
		t.Helper()
		for {
			mu.Lock()
			ok := reached()
			mu.Unlock()
			if ok {
				return
			}
			select {
			case <-changed:
			case <-time.After(20 * time.Second):
				t.Fatalf("waited in vain for %s", what)
			}
		}
	}
	produce(1000)
	one := h.join(t, "g", "a", work("one"))
	await("the first member", func() bool { return len(seen) == count })
	two := h.join(t, "g", "a", work("two"))
	await("the second member to own something", func() bool {
		mu.Unlock()
		produce(10)
		mu.Lock()
		return len(owners["two"]) > 0
	})
	produce(1000)
	await("both", func() bool { return len(seen) == count })
	one.leave(t)
	produce(1000)
	await("the one that is left", func() bool { return len(seen) == count && len(owners["two"]) == 4 })
	await("all to be committed", func() bool {
		lag, err := h.Lag(within(t), h.cfg.Prefix+"g", "a")
		if err != nil {
			t.Fatal(err)
		}
		return lag["a"][0]+lag["a"][1]+lag["a"][2]+lag["a"][3] == 0
	})
	two.leave(t)
}

// A member that sleeps through the end of its generation must not commit over
// what the new owner has done.
func TestStaleCommitIsRefused(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ensure(t, deleted("a", 1))
	h.write(t, kafka.Message{Topic: "a", Pinned: true, Value: []byte("one")}, kafka.Message{Topic: "a", Pinned: true, Value: []byte("two")})
	owned, wake, woken := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	first := true
	sleeper := h.join(t, "g", "a", func(ctx context.Context, c *kafka.Claim) error {
		if !first {
			<-ctx.Done()
			return ctx.Err()
		}
		first = false
		close(owned)
		<-wake // not ctx
		err := c.Commit(within(t), 1)
		woken <- err
		return err
	})
	<-owned
	took := make(chan struct{})
	taker := h.join(t, "g", "a", func(ctx context.Context, c *kafka.Claim) error {
		if err := c.Commit(ctx, 2); err != nil {
			return err
		}
		close(took)
		<-ctx.Done()
		return ctx.Err()
	})
	select {
	case <-took:
	case <-time.After(20 * time.Second):
		t.Fatal("nobody took over")
	}
	close(wake)
	if err := <-woken; !errors.Is(err, kafka.ErrFenced) || !contains(err, "commit offset 1 of topic "+h.cfg.Prefix+"a, partition 0") {
		t.Errorf("got %v, want ErrFenced", err)
	}
	got, err := h.Committed(within(t), h.cfg.Prefix+"g", "a")
	if err != nil || got[0] != 2 {
		t.Errorf("committed is %v, %v; want that of the new owner, 2", got, err)
	}
	taker.cancel()
	if err := <-taker.result; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	sleeper.leave(t)
}

func TestFunctionsErrorEndsGroupAndTheOthers(t *testing.T) {
	h := start(t)
	h.ensure(t, deleted("a", 3))
	broken := errors.New("broken")
	var running sync.WaitGroup
	running.Add(3)
	m := h.join(t, "g", "a", func(ctx context.Context, c *kafka.Claim) error {
		running.Done()
		running.Wait()
		if c.Partition == 1 {
			return broken
		}
		<-ctx.Done()
		return ctx.Err()
	})
	if err := <-m.result; !errors.Is(err, broken) {
		t.Errorf("got %v, want the function's error", err)
	}
}

func TestClaimStartsAtWhatIsCommitted(t *testing.T) {
	h := start(t)
	h.ensure(t, deleted("a", 1))
	for i := range 5 {
		h.write(t, kafka.Message{Topic: "a", Pinned: true, Value: fmt.Append(nil, i)})
	}
	errDone := errors.New("done")
	m := h.join(t, "g", "a", func(ctx context.Context, c *kafka.Claim) error {
		if c.Offset != kafka.FirstOffset {
			t.Errorf("offset %d, want FirstOffset", c.Offset)
		}
		if got, err := c.Fetch(ctx, 2); err != nil || len(got) != 2 || string(got[0].Value) != "0" {
			t.Errorf("got %v, %v", values(got), err)
		}
		if c.Lag() != 3 {
			t.Errorf("lag %d, want 3", c.Lag())
		}
		if err := c.Commit(ctx, 2); err != nil {
			t.Error(err)
		}
		return errDone
	})
	if err := <-m.result; !errors.Is(err, errDone) {
		t.Fatal(err)
	}
	m = h.join(t, "g", "a", func(ctx context.Context, c *kafka.Claim) error {
		if c.Offset != 2 {
			t.Errorf("offset %d, want 2", c.Offset)
		}
		if end, err := c.EndOffset(ctx); err != nil || end != 5 {
			t.Errorf("end %d, %v; want 5", end, err)
		}
		if got, err := c.Fetch(ctx, 100); err != nil || len(got) == 0 || string(got[0].Value) != "2" {
			t.Errorf("got %v, %v", values(got), err)
		}
		return errDone
	})
	if err := <-m.result; !errors.Is(err, errDone) {
		t.Fatal(err)
	}
}

func TestOffsetOutsideTheLogIsAnError(t *testing.T) {
	tests := []struct {
		name          string
		committed     int64
		deleted       int64
		before, after string
	}{
		{"deleted before it was read", 2, 5, "partition 0 at offset 2: its log starts at 5, so 3 records were deleted", "raise retention.ms"},
		{"beyond the end", 99, 0, "partition 0 at offset 99: its log ends at 8", "made anew or lost its end"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := embedded(t)
			h.ensure(t, deleted("a", 1))
			for i := range 8 {
				h.write(t, kafka.Message{Topic: "a", Pinned: true, Value: fmt.Append(nil, i)})
			}
			errDone := errors.New("done")
			m := h.join(t, "g", "a", func(ctx context.Context, c *kafka.Claim) error {
				if err := c.Commit(ctx, tt.committed); err != nil {
					return err
				}
				return errDone
			})
			if err := <-m.result; !errors.Is(err, errDone) {
				t.Fatal(err)
			}
			if tt.deleted > 0 {
				if err := h.broker.DeleteRecords(h.cfg.Prefix+"a", 0, tt.deleted); err != nil {
					t.Fatal(err)
				}
			}
			m = h.join(t, "g", "a", func(context.Context, *kafka.Claim) error {
				t.Error("the function was run")
				return errDone
			})
			err := <-m.result
			var lost *kafka.OffsetLostError
			if !errors.As(err, &lost) || !errors.Is(err, kafka.ErrOffsetLost) || lost.Offset != tt.committed {
				t.Fatalf("got %v, want an OffsetLostError", err)
			}
			for _, want := range []string{"topic " + h.cfg.Prefix + "a", tt.before, tt.after} {
				if !contains(err, want) {
					t.Errorf("got %q, want %q in it", err, want)
				}
			}
		})
	}
}

func TestRecordsDeletedUnderAReaderAreAnError(t *testing.T) {
	h := embedded(t)
	h.ensure(t, deleted("a", 1))
	h.write(t, kafka.Message{Topic: "a", Pinned: true, Value: []byte("0")})
	read := make(chan struct{})
	gone := make(chan struct{})
	m := h.join(t, "g", "a", func(ctx context.Context, c *kafka.Claim) error {
		if _, err := c.Fetch(ctx, 10); err != nil {
			return err
		}
		_, repair := h.broker.Break(kmsg.Fetch, broker.Failed, -1)
		close(read)
		<-gone
		repair()
		_, err := c.Fetch(ctx, 10)
		return err
	})
	<-read
	for i := range 4 {
		h.write(t, kafka.Message{Topic: "a", Pinned: true, Value: fmt.Append(nil, i)})
	}
	if err := h.broker.DeleteRecords(h.cfg.Prefix+"a", 0, 3); err != nil {
		t.Fatal(err)
	}
	close(gone)
	var lost *kafka.OffsetLostError
	if err := <-m.result; !errors.As(err, &lost) || lost.Offset != 1 || lost.First != 3 {
		t.Errorf("got %v, want an OffsetLostError from 1 to 3", err)
	}
}

func TestGroupOfAnUnknownTopicFails(t *testing.T) {
	h := start(t)
	err := h.Group(within(t), kafka.GroupConfig{ID: "g", Topics: []string{"none"}}, nil)
	if !errors.Is(err, kafka.ErrUnknownTopic) {
		t.Errorf("got %v, want ErrUnknownTopic", err)
	}
}

func TestCommitIsTriedAgain(t *testing.T) {
	for name, fault := range map[string]broker.Fault{"failed": broker.Failed, "dropped": broker.Dropped} {
		t.Run(name, func(t *testing.T) {
			h := embedded(t)
			h.ensure(t, deleted("a", 1))
			errDone := errors.New("done")
			m := h.join(t, "g", "a", func(ctx context.Context, c *kafka.Claim) error {
				hits, repair := h.broker.Break(kmsg.OffsetCommit, fault, 2)
				defer repair()
				if err := c.Commit(ctx, 0); err != nil {
					return err
				}
				if hits() != 2 {
					t.Errorf("%d requests failed, want 2", hits())
				}
				return errDone
			})
			if err := <-m.result; !errors.Is(err, errDone) {
				t.Error(err)
			}
		})
	}
}
