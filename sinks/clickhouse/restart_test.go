package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"jitaudit/schemas/topics"
	"jitaudit/sinks"
)

// calls are records of activity, all of different events.
func calls(n int) []sinks.Record {
	out := make([]sinks.Record, n)
	for i := range out {
		at := day.Add(time.Duration(i) * time.Second)
		out[i] = sinks.Record{
			Topic: topics.Activity, Offset: int64(i),
			Value: call(fmt.Sprintf("b1a5c9d3-0f1e-4d2c-8b3a-%012d", i), fmt.Sprintf("key_%032x", i/100), at, uint64(i), nil),
		}
	}
	return out
}

// killable skips the test if the server is not ours to kill.
func killable(t *testing.T) {
	t.Helper()
	if shared.child == nil {
		t.Skip("a real server is not ours to kill")
	}
}

// restart starts the embedded server again on its data.
func restart(t *testing.T) {
	t.Helper()
	again, err := startChild(shared.child.path, shared.child.address)
	if err != nil {
		t.Fatal(err)
	}
	shared.child = again
}

// TestTheServerCrashesWithinABatch kills the server while it takes a batch.
// What was acknowledged before stays; the batch given again is complete; and
// every record is there once.
func TestTheServerCrashesWithinABatch(t *testing.T) {
	db := migrated(t)
	killable(t)
	sink := NewSink(db)
	all := calls(120_000)
	before, within := all[:20_000], all[20_000:]
	if _, err := sink.Write(deadline(t), before); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	ctx := deadline(t)
	go func() {
		for { // until one is hit
			if _, err := sink.Write(ctx, within); err != nil {
				failed <- err
				return
			}
		}
	}()
	eventually(t, "the server takes a batch", func() bool {
		return ask(t, db, "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO%activity_log%'") != "0"
	})
	shared.child.kill()
	err := <-failed
	restart(t)
	if sinks.IsPermanent(err) || errors.Is(err, context.Canceled) {
		t.Fatalf("the crash looks permanent: %v", err)
	}
	if got := count(t, db, "SELECT count() FROM activity"); got < len(before) {
		t.Errorf("%d of %d acknowledged rows are there after the crash", got, len(before))
	}
	if _, err := sink.Write(deadline(t), within); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, db, "SELECT count(), uniqExact(event_id) FROM activity"); got != fmt.Sprint(len(all), " ", len(all)) {
		t.Errorf("%s rows and ids in the view, want %d of each", got, len(all))
	}
}

// TestALargeBatchIsWrittenInPieces, and what is refused of it is named by its place
// in the whole.
func TestALargeBatchIsWrittenInPieces(t *testing.T) {
	db := migrated(t)
	const n = 3*pieceRows + 7
	batch := calls(n)
	bad := []int{0, pieceRows + 5, n - 1}
	for _, i := range bad {
		batch[i].Value = []byte("{")
	}
	refused, err := NewSink(db).Write(deadline(t), batch)
	if err != nil {
		t.Fatal(err)
	}
	var places []int
	for _, r := range refused {
		places = append(places, r.Record)
	}
	if !slices.Equal(places, bad) {
		t.Errorf("refused %v, want %v", places, bad)
	}
	if got := count(t, db, "SELECT uniqExact(event_id) FROM activity"); got != n-len(bad) {
		t.Errorf("%d events are there, want %d", got, n-len(bad))
	}
}

func TestPieces(t *testing.T) {
	for n, want := range map[int]int{0: 1, 1: 1, pieceRows - 1: pieceRows - 1, pieceRows: pieceRows, pieceRows + 1: pieceRows + 1, 2 * pieceRows: pieceRows, 2*pieceRows + 1: pieceRows + 1} {
		if got := pieceOf(n); got != want {
			t.Errorf("%d rows are written by %d, want %d", n, got, want)
		}
	}
}
