// Package lookup collects CloudTrail's event history of one account and region
// through LookupEvents, which needs no trail and no bucket: management events of
// the last 90 days, two requests per second.
//
// Time is AWS's own, the Date of its answers. An event may be listed long after
// it happened, so that an interval counts as covered only when its end lies
// Config.Lateness behind that time and all its pages have been read after it;
// what is newer is asked for again in each round. Everything stands in the log
// before coverage is claimed for it, and coverage before it is remembered in the
// checkpoint: whatever fails in between is read again, and nothing is lost.
package lookup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"

	"jitaudit/ingest"
	"jitaudit/ingest/awsapi"
	"jitaudit/schemas"
)

// Collector reads one shard. Its methods must not be called concurrently.
type Collector struct {
	cfg    Config
	shard  string
	client *cloudtrail.Client
	log    *slog.Logger

	loaded bool
	// from is where the shard's coverage begins and covered where it ends: what
	// has been claimed but for the holes.
	from, covered time.Time
	// served is the Date of the last good answer.
	served time.Time
	// seen are the events that stand in the log already. It holds all of them
	// that happened at or after known.
	seen  *seen
	known time.Time
	// rounds counts those since the last recheck.
	rounds int
}

// New makes the collector that cfg describes; it makes no request.
func New(cfg Config) (*Collector, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("collect CloudTrail of account %q in %q: %w", cfg.Account, cfg.Region, err)
	}
	c := &Collector{cfg: cfg, shard: schemas.AWSShard(cfg.Account, cfg.Region), seen: newSeen(remembered)}
	c.log = cfg.Logger.With("shard", c.shard)
	c.client = c.newClient()
	return c, nil
}

// Run collects until ctx ends, and then returns nil. It returns an error only
// where going on makes no sense, an awsapi.ErrPermanent: AWS will refuse until
// somebody changes keys, rights or regions, or the checkpoint is of another version.
// Everything else is tried again for ever, after pauses of up to
// Config.MaxBackoff, and told to Config.Metrics.
func (c *Collector) Run(ctx context.Context) error {
	for failures := 0; ; {
		wait := c.cfg.PollInterval
		err := c.Round(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, awsapi.ErrPermanent):
			return err
		case err != nil:
			wait = c.backoff(failures)
			failures++
			c.log.Warn("a round failed and will be repeated", "error", err, "wait", wait)
		default:
			failures = 0
		}
		if ingest.Sleep(ctx, wait) != nil {
			return nil
		}
	}
}

// Round reads once from what is covered up to the present, window by window, and
// now and then looks behind what is covered. After an error the next round goes
// on from the last window that was finished.
func (c *Collector) Round(ctx context.Context) error {
	err := c.round(ctx)
	if err != nil && ctx.Err() == nil {
		c.cfg.Metrics.Round(c.shard, ingest.State{Err: err})
	}
	return err
}

func (c *Collector) round(ctx context.Context) error {
	if err := c.load(ctx); err != nil {
		return err
	}
	now, err := c.ask(ctx)
	if err != nil {
		return err
	}
	c.begin(now)
	if c.due() {
		if err := c.recheck(ctx); err != nil {
			return err
		}
	}
	// What ends before is not asked for again.
	behind := now.Add(-c.cfg.Lateness - c.cfg.Recheck)
	for from := c.covered; from.Before(now); {
		asked := c.served
		to := earlier(from.Add(c.cfg.Window), asked)
		if !from.Before(to) {
			break // the server's time has gone back
		}
		if err := c.read(ctx, window{from, to}); err != nil {
			return err
		}
		if to.Before(behind) {
			// The next window only needs to know what happened where both meet.
			c.seen.turn()
			c.known = to
		}
		// Of the times before and after, the earlier: one wrong Date claims nothing.
		asked = earlier(asked, c.served)
		if err := c.claim(ctx, earlier(to, asked.Add(-c.cfg.Lateness))); err != nil {
			return err
		}
		c.cfg.Metrics.Round(c.shard, ingest.State{CoveredTo: c.covered, At: asked})
		from = to
	}
	c.rounds++
	return nil
}

// reach is how far back LookupEvents lists events (API reference: "the last 90
// days"), less an hour for the requests to be made in.
const reach = 90*24*time.Hour - time.Hour

// begin sets where a shard that was never read begins, and goes on behind what
// can no longer be asked for. Nothing is claimed for the interval that is lost.
func (c *Collector) begin(now time.Time) {
	oldest := now.Add(-reach)
	switch {
	case c.covered.IsZero():
		c.from = later(c.cfg.Since.Truncate(time.Second), oldest)
		c.covered, c.known = c.from, c.from
		if !c.cfg.Since.IsZero() && c.cfg.Since.Before(oldest) {
			c.log.Warn("LookupEvents does not reach back to the day from which was asked", "since", c.cfg.Since, "from", c.from)
		}
	case c.covered.Before(oldest):
		c.log.Error("events have been lost: LookupEvents does not reach back to where the collector stopped", "from", c.covered, "to", oldest)
		c.from, c.covered, c.known = oldest, oldest, oldest
	}
}

// recheckEvery is after how many rounds what is covered is looked at again.
const recheckEvery = 5

func (c *Collector) due() bool { return c.rounds >= recheckEvery && c.from.Before(c.covered) }

// recheck asks again for the latest of what is covered: an event that turns up
// there has come later than Lateness allows for.
func (c *Collector) recheck(ctx context.Context) error {
	from := later(c.covered.Add(-c.cfg.Recheck), later(c.from, c.served.Add(-reach)))
	forgotten := c.seen.forgotten
	if err := c.read(ctx, window{from, c.covered}); err != nil {
		return err
	}
	c.rounds = 0
	c.seen.turn()
	if c.seen.forgotten == forgotten {
		c.known = from
	}
	return nil
}

// claim says that the shard is covered up to a time, and remembers it.
func (c *Collector) claim(ctx context.Context, to time.Time) error {
	to = to.Truncate(time.Second)
	if !c.covered.Before(to) {
		return nil
	}
	var claims []ingest.Message
	for _, covered := range ingest.Without(c.shard, c.covered, to, c.cfg.Holes) {
		m, err := coverage(covered)
		if err != nil {
			return err
		}
		claims = append(claims, m)
	}
	if err := c.put(ctx, schemas.RawCoverage, claims); err != nil {
		return err
	}
	if err := c.save(ctx, to); err != nil {
		return err
	}
	c.covered = to
	return nil
}

// put appends messages of one kind.
func (c *Collector) put(ctx context.Context, kind schemas.RawKind, messages []ingest.Message) error {
	if len(messages) == 0 {
		return nil
	}
	if err := c.cfg.Log.Append(ctx, c.shard, messages); err != nil {
		return fmt.Errorf("put %d records of kind %s of %s into the log: %w", len(messages), kind, c.shard, err)
	}
	c.cfg.Metrics.Records.WithLabelValues(c.shard, string(kind)).Add(float64(len(messages)))
	return nil
}

// backoff is the pause after so many failures before: doubled each time up to
// MaxBackoff, and shortened by up to a half, so that collectors do not march.
func (c *Collector) backoff(failures int) time.Duration {
	d := c.cfg.MaxBackoff
	if failures < 16 {
		d = min(d, 500*time.Millisecond<<failures)
	}
	return d - rand.N(d/2+1)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
