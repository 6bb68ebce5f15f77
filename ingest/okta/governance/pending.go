package governance

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

const (
	checkpointVersion = 1
	// mostPending bounds what is remembered, so that it fits into one record.
	mostPending = 40_000
)

// pending is a request that is still to be asked for.
type pending struct {
	ID string `json:"id"`
	// Since is when the log named it first, by our clock.
	Since time.Time `json:"since"`
	// Ends is set when an event has said that it is over.
	Ends bool `json:"ends,omitempty"`

	named int       // how often it was
	next  time.Time // not before; zero for at once
}

type checkpoint struct {
	Version int        `json:"version"`
	Pending []*pending `json:"pending"`
}

// note remembers requests until they have been asked for, also after a crash.
func (c *Collector) note(ctx context.Context, named []pending) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(ctx); err != nil {
		return err
	}
	left := 0
	for _, n := range named {
		p := c.pending[n.ID]
		if p == nil && len(c.pending) >= mostPending {
			left++
			continue
		}
		if p == nil {
			p = &pending{ID: n.ID, Since: n.Since}
			c.pending[n.ID] = p
		}
		p.named++
		p.Ends = p.Ends || n.Ends
		p.next = time.Time{}
	}
	if left > 0 {
		c.cfg.Logger.Error("more requests are waiting to be asked for than can be remembered; of these only the log will tell", "left_out", left, "waiting", len(c.pending))
	}
	return c.save(ctx)
}

// load reads what was pending, once. The caller holds the lock.
func (c *Collector) load(ctx context.Context) error {
	if c.pending != nil {
		return nil
	}
	raw, err := c.log.Checkpoint(ctx, c.key)
	if err != nil {
		return fmt.Errorf("read which requests are to be asked for: %w", err)
	}
	var cp checkpoint
	if raw != nil {
		if err := json.Unmarshal(raw, &cp); err != nil || cp.Version != checkpointVersion {
			c.cfg.Logger.Error("which requests were to be asked for cannot be read, it is of another version of jitaudit; of these only the log will tell", "version", cp.Version)
			cp.Pending = nil
		}
	}
	c.pending = make(map[string]*pending, len(cp.Pending))
	for _, p := range cp.Pending {
		c.pending[p.ID] = p
	}
	return nil
}

// save stores what is pending. The caller holds the lock.
func (c *Collector) save(ctx context.Context) error {
	raw, err := json.Marshal(checkpoint{checkpointVersion, c.inOrder()})
	if err != nil {
		return fmt.Errorf("encode which requests are to be asked for: %w", err)
	}
	if err := c.log.SetCheckpoint(ctx, c.key, raw); err != nil {
		return fmt.Errorf("remember which requests are to be asked for: %w", err)
	}
	return nil
}

func (c *Collector) inOrder() []*pending {
	out := make([]*pending, 0, len(c.pending))
	for _, p := range c.pending {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *pending) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID)) })
	return out
}

// due are copies of those whose time has come, in their order.
func (c *Collector) due(ctx context.Context, now time.Time) (out []pending, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(ctx); err != nil {
		return nil, err
	}
	for _, p := range c.inOrder() {
		if !p.next.After(now) {
			out = append(out, *p)
		}
	}
	return out, nil
}

// later lets a request be asked for again.
func (c *Collector) later(p *pending, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if held := c.pending[p.ID]; held != nil && held.named == p.named {
		held.next = at
	}
}

// done forgets a request, unless it was named again meanwhile.
func (c *Collector) done(p *pending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if held := c.pending[p.ID]; held != nil && held.named == p.named {
		delete(c.pending, p.ID)
	}
}

func (c *Collector) remember(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.save(ctx)
}
