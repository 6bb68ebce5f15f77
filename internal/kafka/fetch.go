package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// cursor reads one partition from an offset on. kafka-go's Reader is not used
// since it jumps to the log's start, silently, when records are gone.
type cursor struct {
	c *Client
	partition
	// next is the offset that is asked for next; FirstOffset until the log's
	// start is known.
	next int64
	// end is the offset after the last record, as of the last answer.
	end     int64
	pending []Message
	// usual is how much an answer may hold, in bytes, 0: fetchBytes; most is more,
	// where that is too little.
	usual, most int64
}

// FirstOffset stands for the log's first record where a group has committed
// nothing.
const FirstOffset int64 = -1

const (
	// fetchBytes is how much of a partition an answer holds, compressed.
	fetchBytes = 512 << 10
	// fetchMost is more than any batch has.
	fetchMost = 64 << 20
	// emptyAnswers in a row mean that there is nothing up to the end.
	emptyAnswers = 3
	// fetchWait is how long the broker waits for a record to come.
	fetchWait = 500 * time.Millisecond
)

// fetch returns at most limit messages, in order; it waits for the first one.
func (r *cursor) fetch(ctx context.Context, limit int) ([]Message, error) {
	for failed := 0; len(r.pending) == 0; {
		err := r.fill(ctx)
		if err == nil {
			failed = 0
			continue
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("read %s at offset %d: %w", r.partition, r.next, context.Cause(ctx))
		}
		err = explain(fmt.Sprintf("read %s at offset %d", r.partition, r.next), err)
		failed++
		if !transient(err) || unknownTopic(err) && failed > askAttempts {
			return nil, err
		}
		r.c.log.Warn("reading from Kafka is tried again", "topic", r.topic, "partition", r.id, "attempt", failed, "error", err)
		r.c.forget()
		if cause := backoff(ctx, failed); cause != nil {
			return nil, fmt.Errorf("%w (%w)", err, cause)
		}
	}
	n := min(limit, len(r.pending))
	out := r.pending[:n:n]
	r.pending = r.pending[n:]
	return out, nil
}

// fill asks once for the records from next on.
func (r *cursor) fill(ctx context.Context) error {
	if r.next == FirstOffset {
		bounds, err := r.c.bounds(ctx, r.topic, []int{r.id})
		if err != nil {
			return err
		}
		r.next = bounds[r.id].First
	}
	res, err := r.c.kafka.Fetch(ctx, &kafkago.FetchRequest{
		Topic:     r.topic,
		Partition: r.id,
		Offset:    r.next,
		MinBytes:  1,
		MaxBytes:  max(r.most, cmp.Or(r.usual, fetchBytes)),
		MaxWait:   fetchWait,
	})
	if err != nil {
		return err
	}
	if errors.Is(res.Error, kafkago.OffsetOutOfRange) {
		return r.lost(ctx)
	}
	if res.Error != nil {
		return res.Error
	}
	r.end = res.HighWatermark
	batches := []kafkago.RecordReader{}
	if stream, ok := res.Records.(*protocol.RecordStream); ok {
		batches = stream.Records
	}
	if err := r.take(batches); err != nil {
		return err
	}
	if len(batches) > 0 && len(r.pending) == 0 && r.next < r.end {
		// An answer begins with the whole batch that next lies in (KIP-74), so a
		// record that is not in it was compacted away, at the batch's end.
		r.next++
	}
	return nil
}

// take makes messages of what is not before next.
func (r *cursor) take(batches []kafkago.RecordReader) error {
	var room slab
	for _, b := range batches {
		if _, control := b.(*protocol.ControlBatch); control {
			continue // marks of transactions, which have no content
		}
		for {
			rec, err := b.ReadRecord()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			if err := r.add(rec, &room); err != nil {
				return err
			}
		}
	}
	return nil
}

// add makes a message of a record, unless it is before next.
func (r *cursor) add(rec *kafkago.Record, room *slab) error {
	m := Message{Topic: r.c.short(r.topic), Partition: r.id, Offset: rec.Offset, Headers: rec.Headers, Time: rec.Time}
	var errs [2]error
	m.Key, errs[0] = room.read(rec.Key)
	m.Value, errs[1] = room.read(rec.Value)
	if rec.Offset < r.next {
		return nil
	}
	if err := cmp.Or(errs[0], errs[1]); err != nil {
		return err
	}
	r.pending = append(r.pending, m)
	r.next = rec.Offset + 1
	return nil
}

// slab gives out the memory of many small messages, of which each keeps the
// whole: not much more than what came with it.
type slab struct{ free []byte }

const (
	slabBytes = 64 << 10
	slabMost  = slabBytes / 16 // larger ones have their own
)

// read reads all, and closes it: kafka-go reuses the page that it lies in when
// the last one has been closed.
func (s *slab) read(from protocol.Bytes) ([]byte, error) {
	if from == nil {
		return nil, nil
	}
	n := from.Len()
	var b []byte
	switch {
	case n > slabMost:
		b = make([]byte, n)
	default:
		if n > len(s.free) {
			s.free = make([]byte, slabBytes)
		}
		b, s.free = s.free[:n:n], s.free[n:]
	}
	_, err := io.ReadFull(from, b)
	return b, errors.Join(err, from.Close())
}

// lost tells an offset that is outside the log from one that a broker does not
// know of yet.
func (r *cursor) lost(ctx context.Context) error {
	bounds, err := r.c.bounds(ctx, r.topic, []int{r.id})
	if err != nil {
		return err
	}
	b := bounds[r.id]
	if r.next >= b.First && r.next <= b.End {
		return kafkago.OffsetNotAvailable
	}
	return &OffsetLostError{Topic: r.topic, Partition: r.id, Offset: r.next, First: b.First, End: b.End}
}

// lag is how many offsets lie between what was returned and the partition's end.
func (r *cursor) lag() int64 {
	if r.next == FirstOffset {
		return r.end
	}
	return max(0, r.end-r.next) + int64(len(r.pending))
}
