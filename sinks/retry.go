package sinks

import (
	"context"
	"math/rand/v2"
	"time"
)

// retry does something until it succeeds, ctx ends, or it fails for good. The
// log says so once, and once that it goes on.
func (l *Loop) retry(ctx context.Context, what string, do func() error) error {
	for failed := 0; ; failed++ {
		err := do()
		switch {
		case err == nil && failed > 0:
			l.log.Info("the sink goes on", "what", what, "attempts", failed+1)
			return nil
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		l.metrics.failures.Inc()
		if IsPermanent(err) {
			return err
		}
		if failed == 0 {
			l.log.Warn("the sink failed; it is tried again until it succeeds", "what", what, "error", err)
		}
		select {
		case <-time.After(l.backoff(failed)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// backoff is how long to wait after so many failures before the last: twice as
// long each time, and up to a fifth less, so that instances do not come in step.
func (l *Loop) backoff(failed int) time.Duration {
	wait := l.cfg.MaxBackoff
	if failed < 30 {
		wait = min(wait, l.cfg.MinBackoff<<failed)
	}
	return wait - time.Duration(rand.Int64N(int64(wait)/5+1))
}
