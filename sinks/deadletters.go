package sinks

import (
	"context"
	"encoding/json"
	"fmt"

	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// DeadLetters is where records go that a sink refuses.
type DeadLetters interface {
	// Bury returns when the letters are durable. To bury one again is harmless.
	Bury(ctx context.Context, letters []schemas.DeadLetter) error
}

// deadLetters makes a letter of each refused record; its position is the topic
// and partition as the file, and the offset as the record.
func deadLetters(batch []Record, refused []Refusal) []schemas.DeadLetter {
	out := make([]schemas.DeadLetter, len(refused))
	for i, r := range refused {
		record := &batch[r.Record]
		raw := record.Value
		out[i] = schemas.DeadLetter{
			Source: schemas.Pipeline,
			File:   fmt.Sprintf("%s/%d", record.Topic, record.Partition),
			Record: record.Offset,
			Reason: r.Reason,
			Raw:    raw[:min(len(raw), schemas.RawLimit)],
		}
	}
	return out
}

// KafkaDeadLetters keeps dead letters in Kafka's topic for them.
type KafkaDeadLetters struct {
	Writer *kafka.Writer
}

var _ DeadLetters = KafkaDeadLetters{}

// Bury implements DeadLetters.
func (k KafkaDeadLetters) Bury(ctx context.Context, letters []schemas.DeadLetter) error {
	messages := make([]kafka.Message, len(letters))
	for i := range letters {
		value, err := json.Marshal(&letters[i])
		if err != nil {
			return Permanent(fmt.Errorf("encode the dead letter of %s, offset %d: %w", letters[i].File, letters[i].Record, err))
		}
		messages[i] = kafka.Message{Topic: topics.DeadLetters, Key: []byte(letters[i].File), Value: value}
	}
	return k.Writer.Write(ctx, messages...)
}
