package kafka

import (
	"context"
	"sync/atomic"
)

// followBytes is how much of a partition a follower asks for at once, compressed.
// Whoever follows follows many partitions and holds what has come of each.
const followBytes = 128 << 10

// Follower reads one partition from an offset on, outside of any consumer group,
// for those who keep their offsets elsewhere. It is for one goroutine.
type Follower struct {
	cursor *cursor
	lag    atomic.Int64
}

// Follow returns a follower of a partition from an offset on, FirstOffset for the
// log's first record. It asks nobody yet.
func (c *Client) Follow(topic string, partitionID int, offset int64) *Follower {
	return &Follower{cursor: &cursor{c: c, partition: partition{c.full(topic), partitionID}, next: offset, usual: followBytes}}
}

// Fetch returns the next records, at least one and at most limit; it waits at the
// broker until there is one or ctx ends. What can be tried again is. An offset that
// the log does not have, any more or yet, is an *OffsetLostError.
func (f *Follower) Fetch(ctx context.Context, limit int) ([]Message, error) {
	messages, err := f.cursor.fetch(ctx, limit)
	f.lag.Store(f.cursor.lag())
	return messages, err
}

// Lag returns how many offsets lie between what Fetch has returned and the
// partition's end as of its last answer; it asks nobody, and may be called beside
// Fetch.
func (f *Follower) Lag() int64 { return f.lag.Load() }
