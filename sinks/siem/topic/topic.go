// Package topic puts alerts as OCSF events into a Kafka topic, for whoever reads from
// there. Events of one record are in one partition, in the order of its versions.
package topic

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"jitaudit/internal/kafka"
	"jitaudit/schemas/topics"
	"jitaudit/sinks/alerts"
	"jitaudit/sinks/siem/ocsf"
)

// Writer writes to a cluster, ours or another: *kafka.Writer.
type Writer interface {
	// Write returns nil once all messages are acknowledged.
	Write(ctx context.Context, messages ...kafka.Message) error
}

// Config says where events go.
type Config struct {
	// Topic is the topic's name, to which the writer's cluster may add a prefix.
	// Default "ocsf". It must exist, or the cluster must make it.
	Topic string
	// Writer writes to it.
	Writer Writer
	// Timeout bounds how long all events of a notice may take. Default 30 s.
	Timeout time.Duration
	// Version is that of this program, as events name it.
	Version string
	// Now is the clock of digests; nil for the machine's.
	Now func() time.Time
}

// The headers of a message: its event's metadata.uid and class_uid, and the notice's
// id.
const (
	IDHeader     = "id"
	ClassHeader  = "class"
	NoticeHeader = "notice"
)

const (
	defaultTopic   = "ocsf"
	defaultTimeout = 30 * time.Second
)

// Receiver writes to one topic.
type Receiver struct {
	cfg    Config
	mapper *ocsf.Mapper
}

var _ alerts.Receiver = (*Receiver)(nil)

// New checks the configuration; it writes nothing.
func New(cfg Config) (*Receiver, error) {
	if cfg.Topic == "" {
		cfg.Topic = defaultTopic
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	switch {
	// Kafka's rule for names of topics (org.apache.kafka.common.internals.Topic).
	case !regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`).MatchString(cfg.Topic) || cfg.Topic == "." || cfg.Topic == "..":
		return nil, fmt.Errorf("topic: want letters, digits, dot, _ and -, 249 at most (got %q)", cfg.Topic)
	case slices.ContainsFunc(topics.All(1), func(t topics.Topic) bool { return t.Name == cfg.Topic }):
		return nil, fmt.Errorf("topic: %q is one of jitaudit's own, with records of another kind; name another", cfg.Topic)
	case cfg.Timeout < 0:
		return nil, fmt.Errorf("timeout: want more than 0 (got %s)", cfg.Timeout)
	case cfg.Writer == nil:
		return nil, errors.New("write events to a topic: a writer is needed")
	}
	return &Receiver{cfg: cfg, mapper: ocsf.NewMapper(cfg.Version)}, nil
}

// Send returns nil once all events of the notice are acknowledged. After an error some
// may be there; they are written again.
func (r *Receiver) Send(ctx context.Context, n *alerts.Notice) (retry bool, err error) {
	events, err := r.mapper.Events(n, r.cfg.Now())
	if err != nil {
		return false, err
	}
	if len(events) == 0 {
		return false, nil
	}
	messages := make([]kafka.Message, len(events))
	for i, e := range events {
		messages[i] = kafka.Message{
			Topic: r.cfg.Topic, Key: []byte(e.Record), Value: e.JSON,
			Headers: []kafka.Header{
				{Key: IDHeader, Value: []byte(e.UID)},
				{Key: ClassHeader, Value: []byte(strconv.Itoa(e.Class))},
				{Key: NoticeHeader, Value: []byte(ocsf.ID(n.ID))},
			},
		}
	}
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	if err := r.cfg.Writer.Write(ctx, messages...); err != nil {
		// A message that is too large will be so again.
		var large *kafka.TooLargeError
		return !errors.As(err, &large), fmt.Errorf("write %d events: %w", len(messages), err)
	}
	return false, nil
}
