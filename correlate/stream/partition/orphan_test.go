package partition_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"jitaudit/correlate/stream/entry"
	"jitaudit/schemas"
)

const watchedPolicy = smallPolicy + "watched: [{accounts: ['" + chainAccount + "']}]\n"

// orphans are the uses that have been told of whoever goes by the session's name,
// at any time: n is the role session.
func (c *cluster) orphans(n int) (found int) {
	for _, part := range c.facts {
		for _, line := range part {
			e, err := entry.Decode(line)
			if err != nil {
				c.t.Fatal(err)
			}
			if e.Sent != nil && e.Sent.Use != nil && !e.Sent.Gone && e.To == "aws:ada@example.com" && e.Sent.Use.PrincipalID == principalOf(n) {
				found++
			}
		}
	}
	return found
}

func (c *cluster) coversAWS(until time.Time) {
	for _, shard := range []string{"aws/111111111111/eu-west-1", "aws/" + chainAccount + "/eu-west-1"} {
		c.covers(shard, monday.AddDate(0, 0, -3), until)
	}
}

func watched(t *testing.T, partitions int) (*cluster, []*owner) {
	c, owners := ada(t, partitions)
	c.policy([]byte(watchedPolicy))
	c.settle(owners)
	return c, owners
}

// A use that nothing explains is told of once all is known that could explain it,
// and no more of once it is explained.
func TestAUseThatNothingExplainsWaitsForTheLogs(t *testing.T) {
	c, owners := watched(t, 3)
	c.say(chainedCall(2, 0))
	c.settle(owners)
	c.coversAWS(monday.Add(30 * time.Second))
	c.settle(owners)
	if n := c.orphans(2); n > 0 {
		t.Fatal("it is told of before the logs are there")
	}
	for n := range owners {
		owners[n] = c.own(n) // what is undecided is not forgotten
	}
	c.coversAWS(monday.Add(time.Hour))
	c.settle(owners)
	held := map[string][]string{}
	for _, o := range owners {
		for who, uses := range o.p.Uses() {
			held[who] = append(held[who], uses...)
		}
	}
	if len(held["aws:ada@example.com"]) != 1 {
		t.Fatalf("held: %v", held)
	}
	c.say(adaSignsOn(-2*time.Minute), assumption(), chain(1, 2, -time.Minute))
	c.settle(owners)
	for _, o := range owners {
		for who, uses := range o.p.Uses() {
			if who != "okta:example/00u1" {
				t.Errorf("%s still has %v", who, uses)
			}
		}
	}
}

// Who the session's name is known to be is told of it, also when that is learnt
// late.
func TestAUseThatNothingExplainsIsOfWhoGoesByItsName(t *testing.T) {
	c, owners := watched(t, 2)
	c.say(chainedCall(2, 0))
	c.coversAWS(monday.Add(time.Hour))
	c.settle(owners)
	if c.orphans(2) != 1 {
		t.Fatal("it is not told of")
	}
	c.say(adaSignsOn(-time.Minute))
	c.settle(owners)
	for _, o := range owners {
		for who, uses := range o.p.Uses() {
			if who != "okta:example/00u1" {
				t.Errorf("%s still has %v", who, uses)
			}
		}
	}
}

// What is not watched is told of nobody.
func TestWhatIsNotWatchedIsToldOfNobody(t *testing.T) {
	c, owners := ada(t, 2)
	c.say(chainedCall(2, 0))
	c.coversAWS(monday.Add(time.Hour))
	c.settle(owners)
	if c.orphans(2) != 0 {
		t.Fatal("it is told of")
	}
}

// However far each partition and each log is behind the others, the credentials of a role that
// was assumed from Ada's session are never taken for nobody's: when a home has all
// coverage, it has what other homes told it before.
func TestARoleThatWasAssumedFromASessionIsNeverAnOrphan(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 11))
		c, owners := watched(t, 1+r.IntN(5))
		on := adaSignsOn(-time.Minute)
		on.Who.Login = "a.lovelace@example.com" // whoever goes by ada@example.com is somebody else
		c.say(on)
		c.coversAWS(monday.Add(-time.Hour))
		c.settle(owners)
		facts := []*schemas.Fact{chainedCall(2, 2*time.Minute), assumption(), chain(1, 2, time.Minute)}
		r.Shuffle(len(facts), func(i, j int) { facts[i], facts[j] = facts[j], facts[i] })
		told := map[string]int{} // how many facts of a shard are still to come
		for _, f := range facts {
			told[f.Shard]++
		}
		for _, f := range facts {
			c.say(f)
			c.stagger(r, owners)
			if told[f.Shard]--; told[f.Shard] == 0 {
				c.covers(f.Shard, monday.AddDate(0, 0, -3), monday.Add(time.Hour))
				c.stagger(r, owners)
			}
		}
		for range 10 {
			c.stagger(r, owners)
		}
		c.settle(owners)
		if n := c.orphans(2); n > 0 {
			t.Fatalf("seed %d: it was told of as one, %d times", seed, n)
		}
		if s := sessionsOf(c)["okta:example/00u1"]; len(s.Chained) != 1 || s.Chained[0].LastUse.IsZero() {
			t.Fatalf("seed %d: %+v", seed, s)
		}
	}
}

// stagger lets some owners get on, by a few records.
func (c *cluster) stagger(r *rand.Rand, owners []*owner) {
	for n, o := range owners {
		if r.IntN(2) == 0 {
			c.clock = c.clock.Add(time.Second)
			c.tickOne(n)
		}
		for range r.IntN(6) {
			if !o.step(never) {
				break
			}
		}
	}
}
