package broker_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"jitaudit/internal/broker"
	"jitaudit/internal/kafka"
	"jitaudit/schemas/topics"
)

// awaitStart waits until the log begins at least at an offset.
func awaitStart(t *testing.T, c *kafka.Client, topic string, reached func(kafka.Bounds) bool) kafka.Bounds {
	t.Helper()
	ctx := within(t)
	for {
		b, err := c.Offsets(ctx, topic)
		if err != nil {
			t.Fatal(err)
		}
		if reached(b[0]) {
			return b[0]
		}
	}
}

func TestOldRecordsAreDeletedButForTheLast(t *testing.T) {
	b, err := broker.Start(broker.Config{Every: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c := client(t, b.Addr())
	if err := c.Ensure(within(t), []topics.Topic{byAge("aged", "3600000"), byAge("idle", "3600000"), compacted("state")}); err != nil {
		t.Fatal(err)
	}
	w := writer(t, c)
	old := time.Now().Add(-2 * time.Hour)
	put := func(topic string, at time.Time) {
		if err := w.Write(within(t), kafka.Message{Topic: topic, Pinned: true, Key: []byte("k"), Value: []byte("v"), Time: at}); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		put("state", old)
		put("idle", old)
		put("aged", old)
	}
	put("aged", time.Now())
	if got := awaitStart(t, c, "aged", func(b kafka.Bounds) bool { return b.First >= 5 }); got != (kafka.Bounds{First: 5, End: 6}) {
		t.Errorf("got %v, want only the young one", got)
	}
	if got := awaitStart(t, c, "idle", func(b kafka.Bounds) bool { return b.First >= 4 }); got != (kafka.Bounds{First: 4, End: 5}) {
		t.Errorf("got %v, want the last one, so that its offset is not given again", got)
	}
	if got := read(t, c, "state", 0); len(got) != 5 {
		t.Errorf("%d records of the compacted topic are left, want all", len(got))
	}
}

func TestSizeDeletesWhatIsReadAndNoMore(t *testing.T) {
	const limit = 200_000
	b, err := broker.Start(broker.Config{Every: 10 * time.Millisecond, RetentionBytes: limit, MinSession: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c := client(t, b.Addr())
	if err := c.Ensure(within(t), []topics.Topic{byAge("free", "604800000"), byAge("read", "604800000")}); err != nil {
		t.Fatal(err)
	}
	const half = 25
	commit := func(next int64) {
		errDone := errors.New("done")
		err := c.Group(within(t), kafka.GroupConfig{ID: "g", Topics: []string{"read"}, SessionTimeout: time.Second}, func(ctx context.Context, claim *kafka.Claim) error {
			if err := claim.Commit(ctx, next); err != nil {
				return err
			}
			return errDone
		})
		if !errors.Is(err, errDone) {
			t.Fatal(err)
		}
	}
	commit(0)
	w := writer(t, c)
	for _, topic := range []string{"read", "free"} {
		for range 2 * half {
			value := make([]byte, 20_000)
			rand.Read(value)
			if err := w.Write(within(t), kafka.Message{Topic: topic, Pinned: true, Value: value}); err != nil {
				t.Fatal(err)
			}
		}
	}
	free := awaitStart(t, c, "free", func(b kafka.Bounds) bool { return (b.End-b.First)*20_000 <= limit })
	if free.End-free.First < 8 {
		t.Errorf("%d records are left, of the 10 that fit", free.End-free.First)
	}
	// "read" was looked at before "free" was done: nothing of it may be gone.
	if got := read(t, c, "read", 0); len(got) != 2*half {
		t.Errorf("%d records are left that no member has read, want all %d", len(got), 2*half)
	}
	commit(half)
	awaitStart(t, c, "read", func(b kafka.Bounds) bool { return b.First == half })
	commit(2 * half)
	awaitStart(t, c, "read", func(b kafka.Bounds) bool { return b.First > half })
}

func TestOffsetsGoOnAfterAllWasDeletedAndTheBrokerKilled(t *testing.T) {
	dir := t.TempDir()
	address, kill := child(t, dir)
	c := client(t, address)
	if err := c.Ensure(within(t), []topics.Topic{byAge("idle", "3600000")}); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := writer(t, c).Write(within(t), kafka.Message{Topic: "idle", Pinned: true, Value: []byte("v"), Time: time.Now().Add(-2 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	awaitStart(t, c, "idle", func(b kafka.Bounds) bool { return b.First == 4 })
	kill()
	c.Close()
	address, _ = child(t, dir)
	c = client(t, address)
	got, err := c.Offsets(within(t), "idle")
	if err != nil || got[0].End != 5 {
		t.Errorf("got %v, %v; want that it ends at 5", got, err)
	}
}
