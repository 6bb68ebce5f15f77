package stream

import (
	"context"
	"encoding/json"
	"fmt"

	"golang.org/x/sync/errgroup"

	"jitaudit/correlate/stream/entry"
	"jitaudit/correlate/stream/resolve"
	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// resolveBatch is how many raw records are resolved at a time.
const resolveBatch = 4000

// Resolve reads the raw topics until ctx ends. It makes a decoder for each
// partition that it owns.
func Resolve(ctx context.Context, cfg Config, decoder func() resolve.Decode) error {
	w, err := cfg.Client.Writer(kafka.WriterConfig{})
	if err != nil {
		return err
	}
	group := kafka.GroupConfig{ID: cfg.Prefix + ResolveGroup, Topics: topics.Raw()}
	return cfg.Client.Group(ctx, group, func(ctx context.Context, c *kafka.Claim) error {
		r := &resolving{cfg: cfg, w: w, claim: c, resolver: resolve.New(decoder())}
		return r.run(ctx)
	})
}

// resolving is one raw partition being resolved.
type resolving struct {
	cfg      Config
	w        *kafka.Writer
	claim    *kafka.Claim
	resolver *resolve.Resolver
}

// run resolves one batch while the one before is written.
func (r *resolving) run(ctx context.Context) error {
	g, both := errgroup.WithContext(ctx)
	ready := make(chan *resolved)
	g.Go(func() error {
		for {
			messages, err := r.claim.Fetch(both, resolveBatch)
			if err != nil {
				return err
			}
			b, err := r.resolve(messages)
			if err != nil {
				return err
			}
			select {
			case ready <- b:
			case <-both.Done():
				return context.Cause(both)
			}
		}
	})
	g.Go(func() error {
		for {
			select {
			case b := <-ready:
				if err := r.write(both, b); err != nil {
					return err
				}
			case <-both.Done():
				return context.Cause(both)
			}
		}
	})
	return ended(ctx, g.Wait())
}

// ended tells an error from the end of the work.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// resolved is what a batch of raw records amounts to.
type resolved struct {
	resolve.Batch
	// messages are all but the coverage, which must stand after them.
	messages []kafka.Message
	next     int64 // the offset after the batch
}

func (r *resolving) resolve(messages []kafka.Message) (*resolved, error) {
	b := &resolved{next: messages[len(messages)-1].Offset + 1}
	for i := range messages {
		r.resolver.Add(rawOf(&messages[i]), &b.Batch)
	}
	var err error
	if b.messages, err = addressed(b.Entries); err != nil {
		return nil, err
	}
	if !b.Everywhere.Empty() {
		all, err := r.cfg.forAll(&b.Everywhere)
		if err != nil {
			return nil, err
		}
		b.messages = append(b.messages, all...)
	}
	for i := range b.Dead {
		m, err := deadLetter(&b.Dead[i])
		if err != nil {
			return nil, err
		}
		b.messages = append(b.messages, m)
	}
	return b, nil
}

// write writes facts and what is known of handles, then the coverage that stands
// after them, then how far it is.
func (r *resolving) write(ctx context.Context, b *resolved) error {
	if err := r.w.Write(ctx, b.messages...); err != nil {
		return fmt.Errorf("write facts: %w", err)
	}
	if len(b.Coverage) > 0 {
		if err := r.cfg.everywhere(ctx, r.w, &entry.Entry{Coverage: b.Coverage}); err != nil {
			return fmt.Errorf("write coverage: %w", err)
		}
	}
	r.cfg.Metrics.resolved(r.claim.Topic, r.claim.Partition, &b.Batch, r.claim.Lag())
	return r.claim.Commit(ctx, b.next)
}

func rawOf(m *kafka.Message) *resolve.Raw {
	return &resolve.Raw{
		Source: schemas.Source(m.Header(schemas.HeaderSource)), Kind: schemas.RawKind(m.Header(schemas.HeaderKind)),
		Shard: m.Header(schemas.HeaderShard), Value: m.Value,
		Topic: m.Topic, Partition: m.Partition, Offset: m.Offset,
	}
}

func deadLetter(d *schemas.DeadLetter) (kafka.Message, error) {
	b, err := json.Marshal(d)
	if err != nil {
		return kafka.Message{}, fmt.Errorf("encode a dead letter: %w", err)
	}
	return kafka.Message{Topic: topics.DeadLetters, Key: []byte(d.File), Value: b}, nil
}
