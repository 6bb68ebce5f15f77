package partition_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"jitaudit/correlate/stream/entry"
	"jitaudit/schemas"
)

const chainAccount = "222222222222"

// chain is the call by which a role session assumed a further role. Each session
// is named by a number: 1 is the one that Ada assumed by SAML.
func chain(from, to int, after time.Duration) *schemas.Fact {
	key := func(n int) string { return fmt.Sprintf("ASIA%d", n) }
	return &schemas.Fact{
		ID: fmt.Sprintf("chain%d-%d", from, to), Kind: schemas.Chained, Source: schemas.CloudTrail, Shard: "aws/111111111111/eu-west-1",
		At: monday.Add(after), Hash: "00000000000000dd",
		Call: &schemas.Call{PrincipalID: principalOf(from), AccessKeyID: key(from), Service: "sts", Action: "AssumeRole"},
		Chain: &schemas.Chain{
			Account: chainAccount, Role: fmt.Sprintf("Role%d", to), RoleARN: fmt.Sprintf("arn:aws:iam::%s:role/Role%d", chainAccount, to),
			PrincipalID: principalOf(to), AccessKeyID: key(to), Expires: monday.Add(after + time.Hour),
		},
	}
}

func principalOf(n int) string { return fmt.Sprintf("AROA%d:ada@example.com", n) }

// chainedCall is a call with the credentials of a further role session.
func chainedCall(n int, after time.Duration) *schemas.Fact {
	return &schemas.Fact{
		ID: fmt.Sprintf("call%d", n), Kind: schemas.Acted, Source: schemas.CloudTrail, Shard: "aws/" + chainAccount + "/eu-west-1",
		At: monday.Add(after), Hash: "00000000000000ee",
		Call: &schemas.Call{
			PrincipalID: principalOf(n), AccessKeyID: fmt.Sprintf("ASIA%d", n), CreatedAt: monday.Add(after - time.Minute),
			RoleARN: fmt.Sprintf("arn:aws:iam::%s:role/Role%d", chainAccount, n), Service: "ec2", Action: "RunInstances",
		},
	}
}

// A role that was assumed from a role, and so on, is part of the session in which
// it began, wherever the homes of the role sessions lie.
func TestChainsOfAnyDepthAreOfTheSessionTheyBeganIn(t *testing.T) {
	for partitions := 1; partitions <= 5; partitions++ {
		c, owners := ada(t, partitions)
		// The last first: nothing is known of whose they are.
		c.say(chainedCall(4, 4*time.Minute), chain(3, 4, 3*time.Minute), chain(2, 3, 2*time.Minute), chain(1, 2, time.Minute))
		c.settle(owners)
		if n := len(sessionsOf(c)); n != 0 {
			t.Fatalf("%d sessions of nobody", n)
		}
		c.say(adaSignsOn(-time.Minute), assumption())
		c.settle(owners)
		s := sessionsOf(c)["okta:example/00u1"]
		if len(s.Chained) != 3 || s.Chained[2].From != "chain2-3" || s.Chained[2].LastUse.IsZero() {
			t.Fatalf("with %d partitions: %+v", partitions, s.Chained)
		}
		if n := c.counts(t)[s.ID].Calls; n != 4 { // the call, and three that assumed a role
			t.Errorf("with %d partitions: %d calls, want 4", partitions, n)
		}
	}
}

// Who is learnt late to be behind a session gets all that it led to; nothing of it
// stays with whom it was told of before. So does a restarted owner.
func TestAnAliasLearntLateMovesTheWholeChain(t *testing.T) {
	for _, restart := range []bool{false, true} {
		c, owners := ada(t, 4)
		c.say(assumption(), chain(1, 2, time.Minute), chain(2, 3, 2*time.Minute), chainedCall(3, 3*time.Minute))
		c.settle(owners)
		before := sessionsOf(c)["aws:ada@example.com"]
		if len(before.Chained) != 2 {
			t.Fatalf("before: %+v", before)
		}
		if restart {
			for n := range owners {
				owners[n] = c.own(n)
			}
		}
		c.say(adaSignsOn(-time.Minute))
		c.settle(owners)
		if old := sessionsOf(c)["aws:ada@example.com"]; !old.Deleted {
			t.Errorf("the stranger's session stands: %+v", old)
		}
		now := sessionsOf(c)["okta:example/00u1"]
		if len(now.Chained) != 2 || now.Chained[1].LastUse.IsZero() {
			t.Errorf("hers: %+v", now.Chained)
		}
		if n := c.counts(t)[now.ID].Calls; n != 3 {
			t.Errorf("%d calls are hers, want 3", n)
		}
	}
}

// Two sessions that assumed each other are nobody's once nobody is known to have
// assumed either, and the partitions come to rest.
func TestSessionsThatAssumedEachOtherComeToRest(t *testing.T) {
	c, owners := ada(t, 3)
	c.say(adaSignsOn(-time.Minute), assumption(), chain(1, 2, time.Minute), chain(2, 1, 2*time.Minute), chain(1, 3, 3*time.Minute), chainedCall(3, 4*time.Minute))
	c.settle(owners)
	s := sessionsOf(c)["okta:example/00u1"]
	if len(s.Chained) != 3 {
		t.Fatalf("%+v", s.Chained)
	}
}

