package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// kafka-go reads what we write, and checks the checksum.
func TestBatchIsReadAsItWasWritten(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_123).UTC()
	messages := []Message{
		{Key: []byte("k"), Value: []byte("v"), Headers: []Header{{Key: "kind", Value: []byte("event")}, {Key: "", Value: nil}, {Key: "empty", Value: []byte{}}}},
		{Key: nil, Value: []byte("without a key"), Time: now.Add(-time.Hour)},
		{Key: []byte{}, Value: []byte{}, Time: now.Add(time.Hour)},
		{Key: []byte("a deletion")},
		{Key: bytes.Repeat([]byte("long "), 50), Value: bytes.Repeat([]byte("0123456789"), 20_000)},
	}
	for i := range 200 {
		messages = append(messages, Message{Key: fmt.Append(nil, i), Value: fmt.Append(nil, "message ", i)})
	}
	var indexes []int
	for i := range messages {
		if i != 5 { // it is another partition's
			indexes = append(indexes, i)
		}
	}
	for _, codec := range []kafkago.Compression{kafkago.Zstd, kafkago.Lz4, 0} {
		t.Run(codec.String(), func(t *testing.T) {
			e, err := newEncoder()
			if err != nil {
				t.Fatal(err)
			}
			b := (&Client{zstd: e}).batcher(codec)
			s := &scratch{batch: []byte("of the last batch"), records: []byte("too")}
			if err := b.make(s, messages, indexes, now); err != nil {
				t.Fatal(err)
			}
			got := decodeBatch(t, s.batch)
			for n, i := range indexes {
				want := messages[i]
				if want.Time.IsZero() {
					want.Time = now
				}
				want.Offset = int64(n)
				if d := cmp.Diff(want, got[n]); d != "" {
					t.Errorf("message %d: %s", i, d)
				}
			}
			if len(got) != len(indexes) {
				t.Errorf("%d messages were written, %d read", len(indexes), len(got))
			}
		})
	}
}

func decodeBatch(t *testing.T, batch []byte) (out []Message) {
	t.Helper()
	var set protocol.RecordSet
	if n, err := set.ReadFrom(bytes.NewReader(batch)); err != nil || n != int64(len(batch)) {
		t.Fatalf("%d of %d bytes read: %v", n, len(batch), err)
	}
	var room slab
	for {
		rec, err := set.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return out
		}
		m := Message{Headers: rec.Headers, Offset: rec.Offset, Time: rec.Time.UTC()}
		if err == nil {
			m.Key, err = room.read(rec.Key)
		}
		if err == nil {
			m.Value, err = room.read(rec.Value)
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
}
