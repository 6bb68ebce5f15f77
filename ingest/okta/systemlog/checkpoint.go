package systemlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"jitaudit/schemas"
)

// ErrCheckpoint means that the stored checkpoint cannot be read by this version. Nothing
// is collected, since a guess where to begin could leave a gap.
var ErrCheckpoint = errors.New("unreadable checkpoint")

const checkpointVersion = 1

// checkpoint is how far an org has been read, as it is stored.
type checkpoint struct {
	Version int `json:"version"`
	// Next is path and query of the next page as Okta gave it; After its cursor.
	Next  string `json:"next"`
	After string `json:"after"`
	// Filter and Limit are those of the query that the cursor belongs to.
	Filter string `json:"filter"`
	Limit  int    `json:"limit"`
	// Covered up to CoveredTo, from From, without Gaps.
	From      time.Time          `json:"from"`
	CoveredTo time.Time          `json:"covered_to"`
	Gaps      []schemas.Interval `json:"gaps,omitempty"`
	// LastPublished is that of the last event read.
	LastPublished time.Time `json:"last_published,omitzero"`
	// Lost is set when there is no cursor any more; RereadTo up to which time
	// events then come again.
	Lost     bool      `json:"lost,omitempty"`
	RereadTo time.Time `json:"reread_to,omitzero"`
}

func (cp *checkpoint) clone() *checkpoint {
	next := *cp
	next.Gaps = slices.Clone(cp.Gaps)
	return &next
}

// resume reads the checkpoint, once.
func (c *Collector) resume(ctx context.Context) error {
	if c.at != nil {
		return nil
	}
	raw, err := c.log.Checkpoint(ctx, c.shard)
	if err != nil {
		return fmt.Errorf("read checkpoint: %w", err)
	}
	if raw == nil {
		c.at = &checkpoint{Filter: c.cfg.Filter, Limit: c.cfg.Limit, From: c.cfg.Since, CoveredTo: c.cfg.Since}
		return nil
	}
	var cp checkpoint
	if err := json.Unmarshal(raw, &cp); err != nil {
		return fmt.Errorf("%w of shard %s: %w; restore it, or delete it to begin anew", ErrCheckpoint, c.shard, err)
	}
	if cp.Version != checkpointVersion || cp.CoveredTo.IsZero() {
		return fmt.Errorf("%w of shard %s: version %d where %d is known; use the version of jitaudit that wrote it", ErrCheckpoint, c.shard, cp.Version, checkpointVersion)
	}
	c.at = &cp
	c.state.CoveredTo = cp.CoveredTo
	if cp.Filter != c.cfg.Filter || cp.Limit != c.cfg.Limit {
		c.forgetCursor("filter or limit has changed; what the old filter left out stays so until it is backfilled")
		c.at.Filter, c.at.Limit = c.cfg.Filter, c.cfg.Limit
	}
	return nil
}

// forgetCursor lets the next page be asked for by time. It says so, since events
// are then read again.
func (c *Collector) forgetCursor(why string) {
	next := c.at.clone()
	next.Next, next.After, next.Lost = "", "", true
	next.RereadTo = next.LastPublished
	c.at = next
	c.cfg.Logger.Warn("going on by time instead of by cursor; some events will be read again", "why", why, "since", c.since())
}

// save stores a checkpoint; only then is it where this collector stands.
func (c *Collector) save(ctx context.Context, next *checkpoint) error {
	next.Version = checkpointVersion
	raw, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("encode checkpoint: %w", err)
	}
	if err := c.log.SetCheckpoint(ctx, c.shard, raw); err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	c.at = next
	return nil
}
