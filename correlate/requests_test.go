package correlate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/schemas"
)

// askedFor says what is asked for, in the approvals feed.
func askedFor(change func(*schemas.Request)) func(*schemas.Request) {
	return func(q *schemas.Request) {
		q.Origin = schemas.OriginFeed
		change(q)
	}
}

func TestWhatARequestIsFor(t *testing.T) {
	add := added("add", group, at("09:00:00"))
	app := of(added("app", "", at("09:00:00")), schemas.AppAssigned, oktaApp, "AWS") // opens Reader
	for _, c := range []struct {
		name   string
		opened *schemas.Fact
		asked  func(*schemas.Request)
		behind bool
	}{
		{"the group", add, func(q *schemas.Request) { q.GroupID = "g-" + group }, true},
		{"another group", add, func(q *schemas.Request) { q.GroupID, q.Group = "g-other", group }, false},
		{"another group by name", add, func(q *schemas.Request) { q.Group = "other" }, false},
		{"the role", add, func(q *schemas.Request) { q.Account, q.Role = account, "Admin" }, true},
		{"the role elsewhere", add, func(q *schemas.Request) { q.Account, q.Role = account2, "Admin" }, false},
		{"another role", add, func(q *schemas.Request) { q.Account, q.Role = account, "Reader" }, false},
		{"the role, by an application", add, func(q *schemas.Request) { q.AppID, q.Account, q.Role = oktaApp, account, "Admin" }, true},
		{"the application", app, func(q *schemas.Request) { q.AppID = oktaApp }, true},
		{"another application", app, func(q *schemas.Request) { q.AppID = "0oaother" }, false},
		{"the application's role", app, func(q *schemas.Request) { q.Account, q.Role = account, "Reader" }, true},
		{"the application's role, by a group", app, func(q *schemas.Request) { q.GroupID, q.Account, q.Role = "g-x", account, "Reader" }, true},
		{"the application's role, by a group's name", app, func(q *schemas.Request) { q.Group, q.Account, q.Role = "x", account, "Reader" }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := rebuilt(t, []*schemas.Fact{c.opened, step("ask", "REQ", schemas.StepApproved, at("08:00:00"), askedFor(c.asked))}, nil)
			i := slices.IndexFunc(o.Grants, func(g schemas.Grant) bool { return g.Source != schemas.ByRequest })
			if got := len(o.Grants[i].Requests) == 1; got != c.behind {
				t.Errorf("behind the grant: %v, want %v", got, c.behind)
			}
		})
	}
}

