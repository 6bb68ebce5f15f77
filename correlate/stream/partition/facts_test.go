package partition_test

import (
	"fmt"
	"testing"
	"time"

	"jitaudit/correlate/stream/entry"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// grantsOf are the grants that stand, by person and source.
func grantsOf(c *cluster) map[string]schemas.Grant {
	out := make(map[string]schemas.Grant)
	for _, g := range of(c, topics.Grants, func(g *schemas.Grant) string { return g.ID }) {
		if !g.Deleted {
			out[g.Person.Key+" "+string(g.Source)] = g
		}
	}
	return out
}

func adaIs() schemas.Identity {
	return schemas.Identity{Org: "example", OktaUserID: "00u1", Login: "ada@example.com"}
}

// ofAda is a fact of Okta about Ada.
func ofAda(id string, kind schemas.FactKind, after time.Duration) *schemas.Fact {
	return &schemas.Fact{ID: id, Kind: kind, Source: schemas.Okta, Shard: "okta/example", At: monday.Add(after), Hash: "00000000000000f0", Who: adaIs()}
}

func revoked(after time.Duration) *schemas.Fact {
	at := monday.Add(after)
	return &schemas.Fact{
		ID: "revoked", Kind: schemas.SessionsRevoked, Source: schemas.CloudTrail, Shard: "aws/111111111111/us-east-1", At: at, Hash: "00000000000000f1",
		Call:       &schemas.Call{PrincipalID: "AROA8:grace@example.com", AccessKeyID: "ASIA8", CreatedAt: at.Add(-time.Hour), Service: "iam", Action: "PutRolePolicy"},
		Revocation: &schemas.Revocation{Account: "111111111111", Role: "Admin", Before: at},
	}
}

func added(id string, after time.Duration) *schemas.Fact {
	f := ofAda(id, schemas.GroupAdded, after)
	f.Group = &schemas.GroupChange{ID: "00g1", Name: "AWS-prod-Admin", Actor: schemas.Actor{ID: "0wf1", Type: "SystemPrincipal"}}
	return f
}

func listed(id string, after time.Duration) *schemas.Fact {
	f := ofAda(id, schemas.MemberObserved, after)
	f.Member = &schemas.Group{ID: "00g1", Name: "AWS-prod-Admin"}
	return f
}

func snapshot(id string, after time.Duration) *schemas.Fact {
	from, to := monday.Add(after), monday.Add(after+time.Minute)
	return &schemas.Fact{
		ID: id, Kind: schemas.SnapshotComplete, Source: schemas.Okta, Shard: "okta/example", At: to, Hash: "00000000000000f2", Who: schemas.Identity{Org: "example"},
		Snapshot: &schemas.Snapshot{Org: "example", Group: schemas.Group{ID: "00g1", Name: "AWS-prod-Admin"}, From: from, To: to},
	}
}

// What concerns nobody in particular reaches whom it concerns, whether it comes
// before or after what they did, and after a restart.
func TestARevocationEndsTheSessionsOfItsRole(t *testing.T) {
	for _, test := range []struct {
		name  string
		facts [][]*schemas.Fact
	}{
		{"after", [][]*schemas.Fact{{adaSignsOn(-time.Minute), assumption()}, {revoked(10 * time.Minute)}}},
		{"before", [][]*schemas.Fact{{revoked(10 * time.Minute)}, {adaSignsOn(-time.Minute), assumption()}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, owners := ada(t, 3)
			for _, facts := range test.facts {
				c.say(facts...)
				c.settle(owners)
				for n := range owners {
					owners[n] = c.own(n)
				}
			}
			s := sessionsOf(c)["okta:example/00u1"]
			if !s.End.Equal(monday.Add(10*time.Minute)) || s.EndedBy != schemas.EndedByRevocation {
				t.Errorf("it ended %s by %s", s.End, s.EndedBy)
			}
		})
	}
}

func TestAConditionSaysHowLongAccessLasts(t *testing.T) {
	c, owners := ada(t, 3)
	step := func(id string, step schemas.RequestStep, after time.Duration) *schemas.Fact {
		f := ofAda(id, schemas.Requested, after)
		f.Request = &schemas.Request{ID: "req1", Step: step, Origin: schemas.OriginGovernance, GroupID: "00g1", Condition: "cond1"}
		return f
	}
	c.say(step("asked", schemas.StepCreated, -time.Hour), step("given", schemas.StepGranted, -time.Minute), added("add", 0))
	c.settle(owners)
	before := grantsOf(c)["okta:example/00u1 membership"]
	if before.ID == "" || before.ApprovedUntil.Equal(monday.Add(2*time.Hour)) || len(before.Requests) != 1 {
		t.Fatalf("before: %+v", before)
	}
	condition := ofAda("cond", schemas.ConditionSet, -24*time.Hour)
	condition.Who = schemas.Identity{Org: "example"}
	condition.Condition = &schemas.Condition{ID: "cond1", Seconds: 7200}
	c.say(condition)
	c.settle(owners)
	if g := grantsOf(c)["okta:example/00u1 membership"]; !g.ApprovedUntil.Equal(monday.Add(2 * time.Hour)) {
		t.Errorf("it is approved until %s", g.ApprovedUntil)
	}
}

// Okta lists members again and again. Of a day the first and the last time count,
// in whatever order they come, and no more is remembered.
func TestOfWhatOktaListsADayTheFirstAndTheLastTimeCount(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 2, 0, 3}, {2, 0, 3, 1}} {
		c, owners := ada(t, 1)
		facts := []*schemas.Fact{listed("l0", 0), listed("l1", time.Hour), listed("l2", 2*time.Hour), listed("l3", 3*time.Hour)}
		for _, i := range order {
			c.say(facts[i], facts[i])
			c.settle(owners)
		}
		owners = []*owner{c.own(0)}
		c.settle(owners)
		g := grantsOf(c)["okta:example/00u1 snapshot"]
		if g.ID == "" || g.Deleted || !g.FirstObserved.Equal(monday) {
			t.Errorf("%v: %+v", order, g)
		}
		remembered := 0
		for _, line := range c.state[0] {
			if e, err := entry.Decode(line); err != nil || e.Fact != nil {
				remembered++
			}
		}
		if remembered != 2 {
			t.Errorf("%v: %d listings are remembered, want 2", order, remembered)
		}
	}
}

