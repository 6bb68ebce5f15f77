package partition_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// covered reports whether all partitions have published that they have taken
// shards into account up to an instant.
func (c *cluster) covered(until time.Time, shards ...string) bool {
	of := make(map[string]int)
	for _, r := range c.table {
		if r.Topic != topics.Coverage {
			continue
		}
		var s schemas.Covered
		if err := json.Unmarshal(r.Value, &s); err != nil {
			c.t.Fatal(err)
		}
		if n := len(s.Intervals); n > 0 && !s.Intervals[n-1].To.Before(until) {
			of[s.Shard]++
		}
	}
	for _, shard := range shards {
		if of[shard] < len(c.facts) {
			return false
		}
	}
	return true
}

// said are the contents of all records that stand, but for their versions.
func (c *cluster) said() map[string]string {
	out := make(map[string]string)
	for id, topic := range c.standing() {
		var record map[string]any
		if err := json.Unmarshal(c.table[id].Value, &record); err != nil {
			c.t.Fatal(err)
		}
		delete(record, "version")
		delete(record, "observed")
		b, err := json.Marshal(record)
		if err != nil {
			c.t.Fatal(err)
		}
		out[id] = topic + " " + string(b)
	}
	return out
}

// However far each partition is behind the others: once coverage is published, all
// is that follows from what it covers, roles that were assumed from assumed roles
// and uses that nothing explains included.
func TestCoverageIsPublishedAfterAllThatFollowsFromIt(t *testing.T) {
	shards := []string{"okta/example", "aws/111111111111/eu-west-1", "aws/" + chainAccount + "/eu-west-1"}
	until := monday.Add(time.Hour)
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 13))
		c, owners := watched(t, 2+r.IntN(4))
		for _, shard := range shards {
			c.covers(shard, monday.AddDate(0, 0, -3), monday.Add(-time.Hour))
		}
		c.settle(owners)
		facts := []*schemas.Fact{
			adaSignsOn(-time.Minute), assumption(), chain(1, 2, time.Minute), chain(2, 3, 2*time.Minute),
			chainedCall(3, 3*time.Minute), chainedCall(9, 4*time.Minute),
		}
		r.Shuffle(len(facts), func(i, j int) { facts[i], facts[j] = facts[j], facts[i] })
		for _, f := range facts {
			c.say(f)
			if r.IntN(2) == 0 {
				c.stagger(r, owners)
			}
		}
		for _, shard := range shards {
			c.covers(shard, monday.AddDate(0, 0, -3), until)
		}
		for n := 0; !c.covered(until, shards...); n++ {
			if n == 2000 {
				t.Fatalf("seed %d: coverage is never published", seed)
			}
			c.stepOne(r, owners)
		}
		then := c.said()
		c.settle(owners)
		now := c.said()
		for id, content := range now {
			if then[id] != content {
				t.Fatalf("seed %d: it came after the coverage:\n%s\nbefore:\n%s", seed, content, then[id])
			}
		}
		for id, content := range then {
			if now[id] == "" {
				t.Fatalf("seed %d: it is taken back after the coverage: %s", seed, content)
			}
		}
		f := findingsOf(c)["okta:example/00u1 orphan_activity"]
		if s := sessionsOf(c)["okta:example/00u1"]; len(s.Chained) != 2 || s.Chained[1].LastUse.IsZero() || f.ID == "" {
			t.Fatalf("seed %d: %+v %+v", seed, s, f)
		}
	}
}

// stepOne lets one owner get on by a record, or have a tick.
func (c *cluster) stepOne(r *rand.Rand, owners []*owner) {
	n := r.IntN(len(owners))
	if r.IntN(8) == 0 {
		c.clock = c.clock.Add(time.Second)
		c.tickOne(n)
	}
	owners[n].step(never)
}
