package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"jitaudit/internal/broker"
	"jitaudit/internal/kafka"
	"jitaudit/schemas/topics"
	"jitaudit/sinks"
)

// written tells of each batch.
type written chan []sinks.Record

func (w written) Write(_ context.Context, batch []sinks.Record) ([]sinks.Refusal, error) {
	w <- batch
	return nil, nil
}

// Coverage says that results are in the tables: it is written after them, however
// long those take.
func TestCoverageIsWrittenAfterTheResultsThatStandBeforeIt(t *testing.T) {
	b, err := broker.Start(broker.Config{Dir: t.TempDir(), Addr: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	client, err := kafka.New(kafka.Config{Brokers: []string{b.Addr()}, Prefix: "x."}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx := t.Context()
	if err := client.Ensure(ctx, topics.All(1)); err != nil {
		t.Fatal(err)
	}
	w, err := client.Writer(kafka.WriterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := w.Write(ctx, kafka.Message{Topic: topics.Findings, Key: []byte("f"), Value: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	out := make(written, 1)
	s := &behind{Sink: out, kafka: client, group: "results", topics: []string{topics.Findings, topics.Grants}}
	ended := make(chan error, 1)
	go func() {
		_, err := s.Write(ctx, []sinks.Record{{Topic: topics.Coverage}})
		ended <- err
	}()

	work, stop := context.WithCancel(ctx)
	defer stop()
	begun, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- client.Group(work, kafka.GroupConfig{ID: "results", Topics: s.topics}, func(ctx context.Context, c *kafka.Claim) error {
			if c.Topic == topics.Grants { // nobody has written any
				return nil
			}
			if err := c.Commit(ctx, 2); err != nil {
				return err
			}
			close(begun)
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	<-begun
	select {
	case <-out:
		t.Fatal("it is written before all results are")
	case err := <-ended:
		t.Fatal("it has ended: ", err)
	case <-time.After(5 * lookAgain): // it has looked some times
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}

	work, stop = context.WithCancel(ctx)
	defer stop()
	go func() {
		done <- client.Group(work, kafka.GroupConfig{ID: "results", Topics: s.topics}, func(ctx context.Context, c *kafka.Claim) error {
			if c.Topic == topics.Findings {
				if err := c.Commit(ctx, 3); err != nil {
					return err
				}
			}
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	if batch := <-out; len(batch) != 1 {
		t.Errorf("%d records", len(batch))
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
