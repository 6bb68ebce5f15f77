package kafka_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"jitaudit/internal/broker"
	"jitaudit/internal/kafka"
)

// The benchmarks write and read events of 1.5 KB, about as compressible as an
// event of Okta, with our Writer and Claim and with those of kafka-go.

const (
	benchMessages = 20_000
	benchBatch    = 1_000
)

func benchEvents() [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	event := bytes.Repeat([]byte(`{"actor":{"id":"00u1","type":"User","alternateId":"ada@example.com"},"outcome":"SUCCESS"},`), 16)
	events := make([][]byte, benchMessages)
	for i := range events {
		e := bytes.Clone(event)
		for range 40 {
			copy(e[r.IntN(len(e)-16):], fmt.Sprintf("%016x", r.Uint64()))
		}
		events[i] = e
	}
	return events
}

func benchHarness(b *testing.B) *harness {
	br, err := broker.Start(broker.Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { br.Close() })
	h := &harness{broker: br, cfg: kafka.Config{Brokers: []string{br.Addr()}, Prefix: "bench."}}
	h.Client, err = kafka.New(h.cfg, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(h.Client.Close)
	return h
}

func benchTopic(b *testing.B, h *harness, name string) {
	conn, err := kafkago.Dial("tcp", h.broker.Addr())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	err = conn.CreateTopics(kafkago.TopicConfig{Topic: "bench." + name, NumPartitions: 1, ReplicationFactor: 1,
		ConfigEntries: []kafkago.ConfigEntry{{ConfigName: "max.message.bytes", ConfigValue: "8000000"}}})
	if err != nil {
		b.Fatal(err)
	}
}

func rate(b *testing.B, messages int) {
	b.ReportMetric(float64(messages)*float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
}

func BenchmarkWrite(b *testing.B) {
	events := benchEvents()
	for _, codec := range []string{"zstd", "lz4", "none"} {
		b.Run("ours/"+codec, func(b *testing.B) {
			h := benchHarness(b)
			w, err := h.Writer(kafka.WriterConfig{Compression: codec})
			if err != nil {
				b.Fatal(err)
			}
			messages := make([]kafka.Message, len(events))
			for i, e := range events {
				messages[i] = kafka.Message{Topic: "a", Pinned: true, Value: e}
			}
			for n := 0; b.Loop(); n++ {
				b.StopTimer()
				name := fmt.Sprint("a", n)
				benchTopic(b, h, name)
				for i := range messages {
					messages[i].Topic = name
				}
				b.StartTimer()
				for i := 0; i < len(messages); i += benchBatch {
					if err := w.Write(context.Background(), messages[i:i+benchBatch]...); err != nil {
						b.Fatal(err)
					}
				}
			}
			rate(b, len(events))
		})
		b.Run("kafka-go/"+codec, func(b *testing.B) {
			h := benchHarness(b)
			codecs := map[string]kafkago.Compression{"zstd": kafkago.Zstd, "lz4": kafkago.Lz4}
			messages := make([]kafkago.Message, len(events))
			for i, e := range events {
				messages[i] = kafkago.Message{Value: e}
			}
			for n := 0; b.Loop(); n++ {
				b.StopTimer()
				name := fmt.Sprint("a", n)
				benchTopic(b, h, name)
				w := &kafkago.Writer{Addr: kafkago.TCP(h.broker.Addr()), Topic: "bench." + name, RequiredAcks: kafkago.RequireAll,
					Compression: codecs[codec], BatchSize: benchBatch, BatchBytes: 4 << 20, BatchTimeout: 5 * time.Millisecond, Transport: &kafkago.Transport{}}
				b.StartTimer()
				for i := 0; i < len(messages); i += benchBatch {
					if err := w.WriteMessages(context.Background(), messages[i:i+benchBatch]...); err != nil {
						b.Fatal(err)
					}
				}
				b.StopTimer()
				w.Close()
				w.Transport.(*kafkago.Transport).CloseIdleConnections()
				b.StartTimer()
			}
			rate(b, len(events))
		})
	}
}

func BenchmarkRead(b *testing.B) {
	events := benchEvents()
	for _, codec := range []string{"zstd", "lz4", "none"} {
		filled := func(b *testing.B) *harness {
			h := benchHarness(b)
			benchTopic(b, h, "a")
			w, err := h.Writer(kafka.WriterConfig{Compression: codec})
			if err != nil {
				b.Fatal(err)
			}
			for i := 0; i < len(events); i += benchBatch {
				var messages []kafka.Message
				for _, e := range events[i : i+benchBatch] {
					messages = append(messages, kafka.Message{Topic: "a", Pinned: true, Value: e})
				}
				if err := w.Write(context.Background(), messages...); err != nil {
					b.Fatal(err)
				}
			}
			return h
		}
		b.Run("claim/"+codec, func(b *testing.B) {
			h := filled(b)
			errDone := errors.New("done")
			for n := 0; b.Loop(); n++ {
				b.StopTimer()
				err := h.Group(context.Background(), kafka.GroupConfig{ID: fmt.Sprint("g", n), Topics: []string{"a"}}, func(ctx context.Context, c *kafka.Claim) error {
					b.StartTimer()
					defer b.StopTimer()
					for got := 0; got < len(events); {
						messages, err := c.Fetch(ctx, benchBatch)
						if err != nil {
							return err
						}
						got += len(messages)
					}
					return errDone
				})
				if !errors.Is(err, errDone) {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			rate(b, len(events))
		})
		b.Run("kafka-go/"+codec, func(b *testing.B) {
			h := filled(b)
			for b.Loop() {
				r := kafkago.NewReader(kafkago.ReaderConfig{Brokers: []string{h.broker.Addr()}, Topic: "bench.a", QueueCapacity: benchBatch, MaxBytes: 4 << 20, MaxWait: 100 * time.Millisecond})
				for range events {
					if _, err := r.ReadMessage(context.Background()); err != nil {
						b.Fatal(err)
					}
				}
				b.StopTimer()
				r.Close()
				b.StartTimer()
			}
			rate(b, len(events))
		})
	}
}
