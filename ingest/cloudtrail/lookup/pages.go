package lookup

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"jitaudit/ingest"
	"jitaudit/schemas"
)

// window is an interval of event time to ask for, both ends included.
type window struct{ from, to time.Time }

// read puts all events of a window into the log that do not stand there.
func (c *Collector) read(ctx context.Context, w window) error {
	names := c.cfg.EventNames
	if len(names) == 0 {
		names = []string{""}
	}
	for _, name := range names {
		if err := c.query(ctx, w, name); err != nil {
			return err
		}
	}
	return nil
}

// query reads a window of one event name, or of all. When its token expires it
// begins anew; what stands in the log already is not put there again.
func (c *Collector) query(ctx context.Context, w window, name string) (err error) {
	for range tries {
		err = c.pages(ctx, w, name)
		if !isStaleToken(err) {
			return err
		}
		c.log.Info("a page's token has expired; the window is read again", "from", w.from, "to", w.to)
	}
	return fmt.Errorf("read CloudTrail of account %s in %s from %s to %s: tokens expire before all pages are read; choose a shorter window: %w",
		c.cfg.Account, c.cfg.Region, w.from.Format(time.RFC3339), w.to.Format(time.RFC3339), err)
}

// pages reads the pages of one query. The parameters stay the same, to which
// AWS binds the token; above all the end, however time goes on.
func (c *Collector) pages(ctx context.Context, w window, name string) error {
	in := &cloudtrail.LookupEventsInput{StartTime: &w.from, EndTime: &w.to}
	if name != "" {
		in.LookupAttributes = []types.LookupAttribute{{AttributeKey: types.LookupAttributeKeyEventName, AttributeValue: &name}}
	}
	var token string
	for p := cloudtrail.NewLookupEventsPaginator(c.client, in); p.HasMorePages(); {
		var out *cloudtrail.LookupEventsOutput
		// After an error the paginator asks for the same page again.
		err := c.persist(ctx, func() (err error) {
			out, err = p.NextPage(ctx)
			return err
		})
		if err != nil {
			return err
		}
		c.date(out.ResultMetadata)
		if err := c.take(ctx, out.Events); err != nil {
			return err
		}
		next := aws.ToString(out.NextToken)
		if next != "" && next == token {
			return fmt.Errorf("read CloudTrail of account %s in %s: AWS gives the same page's token twice, so that the window from %s to %s has no end",
				c.cfg.Account, c.cfg.Region, w.from.Format(time.RFC3339), w.to.Format(time.RFC3339))
		}
		token = next
	}
	return nil
}

// take puts the new ones of a page's events into the log.
func (c *Collector) take(ctx context.Context, page []types.Event) error {
	var (
		events   []event
		messages []ingest.Message
		excluded int
		onPage   = map[mark]bool{}
	)
	for i := range page {
		e, err := c.event(&page[i])
		if err != nil {
			return err
		}
		content := c.seen.content(e.message)
		if c.seen.copy(e.message) || onPage[content] {
			continue
		}
		onPage[content] = true
		events = append(events, e)
		if e.excluded {
			excluded++
			continue
		}
		messages = append(messages, e.message)
	}
	if err := c.put(ctx, schemas.RawEvent, messages); err != nil {
		return err
	}
	if excluded > 0 {
		c.cfg.Metrics.Records.WithLabelValues(c.shard, "excluded").Add(float64(excluded))
	}
	for _, e := range events {
		c.remember(e)
	}
	return nil
}

// remember notes an event that stands in the log now, and whether it has come
// too late.
func (c *Collector) remember(e event) {
	id, at := c.seen.id(e.message), e.message.Time
	if !c.seen.has(id) && at.Before(c.covered) && !at.Before(c.known) && c.claimed(at) && !e.excluded {
		c.cfg.Metrics.Broken.WithLabelValues(c.shard).Inc()
		c.log.Error("an event has come after coverage was claimed for its time; the lateness bound is too short",
			"event", e.message.ID, "time", at, "covered_to", c.covered, "lateness", c.cfg.Lateness)
	}
	if e.unread {
		c.cfg.Metrics.Dead.WithLabelValues(c.shard).Inc()
		c.log.Error("an event is no CloudTrail record; it stands in the log as it came", "event", e.message.ID, "time", at)
	}
	c.seen.add(id)
	c.seen.add(c.seen.content(e.message))
	if c.seen.full() {
		// What has been forgotten can no longer be told from what is new.
		c.seen.turn()
		c.seen.forgotten++
		c.known = later(c.known, c.served)
	}
}

// claimed reports whether coverage has been claimed for a time before
// c.covered: that it lies in no hole.
func (c *Collector) claimed(at time.Time) bool {
	if at.Before(c.from) {
		return false
	}
	for _, h := range c.cfg.Holes {
		if !at.Before(h.From) && at.Before(h.To) {
			return false
		}
	}
	return true
}
