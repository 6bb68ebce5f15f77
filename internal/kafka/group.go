package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"
)

// GroupConfig says of which consumer group to be a member.
type GroupConfig struct {
	ID string
	// Topics are without prefix.
	Topics []string
	// SessionTimeout is how long the broker waits for a sign of life before it
	// gives the member's partitions to others, and how long the function has to
	// return at the end of a generation. Brokers allow no less than 6 s unless
	// configured. Default 8 s.
	SessionTimeout time.Duration
}

const (
	defaultSession = 8 * time.Second
	rejoinAfter    = time.Second
	// answerWithin is how long beyond a rebalance the broker may take to answer. A
	// member that gives up too early asks again as another one, for which the
	// rebalance then waits: two such members can keep each other from ever joining.
	answerWithin = 20 * time.Second
	// beats is how many signs of life fit into a session; it also says how soon
	// a member sees that others came or went.
	beats = 16
)

// errGenerationEnded is why the function's context ends when the partitions are
// dealt out anew.
var errGenerationEnded = errors.New("the consumer group deals out its partitions anew")

// Group is a member of a consumer group until ctx ends, and then returns why.
// For every partition that it is given it runs do in a goroutine of its own;
// its context ends when the partitions are dealt out anew, or when do fails for
// another one, and do has to return soon then. An error of do ends Group and is
// returned; being cancelled, and ErrFenced, are not errors. If do returns nil
// the partition rests until it is dealt out anew.
//
// The member joins again by itself, however long Kafka can't be reached. It
// returns early only if access is denied, and with an *OffsetLostError.
func (c *Client) Group(ctx context.Context, cfg GroupConfig, do func(context.Context, *Claim) error) error {
	if cfg.SessionTimeout == 0 {
		cfg.SessionTimeout = defaultSession
	}
	names := make([]string, len(cfg.Topics))
	for i, t := range cfg.Topics {
		names[i] = c.full(t)
	}
	// Without its topics a group would wait for ever with nothing to do.
	if err := c.awaitTopics(ctx, cfg.Topics); err != nil {
		return fmt.Errorf("join group %s: %w", cfg.ID, err)
	}
	var dials line
	members, err := kafkago.NewConsumerGroup(kafkago.ConsumerGroupConfig{
		ID:                cfg.ID,
		Brokers:           c.cfg.Brokers,
		Dialer:            dials.dialer(c.dialer),
		Topics:            names,
		HeartbeatInterval: cfg.SessionTimeout / beats,
		SessionTimeout:    cfg.SessionTimeout,
		RebalanceTimeout:  cfg.SessionTimeout,
		JoinGroupBackoff:  rejoinAfter,
		Timeout:           answerWithin,
	})
	if err != nil {
		return fmt.Errorf("join group %q: %w", cfg.ID, err)
	}
	defer dials.end(members)
	doing := "join group " + cfg.ID
	for {
		generation, err := members.Next(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			if err = explain(doing, err); errors.Is(err, ErrDenied) || hopeless(err) {
				return err
			}
			c.log.Warn("joining a consumer group is tried again", "group", cfg.ID, "error", err)
			continue
		}
		if err := c.serve(ctx, generation, do); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// hopeless are answers that do not change by themselves.
func hopeless(err error) bool {
	return errors.Is(err, kafkago.InconsistentGroupProtocol) || errors.Is(err, kafkago.InvalidSessionTimeout) || errors.Is(err, kafkago.InvalidGroupId)
}

// serve runs do for the partitions of one generation until it is over.
func (c *Client) serve(ctx context.Context, generation *kafkago.Generation, do func(context.Context, *Claim) error) error {
	result := make(chan error, 1)
	generation.Start(func(over context.Context) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(errGenerationEnded)
		stop := context.AfterFunc(over, func() { cancel(errGenerationEnded) })
		defer stop()
		g, gctx := errgroup.WithContext(ctx)
		for topic, assignments := range generation.Assignments {
			for _, a := range assignments {
				claim := c.claim(generation, topic, a)
				g.Go(func() error {
					err := claim.run(gctx, do)
					if errors.Is(err, errGenerationEnded) {
						cancel(errGenerationEnded)
						return nil
					}
					return err
				})
			}
		}
		err := g.Wait()
		if err == nil {
			<-ctx.Done() // nothing to do until the partitions are dealt out anew
		}
		result <- err
	})
	return <-result
}

// awaitTopics waits until Kafka can be reached and fails if it does not have the
// topics.
func (c *Client) awaitTopics(ctx context.Context, topics []string) error {
	for failed := 1; ; failed++ {
		var err error
		for _, t := range topics {
			if _, err = c.partitionCount(ctx, c.full(t)); err != nil {
				break
			}
		}
		if err == nil || unknownTopic(err) || !transient(err) {
			return err
		}
		c.log.Warn("finding topics is tried again", "attempt", failed, "error", err)
		if cause := backoff(ctx, failed); cause != nil {
			return fmt.Errorf("%w (%w)", err, cause)
		}
	}
}
