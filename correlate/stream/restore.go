package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"jitaudit/correlate/stream/entry"
	"jitaudit/correlate/stream/partition"
	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// errForeign is that of topics that were not made by one history.
var errForeign = errors.New("the topics do not belong together")

// restore makes the partition as it was at the committed tick. What the state
// topic has from later on is left out: it will be read again.
func (o *owner) restore(ctx context.Context) error {
	n := o.claim.Partition
	o.part = partition.New(partition.Config{Partition: n, Partitions: o.cfg.Partitions, Horizon: o.cfg.Horizon})
	state, err := o.state(ctx)
	if err != nil {
		return err
	}
	if err := o.belongs(ctx, state); err != nil {
		return err
	}
	started := o.cfg.Now()
	for _, offset := range slices.Sorted(maps.Keys(state)) {
		if offset >= o.claim.Offset {
			continue
		}
		e, err := entry.Decode(state[offset])
		if err == nil {
			_, err = o.part.Apply(offset, e)
		}
		if err != nil {
			return fmt.Errorf("restore partition %d: record %d of topic %s: %w", n, offset, topics.State, err)
		}
		o.news = true
	}
	if o.unneeded, err = o.part.Settle(o.claim.Offset - 1); err != nil {
		return fmt.Errorf("restore partition %d: %w", n, err)
	}
	if len(state) > 0 {
		o.cfg.Log.Info("partition restored", "partition", n, "records", len(state), "offset", o.claim.Offset, "took", o.cfg.Now().Sub(started))
	}
	return nil
}

// state reads what is remembered, by offset in the facts topic.
func (o *owner) state(ctx context.Context) (map[int64][]byte, error) {
	state := make(map[int64][]byte)
	err := o.cfg.Client.ReadAll(ctx, topics.State, o.claim.Partition, func(m kafka.Message) error {
		offset, err := strconv.ParseInt(string(m.Key), 10, 64)
		if err != nil {
			return fmt.Errorf("the key %q of offset %d in topic %s is no offset: %w", m.Key, m.Offset, topics.State, err)
		}
		if m.Value == nil {
			delete(state, offset)
		} else {
			state[offset] = m.Value
		}
		return nil
	})
	return state, err
}

// belongs refuses a facts topic that is not the one that the state and the
// results were made from: versions are offsets in it, and would go backwards.
func (o *owner) belongs(ctx context.Context, state map[int64][]byte) error {
	n := o.claim.Partition
	bounds, err := o.cfg.Client.Offsets(ctx, topics.Facts)
	if err != nil {
		return err
	}
	if len(bounds) != o.cfg.Partitions {
		return fmt.Errorf("topic %s has %d partitions, but kafka.partitions is %d: set it to what the topic has", topics.Facts, len(bounds), o.cfg.Partitions)
	}
	last, err := o.published(ctx)
	if err != nil {
		return err
	}
	for offset := range state {
		last = max(last, offset)
	}
	if last >= bounds[n].End {
		return fmt.Errorf("%w: topic %s, partition %d ends at offset %d, but results of offset %d are known: it has been made anew; "+
			"delete the topics of state and results too, and the tables made from them, or choose another kafka.prefix and clickhouse.database",
			errForeign, topics.Facts, n, bounds[n].End, last)
	}
	if o.claim.Offset > 0 && len(state) == 0 {
		return fmt.Errorf("%w: facts of partition %d up to offset %d have been worked off, and topic %s remembers nothing of them: it has been made anew; "+
			"begin anew with another kafka.prefix and clickhouse.database", errForeign, n, o.claim.Offset, topics.State)
	}
	if o.claim.Offset == kafka.FirstOffset {
		if bounds[n].First > 0 {
			return fmt.Errorf("%w: topic %s, partition %d begins at offset %d, and the consumer group %s has no offset there: "+
				"set the group's offset to that of a tick, or begin anew with another kafka.prefix",
				errForeign, topics.Facts, n, bounds[n].First, o.cfg.Prefix+RebuildGroup)
		}
		clear(state) // all of it will be read again
	}
	return nil
}

// published is the last version that this partition is known to have published.
func (o *owner) published(ctx context.Context) (int64, error) {
	last := int64(-1)
	bounds, err := o.cfg.Client.Offsets(ctx, topics.Coverage)
	if err != nil {
		return last, err
	}
	for p := range bounds {
		err := o.cfg.Client.ReadAll(ctx, topics.Coverage, p, func(m kafka.Message) error {
			var c schemas.Covered
			if err := json.Unmarshal(m.Value, &c); err != nil {
				return fmt.Errorf("read topic %s at offset %d: %w", topics.Coverage, m.Offset, err)
			}
			if c.Partition == o.claim.Partition {
				last = max(last, c.Version)
			}
			return nil
		})
		if err != nil {
			return last, err
		}
	}
	return last, nil
}
