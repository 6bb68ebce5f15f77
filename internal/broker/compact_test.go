package broker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"jitaudit/internal/broker"
	"jitaudit/internal/kafka"
	"jitaudit/schemas/topics"
)

func TestCompactionAtStartKeepsTheLastOfEachKey(t *testing.T) {
	dir := t.TempDir()
	lagging := topics.Topic{Name: "results", Partitions: 1, Config: map[string]string{"cleanup.policy": "compact", "min.compaction.lag.ms": "604800000"}}
	wanted := []topics.Topic{compacted("state"), lagging, byAge("aged", "604800000")}
	open := func(from int64) (*broker.Broker, *kafka.Client) {
		t.Helper()
		b, err := broker.Start(broker.Config{Dir: dir, CompactFrom: from, MinSession: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		c := client(t, b.Addr())
		if err := c.Ensure(within(t), wanted); err != nil {
			t.Fatal(err)
		}
		return b, c
	}
	b, c := open(1 << 40)
	before := settings(t, b)
	w := writer(t, c)
	old := time.Now().Add(-30 * 24 * time.Hour)
	const rounds, keys = 50, 5
	for round := range rounds {
		for _, topic := range []string{"state", "results", "aged"} {
			var messages []kafka.Message
			for key := range keys {
				messages = append(messages, kafka.Message{Topic: topic, Pinned: true, Key: fmt.Append(nil, key), Value: fmt.Appendf(nil, "%d %0200d", round, 0), Time: old})
			}
			if err := w.Write(within(t), messages...); err != nil {
				t.Fatal(err)
			}
		}
	}
	errDone := errors.New("done")
	err := c.Group(within(t), kafka.GroupConfig{ID: "g", Topics: []string{"results"}, SessionTimeout: time.Second}, func(ctx context.Context, claim *kafka.Claim) error {
		if err := claim.Commit(ctx, 7); err != nil {
			return err
		}
		return errDone
	})
	if !errors.Is(err, errDone) {
		t.Fatal(err)
	}
	closeAll(t, b, c)

	for start := range 2 { // the second finds it compacted
		b, c = open(1)
		counts := map[string]int{}
		for _, topic := range []string{"state", "results", "aged"} {
			last := map[string]string{}
			for _, m := range read(t, c, topic, 0) {
				counts[topic]++
				last[string(m.Key)] = string(m.Value)
			}
			for key := range keys {
				if got, want := last[fmt.Sprint(key)], fmt.Sprintf("%d %0200d", rounds-1, 0); got != want {
					t.Errorf("start %d: %s, key %d is %q, want %q", start, topic, key, got, want)
				}
			}
			bounds, err := c.Offsets(within(t), topic)
			if err != nil || bounds[0].End != rounds*keys {
				t.Errorf("start %d: %s ends at %v, %v; want %d", start, topic, bounds, err, rounds*keys)
			}
		}
		if counts["state"] > 2*keys {
			t.Errorf("start %d: %d records of the state are left: it is not compacted", start, counts["state"])
		}
		if counts["results"] != rounds*keys || counts["aged"] != rounds*keys {
			t.Errorf("start %d: %d results and %d aged are left, want all %d", start, counts["results"], counts["aged"], rounds*keys)
		}
		if got := settings(t, b); got != before {
			t.Errorf("start %d: the settings are\n%s\nand were\n%s", start, got, before)
		}
		if got, err := c.Committed(within(t), "g", "results"); err != nil || got[0] != 7 {
			t.Errorf("start %d: committed %v, %v; want 7", start, got, err)
		}
		closeAll(t, b, c)
	}
}

func closeAll(t *testing.T, b *broker.Broker, c *kafka.Client) {
	t.Helper()
	c.Close()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// settings returns all settings of the topics, in order.
func settings(t *testing.T, b *broker.Broker) string {
	t.Helper()
	req := &kafkago.DescribeConfigsRequest{}
	for _, topic := range []string{"t.state", "t.results", "t.aged"} {
		req.Resources = append(req.Resources, kafkago.DescribeConfigRequestResource{ResourceType: kafkago.ResourceTypeTopic, ResourceName: topic})
	}
	res, err := admin(t, b).DescribeConfigs(within(t), req)
	if err != nil {
		t.Fatal(err)
	}
	out := ""
	for _, r := range res.Resources {
		for _, name := range []string{"cleanup.policy", "retention.ms", "retention.bytes", "min.compaction.lag.ms", "max.message.bytes"} {
			for _, e := range r.ConfigEntries {
				if e.ConfigName == name {
					out += fmt.Sprintf("%s %s=%s\n", r.ResourceName, name, e.ConfigValue)
				}
			}
		}
	}
	return out
}
