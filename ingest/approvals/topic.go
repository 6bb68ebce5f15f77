package approvals

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"jitaudit/ingest"
	"jitaudit/internal/kafka"
	"jitaudit/schemas"
)

// TopicConfig says which topic of another system is a feed.
type TopicConfig struct {
	// Feed is the feed's name in shards.
	Feed string
	// Client speaks to the cluster that has the topic, Topic is the topic without
	// the client's prefix, and Group the consumer group that reads it, in full.
	Client       *kafka.Client
	Topic, Group string
	Log          ingest.Log
	// Metrics and Logger may be nil. Rounds are noted as those of the shard with
	// "/topic" behind it.
	Metrics *ingest.Metrics
	Logger  *slog.Logger
}

// Topic puts the values of a topic into the log, each of which is one record. How
// far it is stands in the consumer group, which moves on once the log has
// acknowledged what was read.
type Topic struct {
	cfg   TopicConfig
	shard string
}

// atOnce is how many records are read at a time.
const atOnce = 500

// NewTopic makes a reader of a topic; it asks nothing yet.
func NewTopic(cfg TopicConfig) (*Topic, error) {
	if cfg.Feed == "" || cfg.Client == nil || cfg.Group == "" || cfg.Log == nil {
		return nil, errors.New("read a topic of approvals: feed, client, group and log are needed")
	}
	if cfg.Metrics == nil {
		cfg.Metrics = ingest.NewMetrics(prometheus.NewRegistry())
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Topic{cfg: cfg, shard: schemas.ApprovalsShard(cfg.Feed)}, nil
}

// Run reads until ctx ends, and then returns nil. What may pass by itself is tried
// again for ever; the error it returns does not: the topic is not there, access is
// denied, or records were deleted before they were read.
func (t *Topic) Run(ctx context.Context) error {
	err := t.cfg.Client.Group(ctx, kafka.GroupConfig{ID: t.cfg.Group, Topics: []string{t.cfg.Topic}}, t.forward)
	if ctx.Err() != nil {
		return nil
	}
	if errors.Is(err, kafka.ErrUnknownTopic) {
		err = fmt.Errorf("%w: make it, or correct its name", err)
	}
	return fmt.Errorf("read the approvals of %s: %w", t.cfg.Feed, err)
}

func (t *Topic) forward(ctx context.Context, c *kafka.Claim) error {
	t.cfg.Metrics.Round(t.shard+"/topic", ingest.State{At: time.Now()})
	for {
		read, err := c.Fetch(ctx, atOnce)
		if err != nil {
			return err
		}
		if messages := t.messages(read); len(messages) > 0 {
			if err := t.cfg.Log.Append(ctx, t.shard, messages); err != nil {
				return fmt.Errorf("put %d approvals into the log: %w", len(messages), err)
			}
			t.cfg.Metrics.Records.WithLabelValues(t.shard, string(schemas.RawEvent)).Add(float64(len(messages)))
		}
		last := read[len(read)-1]
		if err := c.Commit(ctx, last.Offset+1); err != nil {
			return err
		}
		t.cfg.Metrics.Round(t.shard+"/topic", ingest.State{At: last.Time})
	}
}

// messages leaves out deletions, which a compacted topic may hold. What is no
// record goes on as well, and becomes a dead letter where it is decoded.
func (t *Topic) messages(read []kafka.Message) (out []ingest.Message) {
	for i := range read {
		if len(read[i].Value) == 0 {
			continue
		}
		m, err := Decoder{Feed: t.cfg.Feed}.message(read[i].Value)
		if err != nil {
			t.cfg.Metrics.Dead.WithLabelValues(t.shard).Inc()
			t.cfg.Logger.Warn("a record of the topic is no approval; it becomes a dead letter", "feed", t.cfg.Feed,
				"partition", read[i].Partition, "offset", read[i].Offset, "error", err)
		}
		out = append(out, m)
	}
	return out
}
