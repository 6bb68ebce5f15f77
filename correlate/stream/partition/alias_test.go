package partition_test

import (
	"encoding/json"
	"testing"
	"time"

	"jitaudit/correlate/stream/entry"
	"jitaudit/correlate/stream/resolve"
	"jitaudit/internal/reference"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

const smallPolicy = `
providers:
  - {name: okta, arn: "arn:aws:iam::*:saml-provider/Okta", federation: direct, okta_org: example, apps: [0oa1]}
groups:
  - {match: "^AWS-(?P<alias>[a-z]+)-(?P<role>[A-Za-z]+)$"}
accounts: {prod: "111111111111"}
`

// assumption is Ada's of the role Admin, known to AWS by her login only.
func assumption() *schemas.Fact {
	return &schemas.Fact{
		ID: "asm", Kind: schemas.Assumed, Source: schemas.CloudTrail, Shard: "aws/111111111111/eu-west-1", At: monday, Hash: "00000000000000aa",
		Who: schemas.Identity{SessionName: "ada@example.com", AssertionID: "id1"},
		Assume: &schemas.Assume{
			Account: "111111111111", Role: "Admin", RoleARN: "arn:aws:iam::111111111111:role/Admin", Federation: schemas.Direct,
			ProviderARN: "arn:aws:iam::111111111111:saml-provider/Okta", PrincipalID: "AROA1:ada@example.com", AccessKeyID: "ASIA1",
			Expires: monday.Add(time.Hour),
		},
	}
}

func adaCalls(id string, after time.Duration) *schemas.Fact {
	return &schemas.Fact{
		ID: id, Kind: schemas.Acted, Source: schemas.CloudTrail, Shard: "aws/111111111111/us-east-1", At: monday.Add(after), Hash: "00000000000000bb",
		Call: &schemas.Call{PrincipalID: "AROA1:ada@example.com", AccessKeyID: "ASIA1", CreatedAt: monday, Service: "s3", Action: "GetObject"},
	}
}

func adaSignsOn(after time.Duration) *schemas.Fact {
	return &schemas.Fact{
		ID: "sso", Kind: schemas.SignedOn, Source: schemas.Okta, Shard: "okta/example", At: monday.Add(after), Hash: "00000000000000cc",
		Who:    schemas.Identity{Org: "example", OktaUserID: "00u1", Login: "ada@example.com", AssertionID: "id1"},
		SignOn: &schemas.SignOn{AppID: "0oa1", SessionID: "s1"},
	}
}

// say resolves facts as if they had come from the raw topics.
func (c *cluster) say(facts ...*schemas.Fact) {
	next := 0
	resolver := resolve.New(func(*resolve.Raw) (schemas.Fact, bool, error) {
		f := *facts[next]
		next++
		return f, true, nil
	})
	var b resolve.Batch
	for range facts {
		resolver.Add(&resolve.Raw{Kind: schemas.RawEvent}, &b)
	}
	for _, e := range b.Entries {
		c.write(e)
	}
	c.everywhere(&b.Everywhere)
}

func (c *cluster) covers(shard string, from, to time.Time) {
	c.everywhere(&entry.Entry{Coverage: []schemas.Coverage{{Shard: shard, From: from, To: to, Basis: schemas.CoverageAssumed}}})
}

// of returns the latest versions of the records of a topic, by their person.
func of[T any](c *cluster, topic string, person func(*T) string) map[string]T {
	out := make(map[string]T)
	for _, p := range c.table {
		if p.Topic != topic {
			continue
		}
		var v T
		if err := json.Unmarshal(p.Value, &v); err != nil {
			c.t.Fatal(err)
		}
		out[person(&v)] = v
	}
	return out
}

func sessionsOf(c *cluster) map[string]schemas.Session {
	return of(c, topics.Sessions, func(s *schemas.Session) string { return s.Person.Key })
}

func findingsOf(c *cluster) map[string]schemas.Finding {
	return of(c, topics.Findings, func(f *schemas.Finding) string { return f.Person.Key + " " + f.Rule })
}

func ada(t *testing.T, partitions int) (*cluster, []*owner) {
	c := newCluster(t, partitions, week)
	c.policy([]byte(smallPolicy))
	var owners []*owner
	for n := range partitions {
		owners = append(owners, c.own(n))
	}
	return c, owners
}

func TestAnAliasLearntLateMovesWhatItExplains(t *testing.T) {
	c, owners := ada(t, 3)
	c.say(assumption(), adaCalls("c1", time.Minute))
	c.settle(owners)
	before, known := sessionsOf(c)["aws:ada@example.com"]
	if !known || before.LastUse.IsZero() || before.Deleted {
		t.Fatalf("before: %+v", sessionsOf(c))
	}
	c.say(adaSignsOn(-time.Minute))
	c.settle(owners)
	old, now := sessionsOf(c)["aws:ada@example.com"], sessionsOf(c)["okta:example/00u1"]
	if !old.Deleted || old.Version <= before.Version {
		t.Errorf("the stranger's session stands: %+v", old)
	}
	if now.SignOn == nil || now.SignOn.JoinedBy != schemas.JoinAssertion || now.LastUse.IsZero() || now.Deleted {
		t.Errorf("hers: %+v", now)
	}
	if n := c.counts(t)[now.ID].Calls; n != 1 {
		t.Errorf("%d calls are hers, want 1", n)
	}
}

func (c *cluster) counts(t *testing.T) map[string]schemas.ActivityCounts {
	t.Helper()
	tables, err := reference.Stream(c.table, c.activity)
	if err != nil {
		t.Fatal(err)
	}
	return tables.Calls
}

// What turns up behind coverage takes back what was said of its absence.
func TestWhatTurnsUpBehindCoverageIsRetracted(t *testing.T) {
	c, owners := ada(t, 2)
	known := adaSignsOn(-20 * time.Hour)
	known.ID, known.Who.AssertionID = "earlier", "id0"
	c.say(known, assumption())
	c.covers("okta/example", monday.AddDate(0, 0, -3), monday.AddDate(0, 0, 3))
	c.settle(owners)
	f := findingsOf(c)["okta:example/00u1 no_sign_on"]
	if f.Status != schemas.Open || f.Severity != schemas.Critical {
		t.Fatalf("before: %+v", findingsOf(c))
	}
	c.say(adaSignsOn(-time.Minute))
	c.settle(owners)
	after := findingsOf(c)["okta:example/00u1 no_sign_on"]
	if after.Status != schemas.Retracted || after.ID != f.ID || after.Version <= f.Version || after.Deleted {
		t.Errorf("after: %+v", after)
	}
}

// Nobody is judged while a fact about them may still be under way: coverage
// counts once every partition has passed it on.
func TestAbsenceWaitsForEveryPartition(t *testing.T) {
	c, owners := ada(t, 4)
	known := adaSignsOn(-20 * time.Hour)
	known.ID, known.Who.AssertionID = "earlier", "id0"
	c.say(known, assumption())
	c.covers("okta/example", monday.AddDate(0, 0, -3), monday.AddDate(0, 0, 3))
	c.settle(owners[1:])
	for _, f := range findingsOf(c) {
		t.Errorf("with partition 0 away: %+v", f)
	}
	c.settle(owners)
	if f := findingsOf(c)["okta:example/00u1 no_sign_on"]; f.Status != schemas.Open {
		t.Errorf("with all there: %+v", findingsOf(c))
	}
}

func TestSessionsThatMergeNameWhatTookTheirPlace(t *testing.T) {
	c, owners := ada(t, 1)
	late := assumption()
	late.ID, late.At = "later", monday.Add(50*time.Minute)
	assume := *late.Assume
	assume.Expires, assume.AccessKeyID = monday.Add(110*time.Minute), "ASIA2"
	late.Assume = &assume
	c.say(adaSignsOn(-time.Minute), late)
	c.settle(owners)
	alone := sessionsOf(c)["okta:example/00u1"]
	c.say(assumption())
	c.settle(owners)
	var merged, gone schemas.Session
	for _, p := range c.table {
		var s schemas.Session
		if p.Topic != topics.Sessions {
			continue
		}
		if err := json.Unmarshal(p.Value, &s); err != nil {
			t.Fatal(err)
		}
		if s.ID == alone.ID {
			gone = s
		} else {
			merged = s
		}
	}
	if len(merged.Assumptions) != 2 || merged.Deleted {
		t.Errorf("merged: %+v", merged)
	}
	if !gone.Deleted || gone.SupersededBy != merged.ID {
		t.Errorf("gone: %+v, want superseded by %s", gone, merged.ID)
	}
}

// A policy that is back-dated judges everything anew.
func TestAnotherPolicyJudgesAnew(t *testing.T) {
	c, owners := ada(t, 2)
	c.say(adaSignsOn(-time.Minute), assumption())
	c.covers("okta/example", monday.AddDate(0, 0, -3), monday.AddDate(0, 0, 3))
	c.settle(owners)
	before := sessionsOf(c)["okta:example/00u1"]
	if f := findingsOf(c)["okta:example/00u1 outside_hours"]; f.ID != "" {
		t.Fatalf("%+v", f)
	}
	c.policy([]byte(smallPolicy + "time_intervals: [{name: nights, time_intervals: [{times: [{start_time: '20:00', end_time: '24:00'}]}]}]\napproved_hours: [{within: [nights]}]\n"))
	c.settle(owners)
	after := sessionsOf(c)["okta:example/00u1"]
	if after.Policy == before.Policy {
		t.Error("the session is judged by the same policy")
	}
	if f := findingsOf(c)["okta:example/00u1 outside_hours"]; f.Status != schemas.Open {
		t.Errorf("%+v", findingsOf(c))
	}
}

// Calls that nobody assumed a role for are dropped once all logs are past them,
// and those of an assumption stay.
func TestCallsOfNobodyAreDropped(t *testing.T) {
	c, owners := ada(t, 1)
	nobody := adaCalls("lambda", 0)
	nobody.Call = &schemas.Call{PrincipalID: "AROA9:function", Service: "s3", Action: "GetObject", AccessKeyID: "ASIA9", CreatedAt: monday}
	c.say(adaSignsOn(-time.Minute), assumption(), adaCalls("c1", time.Minute), nobody)
	c.settle(owners)
	for _, shard := range []string{"okta/example", "aws/111111111111/eu-west-1"} {
		c.covers(shard, monday.AddDate(0, 0, -3), monday.AddDate(0, 0, 3))
	}
	c.settle(owners)
	homes := owners[0].p.Stats().Homes
	if homes != 1 {
		t.Errorf("%d homes are held, want hers alone", homes)
	}
	if _, ok := c.activity["lambda"]; ok || len(c.activity) != 1 {
		t.Errorf("activity: %+v", c.activity)
	}
}

// Okta's log is read within minutes, CloudTrail's history takes hours: what it
// tells of the past is not late.
func TestNothingIsFinalBeforeAllShardsArePast(t *testing.T) {
	c, owners := ada(t, 2)
	trail := "aws/111111111111/eu-west-1"
	c.everywhere(&entry.Entry{Shards: []string{"okta/example", trail}})
	c.say(adaSignsOn(-time.Minute))
	c.covers("okta/example", monday.AddDate(0, 0, -3), monday.AddDate(0, 3, 0))
	c.settle(owners)
	restarted := []*owner{c.own(0), c.own(1)}
	c.say(assumption(), adaCalls("c1", time.Minute))
	c.settle(restarted)
	s, ok := sessionsOf(c)["okta:example/00u1"]
	if c.late > 0 || !ok || s.SignOn == nil {
		t.Fatalf("%d late; session %+v", c.late, s)
	}
	c.covers(trail, monday.AddDate(0, 0, -3), monday.AddDate(0, 3, 0))
	c.settle(restarted)
	late := adaCalls("c2", 2*time.Minute)
	c.say(late)
	c.settle(restarted)
	if c.late != 1 {
		t.Errorf("%d late, want the one that came when all were past it", c.late)
	}
}

// One record may say of a handle that it is held, and then that it has been held
// for longer: it must be remembered all the same.
func TestAClaimThatReachesFurtherBackIsRemembered(t *testing.T) {
	c, owners := ada(t, 2)
	later, earlier := adaSignsOn(-time.Hour), adaSignsOn(-2*time.Hour)
	later.ID, later.Who.AssertionID = "later", ""
	earlier.ID, earlier.Who.AssertionID = "earlier", ""
	c.say(later, earlier)
	c.settle(owners)
	c.settle([]*owner{c.own(0), c.own(1)}) // lets go of what is not needed
	restarted := []*owner{c.own(0), c.own(1)}
	c.say(assumption())
	c.settle(restarted)
	if s := sessionsOf(c)["okta:example/00u1"]; s.ID == "" || s.Deleted {
		t.Errorf("the session is not hers: %+v", sessionsOf(c))
	}
}