// The account of the role tells of the same call, and names who made it, not by
// which credentials.
func TestACallAcrossAccountsIsOneChain(t *testing.T) {
	c, owners := ada(t, 3)
	own, other := chain(1, 2, time.Minute), chain(1, 2, time.Minute)
	own.Chain.SharedID, other.Chain.SharedID = "shared", "shared"
	other.ID, other.Shard = "there", "aws/"+chainAccount+"/eu-west-1"
	other.Call = &schemas.Call{PrincipalID: principalOf(1), Service: "sts", Action: "AssumeRole"}
	c.say(adaSignsOn(-time.Minute), assumption(), other, chainedCall(2, 2*time.Minute))
	c.settle(owners)
	if s := sessionsOf(c)["okta:example/00u1"]; len(s.Chained) != 1 || s.Chained[0].EventID != "there" || s.Chained[0].LastUse.IsZero() {
		t.Fatalf("by the other account alone: %+v", s.Chained)
	}
	c.say(own)
	c.settle(owners)
	s := sessionsOf(c)["okta:example/00u1"]
	if len(s.Chained) != 1 || s.Chained[0].EventID != own.ID {
		t.Errorf("%+v", s.Chained)
	}
	if n := c.counts(t)[s.ID].Calls; n != 2 {
		t.Errorf("%d calls, want 2: it is one call that two accounts tell of", n)
	}
}

// What is forgotten with the past is forgotten by the homes of further sessions
// too.
func TestChainsAreForgottenWithThePast(t *testing.T) {
	c, owners := ada(t, 2)
	c.say(adaSignsOn(-time.Minute), assumption(), chain(1, 2, time.Minute), chainedCall(2, 2*time.Minute))
	c.settle(owners)
	for _, shard := range []string{"okta/example", "aws/111111111111/eu-west-1", "aws/" + chainAccount + "/eu-west-1"} {
		c.everywhere(&entry.Entry{Coverage: []schemas.Coverage{{Shard: shard, From: monday.AddDate(0, -1, 0), To: monday.AddDate(0, 1, 0), Basis: schemas.CoverageAssumed}}})
	}
	c.settle(owners)
	if n := owners[0].p.Stats().Homes + owners[1].p.Stats().Homes; n != 0 {
		t.Errorf("%d homes are held", n)
	}
	if s := sessionsOf(c)["okta:example/00u1"]; len(s.Chained) != 1 || s.Deleted {
		t.Errorf("%+v", s)
	}
}

// A backlog is covered at once, and long past: chains still reach their person
// before what is unexplained is dropped and what is past is sealed.
func TestChainsInABacklogAreNotDropped(t *testing.T) {
	c, owners := ada(t, 4)
	c.say(chainedCall(4, 4*time.Minute), chain(3, 4, 3*time.Minute), chain(2, 3, 2*time.Minute), chain(1, 2, time.Minute), adaSignsOn(-time.Minute), assumption())
	for _, shard := range []string{"okta/example", "aws/111111111111/eu-west-1", "aws/" + chainAccount + "/eu-west-1"} {
		c.covers(shard, monday.AddDate(0, -1, 0), monday.AddDate(0, 1, 0))
	}
	c.settle(owners)
	s := sessionsOf(c)["okta:example/00u1"]
	if len(s.Chained) != 3 || s.Chained[2].LastUse.IsZero() || c.late > 0 {
		t.Errorf("%d late; %+v", c.late, s.Chained)
	}
	if n := owners[0].p.Stats().Homes + owners[1].p.Stats().Homes + owners[2].p.Stats().Homes + owners[3].p.Stats().Homes; n != 0 {
		t.Errorf("%d homes are held: it was not sealed", n)
	}
}

// A line stands where a record draws it, for whoever owns the partition.
func TestARestartedOwnerKnowsWhatIsLate(t *testing.T) {
	c, owners := ada(t, 2)
	c.say(adaSignsOn(-time.Minute), assumption())
	for _, shard := range []string{"okta/example", "aws/111111111111/eu-west-1"} {
		c.covers(shard, monday.AddDate(0, -1, 0), monday.AddDate(0, 1, 0))
	}
	c.settle(owners)
	restarted := c.all()
	c.say(adaCalls("c1", time.Minute))
	c.settle(restarted)
	if c.late != 1 || len(c.activity) != 0 {
		t.Errorf("%d late, %d calls came out", c.late, len(c.activity))
	}
}

// An assignment is of whom it is for, and activity of who made it.
func TestAnAssignmentIsOfWhomItIsFor(t *testing.T) {
	c, owners := ada(t, 3)
	ties := &schemas.Fact{
		ID: "portal", Kind: schemas.UserObserved, Source: schemas.CloudTrail, Shard: "aws/111111111111/us-east-1", At: monday, Hash: "00000000000000f8",
		Who: schemas.Identity{PortalUserID: "user-2", Login: "grace@example.com"},
	}
	grace := adaSignsOn(0)
	grace.ID, grace.Who = "grace", schemas.Identity{Org: "example", OktaUserID: "00u2", Login: "grace@example.com"}
	assigned := adaCalls("assigned", 5*time.Minute)
	assigned.Kind, assigned.Who = schemas.AccountAssigned, schemas.Identity{PortalUserID: "user-2"}
	assigned.Assignment = &schemas.Assignment{Account: "111111111111", PermissionSet: "arn:aws:sso:::permissionSet/ssoins-1/ps-1"}
	c.say(assigned)
	c.settle(owners)
	c.say(adaSignsOn(-time.Minute), assumption(), grace, ties)
	c.settle(owners)
	if facts := factsOf(owners, "okta:example/00u2"); !slices.Contains(facts, "assigned") {
		t.Errorf("Grace has %v", facts)
	}
	if facts := factsOf(owners, "okta:example/00u1"); slices.Contains(facts, "assigned") {
		t.Errorf("Ada has %v", facts)
	}
	if n := c.counts(t)[sessionsOf(c)["okta:example/00u1"].ID].Calls; n != 1 {
		t.Errorf("%d calls are Ada's, want 1", n)
	}
}
