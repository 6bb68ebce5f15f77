package broker

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
	"github.com/twmb/franz-go/pkg/kfake"
)

// maintain deletes old data until ctx ends. kfake's own retention is not used:
// once it has deleted all of a partition, a crash makes its offsets begin at 0
// again.
func (b *Broker) maintain(ctx context.Context) {
	tick := time.NewTicker(b.cfg.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := b.deleteOld(ctx); err != nil && ctx.Err() == nil {
			b.cfg.Logger.Warn("deleting old data of the embedded Kafka broker is tried again", "after", b.cfg.Every, "error", err)
		}
	}
}

// client returns a client of the broker itself.
func (c Config) client(addr string) (*kafkago.Client, error) {
	transport := &kafkago.Transport{ClientID: "jitaudit-broker"}
	if c.Login != nil {
		switch c.Login.Mechanism {
		case "PLAIN":
			transport.SASL = plain.Mechanism{Username: c.Login.User, Password: c.Login.Password}
		default:
			algorithm := scram.SHA256
			if c.Login.Mechanism == "SCRAM-SHA-512" {
				algorithm = scram.SHA512
			}
			m, err := scram.Mechanism(algorithm, c.Login.User, c.Login.Password)
			if err != nil {
				return nil, fmt.Errorf("log in as the configured user: %w", err)
			}
			transport.SASL = m
		}
	}
	return &kafkago.Client{Addr: kafkago.TCP(addr), Timeout: 10 * time.Second, Transport: transport}, nil
}

// deleteOld deletes what is older or larger than topics want. It never deletes
// a partition's last record, nor, because of size, what a consumer group has
// still to read.
func (b *Broker) deleteOld(ctx context.Context) error {
	meta, err := b.admin.Metadata(ctx, &kafkago.MetadataRequest{})
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	unread, err := b.unread(ctx)
	if err != nil {
		return err
	}
	for _, t := range meta.Topics {
		info := b.cluster.TopicInfo(t.Name)
		if info == nil || setting(info, "cleanup.policy", "delete") != "delete" {
			continue
		}
		age, err := strconv.ParseInt(setting(info, "retention.ms", "-1"), 10, 64)
		if err != nil {
			return fmt.Errorf("topic %s: retention.ms: %w", t.Name, err)
		}
		size, err := strconv.ParseInt(setting(info, "retention.bytes", "-1"), 10, 64)
		if err != nil {
			return fmt.Errorf("topic %s: retention.bytes: %w", t.Name, err)
		}
		for p := range t.Partitions {
			if err := b.trim(ctx, t.Name, p, time.Duration(age)*time.Millisecond, size, unread); err != nil {
				return err
			}
		}
	}
	return nil
}

func setting(info *kfake.TopicInfo, name, otherwise string) string {
	if v := info.Configs[name]; v != nil {
		return *v
	}
	return otherwise
}

type partition struct {
	topic string
	id    int
}

// unread returns for each partition the lowest offset that a group stands at.
func (b *Broker) unread(ctx context.Context) (map[partition]int64, error) {
	groups, err := b.admin.ListGroups(ctx, &kafkago.ListGroupsRequest{})
	if err == nil {
		err = groups.Error
	}
	if err != nil {
		return nil, fmt.Errorf("list consumer groups: %w", err)
	}
	lowest := map[partition]int64{}
	for _, g := range groups.Groups {
		info := b.cluster.GroupInfo(g.GroupID)
		if info == nil {
			continue
		}
		for topic, commits := range info.Commits {
			for id, c := range commits {
				p := partition{topic, int(id)}
				if at, ok := lowest[p]; !ok || c.Offset < at {
					lowest[p] = c.Offset
				}
			}
		}
	}
	return lowest, nil
}

func (b *Broker) trim(ctx context.Context, topic string, id int, age time.Duration, size int64, unread map[partition]int64) error {
	info := b.cluster.PartitionInfo(topic, int32(id))
	if info == nil || info.HighWatermark-info.LogStartOffset < 2 {
		return nil
	}
	last := info.HighWatermark - 1
	to := info.LogStartOffset
	if size >= 0 && info.NumBytes > size {
		// Records are taken to be of one size; the next round does the rest.
		excess := float64(info.NumBytes-size) / float64(info.NumBytes)
		bySize := to + int64(math.Ceil(excess*float64(last-to)))
		if at, ok := unread[partition{topic, id}]; ok && at < bySize {
			b.cfg.Logger.Warn("a partition of the embedded Kafka broker is larger than configured since a consumer group has not read it",
				"topic", topic, "partition", id, "bytes", info.NumBytes, "read up to", at)
			bySize = at
		}
		to = max(to, bySize)
	}
	if age >= 0 {
		byAge, err := b.since(ctx, topic, id, time.Now().Add(-age), last)
		if err != nil {
			return err
		}
		to = max(to, byAge)
	}
	if to = min(to, last); to <= info.LogStartOffset {
		return nil
	}
	b.cfg.Logger.Info("deleting old records of the embedded Kafka broker", "topic", topic, "partition", id, "from", info.LogStartOffset, "to", to)
	if err := b.cluster.DeleteRecords(topic, int32(id), to); err != nil {
		return fmt.Errorf("delete records of topic %s, partition %d before offset %d: %w", topic, id, to, err)
	}
	return nil
}

// since returns the offset of the first record not older than t, last if there
// is none.
func (b *Broker) since(ctx context.Context, topic string, id int, t time.Time, last int64) (int64, error) {
	res, err := b.admin.ListOffsets(ctx, &kafkago.ListOffsetsRequest{
		Topics: map[string][]kafkago.OffsetRequest{topic: {kafkago.TimeOffsetOf(id, t)}},
	})
	if err != nil {
		return 0, fmt.Errorf("find the records of topic %s, partition %d since %s: %w", topic, id, t.UTC().Format(time.RFC3339), err)
	}
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return 0, fmt.Errorf("find the records of topic %s, partition %d since %s: %w", topic, id, t.UTC().Format(time.RFC3339), p.Error)
		}
		for offset := range p.Offsets {
			if offset >= 0 {
				return offset, nil
			}
		}
	}
	return last, nil
}
