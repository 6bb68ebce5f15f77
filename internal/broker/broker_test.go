package broker_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"jitaudit/internal/broker"
	"jitaudit/internal/kafka"
	"jitaudit/schemas/topics"
)

func TestRestartKeepsRecordsCommitsAndSettings(t *testing.T) {
	dir := t.TempDir()
	open := func() (*broker.Broker, *kafka.Client) {
		b, err := broker.Start(broker.Config{Dir: dir, MinSession: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		return b, client(t, b.Addr())
	}
	b, c := open()
	if err := c.Ensure(within(t), topics.All(2)); err != nil {
		t.Fatal(err)
	}
	w := writer(t, c)
	for i := range 3 {
		if err := w.Write(within(t), kafka.Message{Topic: topics.Facts, Pinned: true, Value: fmt.Append(nil, i)}); err != nil {
			t.Fatal(err)
		}
	}
	errDone := errors.New("done")
	group := kafka.GroupConfig{ID: "g", Topics: []string{topics.Facts}, SessionTimeout: time.Second}
	err := c.Group(within(t), group, func(ctx context.Context, claim *kafka.Claim) error {
		if claim.Partition != 0 {
			<-ctx.Done()
			return ctx.Err()
		}
		if err := claim.Commit(ctx, 2); err != nil {
			return err
		}
		return errDone
	})
	if !errors.Is(err, errDone) {
		t.Fatal(err)
	}
	c.Close()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}

	b, c = open()
	if err := c.Ensure(within(t), topics.All(2)); err != nil {
		t.Errorf("after the restart: %v", err)
	}
	if got := read(t, c, topics.Facts, 0); len(got) != 3 || string(got[2].Value) != "2" {
		t.Errorf("got %v", got)
	}
	if got, err := c.Committed(within(t), "g", topics.Facts); err != nil || got[0] != 2 {
		t.Errorf("committed %v, %v; want 2", got, err)
	}
	c.Close()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSecondProcessOnTheDirectoryIsRefused(t *testing.T) {
	dir := t.TempDir()
	b, err := broker.Start(broker.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("data directory %s is in use by process %d", dir, os.Getpid())
	if _, err := broker.Start(broker.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("in the same process: got %v, want %q", err, want)
	}
	said, _ := child(t, dir)
	if !strings.Contains(said, want) {
		t.Errorf("another process says %q, want %q", said, want)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	address, kill := child(t, dir)
	if strings.Contains(address, "error") {
		t.Errorf("after it was closed: %s", address)
	}
	kill()
	if b, err = broker.Start(broker.Config{Dir: dir}); err != nil {
		t.Fatalf("after the other was killed: %v", err)
	}
	b.Close()
}

// Several writers write, and a group commits, while the broker is killed.
func TestKillingLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	wanted := []topics.Topic{byAge("a", "604800000"), compacted("state")}
	acknowledged := map[string]bool{}
	latest := map[string]int{}
	committed := int64(0)
	const rounds, writers = 4, 3
	for round := range rounds {
		address, kill := child(t, dir)
		c := client(t, address)
		if err := c.Ensure(within(t), wanted); err != nil {
			t.Fatalf("round %d: %s: %v", round, address, err)
		}
		if got, err := c.Committed(within(t), "g", "a"); err != nil || got[0] < committed {
			t.Fatalf("round %d: committed is %v, %v; was %d", round, got, err, committed)
		}
		var mu sync.Mutex
		var running sync.WaitGroup
		enough := make(chan struct{}, 1)
		ctx, cancel := context.WithCancel(within(t))
		acks := 0
		for n := range writers {
			w := writer(t, c)
			running.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					id := fmt.Sprintf("%d-%d-%d", round, n, i)
					key := fmt.Sprintf("%d-%d", n, i%10)
					value := round*1_000_000 + i
					if w.Write(ctx,
						kafka.Message{Topic: "a", Pinned: true, Value: append([]byte(id+" "), make([]byte, 1000)...)},
						kafka.Message{Topic: "state", Pinned: true, Key: []byte(key), Value: fmt.Append(nil, value)}) != nil {
						return
					}
					mu.Lock()
					acknowledged[id] = true
					latest[key] = value
					if acks++; acks == 300+round*77 {
						enough <- struct{}{}
					}
					mu.Unlock()
				}
			})
		}
		running.Go(func() {
			_ = c.Group(ctx, kafka.GroupConfig{ID: "g", Topics: []string{"a"}, SessionTimeout: time.Second}, func(ctx context.Context, claim *kafka.Claim) error {
				for {
					messages, err := claim.Fetch(ctx, 50)
					if err != nil {
						return err
					}
					next := messages[len(messages)-1].Offset + 1
					if err := claim.Commit(ctx, next); err != nil {
						return err
					}
					mu.Lock()
					committed = max(committed, next)
					mu.Unlock()
				}
			})
		})
		select {
		case <-enough:
		case <-ctx.Done():
			t.Fatalf("round %d: only %d acknowledged", round, acks)
		}
		kill() // in the middle of whatever is being written
		cancel()
		running.Wait()
		c.Close()
	}
	address, _ := child(t, dir)
	c := client(t, address)
	there := map[string]bool{}
	for _, m := range read(t, c, "a", 0) {
		id, _, _ := strings.Cut(string(m.Value), " ")
		there[id] = true
	}
	for id := range acknowledged {
		if !there[id] {
			t.Errorf("%s was acknowledged and is lost", id)
		}
	}
	state := map[string]int{}
	for _, m := range read(t, c, "state", 0) {
		var v int
		if _, err := fmt.Sscan(string(m.Value), &v); err != nil {
			t.Fatal(err)
		}
		state[string(m.Key)] = max(state[string(m.Key)], v)
	}
	for key, v := range latest {
		if state[key] < v {
			t.Errorf("%s was acknowledged as %d and is %d", key, v, state[key])
		}
	}
	t.Logf("%d rounds, %d records acknowledged, all there; committed up to %d", rounds, len(acknowledged), committed)
}

func TestOnlyThisMachineMayConnect(t *testing.T) {
	tests := []struct {
		addr string
		ok   bool
	}{
		{"127.0.0.1:0", true}, {"[::1]:0", true}, {"", true},
		{"0.0.0.0:9092", false}, {":9092", false}, {"192.0.2.1:9092", false}, {"broker.example.com:9092", false}, {"127.0.0.1", false},
	}
	for _, tt := range tests {
		t.Run(tt.addr, func(t *testing.T) {
			b, err := broker.Start(broker.Config{Addr: tt.addr})
			if (err == nil) != tt.ok {
				t.Errorf("got %v, want allowed: %t", err, tt.ok)
			}
			if b != nil {
				b.Close()
			}
		})
	}
}

func TestTakenPortIsSaid(t *testing.T) {
	b, err := broker.Start(broker.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := broker.Start(broker.Config{Addr: b.Addr()}); err == nil || !strings.Contains(err.Error(), "address already in use") || !strings.Contains(err.Error(), b.Addr()) {
		t.Errorf("got %v", err)
	}
}

func TestNoticeSaysWhatItIs(t *testing.T) {
	for _, want := range []string{"one copy", "fake broker for testing", "survived killing the process", "real Kafka cluster"} {
		if !strings.Contains(broker.Notice(), want) {
			t.Errorf("%q is not in the notice", want)
		}
	}
}
