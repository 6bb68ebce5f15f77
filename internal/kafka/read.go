package kafka

import (
	"context"
	"fmt"
)

// ReadAll calls do for every record of a partition from its start to its end at
// the time of the call. In a compacted topic a key whose record is replaced
// meanwhile may come with neither: its new record lies behind that end. An
// error of do ends the reading and is returned as it is.
func (c *Client) ReadAll(ctx context.Context, topic string, partitionID int, do func(Message) error) error {
	_, err := c.ReadFrom(ctx, topic, partitionID, FirstOffset, do)
	return err
}

// ReadFrom is ReadAll from an offset on, FirstOffset for the log's start. It
// returns the offset to go on from, next time. An offset outside the log is an
// *OffsetLostError.
func (c *Client) ReadFrom(ctx context.Context, topic string, partitionID int, offset int64, do func(Message) error) (int64, error) {
	p := partition{c.full(topic), partitionID}
	doing := fmt.Sprintf("read %s to its end", p)
	var b Bounds
	err := c.ask(ctx, doing, func(ctx context.Context) error {
		bounds, err := c.bounds(ctx, p.topic, []int{p.id})
		b = bounds[p.id]
		return err
	})
	if err != nil {
		return offset, err
	}
	if offset == FirstOffset {
		offset = b.First
	}
	if offset < b.First || offset > b.End {
		return offset, &OffsetLostError{Topic: p.topic, Partition: p.id, Offset: offset, First: b.First, End: b.End}
	}
	r := &cursor{c: c, partition: p, next: offset}
	for failed, empty := 0, 0; r.next < b.End && empty < emptyAnswers; {
		before := r.next
		if err := r.fill(ctx); err != nil {
			if ctx.Err() != nil {
				return offset, fmt.Errorf("%s: %w", doing, context.Cause(ctx))
			}
			failed++
			if err = explain(doing, err); !transient(err) || failed == askAttempts {
				return offset, err
			}
			c.forget()
			if cause := backoff(ctx, failed); cause != nil {
				return offset, fmt.Errorf("%w (%w)", err, cause)
			}
			continue
		}
		failed = 0
		if r.next == before {
			// Either the batch is larger than an answer may be, or compaction has
			// removed all that was left.
			r.most = fetchMost
			empty++
			continue
		}
		empty = 0
		for _, m := range r.pending {
			if m.Offset >= b.End {
				return b.End, nil
			}
			if err := do(m); err != nil {
				return offset, err
			}
			offset = m.Offset + 1
		}
		r.pending = nil
	}
	return b.End, nil
}
