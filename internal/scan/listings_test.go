package scan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

const (
	adaListed = `{"org":"example","group":{"id":"00g1","name":"aws#prod#Admin#111111111111"},"at":"2026-03-02T08:00:00Z","user":{"id":"00uada","profile":{"login":"ada@example.com"}}}`
	allListed = `{"org":"example","group":{"id":"00g1","name":"aws#prod#Admin#111111111111"},"from":"2026-03-02T08:00:00Z","to":"2026-03-02T08:00:05Z","members":1}`
	// What Okta's governance answers is kept as it is, line breaks included.
	adaAsked = `{"org":"example","at":"2026-03-02T09:05:00Z","request":{
  "id": "req1", "status": "APPROVED", "created": "2026-03-02T08:50:00.000Z",
  "requestedFor": {"type": "OKTA_USER", "externalId": "00uada"},
  "requested": {"resourceId": "00g1", "resourceType": "GROUP"},
  "revocationScheduled": "2026-03-02T12:00:00.000Z",
  "requestApproval": {"decisions": [{"deciderId": "00ubob", "deciderName": "Bob Example", "decision": "APPROVE", "decided": "2026-03-02T08:55:00.000Z"}]}
}}`
	adaStored = `{"store":"d-1234567890","account":"333333333333","region":"eu-central-1","at":"2026-03-01T00:00:00Z","user":{"UserId":"u-ada","UserName":"ada@example.com"}}`
)

// given is an event that puts ada into the group.
const given = `{"uuid":"add","eventType":"group.user_membership.add","published":"2026-03-02T09:00:00.000Z","outcome":{"result":"SUCCESS"},"actor":{"id":"bot","type":"PublicClientApp"},"target":[{"id":"00uada","type":"User","alternateId":"ada@example.com"},{"id":"00g1","type":"UserGroup","displayName":"aws#prod#Admin#111111111111"}]}`

