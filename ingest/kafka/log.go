// Package kafka keeps what collectors read in Kafka: the raw topics, keyed by
// shard, and how far each shard's collector is.
package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"jitaudit/ingest"
	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// Log is an ingest.Log in Kafka. It may be used by many collectors, one for each
// shard.
type Log struct {
	client *kafka.Client
	writer *kafka.Writer

	mu sync.Mutex
	// checkpoints are those of all shards up to the offset next.
	checkpoints map[string][]byte
	next        int64
}

var _ ingest.Log = (*Log)(nil)

// New returns a log in the topics of the client, which Ensure has made.
func New(client *kafka.Client) (*Log, error) {
	writer, err := client.Writer(kafka.WriterConfig{})
	if err != nil {
		return nil, err
	}
	return &Log{client: client, writer: writer, checkpoints: map[string][]byte{}, next: kafka.FirstOffset}, nil
}

// Append implements ingest.Log. All messages of a shard go to one partition, and
// stand there in their order. After an error they stand there up to one of
// them; if they are appended again, some stand there twice.
func (l *Log) Append(ctx context.Context, shard string, messages []ingest.Message) error {
	if shard == "" {
		return errors.New("append to the log: no shard is named")
	}
	records := make([]kafka.Message, len(messages))
	for i := range messages {
		topic, err := topicOf(messages[i].Source)
		if err != nil {
			return fmt.Errorf("append to the log of shard %s: %w", shard, err)
		}
		records[i] = record(topic, shard, &messages[i])
	}
	for len(records) > 0 {
		err := l.writer.Write(ctx, records...)
		var large *kafka.TooLargeError
		if !errors.As(err, &large) {
			return err
		}
		if err := l.bury(ctx, shard, &messages[large.Index], large); err != nil {
			return err
		}
		// What came before it is written if the broker refused it, else nothing.
		from := large.Index
		if large.Limit == 0 {
			records, messages = records[from+1:], messages[from+1:]
			continue
		}
		records = slices.Delete(records, from, from+1)
		messages = slices.Delete(slices.Clone(messages), from, from+1)
	}
	return nil
}

func topicOf(source schemas.Source) (string, error) {
	switch source {
	case schemas.Okta:
		return topics.RawOkta, nil
	case schemas.CloudTrail:
		return topics.RawCloudTrail, nil
	case schemas.Approvals:
		return topics.RawApprovals, nil
	}
	return "", fmt.Errorf("no topic is there for source %q", source)
}

// record makes the Kafka record of a message. Its time stays that of writing:
// with the event's own Kafka would delete old events at once.
func record(topic, shard string, m *ingest.Message) kafka.Message {
	headers := []kafka.Header{
		{Key: schemas.HeaderSource, Value: []byte(m.Source)},
		{Key: schemas.HeaderShard, Value: []byte(shard)},
		{Key: schemas.HeaderKind, Value: []byte(m.Kind)},
	}
	if m.ID != "" {
		headers = append(headers, kafka.Header{Key: schemas.HeaderID, Value: []byte(m.ID)})
	}
	if !m.Time.IsZero() {
		headers = append(headers, kafka.Header{Key: schemas.HeaderTime, Value: m.Time.UTC().AppendFormat(nil, time.RFC3339Nano)})
	}
	return kafka.Message{Topic: topic, Key: []byte(shard), Value: m.Raw, Headers: headers}
}

// bury writes the dead letter of a message that is too large. The shard stands
// for the file; a log that is asked has no numbers or positions.
func (l *Log) bury(ctx context.Context, shard string, m *ingest.Message, large *kafka.TooLargeError) error {
	what := string(m.Kind)
	if m.ID != "" {
		what += " " + m.ID
	}
	reason := fmt.Sprintf("%s has %d bytes with its headers, more than Kafka takes: raise max.message.bytes of topic %s", what, large.Size, large.Topic)
	if large.Limit > 0 {
		reason = fmt.Sprintf("%s has %d bytes with its headers, more than the %d that are kept: look it up at the source", what, large.Size, large.Limit)
	}
	value, err := json.Marshal(schemas.DeadLetter{
		Source: m.Source,
		File:   shard,
		Reason: reason,
		Raw:    m.Raw[:min(len(m.Raw), schemas.RawLimit)],
	})
	if err != nil {
		return fmt.Errorf("encode the dead letter of %s of shard %s: %w", what, shard, err)
	}
	return l.writer.Write(ctx, kafka.Message{Topic: topics.DeadLetters, Key: []byte(shard), Value: value})
}

// Checkpoint implements ingest.Log. It reads what was written since it was last
// asked, also by others: a shard may have had another collector meanwhile.
func (l *Log) Checkpoint(ctx context.Context, shard string) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.catchUp(ctx)
	if errors.Is(err, kafka.ErrOffsetLost) {
		// Compaction may move the start; what it left is all there is to know.
		clear(l.checkpoints)
		l.next = kafka.FirstOffset
		err = l.catchUp(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("restore the checkpoint of shard %s: %w", shard, err)
	}
	return slices.Clone(l.checkpoints[shard]), nil
}

func (l *Log) catchUp(ctx context.Context) error {
	next, err := l.client.ReadFrom(ctx, topics.Checkpoints, 0, l.next, func(m kafka.Message) error {
		if m.Value == nil {
			delete(l.checkpoints, string(m.Key))
		} else {
			l.checkpoints[string(m.Key)] = m.Value
		}
		return nil
	})
	l.next = next
	return err
}

// SetCheckpoint implements ingest.Log; nil takes back what was set.
func (l *Log) SetCheckpoint(ctx context.Context, shard string, checkpoint []byte) error {
	if shard == "" {
		return errors.New("set a checkpoint: no shard is named")
	}
	return l.writer.Write(ctx, kafka.Message{Topic: topics.Checkpoints, Partition: 0, Pinned: true, Key: []byte(shard), Value: checkpoint})
}
