package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"syscall"
	"time"
)

const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = 2 * time.Second
	// topicPatience is how long an unknown topic may be due to an old view of
	// the cluster.
	topicPatience = 10 * time.Second
	// askAttempts is how often a question about a topic is put that is not there.
	askAttempts = 5
	// askPatience is how long a question is put that a caller waits for.
	askPatience = 10 * time.Second
)

// backoff waits before the attempt after n failed ones, or until ctx ends.
func backoff(ctx context.Context, n int) error {
	d := min(minBackoff<<min(n-1, 10), maxBackoff)
	d = d/2 + rand.N(d/2+1)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ask does a request that changes nothing, again and again for a while. A broker
// that can't be reached is told at once.
func (c *Client) ask(ctx context.Context, doing string, request func(context.Context) error) error {
	start := time.Now()
	for n := 1; ; n++ {
		err := request(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
		}
		// kafka-go does not always say why; connecting anew does.
		if cause := c.reach(ctx); cause != nil && ctx.Err() == nil {
			return explain(doing, cause)
		}
		err = explain(doing, err)
		if !transient(err) || unknownTopic(err) && n == askAttempts || time.Since(start) > askPatience {
			return err
		}
		c.forget()
		if n == 1 && unknownTopic(err) {
			continue // what we knew may be older than the topic
		}
		if cause := backoff(ctx, n); cause != nil {
			return fmt.Errorf("%w (%w)", err, cause)
		}
	}
}

// reach returns nil if a broker lets us in and answers.
func (c *Client) reach(ctx context.Context) error {
	var failed []error
	for _, b := range c.cfg.Brokers {
		err := c.greet(ctx, b)
		if err == nil {
			return nil
		}
		var unreachable *unreachableError
		if errors.As(err, &unreachable) {
			err = unreachable
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

func (c *Client) greet(ctx context.Context, broker string) error {
	conn, err := c.dialer.DialContext(ctx, "tcp", broker)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
		return err
	}
	if _, err := conn.Brokers(); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
			err = errors.New("it closes the connection, as it does when it wants TLS or a login")
		}
		return &unreachableError{broker, err}
	}
	return nil
}
