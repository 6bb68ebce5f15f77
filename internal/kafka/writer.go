package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"golang.org/x/sync/errgroup"
)

// Writer writes to any topic. What one Write gives to a partition stands there
// in that order: a batch is sent when the one before is acknowledged by all
// replicas in sync. There is no idempotence: a request whose answer was lost is
// sent again, so a batch may stand there twice, and readers look at ids.
//
// kafka-go's own Writer is not used since it goes on with the next batch of a
// partition after one has failed, and sends after its caller has given up.
type Writer struct {
	c       *Client
	batches *batcher

	mu    sync.Mutex
	turns map[partition]chan struct{}
}

// WriterConfig has what a Writer may be told.
type WriterConfig struct {
	// Compression is zstd, lz4 or none. Default zstd.
	Compression string
}

const (
	// MaxMessage is how large a message may be, with key and headers, in bytes.
	MaxMessage = 4 << 20
	// wantedMessageBytes is what topics allow: a message that does not compress
	// and what is around it.
	wantedMessageBytes = MaxMessage + 64<<10
	// A batch is compressed as a whole and held in memory by both sides.
	batchBytes    = 2 << 20
	batchMessages = 10_000
)

type partition struct {
	topic string // as Kafka names it
	id    int
}

func (p partition) String() string { return fmt.Sprintf("topic %s, partition %d", p.topic, p.id) }

// Writer returns a writer. It needs no closing.
func (c *Client) Writer(cfg WriterConfig) (*Writer, error) {
	var codec kafkago.Compression
	switch cfg.Compression {
	case "", "zstd":
		codec = kafkago.Zstd
	case "lz4":
		codec = kafkago.Lz4
	case "none":
	default:
		return nil, fmt.Errorf("compression: want zstd, lz4 or none (got %q)", cfg.Compression)
	}
	return &Writer{c: c, batches: c.batcher(codec), turns: map[partition]chan struct{}{}}, nil
}

// Write writes the messages and returns nil once all are acknowledged. What
// may pass is tried again until ctx ends. After an error each partition holds
// the messages given for it up to one of them, and possibly the batch after it,
// which may still be on its way: its bytes must not be changed. The caller
// writes them all again or gives up. A message that is too large is a
// *TooLargeError; if its size alone says so, nothing was written at all.
func (w *Writer) Write(ctx context.Context, messages ...Message) error {
	routed, err := w.route(ctx, messages)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for p, indexes := range routed {
		g.Go(func() error { return w.writePartition(ctx, p, messages, indexes) })
	}
	return g.Wait()
}

// route says which messages go to which partition.
func (w *Writer) route(ctx context.Context, messages []Message) (map[partition][]int, error) {
	counts := map[string]int{}
	routed := map[partition][]int{}
	for i := range messages {
		m := &messages[i]
		topic := w.c.full(m.Topic)
		if size := m.size(); size > MaxMessage {
			return nil, &TooLargeError{Index: i, Topic: topic, Key: m.Key, Size: size, Limit: MaxMessage}
		}
		n, ok := counts[m.Topic]
		if !ok {
			var err error
			if n, err = w.c.partitionCount(ctx, topic); err != nil {
				return nil, err
			}
			counts[m.Topic] = n
		}
		p := partition{topic, m.Partition}
		switch {
		case m.Pinned && (m.Partition < 0 || m.Partition >= n):
			return nil, fmt.Errorf("write to topic %s: it has %d partitions, but a message is for number %d", topic, n, m.Partition)
		case m.Pinned:
		case m.Key == nil:
			return nil, fmt.Errorf("write to topic %s: a message has neither a key nor a partition", topic)
		default:
			p.id = PartitionOf(m.Key, n)
		}
		routed[p] = append(routed[p], i)
	}
	return routed, nil
}

// partitionCount asks what the transport remembers, and anew if it knows
// nothing of the topic.
func (c *Client) partitionCount(ctx context.Context, topic string) (int, error) {
	count := 0
	err := c.ask(ctx, "find the partitions of topic "+topic, func(ctx context.Context) error {
		res, err := c.kafka.Metadata(ctx, &kafkago.MetadataRequest{Topics: []string{topic}})
		if err != nil {
			return err
		}
		for _, t := range res.Topics {
			if t.Error != nil {
				return t.Error
			}
			count = len(t.Partitions)
		}
		if count == 0 {
			return kafkago.UnknownTopicOrPartition
		}
		return nil
	})
	return count, err
}

// writePartition writes messages of one partition, batch after batch.
func (w *Writer) writePartition(ctx context.Context, p partition, messages []Message, indexes []int) error {
	turn := w.turn(p)
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return fmt.Errorf("write to %s: %w", p, context.Cause(ctx))
	}
	for len(indexes) > 0 {
		n, size := 0, 0
		for n < len(indexes) && n < batchMessages {
			size += messages[indexes[n]].size()
			if n > 0 && size > batchBytes {
				break
			}
			n++
		}
		if err := w.writeBatch(ctx, p, messages, indexes[:n]); err != nil {
			return err
		}
		indexes = indexes[n:]
	}
	return nil
}

// turn is held by whoever writes to the partition.
func (w *Writer) turn(p partition) chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	turn := w.turns[p]
	if turn == nil {
		turn = make(chan struct{}, 1)
		w.turns[p] = turn
	}
	return turn
}

// writeBatch sends a batch until it is acknowledged. One that the broker finds
// too large is cut in two.
func (w *Writer) writeBatch(ctx context.Context, p partition, messages []Message, indexes []int) error {
	doing := fmt.Sprintf("write %d messages to %s", len(indexes), p)
	start := time.Now()
	for n := 1; ; n++ {
		err := w.produce(ctx, p, messages, indexes)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, kafkago.MessageSizeTooLarge) || errors.Is(err, kafkago.RecordListTooLarge):
			return w.split(ctx, p, messages, indexes)
		case ctx.Err() != nil:
			return fmt.Errorf("%s: %w; it is not known whether they are there", doing, context.Cause(ctx))
		}
		err = explain(doing, err)
		if !transient(err) || unknownTopic(err) && time.Since(start) > topicPatience {
			return err
		}
		w.c.log.Warn("writing to Kafka is tried again", "topic", p.topic, "partition", p.id, "attempt", n, "error", err)
		w.c.forget()
		if cause := backoff(ctx, n); cause != nil {
			return fmt.Errorf("%w (%w)", err, cause)
		}
	}
}

func (w *Writer) split(ctx context.Context, p partition, messages []Message, indexes []int) error {
	if len(indexes) == 1 {
		m := &messages[indexes[0]]
		return &TooLargeError{Index: indexes[0], Topic: p.topic, Key: m.Key, Size: m.size()}
	}
	half := len(indexes) / 2
	if err := w.writeBatch(ctx, p, messages, indexes[:half]); err != nil {
		return err
	}
	return w.writeBatch(ctx, p, messages, indexes[half:])
}

func (w *Writer) produce(ctx context.Context, p partition, messages []Message, indexes []int) error {
	s := w.batches.spare.Get().(*scratch)
	if err := w.batches.make(s, messages, indexes, time.Now()); err != nil {
		return err
	}
	res, err := w.c.kafka.RawProduce(ctx, &kafkago.RawProduceRequest{
		Topic:        p.topic,
		Partition:    p.id,
		RequiredAcks: kafkago.RequireAll,
		RawRecords:   protocol.RawRecordSet{Reader: bytes.NewReader(s.batch)},
	})
	if err != nil {
		return err // the request may still be on its way, and s in use
	}
	w.batches.spare.Put(s)
	return res.Error
}