func simplePolicy(t *testing.T) *policy.Set {
	t.Helper()
	p, err := policy.Parse("policy.yaml", []byte(`
providers:
  - {name: okta, arn: 'arn:aws:iam::*:saml-provider/Okta', federation: direct, okta_org: example, apps: [0oa1]}
groups:
  - match: '^aws#\S+#(?P<role>[\w-]+)#(?P<account>\d{12})$'
    duration: none
`))
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestListedMembersHaveGrants(t *testing.T) {
	got, err := Raw(t.Context(), Logs{Snapshots: []byte(adaListed + "\n" + allListed + "\n" + adaListed), Policies: simplePolicy(t)})
	if err != nil {
		t.Fatal(err)
	}
	grants := got.Grants()
	if len(grants) != 1 || grants[0].Source != schemas.BySnapshot || grants[0].Person.Name != "ada@example.com" || grants[0].Role != "Admin" {
		t.Errorf("grants %+v", grants)
	}
	want := schemas.Ledger{Source: schemas.Okta, Read: 3, Used: 2, Duplicate: 1}
	if len(got.Ledgers) != 2 || got.Ledgers[0] != want {
		t.Errorf("ledgers %+v, want %+v first", got.Ledgers, want)
	}
	// What Okta listed is no log: nothing is known to be complete, nor when it began.
	if len(got.Coverage) != 0 || !got.First.IsZero() {
		t.Errorf("coverage %+v, first %s", got.Coverage, got.First)
	}
}

func TestListingsOfNoLogAreNoShard(t *testing.T) {
	day := []Complete{{From: at("2026-03-01"), To: at("2026-03-08")}}
	files := []file{
		{source: schemas.Okta, snapshot: true, name: "snapshots", data: []byte(adaListed)},
		{source: schemas.Approvals, org: "tickets", name: "approvals", data: []byte(`{"request":"R","grantee":"ada@example.com","decision":"approved","decided_at":"2026-03-02T07:59:00Z","resource":{"group_id":"00g1"}}`)},
	}
	opts := Options{Policies: simplePolicy(t), Complete: day}
	if got := scanAll(t, files, opts); len(got.Coverage) != 0 {
		t.Errorf("coverage %+v", got.Coverage)
	}
	files = append(files, file{source: schemas.Okta, org: "example", name: "okta", data: []byte(`{"uuid":"u1","eventType":"user.session.start","published":"2026-03-02T09:00:00.000Z"}`)})
	got := scanAll(t, files, opts)
	if len(got.Coverage) != 1 || got.Coverage[0].Shard != "okta/example" || !got.First.Equal(at("2026-03-02T09:00:00Z")) {
		t.Errorf("coverage %+v, first %s", got.Coverage, got.First)
	}
	if n := len(got.Ledgers); n != 3 || got.Ledgers[2] != (schemas.Ledger{Source: schemas.Approvals, Read: 1, Used: 1}) {
		t.Errorf("ledgers %+v", got.Ledgers)
	}
}

func TestBadListingsAreDeadLetters(t *testing.T) {
	for _, tc := range []struct{ name, org, line, want string }{
		{"an event", "example", `{"uuid":"u1","eventType":"user.session.start","published":"2026-03-02T09:00:00.000Z"}`, "neither a member of an Okta group nor the snapshot of one, nor a request for access or a user of an Identity Store"},
		{"an approval of a feed", "example", `{"request":"R","org":"example","grantee":"ada@example.com","decision":"approved"}`, "neither a member"},
		{"an event in an envelope", "example", `{"account":"111111111111","region":"us-east-1","detail":{"eventID":"e1"}}`, "neither a member"},
		{"another org's request", "labs", adaAsked, "it is of okta/example, but the file was given as one of okta/labs"},
		{"a request of nobody", "example", strings.Replace(adaAsked, "requestedFor", "wantedFor", 1), "that names no user"},
		{"another org's", "labs", adaListed, "it is of okta/example, but the file was given as one of okta/labs"},
		{"another org's snapshot", "labs", allListed, "it is of okta/example"},
		{"user without id", "example", strings.Replace(adaListed, `"id":"00uada",`, "", 1), "the user of a member has no id"},
		{"snapshot without end", "", strings.Replace(allListed, `"to":"2026-03-02T08:00:05Z",`, "", 1), "without a time"},
		{"nonsense", "", "nonsense", "JSON"},
	} {
		got := scanAll(t, []file{{source: schemas.Okta, org: tc.org, snapshot: true, name: "snapshots", data: []byte(tc.line)}}, Options{Policies: simplePolicy(t)})
		if len(got.DeadLetters) != 1 || !strings.Contains(got.DeadLetters[0].Reason, tc.want) || got.Ledgers[0].Dead != 1 || !got.Ledgers[0].Balanced() {
			t.Errorf("%s: %+v, ledger %+v", tc.name, got.DeadLetters, got.Ledgers[0])
		}
	}
}

func TestRecordsOfListingsAreToldByTheirContent(t *testing.T) {
	// In whatever order, of whatever source and org the file is said to be.
	data := strings.Join([]string{adaStored, adaListed, adaAsked, allListed}, "\n")
	for _, f := range []file{
		{source: schemas.Okta, org: "example"}, {source: schemas.Okta}, {source: schemas.CloudTrail},
	} {
		f.snapshot, f.name, f.data = true, "listings", []byte(data)
		got := scanAll(t, []file{f}, Options{Policies: simplePolicy(t)})
		want := map[schemas.FactKind]int64{schemas.Acted: 0, schemas.MemberObserved: 1, schemas.SnapshotComplete: 1, schemas.Requested: 1, schemas.UserObserved: 1}
		if !maps.Equal(got.Facts, want) || len(got.DeadLetters) > 0 {
			t.Errorf("of %s %q: facts %v, dead letters %+v", f.source, f.org, got.Facts, got.DeadLetters)
		}
		if got.Ledgers[0] != (schemas.Ledger{Source: schemas.Okta, Read: 3, Used: 3}) || got.Ledgers[1] != (schemas.Ledger{Source: schemas.CloudTrail, Read: 1, Used: 1}) {
			t.Errorf("of %s %q: ledgers %+v", f.source, f.org, got.Ledgers)
		}
		if len(got.Coverage) != 0 || !got.First.IsZero() {
			t.Errorf("of %s %q: coverage %+v, first %s", f.source, f.org, got.Coverage, got.First)
		}
	}
}

func TestBadRecordsOfListingsCountWhereTheyBelong(t *testing.T) {
	nameless := strings.Replace(adaStored, `"UserId":"u-ada",`, "", 1)
	got := scanAll(t, []file{{source: schemas.Okta, org: "example", snapshot: true, name: "listings", data: []byte(adaAsked + "\n" + nameless + "\n{}\n" + adaStored)}}, Options{Policies: simplePolicy(t)})
	if len(got.DeadLetters) != 2 {
		t.Fatalf("dead letters %+v", got.DeadLetters)
	}
	offset := int64(len(adaAsked) + 1)
	for i, want := range []schemas.DeadLetter{
		{Source: schemas.CloudTrail, File: "listings", Record: 2, Offset: offset, Raw: []byte(nameless),
			Reason: "a user of an Identity Store without account, region, time or id; list the store again"},
		{Source: schemas.Okta, File: "listings", Record: 3, Offset: offset + int64(len(nameless)) + 1, Raw: []byte("{}"), Reason: errNoListing.Error()},
	} {
		if d := cmp.Diff(want, got.DeadLetters[i]); d != "" {
			t.Error(d)
		}
	}
	// The user is nobody whom Okta knows.
	if got.Ledgers[0] != (schemas.Ledger{Source: schemas.Okta, Read: 2, Used: 1, Dead: 1}) || got.Ledgers[1] != (schemas.Ledger{Source: schemas.CloudTrail, Read: 2, Irrelevant: 1, Dead: 1}) {
		t.Errorf("ledgers %+v", got.Ledgers)
	}
}

func TestARequestOfGovernanceTellsWhoApprovedAndUntilWhen(t *testing.T) {
	logs := Logs{Okta: map[string][]byte{"example": []byte(given)}, Policies: simplePolicy(t)}
	of := func() schemas.Grant {
		t.Helper()
		got, err := Raw(t.Context(), logs)
		if err != nil {
			t.Fatal(err)
		}
		grants := got.Grants()
		if len(grants) != 1 || grants[0].Person.Name != "ada@example.com" {
			t.Fatalf("grants %+v", grants)
		}
		return grants[0]
	}
	if g := of(); len(g.Requests) > 0 {
		t.Errorf("neither log says that anybody asked: %+v", g.Requests)
	}
	// The same answer at another time is the same.
	logs.Snapshots = []byte(adaAsked + "\n" + strings.Replace(adaAsked, "09:05:00Z", "10:05:00Z", 1))
	g := of()
	if len(g.Requests) != 1 || !slices.Equal(g.Requests[0].Approvers, []string{"00ubob"}) || !g.ApprovedUntil.Equal(at("2026-03-02T12:00:00Z")) {
		t.Errorf("requests %+v, approved until %s", g.Requests, g.ApprovedUntil)
	}
	logs.Snapshots = []byte(strings.Replace(adaAsked, "00ubob", "00uada", 1))
	got, err := Raw(t.Context(), logs)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(got.Findings(), func(f schemas.Finding) bool { return f.Rule == "self_approved" }) {
		t.Errorf("nobody approved for themselves: %+v", got.Findings())
	}
}

func TestAUserOfAnIdentityStoreIsThePersonOfTheirName(t *testing.T) {
	set, err := policy.Parse("policy.yaml", []byte(`
providers:
  - {name: okta, arn: 'arn:aws:iam::*:saml-provider/Okta', federation: direct, okta_org: example, apps: [0oa1]}
permission_sets:
  'arn:aws:sso:::permissionSet/ssoins-1/ps-1': Admin
`))
	if err != nil {
		t.Fatal(err)
	}
	policies, err := policy.NewSet(set)
	if err != nil {
		t.Fatal(err)
	}
	assigned := `{"eventID":"e1","eventTime":"2026-02-27T09:00:00Z","eventName":"CreateAccountAssignment","eventSource":"sso.amazonaws.com","awsRegion":"us-east-1","recipientAccountId":"111111111111","userIdentity":{"type":"IAMUser","userName":"admin","accountId":"111111111111"},"requestParameters":{"targetId":"111111111111","permissionSetArn":"arn:aws:sso:::permissionSet/ssoins-1/ps-1","principalType":"USER","principalId":"u-ada"}}`
	grants := func(listed string) []schemas.Grant {
		t.Helper()
		got, err := Raw(t.Context(), Logs{CloudTrail: []byte(assigned), Snapshots: []byte(listed), Policies: policies})
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(got.Grants(), func(g schemas.Grant) bool { return g.Source != schemas.ByAssignment })
	}
	if got := grants(adaListed); len(got) > 0 {
		t.Errorf("nothing says whose the assignment is: %+v", got)
	}
	// It is told of days after the assignment, and holds all the same.
	if got := grants(adaListed + "\n" + adaStored); len(got) != 1 || got[0].Person.Name != "ada@example.com" || got[0].Role != "Admin" {
		t.Errorf("grants %+v", got)
	}
}

// An assignment is a call of whoever made it, and a grant of whom it is for.
func TestAssignmentsAreTheUsersAndTheCallTheirMakers(t *testing.T) {
	set, err := policy.Parse("policy.yaml", []byte(`
providers:
  - {name: okta, arn: 'arn:aws:iam::*:saml-provider/Okta', federation: direct, okta_org: example, apps: [0oa1]}
permission_sets:
  'arn:aws:sso:::permissionSet/ssoins-1/ps-1': Admin
watched:
  - {accounts: ['*']}
`))
	if err != nil {
		t.Fatal(err)
	}
	policies, err := policy.NewSet(set)
	if err != nil {
		t.Fatal(err)
	}
	event := func(id, at, name, source, identity, more string) string {
		return fmt.Sprintf(`{"eventID":%q,"eventTime":%q,"eventName":%q,"eventSource":%q,"awsRegion":"us-east-1","recipientAccountId":"111111111111","userIdentity":%s%s}`, id, at, name, source, identity, more)
	}
	trail := strings.Join([]string{
		event("e1", "2026-03-02T09:00:00Z", "AssumeRoleWithSAML", "sts.amazonaws.com", `{"type":"SAMLUser","userName":"ada@example.com"}`,
			`,"requestParameters":{"roleSessionName":"ada","roleArn":"arn:aws:iam::111111111111:role/Admin"},"responseElements":{"credentials":{"accessKeyId":"ASIAADA"},"assumedRoleUser":{"assumedRoleId":"AROAADMIN:ada"}}`),
		event("e2", "2026-03-02T09:01:00Z", "CreateAccountAssignment", "sso.amazonaws.com",
			`{"type":"AssumedRole","principalId":"AROAADMIN:ada","accessKeyId":"ASIAADA","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::111111111111:role/Admin"},"attributes":{"creationDate":"2026-03-02T09:00:00Z"}}}`,
			`,"requestParameters":{"targetId":"111111111111","permissionSetArn":"arn:aws:sso:::permissionSet/ssoins-1/ps-1","principalType":"USER","principalId":"u-ben"}`),
		event("e3", "2026-03-02T09:02:00Z", "Federate", "sso.amazonaws.com", `{"type":"IdentityCenterUser","userName":"ben@example.com","onBehalfOf":{"userId":"u-ben"}}`, ""),
	}, "\n")
	group := func(id, login string) string {
		return fmt.Sprintf(`{"uuid":%q,"eventType":"user.authentication.auth_via_mfa","published":"2026-03-02T08:00:00.000Z","outcome":{"result":"SUCCESS"},"actor":{"id":"00u%s","type":"User","alternateId":"%s@example.com"},"debugContext":{"debugData":{"factor":"OKTA_VERIFY_PUSH"}}}`, id, login, login)
	}
	got, err := Raw(t.Context(), Logs{Okta: map[string][]byte{"example": []byte(group("u1", "ada") + "\n" + group("u2", "ben"))}, CloudTrail: []byte(trail), Policies: policies})
	if err != nil {
		t.Fatal(err)
	}
	grants, sessions := got.Grants(), got.Sessions()
	if len(grants) != 1 || grants[0].Person.Name != "ben@example.com" || grants[0].GrantedBy == nil || grants[0].GrantedBy.Name != "ada" {
		t.Errorf("grants %+v", grants)
	}
	if len(sessions) != 1 || sessions[0].Person.Name != "ada@example.com" || got.activity()[0].Calls != 1 {
		t.Errorf("sessions %+v, activity %+v", sessions, got.activity())
	}
	for _, f := range got.Findings() {
		if f.Rule == "orphan_activity" {
			t.Errorf("%s: %s", f.Person.Name, f.Why)
		}
	}
	if l := got.Ledgers[1]; l.Read != 3 || l.Used != 3 {
		t.Errorf("ledger %+v", l)
	}
}
