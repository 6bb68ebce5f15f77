package correlate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"jitaudit/schemas"
)

func TestWhenToLookAgainAtActivityOutOfNowhere(t *testing.T) {
	call := fact(schemas.Acted, "call", at("09:30:00"))
	call.Call = &schemas.Call{
		PrincipalID: "AROAWATCHED:ada@example.com", AccessKeyID: "ASIANOWHERE", CreatedAt: at("09:00:00"),
		RoleARN: "arn:aws:iam::" + account + ":role/Admin", Service: "s3",
	}
	shard := "aws/" + account + "/us-east-1"
	out := Rebuild(Input{
		Person: ada, Policies: parsePolicy(t, testPolicy), Facts: []*schemas.Fact{call},
		Coverage: NewCoverage([]schemas.Coverage{{Shard: shard, From: day, To: at("08:00:00")}}),
	})
	want := []Due{{Shard: "aws/*", At: at("10:00:00")}, {Shard: shard, At: at("09:00:02")}} // stalled 2h behind; made within 2s
	if !slices.Equal(out.Next, want) || len(out.Findings) != 0 {
		t.Errorf("next %v, want %v; findings %+v", out.Next, want, out.Findings)
	}
}

func TestTheSeverityOfAGrantsFindingIsThatOfItsPlace(t *testing.T) {
	policies := parsePolicy(t, testPolicy+"severity_overrides: [{rule: manual_grant, accounts: [dev], roles: [Reader], severity: info}]\n")
	var facts []*schemas.Fact
	for _, group := range []string{"AWS-dev-Reader", "AWS-dev-Admin", "AWS-prod-Reader"} {
		f := added(group, group, at("09:00:00"))
		f.Group.Actor = schemas.Actor{Type: "User", ID: "00uboss", AlternateID: "boss@example.com"}
		facts = append(facts, f)
	}
	got := make(map[string]schemas.Severity)
	for _, f := range Rebuild(Input{Person: ada, Policies: policies, Facts: facts}).Findings {
		got[f.Rule+" "+f.Anchor] = f.Severity
	}
	for anchor, want := range map[string]schemas.Severity{"AWS-dev-Reader": schemas.Info, "AWS-dev-Admin": schemas.High, "AWS-prod-Reader": schemas.High} {
		if got["manual_grant "+anchor] != want {
			t.Errorf("%s: severity %q, want %q", anchor, got["manual_grant "+anchor], want)
		}
	}
}

func TestARequestBehindSeveralAssumptionsIsShownOnce(t *testing.T) {
	ask := func(id string, s schemas.RequestStep, clock string) *schemas.Fact {
		request, _, _ := strings.Cut(id, " ")
		return step(id, request, s, at(clock), func(q *schemas.Request) { q.GroupID = "g-AWS-prod-Admin" })
	}
	s := rebuilt(t, []*schemas.Fact{
		ask("one made", schemas.StepCreated, "08:00:00"), ask("one approved", schemas.StepApproved, "08:10:00"),
		ask("two made", schemas.StepCreated, "08:20:00"), ask("two approved", schemas.StepApproved, "08:30:00"),
		added("add", "AWS-prod-Admin", at("09:00:00")),
		assumed("first", "Okta", account, "Admin", "", at("09:10:00"), time.Hour),
		assumed("second", "Okta", account, "Admin", "", at("09:20:00"), time.Hour),
	}, nil).Sessions[0]
	var ids []string
	for _, q := range s.Requests {
		ids = append(ids, q.ID)
	}
	slices.Sort(ids)
	if len(s.Assumptions) != 2 || !slices.Equal(ids, []string{"one", "two"}) {
		t.Errorf("%d assumptions, requests %q", len(s.Assumptions), ids)
	}
}
