package systemlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/okta/okta-sdk-golang/v2/okta/query"

	"jitaudit/ingest"
	"jitaudit/ingest/okta/api"
	"jitaudit/schemas"
)

const (
	logsPath = "/api/v1/logs"
	// overlap is how much is read again when a cursor is of no use any more.
	overlap = time.Hour
	// kept is how far back Okta's log is taken to be whole. Okta keeps 90 days;
	// when within a day the oldest go it does not say.
	kept = 89 * 24 * time.Hour
	// sinceTime is how Okta writes times.
	sinceTime = "2006-01-02T15:04:05.000Z"
)

// round polls from the checkpoint to the end.
func (c *Collector) round(ctx context.Context) error {
	if err := c.resume(ctx); err != nil {
		return err
	}
	c.first = true
	for lost := false; ; {
		page, err := c.ask(ctx)
		if errors.Is(err, api.ErrRefused) && c.at.After != "" && !lost {
			lost = true
			c.forgetCursor("Okta refuses the stored cursor: " + err.Error())
			continue
		}
		if err != nil {
			return err
		}
		if err := c.check(page); err != nil {
			return err
		}
		// In polling mode there always is a next page; the end is an empty one.
		if len(page.Elements) == 0 {
			return c.cover(ctx, page)
		}
		if err := c.keep(ctx, page); err != nil {
			return err
		}
		c.recovered()
	}
}

// ask asks for the page behind the cursor, else for the first since a time; never
// for both, which exclude one another.
func (c *Collector) ask(ctx context.Context) (api.Page, error) {
	if err := ingest.Sleep(ctx, c.wait); err != nil {
		return api.Page{}, err
	}
	c.wait = 0
	q := query.Params{Limit: int64(c.cfg.Limit), Filter: c.cfg.Filter, SortOrder: "ASCENDING", After: c.at.After}
	if q.After == "" {
		q.Since = c.since().UTC().Format(sinceTime)
	}
	page, err := c.client.Get(ctx, logsPath, q)
	c.wait = page.Wait
	return page, err
}

// since is where to begin without a cursor.
func (c *Collector) since() time.Time {
	if !c.at.Lost {
		return c.cfg.Since
	}
	from := c.at.LastPublished
	if from.IsZero() {
		from = c.at.CoveredTo
	}
	return from.Add(-max(overlap, c.cfg.Lateness))
}

// check refuses a page from which there is no way on, and notes what Okta has
// deleted before it was read.
func (c *Collector) check(page api.Page) error {
	switch {
	case page.After == "":
		return fmt.Errorf("the answer of %s links to no next page, as polling always does", logsPath)
	case page.After == c.at.After && len(page.Elements) > 0:
		return fmt.Errorf("the next page of %s is the same page again", logsPath)
	case !c.first:
		return nil
	}
	c.first = false
	// Whatever has not been read yet was published after this.
	unread := c.at.CoveredTo
	if t := c.at.LastPublished.Add(-c.cfg.Lateness); t.After(unread) {
		unread = t
	}
	for _, g := range c.at.Gaps {
		if g.To.After(unread) {
			unread = g.To
		}
	}
	if oldest := page.Date.Add(-kept); unread.Before(oldest) {
		next := c.at.clone()
		next.Gaps = append(next.Gaps, schemas.Interval{From: unread, To: oldest})
		c.at = next
		c.cfg.Logger.Warn("Okta may have deleted events before they were read; the interval will not be covered", "from", unread, "to", oldest)
	}
	return nil
}

// keep puts a page into the log and then saves its cursor. A crash between
// repeats the page.
func (c *Collector) keep(ctx context.Context, page api.Page) error {
	messages := make([]ingest.Message, len(page.Elements))
	for i, raw := range page.Elements {
		messages[i] = c.message(raw)
	}
	if err := c.append(ctx, messages); err != nil {
		return err
	}
	c.judge(messages)
	next := c.at.clone()
	next.Next, next.After, next.Lost = page.Next, page.After, false
	for _, m := range messages {
		if !m.Time.IsZero() && !m.Time.After(page.Date) { // never resume from the future
			next.LastPublished = m.Time
		}
	}
	return c.save(ctx, next)
}

// cover claims what is covered now that there is nothing new.
func (c *Collector) cover(ctx context.Context, page api.Page) error {
	next := c.at.clone()
	next.Next, next.After, next.Lost = page.Next, page.After, false
	next.RereadTo = time.Time{}
	if to := page.Date.Add(-c.cfg.Lateness); to.After(next.CoveredTo) {
		claimed, err := c.claims(next.CoveredTo, to)
		if err != nil {
			return err
		}
		if err := c.append(ctx, claimed); err != nil {
			return err
		}
		next.CoveredTo = to
	}
	if err := c.save(ctx, next); err != nil {
		return err
	}
	c.state = ingest.State{CoveredTo: next.CoveredTo, At: page.Date}
	return nil
}

func (c *Collector) claims(from, to time.Time) ([]ingest.Message, error) {
	var messages []ingest.Message
	for _, covered := range ingest.Without(c.shard, from, to, c.holes()) {
		raw, err := json.Marshal(covered)
		if err != nil {
			return nil, fmt.Errorf("encode coverage: %w", err)
		}
		messages = append(messages, ingest.Message{Source: schemas.Okta, Kind: schemas.RawCoverage, Raw: raw})
	}
	return messages, nil
}

func (c *Collector) append(ctx context.Context, messages []ingest.Message) error {
	if len(messages) == 0 {
		return nil
	}
	if err := c.log.Append(ctx, c.shard, messages); err != nil {
		return fmt.Errorf("append %d records: %w", len(messages), err)
	}
	c.cfg.Metrics.Records.WithLabelValues(c.shard, string(messages[0].Kind)).Add(float64(len(messages)))
	return nil
}

// recovered tells that it goes on, long before a catch-up is at its end.
func (c *Collector) recovered() {
	if c.failed {
		c.failed = false
		c.cfg.Metrics.Round(c.shard, c.state)
	}
}
