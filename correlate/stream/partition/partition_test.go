package partition_test

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/correlate/stream/resolve"
	"jitaudit/internal/organisation"
	"jitaudit/internal/reference"
)

const week = 7 * 24 * time.Hour

func history(t *testing.T, seed uint64) *organisation.History {
	t.Helper()
	h, err := organisation.Generate(organisation.Config{Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// compare holds the tables against a scan of the same logs.
func (c *cluster) compare(h *organisation.History) {
	c.t.Helper()
	want, err := reference.Scan(c.t.Context(), h, reference.Shards(h))
	if err != nil {
		c.t.Fatal(err)
	}
	got, err := reference.Stream(c.table, c.activity)
	if err != nil {
		c.t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		c.t.Errorf("scan (-) stream (+):\n%.6000s", d)
	}
}

func TestTheStreamSaysWhatAScanSays(t *testing.T) {
	h := history(t, 1)
	c := newCluster(t, 3, week)
	c.policy(h.Policy)
	records := rawOf(h)
	owners := []*owner{c.own(0), c.own(1), c.own(2)}
	c.raw(records...)
	for _, shard := range reference.Shards(h) {
		for _, cov := range reference.Coverage(h, shard) {
			c.raw(coverageRecord(t, cov))
		}
	}
	c.settle(owners)
	c.compare(h)
}

// Whatever the order of events, however often they come, wherever ticks fall,
// whoever owns a partition, and wherever owners stop. JITAUDIT_TEST_SEEDS says how
// many histories; 3 by default.
func TestOrderRepetitionTicksAndOwnersChangeNothing(t *testing.T) {
	seeds := 3
	if testing.Short() {
		seeds = 1
	}
	if s := os.Getenv("JITAUDIT_TEST_SEEDS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		seeds = n
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		h := history(t, uint64(seed))
		c := newCluster(t, 1+r.IntN(4), week)
		records := rawOf(h)
		for range len(records) / 10 {
			records = append(records, records[r.IntN(len(records))])
		}
		if seed%2 == 0 {
			shuffle(r, records)
		} else {
			slices.Reverse(records) // CloudTrail first, the latest first
		}
		c.policy(h.Policy)
		owners := c.disturbed(r, records)
		for _, shard := range reference.Shards(h) {
			for _, cov := range reference.Coverage(h, shard) {
				c.raw(coverageRecord(t, cov))
			}
			c.disturb(r, owners)
		}
		var last []*owner
		for n := range c.facts {
			last = append(last, c.own(n))
		}
		c.settle(last)
		c.compare(h)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// disturbed writes records while owners come and go.
func (c *cluster) disturbed(r *rand.Rand, records []resolve.Raw) []*owner {
	owners := make([]*owner, len(c.facts))
	for n := range owners {
		owners[n] = c.own(n)
	}
	for len(records) > 0 {
		n := min(len(records), 1+r.IntN(500))
		c.raw(records[:n]...)
		records = records[n:]
		c.disturb(r, owners)
	}
	return owners
}

// disturb lets time pass: ticks fall, owners get on, stop, and are replaced while
// the one before goes on until the broker refuses its commit.
func (c *cluster) disturb(r *rand.Rand, owners []*owner) {
	for n := range owners {
		if r.IntN(3) == 0 {
			c.clock = c.clock.Add(time.Second)
			c.tickOne(n)
		}
		if r.IntN(5) == 0 {
			c.stale = append(c.stale, owners[n])
			owners[n] = c.own(n)
		}
		at := never
		if r.IntN(4) == 0 {
			at = crash(1 + r.IntN(5))
		}
		for range r.IntN(300) {
			if !owners[n].step(at) {
				break
			}
		}
		if at != never {
			owners[n] = c.own(n)
		}
	}
	c.stale = slices.DeleteFunc(c.stale, func(o *owner) bool {
		for range r.IntN(300) {
			if !o.step(beforeCommit) {
				return true
			}
		}
		return false
	})
}

// Facts that come in time are judged alike whether the past has been sealed and
// forgotten or not.
func TestSealingLeavesNoTrace(t *testing.T) {
	h := history(t, 3)
	r := rand.New(rand.NewPCG(3, 7))
	c := newCluster(t, 2, 12*time.Hour)
	c.policy(h.Policy)
	owners := []*owner{c.own(0), c.own(1)}
	records := rawOf(h)
	events := slices.Concat(h.Okta, h.CloudTrail, h.Approvals, h.Listings)
	order := make([]int, len(records))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return events[a].At.Compare(events[b].At) })
	most := 0
	for t := h.Truth.Complete.From; ; t = t.Add(2 * time.Hour) {
		for len(order) > 0 && events[order[0]].At.Before(t) {
			c.raw(records[order[0]])
			order = order[1:]
		}
		for _, shard := range reference.Shards(h) {
			for _, cov := range reference.Coverage(h, shard) {
				if cov.To.After(t) {
					cov.To = t
				}
				if cov.From.Before(cov.To) {
					c.raw(coverageRecord(c.t, cov))
				}
			}
		}
		c.disturb(r, owners)
		if r.IntN(3) == 0 {
			c.settle(owners)
		}
		most = max(most, len(c.state[0])+len(c.state[1]))
		if t.After(h.Truth.Complete.To) {
			break
		}
	}
	for _, i := range order {
		c.raw(records[i])
	}
	last := []*owner{c.own(0), c.own(1)}
	c.settle(last)
	c.compare(h)
	if c.late > 0 {
		t.Errorf("%d facts came late", c.late)
	}
	left := len(c.state[0]) + len(c.state[1])
	t.Logf("%d of at most %d records are still remembered", left, most)
	if left > most*3/4 {
		t.Errorf("%d of at most %d records are still remembered", left, most)
	}
}