func TestStepsMakeUpARequest(t *testing.T) {
	forGroup := func(q *schemas.Request) { q.GroupID = "g-" + group }
	role := askedFor(func(q *schemas.Request) { q.Account, q.Role = account, "Admin" })
	feed := askedFor(func(*schemas.Request) {})
	add := added("add", group, at("09:00:00"))
	behind := func(until string, requests []string, evidence ...string) []interval {
		return []interval{{Source: schemas.ByMembership, Opened: "09:00:00", ApprovedUntil: until, Requests: requests, Evidence: append([]string{"add"}, evidence...)}}
	}
	length := func(hours int64) func(*schemas.Request) {
		return func(q *schemas.Request) { q.GroupID, q.Seconds = "g-"+group, hours*3600 }
	}
	for _, c := range []struct {
		name  string
		facts []*schemas.Fact
		want  []interval
	}{
		{
			name: "the log and the API both tell that it was made",
			facts: []*schemas.Fact{add, step("r1", "REQ", schemas.StepCreated, at("08:00:00"), forGroup), step("r2", "REQ", schemas.StepCreated, at("08:00:01"), func(q *schemas.Request) {
				q.Origin = schemas.OriginGovernanceAPI
			})},
			want: behind("10:00:00", []string{"REQ"}, "r1", "r2"),
		},
		{
			name: "from and until hold though a later step says nothing of them",
			facts: []*schemas.Fact{
				step("r1", "REQ", schemas.StepCreated, at("08:00:00"), askedFor(func(q *schemas.Request) {
					q.Account, q.Role, q.From, q.Until = account, "Admin", at("08:30:00"), at("09:20:00")
				})),
				step("r2", "REQ", schemas.StepApproved, at("08:10:00"), feed),
			},
			want: []interval{{Source: schemas.ByRequest, Opened: "08:30:00", ApprovedUntil: "09:20:00", Requests: []string{"REQ"}, Evidence: []string{"r2", "r1"}}},
		},
		{
			name: "nothing is open before it is approved",
			facts: []*schemas.Fact{step("r1", "REQ", schemas.StepApproved, at("08:00:00"), askedFor(func(q *schemas.Request) {
				q.Account, q.Role, q.From = account, "Admin", at("07:00:00")
			}))},
			want: []interval{{Source: schemas.ByRequest, Opened: "08:00:00", ApprovedUntil: "09:00:00", Requests: []string{"REQ"}, Evidence: []string{"r1"}}},
		},
		{
			name: "its length counts from its beginning",
			facts: []*schemas.Fact{step("r1", "REQ", schemas.StepApproved, at("08:00:00"), askedFor(func(q *schemas.Request) {
				q.Account, q.Role, q.From, q.Seconds = account, "Admin", at("08:30:00"), 7200
			}))},
			want: []interval{{Source: schemas.ByRequest, Opened: "08:30:00", ApprovedUntil: "10:30:00", Requests: []string{"REQ"}, Evidence: []string{"r1"}}},
		},
		{
			name:  "a role without an account opens nothing",
			facts: []*schemas.Fact{step("r1", "REQ", schemas.StepApproved, at("08:00:00"), askedFor(func(q *schemas.Request) { q.Role = "Admin" }))},
		},
		{
			name:  "nor does an account without a role",
			facts: []*schemas.Fact{step("r1", "REQ", schemas.StepApproved, at("08:00:00"), askedFor(func(q *schemas.Request) { q.Account = account }))},
		},
		{
			name:  "what nobody approved sets no end",
			facts: []*schemas.Fact{add, step("r1", "REQ", schemas.StepCreated, at("08:00:00"), askedFor(length(3)))},
			want:  behind("10:00:00", []string{"REQ"}, "r1"),
		},
		{
			name:  "withdrawn after the addition",
			facts: []*schemas.Fact{add, step("r1", "REQ", schemas.StepApproved, at("08:00:00"), forGroup), step("r2", "REQ", schemas.StepCancelled, at("09:30:00"), nil)},
			want:  behind("10:00:00", []string{"REQ"}, "r1", "r2"),
		},
		{
			name:  "withdrawn before it",
			facts: []*schemas.Fact{add, step("r1", "REQ", schemas.StepApproved, at("08:00:00"), forGroup), step("r2", "REQ", schemas.StepCancelled, at("08:59:59.999"), nil)},
			want:  behind("10:00:00", nil),
		},
		{
			name:  "withdrawn at the same instant, which comes before",
			facts: []*schemas.Fact{add, step("r1", "REQ", schemas.StepApproved, at("08:00:00"), forGroup), step("r2", "REQ", schemas.StepCancelled, at("09:00:00"), nil)},
			want:  behind("10:00:00", nil),
		},
		{
			name: "over with the first step that takes it back",
			facts: []*schemas.Fact{
				step("r1", "REQ", schemas.StepApproved, at("08:00:00"), role), step("r2", "REQ", schemas.StepCancelled, at("08:20:00"), feed),
				step("r3", "REQ", schemas.StepExpired, at("08:40:00"), feed),
			},
			want: []interval{{Source: schemas.ByRequest, Opened: "08:00:00", Removed: "08:20:00", ApprovedUntil: "09:00:00", Requests: []string{"REQ"}, Evidence: []string{"r1", "r2", "r3"}}},
		},
		{
			name: "of two the one decided last sets the end, though it was made first",
			facts: []*schemas.Fact{
				add, step("a1", "A", schemas.StepCreated, at("07:00:00"), length(2)), step("a2", "A", schemas.StepApproved, at("08:30:00"), nil),
				step("b1", "B", schemas.StepApproved, at("08:00:00"), length(3)),
			},
			want: behind("11:00:00", []string{"A", "B"}, "a1", "a2", "b1"),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, intervals(rebuilt(t, c.facts, nil).Grants)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestTheLengthOfARequest(t *testing.T) {
	elsewhere := condition("elsewhere", "c", 60, at("07:30:00"))
	elsewhere.Who.Org = "another"
	for _, c := range []struct {
		name   string
		own    int64
		shared []*schemas.Fact
		want   string
	}{
		{"its own before that of its condition", 7200, []*schemas.Fact{condition("c", "c", 60, at("01:00:00"))}, "11:00:00"},
		{"what its condition said last before, whatever the event is called", 0, []*schemas.Fact{
			condition("a", "c", 7200, at("08:00:00")), condition("z", "c", 3600, at("01:00:00")), condition("y", "c", 60, at("08:00:00.001")),
		}, "11:00:00"},
		{"not what a condition of another org says", 0, []*schemas.Fact{condition("c", "c", 7200, at("01:00:00")), elsewhere}, "11:00:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 2 {
				o := rebuilt(t, []*schemas.Fact{added("add", group, at("09:00:00")), step("r", "REQ", schemas.StepCreated, at("08:00:00"), func(q *schemas.Request) {
					q.GroupID, q.Condition, q.Seconds = "g-"+group, "c", c.own
				})}, c.shared)
				if got := intervals(o.Grants)[0].ApprovedUntil; got != c.want {
					t.Errorf("until %s, want %s", got, c.want)
				}
				slices.Reverse(c.shared)
			}
		})
	}
}

// Of two changes of a condition that come at one instant it is always the same that
// counts.
func TestTheOrderOfConditionsChangesNothing(t *testing.T) {
	shared := []*schemas.Fact{condition("a", "c", 3600, at("01:00:00")), condition("b", "c", 7200, at("01:00:00"))}
	facts := []*schemas.Fact{added("add", group, at("09:00:00")), step("r", "REQ", schemas.StepCreated, at("08:00:00"), func(q *schemas.Request) {
		q.GroupID, q.Condition = "g-"+group, "c"
	})}
	want := bytesOf(t, records(rebuilt(t, facts, shared)))
	slices.Reverse(shared)
	if got := bytesOf(t, records(rebuilt(t, facts, shared))); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTheLimitOfARequestedRole(t *testing.T) {
	ask := step("ask", "REQ", schemas.StepApproved, at("08:00:00"), askedFor(func(q *schemas.Request) { q.Account, q.Role = account, "Admin" }))
	feed := askedFor(func(*schemas.Request) {})
	for _, c := range []struct {
		name, length string
		over         string
		want         time.Time
	}{
		{"the approved end and the tolerance", "1h", "", at("09:05:00")},
		{"the withdrawal, where it is earlier", "1h", "08:20:00", at("08:20:02")},
		{"the approved end, where that is earlier", "1h", "10:00:00", at("09:05:00")},
		{"none", "none", "", time.Time{}},
		{"the withdrawal alone", "none", "10:00:00", at("10:00:02")},
	} {
		t.Run(c.name, func(t *testing.T) {
			facts := []*schemas.Fact{ask}
			if c.over != "" {
				facts = append(facts, step("over", "REQ", schemas.StepCancelled, at(c.over), feed))
			}
			policies := parsePolicy(t, strings.Replace(testPolicy, "bounds: {", "bounds: {grant_duration: "+c.length+", ", 1))
			g := open(&Input{Person: ada, Policies: policies}, facts).grants[0]
			if !g.Limit.Equal(c.want) {
				t.Errorf("limit %s, want %s", g.Limit, c.want)
			}
		})
	}
}

func TestARequestedRoleIsJudgedByThePolicyAtItsOpening(t *testing.T) {
	ps := policies(t, "bounds: {grant_duration: 1h}", "effective_from: 2026-03-02T08:30:00Z\nbounds: {grant_duration: 2h}")
	for from, want := range map[string]time.Time{"08:00:00": at("09:00:00"), "08:30:00": at("10:30:00")} {
		ask := step("ask", "REQ", schemas.StepApproved, at("08:00:00"), askedFor(func(q *schemas.Request) { q.Account, q.Role, q.From = account, "Admin", at(from) }))
		g := open(&Input{Person: ada, Policies: ps}, []*schemas.Fact{ask}).grants[0].Record
		if !g.ApprovedUntil.Equal(want) || g.Policy != ps.At(at(from)).ID() {
			t.Errorf("from %s until %s by %s, want until %s", from, g.ApprovedUntil, g.Policy, want)
		}
	}
}

func TestASessionShowsTheRequestsBehindItsOwnGrants(t *testing.T) {
	ask := func(id string, role string) *schemas.Fact {
		return step(id, id, schemas.StepApproved, at("08:00:00"), func(q *schemas.Request) { q.GroupID = "g-AWS-prod-" + role })
	}
	o := rebuilt(t, []*schemas.Fact{
		added("a", "AWS-prod-Admin", at("09:00:00")), added("b", "AWS-prod-Reader", at("09:00:00")), ask("A", "Admin"), ask("B", "Reader"),
		assumed("asm", "Okta", account, "Admin", "", at("09:10:00"), time.Hour),
	}, nil)
	if got := o.Sessions[0].Requests; len(got) != 1 || got[0].ID != "A" {
		t.Errorf("%+v, want A", got)
	}
}

func TestARequestBehindTwoGrantsIsShownOnce(t *testing.T) {
	text := strings.Replace(testPolicy, "groups:\n", "groups:\n  - {name: two, targets: [{account: prod, role: Admin}]}\n", 1)
	facts := []*schemas.Fact{
		added("a", group, at("09:00:00")), added("b", "two", at("09:00:00")),
		step("ask", "REQ", schemas.StepApproved, at("08:00:00"), askedFor(func(q *schemas.Request) { q.Account, q.Role = account, "Admin" })),
		assumed("asm", "Okta", account, "Admin", "", at("09:10:00"), time.Hour),
	}
	s := Rebuild(Input{Person: ada, Facts: facts, Policies: parsePolicy(t, text)}).Sessions[0]
	if len(s.Grants) != 2 || len(s.Requests) != 1 {
		t.Errorf("%d grants, %d requests, want 2 and 1", len(s.Grants), len(s.Requests))
	}
}

// The grant is prolonged two days later. What is known by then of its requests is no
// part of a session that was final before.
func TestASessionShowsOfRequestsWhatWasKnownAroundIt(t *testing.T) {
	const days = 24 * time.Hour
	length := func(hours int64) func(*schemas.Request) {
		return func(q *schemas.Request) { q.GroupID, q.Seconds = "g-"+group, hours*3600 }
	}
	seen := at("09:10:00").Add(days + 2*time.Minute) // grant_lookback + propagation_delay
	o := rebuilt(t, []*schemas.Fact{
		added("add", group, at("09:00:00")), added("again", group, at("09:00:00").Add(2*days)),
		step("a1", "A", schemas.StepApproved, at("08:00:00"), length(72)), step("a2", "A", schemas.StepResolved, seen, nil),
		step("a3", "A", schemas.StepResolved, seen.Add(time.Millisecond), nil),
		step("refused", "B", schemas.StepDenied, at("20:00:00"), length(1)), step("approved", "B", schemas.StepApproved, at("08:00:00").Add(2*days), nil),
		step("later", "C", schemas.StepApproved, at("08:00:00").Add(2*days), length(1)),
		assumed("asm", "Okta", account, "Admin", "", at("09:10:00"), time.Hour),
	}, nil)
	if got := o.Grants[0].Requests; len(got) != 3 {
		t.Fatalf("behind the grant are %+v, want A, B and C", got)
	}
	got := o.Sessions[0].Requests
	if len(got) != 1 || got[0].ID != "A" || !slices.Equal(got[0].Evidence, []string{"a1", "a2"}) {
		t.Errorf("%+v, want A with a1 and a2", got)
	}
}

func TestAStepMaySayMoreOfOneActorButNotOfAnother(t *testing.T) {
	for _, c := range []struct{ before, now, want schemas.Actor }{
		{schemas.Actor{ID: "1", AlternateID: "a", Name: "A", Type: "User"}, schemas.Actor{}, schemas.Actor{ID: "1", AlternateID: "a", Name: "A", Type: "User"}},
		{schemas.Actor{ID: "1", AlternateID: "a", Name: "A", Type: "User"}, schemas.Actor{ID: "1"}, schemas.Actor{ID: "1", AlternateID: "a", Name: "A", Type: "User"}},
		{schemas.Actor{ID: "1", AlternateID: "a"}, schemas.Actor{ID: "1", AlternateID: "b", Name: "B"}, schemas.Actor{ID: "1", AlternateID: "b", Name: "B"}},
		{schemas.Actor{ID: "1", AlternateID: "a"}, schemas.Actor{ID: "2"}, schemas.Actor{ID: "2"}},
		{schemas.Actor{AlternateID: "a"}, schemas.Actor{Name: "B"}, schemas.Actor{Name: "B"}},
	} {
		if got := richer(c.before, c.now); got != c.want {
			t.Errorf("%+v, then %+v: %+v, want %+v", c.before, c.now, got, c.want)
		}
	}
}

func TestAnApproverWithoutAnyNameIsNotShown(t *testing.T) {
	o := rebuilt(t, []*schemas.Fact{added("add", group, at("09:00:00")), step("ask", "REQ", schemas.StepApproved, at("08:00:00"), func(q *schemas.Request) {
		q.GroupID, q.Approvers = "g-"+group, []schemas.Actor{{Type: "User"}}
	})}, nil)
	if got := o.Grants[0].Requests[0].Approvers; len(got) > 0 {
		t.Errorf("approvers %q, want none", got)
	}
}

func TestAnActorGoesByLoginElseID(t *testing.T) {
	for _, c := range []struct {
		actor schemas.Actor
		want  string
	}{
		{schemas.Actor{ID: "00u1", AlternateID: "boss@example.com", Name: "Boss"}, "boss@example.com"},
		{schemas.Actor{ID: "00u1", AlternateID: "unknown", Name: "Boss"}, "00u1"}, // Okta has none
		{schemas.Actor{ID: "00u1", Name: "Boss"}, "00u1"},
		{schemas.Actor{Name: "Boss"}, "Boss"},
	} {
		if got := nameOf(c.actor); got != c.want {
			t.Errorf("%+v: %q, want %q", c.actor, got, c.want)
		}
	}
}
