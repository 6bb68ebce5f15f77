package ingest

import (
	"context"
	"log/slog"
	"time"
)

// Backoff bounds how long Repeat waits before it does a failed round again.
const (
	backoffFirst = time.Second
	backoffLast  = time.Minute
)

// Repeat does a collector's rounds, one every interval, until ctx ends; it then
// returns nil. A round that failed is done again, after a second, then two, up to a
// minute; one whose error is permanent ends it with that error.
func Repeat(ctx context.Context, interval time.Duration, log *slog.Logger, permanent func(error) bool, round func(context.Context) error) error {
	wait := backoffFirst
	for {
		err := round(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			wait = backoffFirst
			err = Sleep(ctx, interval)
		case permanent(err):
			return err
		default:
			log.Warn("round failed, will be done again", "error", err, "wait", wait)
			err = Sleep(ctx, wait)
			wait = min(2*wait, backoffLast)
		}
		if err != nil {
			return nil
		}
	}
}

// Sleep waits for d, or returns the context's error once it has ended.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
