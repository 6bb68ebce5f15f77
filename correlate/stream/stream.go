// Package stream runs the pure core on Kafka: Resolve turns raw records into
// facts, Rebuild turns facts into results. Both are members of consumer groups;
// any number of instances share the partitions. docs/stream.md has the whole.
package stream

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/correlate/stream/entry"
	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// The consumer groups, without prefix.
const (
	ResolveGroup = "resolve"
	RebuildGroup = "rebuild"
)

// Config is what both stages are run with.
type Config struct {
	Client *kafka.Client
	// Prefix goes before the names of the consumer groups.
	Prefix string
	// Partitions is how many the facts topic has.
	Partitions int
	// Horizon is after how much coverage beyond its end a session is sealed; Tick
	// how often results come out at most.
	Horizon, Tick time.Duration
	// Now is the clock of ticks. It orders nothing: it only says when a result was
	// published.
	Now     func() time.Time
	Metrics *Metrics
	Log     *slog.Logger
}

// PublishPolicies puts policies into every partition of the facts topic, and those
// that are new into the topic of policies, for whoever asks what they said. What
// stands there already changes nothing. None is published unless all can be read
// and go together.
func PublishPolicies(ctx context.Context, cfg Config, policies []entry.Policy) error {
	parsed, err := parse(policies)
	if err != nil {
		return fmt.Errorf("publish policies: %w", err)
	}
	w, err := cfg.Client.Writer(kafka.WriterConfig{})
	if err != nil {
		return err
	}
	for i := range policies {
		if err := cfg.everywhere(ctx, w, &entry.Entry{Policy: &policies[i]}); err != nil {
			return fmt.Errorf("publish policy %s: %w", policies[i].Name, err)
		}
	}
	if err := cfg.tellOf(ctx, w, parsed, policies); err != nil {
		return fmt.Errorf("publish what policies say: %w", err)
	}
	return nil
}

func parse(policies []entry.Policy) ([]*policy.Policy, error) {
	if len(policies) == 0 {
		return nil, nil
	}
	all := make([]*policy.Policy, len(policies))
	for i := range policies {
		p, err := policy.Parse(policies[i].Name, policies[i].Data)
		if err != nil {
			return nil, err
		}
		all[i] = p
	}
	_, err := policy.NewSet(all...)
	return all, err
}

// tellOf writes the policies that the topic of policies does not have. Two
// instances that start at once may both do so: the later one counts.
func (cfg *Config) tellOf(ctx context.Context, w *kafka.Writer, parsed []*policy.Policy, policies []entry.Policy) error {
	known := make(map[string]bool)
	if err := cfg.Client.ReadAll(ctx, topics.Policies, 0, func(m kafka.Message) error {
		known[string(m.Key)] = true
		return nil
	}); err != nil {
		return err
	}
	var messages []kafka.Message
	for i, p := range parsed {
		if known[p.ID()] {
			continue
		}
		value, err := json.Marshal(&schemas.PublishedPolicy{
			ID: p.ID(), Name: p.Name, EffectiveFrom: p.EffectiveFrom, Published: cfg.Now().UTC().Truncate(time.Millisecond), Text: string(policies[i].Data),
		})
		if err != nil {
			return err
		}
		messages = append(messages, kafka.Message{Topic: topics.Policies, Key: []byte(p.ID()), Value: value})
	}
	return w.Write(ctx, messages...)
}

// everywhere writes entries into every partition of the facts topic.
func (cfg *Config) everywhere(ctx context.Context, w *kafka.Writer, entries ...*entry.Entry) error {
	messages, err := cfg.forAll(entries...)
	if err != nil {
		return err
	}
	return w.Write(ctx, messages...)
}

// forAll are entries for every partition of the facts topic.
func (cfg *Config) forAll(entries ...*entry.Entry) (messages []kafka.Message, err error) {
	for _, e := range entries {
		b, err := e.Encode()
		if err != nil {
			return nil, err
		}
		for p := range cfg.Partitions {
			messages = append(messages, kafka.Message{Topic: topics.Facts, Partition: p, Pinned: true, Value: b})
		}
	}
	return messages, nil
}

// addressed are entries for the partitions of their To.
func addressed(entries []*entry.Entry) ([]kafka.Message, error) {
	messages := make([]kafka.Message, 0, len(entries))
	for _, e := range entries {
		b, err := e.Encode()
		if err != nil {
			return nil, err
		}
		messages = append(messages, kafka.Message{Topic: topics.Facts, Key: []byte(e.To), Value: b})
	}
	return messages, nil
}
