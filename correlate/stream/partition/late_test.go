package partition_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/internal/reference"
	"jitaudit/schemas"
)

// renamed is Ada's change of mail address, in mid-session.
func renamed(after time.Duration) *schemas.Fact {
	f := ofAda("renamed", schemas.Renamed, after)
	f.Who.Login = "a.king@example.com"
	f.Rename = &schemas.Rename{Old: "ada@example.com", New: "a.king@example.com"}
	return f
}

// successor signs on by the address that was Ada's.
func successor(after time.Duration) *schemas.Fact {
	f := adaSignsOn(after)
	f.ID, f.Who.OktaUserID, f.Who.AssertionID = "successor", "00u2", "id2"
	return f
}

// again is a later assumption under the address, without the id of an assertion.
func again(id string, after time.Duration) *schemas.Fact {
	f := assumption()
	as := *f.Assume
	f.ID, f.At, f.Who.AssertionID = id, monday.Add(after), ""
	as.PrincipalID, as.AccessKeyID, as.Expires = "AROA1:ada@example.com", "ASIA"+id, f.At.Add(time.Hour)
	f.Assume = &as
	return f
}

const backdated = `
effective_from: 2026-01-01T00:00:00Z
people: [{login: ada@example.com, aliases: [countess]}]
`

// What is learnt late about who is who, and by what to judge, comes to the same in
// the end as if it had been known from the start.
func TestWhatIsLearntLateComesToTheSame(t *testing.T) {
	countess := again("countess", 30*time.Minute)
	countess.Who.SessionName = "countess"
	countess.Assume.PrincipalID = "AROA1:countess"
	for name, test := range map[string]struct {
		facts  []*schemas.Fact
		policy string
	}{
		"an alias": {facts: []*schemas.Fact{adaSignsOn(-time.Minute), assumption(), adaCalls("c1", time.Minute), chain(1, 2, 2*time.Minute), chainedCall(2, 3*time.Minute)}},
		"an email that changes in mid-session": {facts: []*schemas.Fact{
			adaSignsOn(-time.Minute), assumption(), renamed(5 * time.Minute), successor(20 * time.Minute), again("hers", 2*time.Minute), again("theirs", 40*time.Minute),
		}},
		"a policy that is back-dated": {facts: []*schemas.Fact{adaSignsOn(-time.Minute), assumption(), countess}, policy: backdated},
	} {
		t.Run(name, func(t *testing.T) {
			all := func(c *cluster) []*schemas.Fact { return slices.Clone(test.facts) }
			want := func() *reference.Tables {
				c, owners := ada(t, 3)
				if test.policy != "" {
					c.policy([]byte(smallPolicy + test.policy))
				}
				c.say(all(c)...)
				c.coversAll()
				c.settle(owners)
				return c.tables()
			}()
			if len(want.Lines["sessions"]) == 0 {
				t.Fatal("no sessions")
			}
			for seed := range uint64(20) {
				r := rand.New(rand.NewPCG(seed, 5))
				c, owners := ada(t, 1+r.IntN(4))
				facts := all(c)
				r.Shuffle(len(facts), func(i, j int) { facts[i], facts[j] = facts[j], facts[i] })
				for _, f := range facts {
					c.say(f)
					if r.IntN(2) == 0 {
						c.settle(owners)
					}
					if r.IntN(4) == 0 {
						owners = c.all()
					}
				}
				c.coversAll()
				c.settle(owners)
				if test.policy != "" {
					c.policy([]byte(smallPolicy + test.policy))
					c.settle(owners)
				}
				if d := cmp.Diff(want, c.tables()); d != "" {
					t.Fatalf("seed %d: known from the start (-) learnt late (+):\n%.3000s", seed, d)
				}
			}
		})
	}
}

func (c *cluster) coversAll() {
	for _, shard := range []string{"okta/example", "aws/111111111111/eu-west-1", "aws/111111111111/us-east-1", "aws/" + chainAccount + "/eu-west-1"} {
		c.covers(shard, monday.AddDate(0, 0, -3), monday.AddDate(0, 0, 3))
	}
}

func (c *cluster) tables() *reference.Tables {
	t, err := reference.Stream(c.table, c.activity)
	if err != nil {
		c.t.Fatal(err)
	}
	return t
}
