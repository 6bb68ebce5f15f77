package lookup

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"jitaudit/ingest/awsapi"
)

// version is that of the checkpoint's format.
const version = 1

// checkpoint is how far a shard has been collected, and of what.
type checkpoint struct {
	Version   int       `json:"version"`
	CoveredTo time.Time `json:"covered_to"`
	// Since and EventNames are the configuration's: Since is zero where all was
	// asked for.
	Since      time.Time `json:"since,omitzero"`
	EventNames []string  `json:"event_names,omitempty"`
}

// load goes on where the checkpoint says, unless more is asked for than it
// knows of: then everything is read from the beginning again.
func (c *Collector) load(ctx context.Context) error {
	if c.loaded {
		return nil
	}
	raw, err := c.cfg.Log.Checkpoint(ctx, c.shard)
	if err != nil {
		return fmt.Errorf("read the checkpoint of %s: %w", c.shard, err)
	}
	c.loaded = true
	if raw == nil {
		return nil
	}
	var p checkpoint
	if err := json.Unmarshal(raw, &p); err != nil || p.Version != version || p.CoveredTo.IsZero() {
		c.loaded = false
		return awsapi.Permanent(fmt.Sprintf("go on with %s: its checkpoint is of version %d, and this program knows only %d; run the version of jitaudit that wrote it, or delete it to read the last 90 days again",
			c.shard, p.Version, version), err)
	}
	if !p.serves(c.cfg.Since, c.cfg.EventNames) {
		c.log.Info("more is asked for than was; the shard is read from the beginning", "since", c.cfg.Since, "event_names", c.cfg.EventNames)
		return nil
	}
	c.from, c.covered, c.known = p.Since, p.CoveredTo.UTC(), p.CoveredTo.UTC()
	// What came late while nobody looked shows at once.
	c.rounds = recheckEvery
	return nil
}

// serves reports whether what has been collected holds all that is asked for.
func (p checkpoint) serves(since time.Time, names []string) bool {
	if since.Before(p.Since) {
		return false
	}
	if len(p.EventNames) == 0 {
		return true
	}
	return len(names) > 0 && !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(p.EventNames, n) })
}

// save remembers that the shard is covered up to a time.
func (c *Collector) save(ctx context.Context, to time.Time) error {
	raw, err := json.Marshal(checkpoint{version, to, c.cfg.Since.UTC(), c.cfg.EventNames})
	if err != nil {
		return fmt.Errorf("encode the checkpoint of %s: %w", c.shard, err)
	}
	if err := c.cfg.Log.SetCheckpoint(ctx, c.shard, raw); err != nil {
		return fmt.Errorf("set the checkpoint of %s to %s: %w", c.shard, to.Format(time.RFC3339), err)
	}
	return nil
}