// Whom a complete list of members lacks is no member any more.
func TestWhoIsMissedInASnapshotIsNoMember(t *testing.T) {
	c, owners := ada(t, 3)
	c.say(added("add", 0))
	c.settle(owners)
	c.say(snapshot("s1", 48*time.Hour))
	c.settle(owners)
	if g := grantsOf(c)["okta:example/00u1 membership"]; !g.Removed.Equal(monday.Add(48 * time.Hour)) {
		t.Errorf("%+v", g)
	}
	c.say(listed("l1", 48*time.Hour+time.Second))
	c.settle(owners)
	if g := grantsOf(c)["okta:example/00u1 membership"]; !g.Removed.IsZero() {
		t.Errorf("who was listed in it is: %+v", g)
	}
}

// A decision of another tool is of whom it names; that shard holds nothing up.
func TestAnApprovalOfTheFeedReachesItsPerson(t *testing.T) {
	c, owners := ada(t, 3)
	approved := &schemas.Fact{
		ID: "dec1", Kind: schemas.Requested, Source: schemas.Approvals, Shard: "approvals/tickets", At: monday.Add(-time.Hour), Hash: "00000000000000f3",
		Who: schemas.Identity{Login: "ada@example.com"},
		Request: &schemas.Request{
			ID: "T-1", Step: schemas.StepApproved, Origin: schemas.OriginFeed, Account: "111111111111", Role: "Admin", Until: monday.Add(time.Hour),
			Approvers: []schemas.Actor{{AlternateID: "grace@example.com"}},
		},
	}
	c.everywhere(&entry.Entry{Shards: []string{"okta/example", "aws/111111111111/eu-west-1", "approvals/tickets"}})
	c.say(approved, adaSignsOn(-time.Minute), assumption())
	c.settle(owners)
	g := grantsOf(c)["okta:example/00u1 request"]
	if g.ID == "" || len(g.Requests) != 1 || len(g.Requests[0].Approvers) != 1 {
		t.Fatalf("%+v", grantsOf(c))
	}
	for _, shard := range []string{"okta/example", "aws/111111111111/eu-west-1"} {
		c.covers(shard, monday.AddDate(0, 0, -3), monday.AddDate(0, 3, 0))
	}
	c.settle(owners)
	late := adaCalls("c2", 2*time.Minute)
	c.say(late)
	c.settle(owners)
	if c.late != 1 {
		t.Errorf("%d late: the past was not sealed", c.late)
	}
}

