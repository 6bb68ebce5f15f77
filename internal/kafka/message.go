package kafka

import (
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// Message is one record of a topic.
type Message struct {
	// Topic is without prefix.
	Topic string
	// Partition is, when written, only looked at if Pinned is set; else the key
	// decides.
	Partition int
	// Pinned, when written, puts the message into Partition whatever its key.
	Pinned bool
	// Offset is set when read.
	Offset int64
	Key    []byte
	// Value is nil for a deletion in a compacted topic.
	Value   []byte
	Headers []Header
	// Time is by which Kafka's retention counts, to the millisecond; when
	// written, zero stands for now. It must not be the time of an old event:
	// Kafka would delete the record at once.
	Time time.Time
}

// Header is a header of a message.
type Header = kafkago.Header

// Header returns the value of the first header of that name, empty if there is
// none.
func (m Message) Header(name string) string {
	for i := range m.Headers {
		if m.Headers[i].Key == name {
			return string(m.Headers[i].Value)
		}
	}
	return ""
}

// size is what the message takes in a batch, in bytes, a little more than exact.
func (m Message) size() int {
	n := len(m.Key) + len(m.Value) + recordOverhead
	for i := range m.Headers {
		n += len(m.Headers[i].Key) + len(m.Headers[i].Value) + headerOverhead
	}
	return n
}

// A record carries its length, attributes, time, offset and the lengths of key,
// value and headers as varints; a header two lengths.
const (
	recordOverhead = 32
	headerOverhead = 8
)
