package sinks

import (
	"context"
	"sync"
	"time"

	"jitaudit/internal/kafka"
)

// batch is what is written at once.
type batch struct {
	records []Record
	bytes   int
	since   time.Time // when the first came
	// next is, for each partition that records are of, the offset after its
	// last.
	next map[*source]int64
}

// batcher gathers the records of many partitions into one batch, and holds up
// those who bring more while it is full.
type batcher struct {
	records, bytes int
	wait           time.Duration

	mu      sync.Mutex
	pending *batch
	// room is closed when the pending batch has been taken.
	room chan struct{}
	// news says that the pending batch has begun, or is full.
	news chan struct{}
}

func newBatcher(records, bytes int, wait time.Duration) *batcher {
	return &batcher{
		records: records, bytes: bytes, wait: wait,
		pending: newBatch(), room: make(chan struct{}), news: make(chan struct{}, 1),
	}
}

func newBatch() *batch { return &batch{next: map[*source]int64{}} }

// add returns when all messages are in a batch, in order.
func (b *batcher) add(ctx context.Context, p *source, messages []kafka.Message) error {
	for {
		rest, room := b.fill(p, messages)
		if len(rest) == 0 {
			return nil
		}
		messages = rest
		select {
		case <-room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// fill takes what there is room for and returns the rest.
func (b *batcher) fill(p *source, messages []kafka.Message) ([]kafka.Message, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	began := len(b.pending.records) == 0
	n := 0
	for ; n < len(messages) && !b.full(); n++ {
		m := &messages[n]
		b.pending.records = append(b.pending.records, Record{
			Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Key: m.Key, Value: m.Value, Time: m.Time, Headers: m.Headers,
		})
		b.pending.bytes += len(m.Key) + len(m.Value)
		b.pending.next[p] = m.Offset + 1
	}
	if began && n > 0 {
		b.pending.since = time.Now()
	}
	if began || b.full() {
		select {
		case b.news <- struct{}{}:
		default:
		}
	}
	return messages[n:], b.room
}

func (b *batcher) full() bool {
	return len(b.pending.records) >= b.records || b.pending.bytes >= b.bytes
}

// take returns a batch as soon as it is full or has waited long enough.
func (b *batcher) take(ctx context.Context) (*batch, error) {
	for {
		ready, wait := b.poll()
		if ready != nil {
			return ready, nil
		}
		due := time.NewTimer(wait)
		select {
		case <-due.C:
		case <-b.news:
		case <-ctx.Done():
			due.Stop()
			return nil, context.Cause(ctx)
		}
		due.Stop()
	}
}

// poll returns the batch if it is due, else how long to wait.
func (b *batcher) poll() (*batch, time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.pending.records) == 0 {
		return nil, time.Hour // there will be news before
	}
	if left := b.wait - time.Since(b.pending.since); left > 0 && !b.full() {
		return nil, left
	}
	ready := b.pending
	b.pending = newBatch()
	close(b.room)
	b.room = make(chan struct{})
	return ready, 0
}
