package correlate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/schemas"
)

// of is a change of a group or application that goes by this id and name.
func of(f *schemas.Fact, kind schemas.FactKind, id, name string) *schemas.Fact {
	f.Kind, f.Group.ID, f.Group.Name = kind, id, name
	return f
}

func assignment(kind schemas.FactKind, id string, when time.Time) *schemas.Fact {
	f := fact(schemas.Acted, id, when)
	f.Kind, f.Assignment = kind, &schemas.Assignment{Account: account, PermissionSet: permissionSetARN, Actor: schemas.Actor{AlternateID: id + "-admin"}}
	return f
}

func TestStaysAreInOneResource(t *testing.T) {
	const admin, reader = "AWS-prod-Admin", "AWS-prod-Reader"
	open := interval{Source: schemas.ByMembership, Opened: "08:00:00", ApprovedUntil: "09:00:00", Evidence: []string{"add"}}
	ended := open
	ended.Removed, ended.Evidence = "08:30:00", []string{"add", "rem"}
	for _, c := range []struct {
		name  string
		facts []*schemas.Fact
		want  []interval
	}{
		{
			name:  "only the end is known",
			facts: []*schemas.Fact{removed("rem", admin, at("09:00:00"))},
			want:  []interval{{Source: schemas.ByMembership, Removed: "09:00:00", Evidence: []string{"rem"}}},
		},
		{
			name:  "a group without an id is known by its name",
			facts: []*schemas.Fact{of(added("add", admin, at("08:00:00")), schemas.GroupAdded, "", admin), of(removed("rem", admin, at("08:30:00")), schemas.GroupRemoved, "", admin)},
			want:  []interval{ended},
		},
		{
			name:  "and two such are two",
			facts: []*schemas.Fact{of(added("add", admin, at("08:00:00")), schemas.GroupAdded, "", admin), of(removed("rem", admin, at("08:30:00")), schemas.GroupRemoved, "", reader)},
			want:  []interval{open, {Source: schemas.ByMembership, Removed: "08:30:00", Evidence: []string{"rem"}}},
		},
		{
			name:  "a group that has an id is the same under a new name",
			facts: []*schemas.Fact{added("add", admin, at("08:00:00")), of(removed("rem", admin, at("08:30:00")), schemas.GroupRemoved, "g-"+admin, reader)},
			want:  []interval{ended},
		},
		{
			name:  "an application is no group, though both go by one name",
			facts: []*schemas.Fact{of(added("add", admin, at("08:00:00")), schemas.GroupAdded, "", admin), of(removed("rem", admin, at("08:30:00")), schemas.AppUnassigned, "", admin)},
			want:  []interval{open},
		},
		{
			name:  "nor though both go by one id",
			facts: []*schemas.Fact{added("add", admin, at("08:00:00")), of(removed("rem", admin, at("08:30:00")), schemas.AppUnassigned, "g-"+admin, admin)},
			want:  []interval{open},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, intervals(rebuilt(t, c.facts, nil).Grants)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAnApplicationHasNoMembersToList(t *testing.T) {
	s := snapshot("s", "", at("09:00:00"), at("09:01:00"))
	s.Snapshot.Group.ID = oktaApp
	o := rebuilt(t, []*schemas.Fact{of(added("app", "", at("08:00:00")), schemas.AppAssigned, oktaApp, "AWS")}, []*schemas.Fact{s})
	if len(o.Grants) != 1 || !o.Grants[0].Removed.IsZero() {
		t.Errorf("%+v", o.Grants)
	}
}

func TestAGrantNamesWhoGaveItAndWhoTookItAway(t *testing.T) {
	add, rem := added("add", "AWS-prod-Admin", at("08:00:00")), removed("rem", "AWS-prod-Admin", at("09:00:00"))
	add.Group.Actor, rem.Group.Actor = schemas.Actor{AlternateID: "add-admin"}, schemas.Actor{AlternateID: "rem-admin"}
	for _, facts := range [][]*schemas.Fact{
		{add, rem},
		{assignment(schemas.AccountAssigned, "add", at("08:00:00")), assignment(schemas.AccountUnassigned, "rem", at("09:00:00"))},
	} {
		g := rebuilt(t, facts, nil).Grants[0]
		if g.GrantedBy == nil || g.GrantedBy.AlternateID != "add-admin" || g.RemovedBy == nil || g.RemovedBy.AlternateID != "rem-admin" {
			t.Errorf("%s: given by %+v, taken away by %+v", g.Source, g.GrantedBy, g.RemovedBy)
		}
	}
	add.Group.Actor = schemas.Actor{}
	if by := rebuilt(t, []*schemas.Fact{add}, nil).Grants[0].GrantedBy; by != nil {
		t.Errorf("given by %+v, of whom the event says nothing", by)
	}
}

func TestAGrantsIDIsMadeOfItsOpenerAndTheRole(t *testing.T) {
	grants := rebuilt(t, []*schemas.Fact{
		added("add", "AWS-prod-Admin", at("08:00:00")),
		step("ask", "REQ", schemas.StepApproved, at("10:00:00"), func(q *schemas.Request) { q.Account, q.Role = account, "Reader" }),
	}, nil).Grants
	want := []string{schemas.GrantID(ada.Key, "add", account, "Admin"), schemas.GrantID(ada.Key, "ask", account, "Reader")}
	if len(grants) != 2 || grants[0].ID != want[0] || grants[1].ID != want[1] {
		t.Errorf("%+v, want %v", grants, want)
	}
}

// On the grant of a session hangs what is final about it, so a removal that comes
// to light later must not put another in its place.
func TestWhichGrantASessionNamesDoesNotHangOnTheirEnds(t *testing.T) {
	text := strings.Replace(testPolicy, "groups:\n", `groups:
  - {name: one, targets: [{account: prod, role: Admin}]}
  - {name: two, targets: [{account: prod, role: Admin}]}
`, 1)
	of := func(facts ...*schemas.Fact) string {
		facts = append(facts, added("a", "one", at("08:00:00")), added("b", "two", at("08:00:00")), assumed("asm", "Okta", account, "Admin", "", at("08:10:00"), time.Hour))
		return Rebuild(Input{Person: ada, Facts: facts, Policies: parsePolicy(t, text)}).Sessions[0].Grant
	}
	want := of()
	for _, name := range []string{"one", "two"} {
		if got := of(removed("rem", name, at("08:40:00"))); got != want {
			t.Errorf("after the removal from %s: %s, before: %s", name, got, want)
		}
	}
}

func TestAGrantIsUnusedThoughAnotherWasUsed(t *testing.T) {
	in := Input{Person: ada, Policies: parsePolicy(t, testPolicy), Facts: []*schemas.Fact{
		added("one", "AWS-prod-Admin", at("08:00:00")), removed("one-end", "AWS-prod-Admin", at("09:00:00")),
		added("two", "AWS-prod-Reader", at("08:00:00")), removed("two-end", "AWS-prod-Reader", at("09:00:00")),
		assumed("asm", "Okta", account, "Admin", "", at("08:10:00"), time.Hour),
	}}
	in.Coverage = NewCoverage([]schemas.Coverage{
		{Shard: okta, From: day.AddDate(0, 0, -2), To: day.AddDate(0, 0, 2)},
		{Shard: "aws/" + account + "/us-east-1", From: day.AddDate(0, 0, -2), To: day.AddDate(0, 0, 2)},
	})
	var unused []string
	for _, f := range Rebuild(in).Findings {
		if f.Rule == "unused_grant" {
			unused = append(unused, f.Anchor)
		}
	}
	if !slices.Equal(unused, []string{"two"}) {
		t.Errorf("unused: %v, want that of the role that was not assumed", unused)
	}
}
