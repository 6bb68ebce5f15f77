package sinks

import (
	"context"
	"sync"

	"jitaudit/internal/kafka"
)

// source is a partition that records come from, as long as we own it.
type source struct {
	claim claim
	ctx   context.Context
	// fail ends ctx for a reason.
	fail context.CancelCauseFunc

	mu        sync.Mutex
	ended     bool
	topic     string
	partition int
	// done is how far the partition is committed, or was read from; logEnd where
	// it ends, as of the last answer.
	done, logEnd int64
}

// saw notes what an answer told: its first message, and where the log ends.
func (p *source) saw(first *kafka.Message, end int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.topic == "" {
		p.topic, p.partition, p.done = first.Topic, first.Partition, first.Offset
	}
	p.logEnd = end
}

// commit says that what is before next is done with. It does nothing when the
// partition is no longer ours: its next owner does it again. When it fails the
// partition's consumer ends with that error.
func (p *source) commit(next int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended || p.ctx.Err() != nil {
		return context.Canceled
	}
	if err := p.claim.Commit(p.ctx, next); err != nil {
		p.fail(err)
		return err
	}
	p.done = next
	return nil
}

// end returns when no commit is under way, and lets none begin.
func (p *source) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
}

// why is the reason for which ctx has ended, if it has, else err.
func (p *source) why(err error) error {
	if p.ctx.Err() != nil {
		return context.Cause(p.ctx)
	}
	return err
}
