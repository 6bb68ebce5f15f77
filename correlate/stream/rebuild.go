package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"jitaudit/correlate/stream/entry"
	"jitaudit/correlate/stream/partition"
	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

const (
	// rebuildBatch is how many facts are taken in at a time.
	rebuildBatch = 5000
	// ticksApart is how far ticks are apart while news keeps coming, in what the
	// work of the last one took: each looks again at everybody who has news, and in
	// a backlog that is everybody.
	ticksApart = 4
	// stateBytes is how much of what must be remembered waits to be written.
	stateBytes = 8 << 20
)

// Rebuild reads the facts until ctx ends, and publishes what they amount to.
func Rebuild(ctx context.Context, cfg Config) error {
	w, err := cfg.Client.Writer(kafka.WriterConfig{})
	if err != nil {
		return err
	}
	group := kafka.GroupConfig{ID: cfg.Prefix + RebuildGroup, Topics: []string{topics.Facts}}
	return cfg.Client.Group(ctx, group, func(ctx context.Context, c *kafka.Claim) error {
		o := &owner{cfg: cfg, w: w, claim: c}
		defer cfg.Metrics.disowned(c.Partition)
		return ended(ctx, o.run(ctx))
	})
}

// owner owns one partition of the facts topic.
type owner struct {
	cfg   Config
	w     *kafka.Writer
	claim *kafka.Claim
	part  *partition.Partition

	// kept are the records to remember that are not yet in the state topic.
	kept      []kafka.Message
	keptBytes int
	// unneeded are those that need not be remembered once the next tick has been
	// committed.
	unneeded []int64

	// news is set when something has come since the last tick; asked while a tick
	// that this owner wrote has not come yet.
	news, asked bool
	// lastNews is when something came last, lastTick when a tick was written last,
	// and took how long its work took.
	lastNews, lastTick time.Time
	took               time.Duration
}

func (o *owner) run(ctx context.Context) error {
	if err := o.restore(ctx); err != nil {
		return err
	}
	if o.part.Engine() < partition.Engine {
		if err := o.upgrade(ctx); err != nil {
			return err
		}
	}
	batches := make(chan fetched)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.fetch(ctx, batches)
	}()
	defer func() {
		cancel()
		<-done
	}()
	beat := time.NewTicker(o.cfg.beat())
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case f := <-batches:
			if f.err != nil {
				return f.err
			}
			o.lastNews = o.cfg.Now()
			for i := range f.messages {
				if err := o.record(ctx, &f.messages[i]); err != nil {
					return err
				}
			}
		case <-beat.C:
		}
		if err := o.beat(ctx); err != nil {
			return err
		}
	}
}

type fetched struct {
	messages []kafka.Message
	err      error
}

// fetch reads ahead by one batch.
func (o *owner) fetch(ctx context.Context, batches chan<- fetched) {
	for {
		messages, err := o.claim.Fetch(ctx, rebuildBatch)
		select {
		case batches <- fetched{messages, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// beat is how often an owner looks whether it is time for a tick.
func (cfg *Config) beat() time.Duration { return max(cfg.Tick/4, 10*time.Millisecond) }

// beat writes a tick if it is time for one and there is anything to settle.
func (o *owner) beat(ctx context.Context) error {
	now := o.cfg.Now()
	apart := o.took
	if now.Sub(o.lastNews) < o.cfg.beat() { // more is coming
		apart *= ticksApart
	}
	if !o.news || o.asked || now.Sub(o.lastTick) < max(o.cfg.Tick, apart) {
		return nil
	}
	b, err := (&entry.Entry{Tick: &entry.Tick{At: now.UTC().Truncate(time.Millisecond)}}).Encode()
	if err != nil {
		return err
	}
	o.asked, o.lastTick = true, now
	if err := o.w.Write(ctx, kafka.Message{Topic: topics.Facts, Partition: o.claim.Partition, Pinned: true, Value: b}); err != nil {
		return fmt.Errorf("write a tick: %w", err)
	}
	return nil
}

func (o *owner) record(ctx context.Context, m *kafka.Message) error {
	e, err := entry.Decode(m.Value)
	if err == nil && e.Tick != nil {
		return o.tick(ctx, m.Offset, e.Tick.At)
	}
	kept := false
	if err == nil {
		kept, err = o.part.Apply(m.Offset, e)
	}
	o.news = true
	if err != nil {
		return o.refuse(ctx, m, err)
	}
	if !kept {
		return nil
	}
	o.kept = append(o.kept, kafka.Message{Topic: topics.State, Partition: o.claim.Partition, Pinned: true, Key: stateKey(m.Offset), Value: m.Value})
	if o.keptBytes += len(m.Value); o.keptBytes > stateBytes {
		return o.remember(ctx)
	}
	return nil
}

// refuse makes a dead letter of a record that is none of ours.
func (o *owner) refuse(ctx context.Context, m *kafka.Message, why error) error {
	d, err := deadLetter(&schemas.DeadLetter{
		Source: schemas.Pipeline, File: m.Topic + "/" + strconv.Itoa(m.Partition), Record: m.Offset,
		Reason: why.Error(), Raw: m.Value[:min(len(m.Value), schemas.RawLimit)],
	})
	if err == nil {
		err = o.w.Write(ctx, d)
	}
	if err != nil {
		return fmt.Errorf("write a dead letter of offset %d: %w", m.Offset, err)
	}
	kind := "record"
	if errors.Is(why, partition.ErrPolicy) {
		kind = "policy"
	}
	o.cfg.Metrics.refused.WithLabelValues(kind).Inc()
	o.cfg.Log.Warn("a record of the facts topic was not taken; it is in the dead letters",
		"kind", kind, "partition", m.Partition, "offset", m.Offset, "reason", why)
	return nil
}

func stateKey(offset int64) []byte { return strconv.AppendInt(nil, offset, 10) }

// remember writes what must be remembered to the state topic.
func (o *owner) remember(ctx context.Context) error {
	if err := o.w.Write(ctx, o.kept...); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	clear(o.kept)
	o.kept, o.keptBytes = o.kept[:0], 0
	return nil
}

// tick lets results come out: first what must be remembered, then the results,
// then how far it is. Whoever does the same again writes the same.
func (o *owner) tick(ctx context.Context, offset int64, at time.Time) error {
	started := o.cfg.Now()
	o.news, o.asked = false, false
	out, err := o.part.Tick(offset, at)
	if err != nil {
		return err
	}
	if err := o.remember(ctx); err != nil {
		return err
	}
	if err := o.publish(ctx, &out); err != nil {
		return err
	}
	if err := o.claim.Commit(ctx, offset+1); err != nil {
		return fmt.Errorf("commit facts up to offset %d: %w", offset, err)
	}
	o.unneeded = append(o.unneeded, out.Unneeded...)
	if err := o.forget(ctx); err != nil {
		return err
	}
	o.took = o.cfg.Now().Sub(started)
	o.cfg.Metrics.ticked(o.claim.Partition, &out, o.part, o.took, o.claim.Lag())
	return nil
}

// forget deletes from the state topic what is needed no more.
func (o *owner) forget(ctx context.Context) error {
	if len(o.unneeded) == 0 {
		return nil
	}
	messages := make([]kafka.Message, len(o.unneeded))
	for i, offset := range o.unneeded {
		messages[i] = kafka.Message{Topic: topics.State, Partition: o.claim.Partition, Pinned: true, Key: stateKey(offset)}
	}
	if err := o.w.Write(ctx, messages...); err != nil {
		return fmt.Errorf("delete from state: %w", err)
	}
	o.unneeded = o.unneeded[:0]
	return nil
}
