package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	kafkago "github.com/segmentio/kafka-go"
)

// Claim is one partition, as long as this member of the group owns it. It is
// for one goroutine, and of no use when the function that got it has returned.
type Claim struct {
	Topic     string // without prefix
	Partition int
	// Offset is the committed one: that of the first record Fetch returns.
	// FirstOffset where nothing is committed.
	Offset int64

	c          *Client
	name       partition
	generation *kafkago.Generation
	cursor     *cursor
	lag        atomic.Int64
}

func (c *Client) claim(generation *kafkago.Generation, topic string, a kafkago.PartitionAssignment) *Claim {
	offset := a.Offset
	if offset < 0 {
		offset = FirstOffset
	}
	p := partition{topic, a.ID}
	return &Claim{
		Topic:      c.short(topic),
		Partition:  a.ID,
		Offset:     offset,
		c:          c,
		name:       p,
		generation: generation,
		cursor:     &cursor{c: c, partition: p, next: offset},
	}
}

// run calls do. That it was cancelled, or found that it owns the partition no
// more, is how a generation ends and not an error.
func (c *Claim) run(ctx context.Context, do func(context.Context, *Claim) error) error {
	err := c.check(ctx)
	if err == nil {
		err = do(ctx, c)
	}
	switch {
	case errors.Is(err, ErrFenced):
		c.c.log.Info("a partition was given to another member", "topic", c.name.topic, "partition", c.name.id, "error", err)
		return errGenerationEnded
	case err != nil && ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx))):
		return errGenerationEnded
	}
	return err
}

// check refuses to begin outside the log.
func (c *Claim) check(ctx context.Context) error {
	for failed := 1; ; failed++ {
		bounds, err := c.c.bounds(ctx, c.name.topic, []int{c.name.id})
		if err == nil {
			b := bounds[c.name.id]
			if c.Offset != FirstOffset && (c.Offset < b.First || c.Offset > b.End) {
				return &OffsetLostError{Topic: c.name.topic, Partition: c.name.id, Offset: c.Offset, First: b.First, End: b.End}
			}
			c.cursor.end = b.End
			c.lag.Store(c.cursor.lag())
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err = explain("find the ends of "+c.name.String(), err); !transient(err) {
			return err
		}
		c.c.log.Warn("finding the ends of a partition is tried again", "topic", c.name.topic, "partition", c.name.id, "error", err)
		c.c.forget()
		if cause := backoff(ctx, failed); cause != nil {
			return cause
		}
	}
}

// Fetch returns the next records, at least one and at most limit; it waits
// until there is one or ctx ends. What can be tried again is.
func (c *Claim) Fetch(ctx context.Context, limit int) ([]Message, error) {
	messages, err := c.cursor.fetch(ctx, limit)
	c.lag.Store(c.cursor.lag())
	return messages, err
}

// Commit says that all records before offset next are done with. It may be
// called with a context of its own after that of the function has ended, until
// the function returns. ErrFenced is returned if the partition is owned by
// another member now.
func (c *Claim) Commit(ctx context.Context, next int64) error {
	doing := fmt.Sprintf("commit offset %d of %s for group %s", next, c.name, c.generation.GroupID)
	for failed := 1; ; failed++ {
		err := c.commit(ctx, next)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, kafkago.IllegalGeneration), errors.Is(err, kafkago.UnknownMemberId),
			errors.Is(err, kafkago.RebalanceInProgress), errors.Is(err, kafkago.FencedInstanceID):
			return fmt.Errorf("%s: %w", doing, ErrFenced)
		case ctx.Err() != nil:
			return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
		}
		if err = explain(doing, err); !transient(err) {
			return err
		}
		c.c.log.Warn("committing to Kafka is tried again", "topic", c.name.topic, "partition", c.name.id, "attempt", failed, "error", err)
		c.c.forget()
		if cause := backoff(ctx, failed); cause != nil {
			return fmt.Errorf("%w (%w)", err, cause)
		}
	}
}

func (c *Claim) commit(ctx context.Context, next int64) error {
	res, err := c.c.kafka.OffsetCommit(ctx, &kafkago.OffsetCommitRequest{
		GroupID:      c.generation.GroupID,
		GenerationID: int(c.generation.ID),
		MemberID:     c.generation.MemberID,
		Topics:       map[string][]kafkago.OffsetCommit{c.name.topic: {{Partition: c.name.id, Offset: next}}},
	})
	if err != nil {
		return err
	}
	for _, p := range res.Topics[c.name.topic] {
		if p.Partition == c.name.id {
			return p.Error
		}
	}
	return errors.New("the broker's answer does not name the partition")
}

// EndOffset returns the offset after the partition's last record, now.
func (c *Claim) EndOffset(ctx context.Context) (int64, error) {
	var end int64
	err := c.c.ask(ctx, "find the end of "+c.name.String(), func(ctx context.Context) error {
		bounds, err := c.c.bounds(ctx, c.name.topic, []int{c.name.id})
		end = bounds[c.name.id].End
		return err
	})
	return end, err
}

// Lag returns how many offsets lie between what Fetch has returned and the
// partition's end as of its last answer; it asks nobody. Unlike the others it may
// be called beside Fetch.
func (c *Claim) Lag() int64 { return c.lag.Load() }
