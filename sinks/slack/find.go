package slack

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"jitaudit/sinks/alerts"
)

// place is a channel, or a thread in it.
type place struct{ channel, thread string }

const (
	// eventType marks our messages in their metadata.
	eventType = "jitaudit_alert"

	lookBack = 24 * time.Hour
	skew     = 5 * time.Minute
	// pageSize is what Slack gives at most to apps that are distributed outside of
	// its marketplace; maxPages and it bound what is looked through.
	pageSize = 15
	maxPages = 4
)

// find looks for a message by the alert's id in its metadata, as Slack has no key
// by which a message is posted only once. It looks through the last 60 messages of
// a channel, or the first 60 of the last day in a thread. A message beyond them is
// not found, nor is anything where the app may not read: it is posted again then,
// for twice is better than not at all. The only error is that Slack asks to be left
// alone, or that ctx has ended.
func (s *sending) find(ctx context.Context, at place, id string) (attempt, error) {
	seen, ok := s.found[at]
	if !ok {
		var err error
		if seen, err = s.lookThrough(ctx, at); err != nil {
			return attempt{}, err
		}
		s.found[at] = seen
	}
	return seen[id], nil
}

func (s *sending) lookThrough(ctx context.Context, at place) (map[string]attempt, error) {
	seen := map[string]attempt{}
	now := s.now()
	oldest, latest := unix(now.Add(-lookBack)), unix(now.Add(skew))
	cursor, limit := "", pageSize
	for range maxPages {
		p, err := s.api.messages(ctx, at, oldest, latest, limit, cursor)
		// Messages of others may be long: fewer at once fit into what is read.
		for limit > 1 && errors.Is(err, errUnreadable) {
			limit = max(1, limit/4)
			p, err = s.api.messages(ctx, at, oldest, latest, limit, cursor)
		}
		switch {
		case err != nil && (ctx.Err() != nil || alerts.Delay(err) > 0):
			return nil, err
		case err != nil:
			s.warn("slack: cannot look for messages that may have been posted; they may come twice", err)
			return seen, nil
		}
		for i := range p.Messages {
			if m := &p.Messages[i]; m.alertID() != "" {
				seen[m.alertID()] = m.attempt()
			}
		}
		if cursor = p.Next.Cursor; cursor == "" || !p.More {
			break
		}
	}
	return seen, nil
}

func (p *posted) attempt() attempt {
	if p.Thread == p.TS { // it has answers
		return attempt{ts: p.TS}
	}
	return attempt{ts: p.TS, thread: p.Thread}
}

func (p *posted) alertID() string {
	var payload struct {
		ID string `json:"id"`
	}
	if p.Metadata.Type != eventType || json.Unmarshal(p.Metadata.Payload, &payload) != nil {
		return ""
	}
	return payload.ID
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