// A call that matters by itself is activity, and a fact of who made it.
func TestADeedIsOfWhoseCredentialsItWasDoneWith(t *testing.T) {
	deed := adaCalls("deed", 5*time.Minute)
	deed.Kind, deed.Deed = schemas.CredentialCreated, &schemas.Deed{Action: "CreateAccessKey", Object: "ci", Account: "111111111111"}
	deed.Call.Service, deed.Call.Action = "iam", "CreateAccessKey"
	for _, order := range [][]*schemas.Fact{{deed, assumption()}, {assumption(), deed}} {
		c, owners := ada(t, 3)
		for _, f := range order {
			c.say(f)
			c.settle(owners)
		}
		if facts := factsOf(owners, "aws:ada@example.com"); len(facts) != 2 {
			t.Errorf("the stranger has %v", facts)
		}
		c.say(adaSignsOn(-time.Minute))
		c.settle(owners)
		if facts := factsOf(owners, "aws:ada@example.com"); len(facts) != 0 {
			t.Errorf("the stranger still has %v", facts)
		}
		if facts := factsOf(owners, "okta:example/00u1"); len(facts) != 3 {
			t.Errorf("she has %v", facts)
		}
		s := sessionsOf(c)["okta:example/00u1"]
		if n := c.counts(t)[s.ID].Calls; n != 1 {
			t.Errorf("%d calls, want 1", n)
		}
	}
}

// factsOf are the ids of the facts that are held of somebody.
func factsOf(owners []*owner, key string) (out []string) {
	for _, o := range owners {
		out = append(out, o.p.Facts(key)...)
	}
	return out
}

// Okta lists a member for as long as they are one. What is remembered of it does
// not grow, and what is said of it does not change; that they are missed one day
// is still told.
func TestListingsOfAStandingMemberDoNotPileUp(t *testing.T) {
	c, owners := ada(t, 1)
	day := func(n int, member bool) {
		for round := range 4 {
			at := time.Duration(n)*24*time.Hour + time.Duration(round)*6*time.Hour
			if member {
				c.say(listed(fmt.Sprintf("l%d.%d", n, round), at+time.Second))
			}
			c.say(snapshot(fmt.Sprintf("s%d.%d", n, round), at))
		}
		for _, shard := range []string{"okta/example", "aws/111111111111/eu-west-1"} {
			c.covers(shard, monday.AddDate(0, 0, -3), monday.AddDate(0, 0, n+1))
		}
		c.settle(owners)
	}
	remembered := map[int]int{}
	for n := range 40 {
		day(n, true)
		remembered[n] = len(c.state[0])
		if n%10 == 9 {
			owners = c.all()
		}
	}
	grants := grantsOf(c)
	g := grants["okta:example/00u1 snapshot"]
	if len(grants) != 1 || !g.FirstObserved.Equal(monday.Add(time.Second)) || !g.Removed.IsZero() {
		t.Errorf("%+v", grants)
	}
	if remembered[39] > remembered[19]+5 {
		t.Errorf("%d records are remembered after 40 days, %d after 20", remembered[39], remembered[19])
	}
	// A session that lasts longer than usual keeps the grant open.
	open := assumption()
	as := *open.Assume
	open.At, as.Expires = monday.AddDate(0, 0, 40).Add(-time.Hour), monday.AddDate(0, 0, 70)
	open.Assume = &as
	c.say(adaSignsOn(40*24*time.Hour-2*time.Hour), open)
	for n := 40; n < 60; n++ {
		day(n, false)
	}
	if g := grantsOf(c)["okta:example/00u1 snapshot"]; !g.Removed.Equal(monday.AddDate(0, 0, 40)) {
		t.Errorf("she was missed at %s", g.Removed)
	}
}
