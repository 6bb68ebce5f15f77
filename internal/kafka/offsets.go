package kafka

import (
	"context"
	"errors"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"
)

// Bounds is what a partition holds: the records from First up to and without
// End, of which compaction may have removed some.
type Bounds struct {
	First, End int64
}

// Offsets returns what each partition of a topic holds, by number.
func (c *Client) Offsets(ctx context.Context, topic string) ([]Bounds, error) {
	name := c.full(topic)
	n, err := c.partitionCount(ctx, name)
	if err != nil {
		return nil, err
	}
	out := make([]Bounds, n)
	err = c.ask(ctx, "read the offsets of topic "+name, func(ctx context.Context) error {
		bounds, err := c.bounds(ctx, name, numbers(n))
		for p, b := range bounds {
			out[p] = b
		}
		return err
	})
	return out, err
}

func numbers(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func (c *Client) bounds(ctx context.Context, topic string, partitions []int) (map[int]Bounds, error) {
	req := &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{}}
	for _, p := range partitions {
		req.Topics[topic] = append(req.Topics[topic], kafkago.FirstOffsetOf(p), kafkago.LastOffsetOf(p))
	}
	res, err := c.kafka.ListOffsets(ctx, req)
	if err != nil {
		return nil, err
	}
	out := map[int]Bounds{}
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return nil, p.Error
		}
		out[p.Partition] = Bounds{First: p.FirstOffset, End: p.LastOffset}
	}
	for _, p := range partitions {
		if b, ok := out[p]; !ok || b.First < 0 || b.End < b.First {
			return nil, fmt.Errorf("the broker gives no offsets of partition %d: %w", p, kafkago.OffsetNotAvailable)
		}
	}
	return out, nil
}

// Committed returns the offsets that a group has committed in a topic, by
// partition: those of the next records to read. A partition without is left out.
func (c *Client) Committed(ctx context.Context, group, topic string) (map[int]int64, error) {
	name := c.full(topic)
	n, err := c.partitionCount(ctx, name)
	if err != nil {
		return nil, err
	}
	out := map[int]int64{}
	err = c.ask(ctx, fmt.Sprintf("read what group %s has committed in topic %s", group, name), func(ctx context.Context) error {
		res, err := c.kafka.OffsetFetch(ctx, &kafkago.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{name: numbers(n)}})
		if err != nil {
			return err
		}
		if errors.Is(res.Error, kafkago.GroupIdNotFound) {
			return nil // how some say that nothing is committed
		}
		if res.Error != nil {
			return res.Error
		}
		for _, p := range res.Topics[name] {
			if p.Error != nil {
				return p.Error
			}
			if p.CommittedOffset >= 0 {
				out[p.Partition] = p.CommittedOffset
			}
		}
		return nil
	})
	return out, err
}

// Lag returns how many offsets lie between what a group has committed and the
// log's end, by topic and partition. Where it has committed nothing, all count.
func (c *Client) Lag(ctx context.Context, group string, topics ...string) (map[string]map[int]int64, error) {
	out := map[string]map[int]int64{}
	for _, t := range topics {
		bounds, err := c.Offsets(ctx, t)
		if err != nil {
			return nil, err
		}
		committed, err := c.Committed(ctx, group, t)
		if err != nil {
			return nil, err
		}
		out[t] = map[int]int64{}
		for p, b := range bounds {
			at, ok := committed[p]
			if !ok {
				at = b.First
			}
			out[t][p] = b.End - at
		}
	}
	return out, nil
}
