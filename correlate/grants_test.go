package correlate

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/schemas"
)

// rebuilt is what some facts amount to with everything covered.
func rebuilt(t *testing.T, facts, shared []*schemas.Fact) Outcome {
	t.Helper()
	return Rebuild(Input{Person: ada, Facts: facts, Shared: shared, Policies: parsePolicy(t, testPolicy), Coverage: covered(day.AddDate(0, 0, -5), day.AddDate(0, 0, 9))})
}

func listing(id, group string, when time.Time) *schemas.Fact {
	f := fact(schemas.MemberObserved, id, when)
	f.Member = &schemas.Group{ID: "g-" + group, Name: group}
	return f
}

func snapshot(id, group string, from, to time.Time) *schemas.Fact {
	f := fact(schemas.SnapshotComplete, id, to)
	f.Who = schemas.Identity{Org: org}
	f.Snapshot = &schemas.Snapshot{Org: org, Group: schemas.Group{ID: "g-" + group, Name: group}, From: from, To: to}
	return f
}

func step(id, request string, s schemas.RequestStep, when time.Time, change func(*schemas.Request)) *schemas.Fact {
	f := fact(schemas.Requested, id, when)
	f.Request = &schemas.Request{ID: request, Step: s, Origin: schemas.OriginGovernance}
	if change != nil {
		change(f.Request)
	}
	if f.Request.Origin == schemas.OriginFeed {
		f.Source, f.Shard = schemas.Approvals, schemas.ApprovalsShard("tickets")
	}
	return f
}

// interval is what tests compare of a grant.
type interval struct {
	Source                                 schemas.GrantSource
	Opened, Listed, Removed, ApprovedUntil string
	Requests, Evidence                     []string
}

func intervals(gs []schemas.Grant) (out []interval) {
	clock := func(t time.Time) string {
		switch {
		case t.IsZero():
			return ""
		case t.Truncate(24 * time.Hour).Equal(day):
			return t.Format("15:04:05")
		}
		return t.Format("01-02 15:04:05")
	}
	for _, g := range gs {
		i := interval{g.Source, clock(g.Opened), clock(g.FirstObserved), clock(g.Removed), clock(g.ApprovedUntil), nil, g.Evidence}
		for _, r := range g.Requests {
			i.Requests = append(i.Requests, r.ID)
		}
		out = append(out, i)
	}
	return out
}

