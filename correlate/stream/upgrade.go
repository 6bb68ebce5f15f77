package stream

import (
	"context"
	"fmt"

	"jitaudit/correlate/stream/entry"
	"jitaudit/correlate/stream/partition"
	"jitaudit/internal/kafka"
	"jitaudit/schemas/topics"
)

// upgrade takes over from an earlier engine: the next tick publishes what this one
// says otherwise than the results that stand. The record that says so is
// remembered once that has come out.
func (o *owner) upgrade(ctx context.Context) error {
	if o.claim.Offset != kafka.FirstOffset {
		started := o.cfg.Now()
		if err := o.takeOver(ctx); err != nil {
			return fmt.Errorf("take over partition %d from an earlier version: %w", o.claim.Partition, err)
		}
		o.cfg.Log.Info("partition taken over from an earlier version", "partition", o.claim.Partition,
			"engine", o.part.Engine(), "now", partition.Engine, "took", o.cfg.Now().Sub(started))
	}
	b, err := (&entry.Entry{Engine: partition.Engine}).Encode()
	if err != nil {
		return err
	}
	if err := o.w.Write(ctx, kafka.Message{Topic: topics.Facts, Partition: o.claim.Partition, Pinned: true, Value: b}); err != nil {
		return fmt.Errorf("write which version publishes: %w", err)
	}
	return nil
}

func (o *owner) takeOver(ctx context.Context) error {
	u := o.part.Upgrade()
	for _, topic := range topics.Results() {
		bounds, err := o.cfg.Client.Offsets(ctx, topic)
		if err != nil {
			return err
		}
		for p := range bounds {
			err := o.cfg.Client.ReadAll(ctx, topic, p, func(m kafka.Message) error {
				if m.Value == nil {
					return nil
				}
				return u.Stands(topic, m.Value)
			})
			if err != nil {
				return err
			}
		}
	}
	u.Done()
	return nil
}
