package chdb

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The wait before a crashed child is started again, which doubles with each
// crash that follows within steady.
const (
	firstWait = 100 * time.Millisecond
	lastWait  = 10 * time.Second
	steady    = time.Minute
)

// supervise keeps a child running until ctx ends.
func (s *Server) supervise(ctx context.Context, c *child) {
	defer close(s.done)
	wait := firstWait
	for {
		since := time.Now()
		select {
		case <-ctx.Done():
			s.err = errors.Join(c.stop(s.config.CloseTimeout), s.release())
			s.pid.Store(0)
			return
		case <-c.exited:
		}
		s.pid.Store(0)
		s.config.Logger.Error("the embedded ClickHouse crashed and is started again", "error", c.err, "said", c.said.String())
		if time.Since(since) > steady {
			wait = firstWait
		}
		if c = s.again(ctx, &wait); c == nil {
			s.err = s.release()
			return
		}
		s.restarts.Add(1)
		s.config.Logger.Info("the embedded ClickHouse answers again", "pid", s.PID(), "restarts", s.Restarts())
	}
}

// again starts a child, until one answers; it returns nil when ctx ends before.
func (s *Server) again(ctx context.Context, wait *time.Duration) *child {
	for {
		timer := time.NewTimer(*wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		*wait = min(2**wait, lastWait)
		c, err := s.spawn(ctx)
		if err == nil {
			return c
		}
		if ctx.Err() != nil {
			return nil
		}
		s.config.Logger.Error("the embedded ClickHouse does not start", "error", err, "next_try_in", *wait)
	}
}

// stop ends a child in order, or kills it when that takes too long.
func (c *child) stop(timeout time.Duration) error {
	_ = c.stdin.Close() // the child's sign to end; it fails only when closed before
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-c.exited:
		if c.err != nil {
			return fmt.Errorf("end the embedded ClickHouse: %w; it said: %s", c.err, c.said)
		}
		return nil
	case <-timer.C:
		err := c.cmd.Process.Kill()
		<-c.exited
		return errors.Join(fmt.Errorf("the embedded ClickHouse did not end within %s and was killed", timeout), err)
	}
}
