package demo

import (
	"context"
	"fmt"
	"time"

	"jitaudit/schemas/topics"
)

// Progress is how far the pipeline has come.
type Progress struct {
	// Events is how many of Total are in the raw topics; Covered how many of
	// Shards the results take into account to the end; Waiting how many records
	// the sink has still to write.
	Events, Total   int
	Covered, Shards int
	Waiting         int64

	facts int64 // how many records the stages have told each other
}

// Done reports whether nothing is left to do.
func (p Progress) Done() bool { return p.Covered == p.Shards && p.Waiting == 0 }

// Wait waits until the tables take all of the history into account.
func (d *Demo) Wait(ctx context.Context, tell func(Progress)) error {
	every := time.NewTicker(200 * time.Millisecond)
	defer every.Stop()
	var still stillness
	for {
		p, err := d.progress(ctx)
		if err != nil {
			return err
		}
		still.note(p.facts, d.opts.Now())
		// Decisions and listings have no coverage; what is said of them goes from
		// stage to stage for a few ticks.
		if p.Done() && still.lasted(5*tick, d.opts.Now()) {
			tell(p)
			return nil
		}
		if !p.Done() {
			tell(p)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.ended:
			return fmt.Errorf("the pipeline has ended: %w", d.err)
		case <-every.C:
		}
	}
}

// stillness is since when the stages have told each other nothing.
type stillness struct {
	facts int64
	since time.Time
}

func (s *stillness) note(facts int64, now time.Time) {
	if s.since.IsZero() || facts != s.facts {
		s.facts, s.since = facts, now
	}
}

func (s *stillness) lasted(d time.Duration, now time.Time) bool { return now.Sub(s.since) >= d }

// progress first asks what is covered: what the sink has still to write
// afterwards may be part of it.
func (d *Demo) progress(ctx context.Context) (Progress, error) {
	h := d.opts.History
	p := Progress{Total: len(h.Okta) + len(h.CloudTrail), Shards: len(d.shards)}
	covered, err := d.db.Coverage(ctx)
	if err != nil {
		return p, err
	}
	for _, c := range covered {
		if c.To.Equal(h.Truth.Complete.To) {
			p.Covered++
		}
	}
	for _, topic := range []string{topics.RawOkta, topics.RawCloudTrail} {
		bounds, err := d.where.Kafka.Offsets(ctx, topic)
		if err != nil {
			return p, err
		}
		for _, b := range bounds {
			p.Events += int(b.End - b.First)
		}
	}
	told, err := d.where.Kafka.Offsets(ctx, topics.Facts)
	if err != nil {
		return p, err
	}
	for _, b := range told {
		p.facts += b.End
	}
	p.Waiting, err = d.where.Waiting(ctx)
	return p, err
}