func TestGrantsAreMadeOfWhatLogAndSnapshotsSay(t *testing.T) {
	const group = "AWS-prod-Admin"
	for _, c := range []struct {
		name          string
		facts, shared []*schemas.Fact
		want          []interval
	}{
		{
			name:  "only listed: a member whose addition is older than the log",
			facts: []*schemas.Fact{listing("l1", group, at("03:00:00")), listing("l2", group, at("09:00:00"))},
			want:  []interval{{Source: schemas.BySnapshot, Listed: "03:00:00", Evidence: []string{"l1"}}},
		},
		{
			name:  "listed, then removed",
			facts: []*schemas.Fact{listing("l1", group, at("03:00:00")), removed("rem", group, at("09:00:00"))},
			want:  []interval{{Source: schemas.BySnapshot, Listed: "03:00:00", Removed: "09:00:00", Evidence: []string{"l1", "rem"}}},
		},
		{
			name:  "added and listed: the log is enough",
			facts: []*schemas.Fact{added("add", group, at("08:00:00")), listing("l1", group, at("08:30:00")), removed("rem", group, at("09:00:00"))},
			want:  []interval{{Source: schemas.ByMembership, Opened: "08:00:00", Removed: "09:00:00", ApprovedUntil: "09:00:00", Evidence: []string{"add", "rem"}}},
		},
		{
			name:  "listed, then added: the log lacks a removal, and the addition begins anew",
			facts: []*schemas.Fact{listing("l1", group, at("03:00:00")), added("add", group, at("08:00:00")), removed("rem", group, at("09:00:00"))},
			want: []interval{
				{Source: schemas.BySnapshot, Listed: "03:00:00", Evidence: []string{"l1", "add"}},
				{Source: schemas.ByMembership, Opened: "08:00:00", Removed: "09:00:00", ApprovedUntil: "09:00:00", Evidence: []string{"add", "rem"}},
			},
		},
		{
			name:   "removed while the members were being listed: the log is believed",
			facts:  []*schemas.Fact{added("add", group, at("08:00:00")), listing("l1", group, at("08:30:00")), removed("rem", group, at("08:29:59"))},
			shared: []*schemas.Fact{snapshot("s1", group, at("08:29:59"), at("08:31:00"))},
			want:   []interval{{Source: schemas.ByMembership, Opened: "08:00:00", Removed: "08:29:59", ApprovedUntil: "09:00:00", Evidence: []string{"add", "rem"}}},
		},
		{
			name:   "removed a millisecond before the listing began: listed again without an addition",
			facts:  []*schemas.Fact{added("add", group, at("08:00:00")), listing("l1", group, at("08:30:00")), removed("rem", group, at("08:29:58.999"))},
			shared: []*schemas.Fact{snapshot("s1", group, at("08:29:59"), at("08:31:00"))},
			want: []interval{
				{Source: schemas.BySnapshot, Listed: "08:30:00", Evidence: []string{"l1"}},
				{Source: schemas.ByMembership, Opened: "08:00:00", Removed: "08:29:58", ApprovedUntil: "09:00:00", Evidence: []string{"add", "rem"}},
			},
		},
		{
			name:   "a complete snapshot without the member ends the stay where it began",
			facts:  []*schemas.Fact{added("add", group, at("08:00:00"))},
			shared: []*schemas.Fact{snapshot("s2", group, at("08:45:00"), at("08:46:00")), snapshot("s1", group, at("08:40:00"), at("08:41:00"))},
			want:   []interval{{Source: schemas.ByMembership, Opened: "08:00:00", Removed: "08:40:00", ApprovedUntil: "09:00:00", Evidence: []string{"add", "s1"}}},
		},
		{
			name:   "a snapshot that began at the very addition says nothing",
			facts:  []*schemas.Fact{added("add", group, at("08:00:00"))},
			shared: []*schemas.Fact{snapshot("s1", group, at("08:00:00"), at("08:01:00"))},
			want:   []interval{{Source: schemas.ByMembership, Opened: "08:00:00", ApprovedUntil: "09:00:00", Evidence: []string{"add"}}},
		},
		{
			name:   "missed, but listed again the next day: nothing can be told",
			facts:  []*schemas.Fact{listing("l1", group, at("08:00:00")), listing("l2", group, day.Add(48*time.Hour-time.Millisecond))},
			shared: []*schemas.Fact{snapshot("s1", group, at("08:40:00"), at("08:41:00"))},
			want:   []interval{{Source: schemas.BySnapshot, Listed: "08:00:00", Evidence: []string{"l1"}}},
		},
		{
			name:   "missed, and listed again the day after the next",
			facts:  []*schemas.Fact{listing("l1", group, at("08:00:00")), listing("l2", group, day.Add(48*time.Hour))},
			shared: []*schemas.Fact{snapshot("s1", group, at("08:40:00"), at("08:41:00"))},
			want: []interval{
				{Source: schemas.BySnapshot, Listed: "03-04 00:00:00", Evidence: []string{"l2"}},
				{Source: schemas.BySnapshot, Listed: "08:00:00", Removed: "08:40:00", Evidence: []string{"l1", "s1"}},
			},
		},
		{
			name:   "another group's snapshot says nothing",
			facts:  []*schemas.Fact{added("add", group, at("08:00:00"))},
			shared: []*schemas.Fact{snapshot("s1", "AWS-dev-Admin", at("08:40:00"), at("08:41:00"))},
			want:   []interval{{Source: schemas.ByMembership, Opened: "08:00:00", ApprovedUntil: "09:00:00", Evidence: []string{"add"}}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := rebuilt(t, c.facts, c.shared)
			if d := cmp.Diff(c.want, intervals(o.Grants)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAListedMemberIsCoveredAsFarBackAsAnybodyLooks(t *testing.T) {
	for _, c := range []struct {
		when time.Time
		want bool
	}{
		{day.AddDate(0, 0, 1), true},
		{day.AddDate(0, 0, 1).Add(-time.Second), false}, // 24 h and a second before
		{day.AddDate(0, 0, 2).Add(30 * time.Hour), true},
	} {
		a := assumed("asm", "Okta", account, "Admin", "", c.when, time.Hour)
		o := rebuilt(t, []*schemas.Fact{listing("l1", "AWS-prod-Admin", day.AddDate(0, 0, 2)), a}, nil)
		if got := len(o.Assumptions[0].Grants) == 1; got != c.want {
			t.Errorf("assumed at %s: covered %v, want %v", c.when, got, c.want)
		}
	}
}

func TestRequestsTieToWhatTheyWereMadeFor(t *testing.T) {
	const group = "AWS-prod-Admin"
	add := func() []*schemas.Fact { return []*schemas.Fact{added("add", group, at("09:00:00"))} }
	forGroup := func(q *schemas.Request) { q.GroupID = "g-" + group }
	length := func(hours int64) func(*schemas.Request) {
		return func(q *schemas.Request) { q.GroupID, q.Seconds = "g-"+group, hours*3600 }
	}
	for _, c := range []struct {
		name   string
		facts  []*schemas.Fact
		shared []*schemas.Fact
		want   []interval
	}{
		{
			name:  "by group id",
			facts: append(add(), step("r1", "REQ", schemas.StepCreated, at("08:00:00"), forGroup)),
			want:  []interval{{Source: schemas.ByMembership, Opened: "09:00:00", ApprovedUntil: "10:00:00", Requests: []string{"REQ"}, Evidence: []string{"add", "r1"}}},
		},
		{
			name:  "by group name, with its own length",
			facts: append(add(), step("r1", "REQ", schemas.StepApproved, at("08:00:00"), func(q *schemas.Request) { q.Group, q.Seconds = group, 7200 })),
			want:  []interval{{Source: schemas.ByMembership, Opened: "09:00:00", ApprovedUntil: "11:00:00", Requests: []string{"REQ"}, Evidence: []string{"add", "r1"}}},
		},
		{
			name: "by account and role, until an instant",
			facts: append(add(), step("r1", "REQ", schemas.StepApproved, at("08:00:00"), func(q *schemas.Request) {
				q.Account, q.Role, q.Until, q.Origin = account, "Admin", at("09:30:00"), schemas.OriginFeed
			})),
			want: []interval{{Source: schemas.ByMembership, Opened: "09:00:00", ApprovedUntil: "09:30:00", Requests: []string{"REQ"}, Evidence: []string{"add", "r1"}}},
		},
		{
			name:  "the latest of two decides the length",
			facts: append(add(), step("r1", "R1", schemas.StepApproved, at("08:00:00"), length(3)), step("r2", "R2", schemas.StepApproved, at("08:30:00"), length(2))),
			want:  []interval{{Source: schemas.ByMembership, Opened: "09:00:00", ApprovedUntil: "11:00:00", Requests: []string{"R1", "R2"}, Evidence: []string{"add", "r1", "r2"}}},
		},
		{
			name:  "refused",
			facts: append(add(), step("r1", "REQ", schemas.StepDenied, at("08:00:00"), forGroup)),
			want:  []interval{{Source: schemas.ByMembership, Opened: "09:00:00", ApprovedUntil: "10:00:00", Evidence: []string{"add"}}},
		},
		{
			name:  "a day before is near enough, a millisecond more is not",
			facts: append(add(), step("r1", "R1", schemas.StepCreated, at("09:00:00").AddDate(0, 0, -1), forGroup), step("r2", "R2", schemas.StepCreated, at("08:59:59.999").AddDate(0, 0, -1), forGroup)),
			want:  []interval{{Source: schemas.ByMembership, Opened: "09:00:00", ApprovedUntil: "10:00:00", Requests: []string{"R1"}, Evidence: []string{"add", "r1"}}},
		},
		{
			name:  "decided as late as an event may be after the grant, and a millisecond later",
			facts: append(add(), step("r1", "R1", schemas.StepApproved, at("09:02:00"), forGroup), step("r2", "R2", schemas.StepApproved, at("09:02:00.001"), forGroup)),
			want:  []interval{{Source: schemas.ByMembership, Opened: "09:00:00", ApprovedUntil: "10:00:00", Requests: []string{"R1"}, Evidence: []string{"add", "r1"}}},
		},
		{
			name: "the length of its condition, as it was when the request was made",
			facts: append(add(), step("r1", "REQ", schemas.StepCreated, at("08:00:00"), func(q *schemas.Request) {
				q.GroupID, q.Condition = "g-"+group, "c"
			})),
			shared: []*schemas.Fact{condition("c1", "c", 3600, at("01:00:00")), condition("c2", "c", 7200, at("08:00:00")), condition("c3", "c", 60, at("08:00:00.001")), condition("c4", "other", 60, at("08:00:00"))},
			want:   []interval{{Source: schemas.ByMembership, Opened: "09:00:00", ApprovedUntil: "11:00:00", Requests: []string{"REQ"}, Evidence: []string{"add", "r1"}}},
		},
		{
			name: "one that names the role itself opens it",
			facts: []*schemas.Fact{step("r1", "REQ", schemas.StepApproved, at("08:00:00"), func(q *schemas.Request) {
				q.Account, q.Role, q.From, q.Until, q.Origin = account, "Admin", at("08:30:00"), at("09:30:00"), schemas.OriginFeed
			})},
			want: []interval{{Source: schemas.ByRequest, Opened: "08:30:00", ApprovedUntil: "09:30:00", Requests: []string{"REQ"}, Evidence: []string{"r1"}}},
		},
		{
			name: "and lasts as grants do where it says nothing, or until it is taken back",
			facts: []*schemas.Fact{
				step("r1", "REQ", schemas.StepApproved, at("08:00:00"), func(q *schemas.Request) { q.Account, q.Role = account, "Admin" }),
				step("r2", "REQ", schemas.StepCancelled, at("08:20:00"), nil),
			},
			want: []interval{{Source: schemas.ByRequest, Opened: "08:00:00", Removed: "08:20:00", ApprovedUntil: "09:00:00", Requests: []string{"REQ"}, Evidence: []string{"r1", "r2"}}},
		},
		{
			name:  "one that was only made opens nothing",
			facts: []*schemas.Fact{step("r1", "REQ", schemas.StepCreated, at("08:00:00"), func(q *schemas.Request) { q.Account, q.Role = account, "Admin" })},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, intervals(rebuilt(t, c.facts, c.shared).Grants)); d != "" {
				t.Error(d)
			}
		})
	}
}

func condition(id, name string, seconds int64, when time.Time) *schemas.Fact {
	f := fact(schemas.ConditionSet, id, when)
	f.Who = schemas.Identity{Org: org}
	f.Condition = &schemas.Condition{ID: name, Seconds: seconds}
	return f
}

func TestARequestShowsWhoAskedAndWhoDecided(t *testing.T) {
	boss := schemas.Actor{ID: "00uboss", AlternateID: "boss@example.com"}
	facts := []*schemas.Fact{
		added("add", "AWS-prod-Admin", at("09:00:00")),
		step("r1", "REQ", schemas.StepCreated, at("08:00:00"), func(q *schemas.Request) {
			q.GroupID, q.Requester, q.Subject, q.Justification = "g-AWS-prod-Admin", schemas.Actor{ID: "00uada"}, "Access", "incident 7"
		}),
		step("r2", "REQ", schemas.StepApproved, at("08:10:00"), func(q *schemas.Request) {
			q.Origin, q.Approvers = schemas.OriginGovernanceAPI, []schemas.Actor{boss, boss}
		}),
		step("r3", "REQ", schemas.StepResolved, at("08:11:00"), nil),
		assumed("asm", "Okta", account, "Admin", "", at("09:10:00"), time.Hour),
	}
	want := schemas.RequestRef{
		ID: "REQ", Origin: schemas.OriginGovernance, Requester: "00uada", Approvers: []string{"boss@example.com"}, At: at("08:00:00"), DecidedAt: at("08:10:00"),
		Subject: "Access", Justification: "incident 7", Evidence: []string{"r1", "r2", "r3"},
	}
	o := rebuilt(t, facts, nil)
	if d := cmp.Diff([]schemas.RequestRef{want}, o.Grants[0].Requests); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]schemas.RequestRef{want}, o.Sessions[0].Requests); d != "" {
		t.Error(d)
	}
	for _, id := range []string{"r1", "r2", "r3"} {
		if !slices.Contains(o.Sessions[0].Evidence, id) {
			t.Errorf("the session's evidence %v lacks %s", o.Sessions[0].Evidence, id)
		}
	}
}

func TestSelfServiceBeginsAnewWithEachRequest(t *testing.T) {
	app := func(q *schemas.Request) { q.Origin, q.AppID = schemas.OriginSelfService, oktaApp }
	facts := []*schemas.Fact{
		step("a1", "app/ada", schemas.StepCreated, at("08:00:00"), app), step("a2", "app/ada", schemas.StepDenied, at("08:05:00"), app),
		step("b1", "app/ada", schemas.StepCreated, at("09:00:00"), app), step("b2", "app/ada", schemas.StepApproved, at("09:05:00"), app),
	}
	rs := requests(&Input{}, facts)
	if len(rs) != 2 || !rs[0].refused || rs[1].refused || rs[1].decision != facts[3] || rs[0].decision != nil {
		t.Errorf("requests %+v", rs)
	}
}
