package governance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/schemas"
)

var morning = time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)

// approved is a request as the API documents it, made up.
const approved = `{
  "id": "req1awsprodadmin00001", "created": "2026-05-04T08:05:11.000Z", "createdBy": "00u1ada00000000001",
  "lastUpdated": "2026-05-04T08:14:42.000Z", "lastUpdatedBy": "00u1bob00000000002",
  "status": "APPROVED", "resolved": "2026-05-04T08:14:41.000Z", "grantStatus": "GRANTED", "granted": "2026-05-04T08:14:42.000Z",
  "requestedBy": {"type": "OKTA_USER", "externalId": "00u1cai00000000003"},
  "requestedFor": {"type": "OKTA_USER", "externalId": "00u1ada00000000001"},
  "requested": {"entryId": "cen1", "resourceId": "0oa1awsprod00000001", "resourceType": "APPLICATION", "accessScopeId": "00g1awsprodadmin01", "accessScopeType": "GROUP"},
  "accessDuration": "PT3H", "revocationScheduled": "2026-05-04T11:14:42.000Z",
  "requesterFieldValues": [{"id": "f1", "label": "Which ticket?", "type": "TEXT", "value": "OPS-1"}, {"id": "f2", "label": "Business justification", "type": "TEXT", "value": "incident"}],
  "requestApproval": {"type": "OKTA", "status": "APPROVED", "decided": "2026-05-04T08:14:40.000Z", "decisions": [
    {"deciderId": "00u1bob00000000002", "deciderName": "Bob Example", "decision": "APPROVE", "decided": "2026-05-04T08:14:40.000Z"}]},
  "_links": {"requestCondition": {"href": "https://example.okta.com/governance/api/v2/resources/0oa1awsprod00000001/request-conditions/rco1awsprod000000001"}}
}`

func decode(t *testing.T, request string) (schemas.Fact, error) {
	t.Helper()
	raw, err := Record{Org: "example", At: morning, Request: json.RawMessage(request)}.encode()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), request) {
		t.Errorf("the bytes of the request are not kept: %s", raw)
	}
	return DecodeRequest(raw)
}

func TestARequestSaysWhoApprovedItAndForHowLong(t *testing.T) {
	got, err := decode(t, approved)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got.ID, "sha256:") || len(got.ID) != 71 || len(got.Hash) != 16 {
		t.Errorf("id %s, hash %s", got.ID, got.Hash)
	}
	got.ID, got.Hash = "", ""
	want := schemas.Fact{
		Kind: schemas.Requested, Source: schemas.Okta, Shard: "okta/example", At: morning.Add(14*time.Minute + 40*time.Second),
		Who: schemas.Identity{Org: "example", OktaUserID: "00u1ada00000000001"},
		Request: &schemas.Request{
			ID: "req1awsprodadmin00001", Step: schemas.StepApproved, Origin: schemas.OriginGovernanceAPI,
			Requester: schemas.Actor{ID: "00u1cai00000000003"},
			Approvers: []schemas.Actor{{ID: "00u1bob00000000002", Type: "User", Name: "Bob Example"}},
			GroupID:   "00g1awsprodadmin01", AppID: "0oa1awsprod00000001", Condition: "rco1awsprod000000001",
			Until: morning.Add(3*time.Hour + 14*time.Minute + 42*time.Second), Seconds: 3 * 60 * 60, Justification: "incident",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheSameAnswerAtAnotherTimeIsTheSameFact(t *testing.T) {
	facts := make([]schemas.Fact, 2)
	for i := range facts {
		raw, err := Record{Org: "example", At: morning.Add(time.Duration(i) * time.Hour), Request: json.RawMessage(approved)}.encode()
		if err != nil {
			t.Fatal(err)
		}
		if facts[i], err = DecodeRequest(raw); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(facts[0], facts[1]); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsMissingOrOddIsLeftOut(t *testing.T) {
	user := `"requestedFor":{"type":"OKTA_USER","externalId":"00u1"}`
	who := schemas.Identity{Org: "example", OktaUserID: "00u1"}
	one := func(q schemas.Request) *schemas.Request {
		q.ID, q.Origin = "req1", schemas.OriginGovernanceAPI
		return &q
	}
	at := func(minute int) time.Time { return morning.Add(time.Duration(minute) * time.Minute) }
	for _, tt := range []struct {
		name, fields string
		at           time.Time
		want         *schemas.Request
	}{
		{"nothing but a user", user, morning, one(schemas.Request{Step: schemas.StepUpdated})},
		{"submitted", user + `,"status":"SUBMITTED","created":"2026-05-04T08:01:00Z","lastUpdated":"2026-05-04T08:02:00Z"`, at(1), one(schemas.Request{Step: schemas.StepCreated})},
		{"pending", user + `,"status":"PENDING","created":"2026-05-04T08:01:00Z","lastUpdated":"2026-05-04T08:02:00Z"`, at(2), one(schemas.Request{Step: schemas.StepUpdated})},
		{"approved, decisions as in the examples", user + `,"status":"APPROVED","lastUpdated":"2026-05-04T08:09:00Z","requestApproval":{"decisions":[{"userId":"00u2","userName":"Bob","decision":"APPROVED","decided":"2026-05-04T08:03:00Z"},{"userId":"00u3","decision":"APPROVED","decided":"2026-05-04T08:04:00Z"}]}`,
			at(4), one(schemas.Request{Step: schemas.StepApproved, Approvers: []schemas.Actor{{ID: "00u2", Type: "User", Name: "Bob"}, {ID: "00u3", Type: "User"}}})},
		{"approved, by nobody", user + `,"status":"APPROVED","resolved":"2026-05-04T08:05:00Z","lastUpdated":"2026-05-04T08:09:00Z"`, at(5), one(schemas.Request{Step: schemas.StepApproved})},
		{"denied after an approval", user + `,"status":"DENIED","lastUpdated":"2026-05-04T08:09:00Z","requestApproval":{"decisions":[{"deciderId":"00u2","decision":"APPROVE","decided":"2026-05-04T08:07:00Z"},{"deciderId":"00u3","decision":"DENY","decided":"2026-05-04T08:06:00Z"}]}`,
			at(6), one(schemas.Request{Step: schemas.StepDenied, Approvers: []schemas.Actor{{ID: "00u3", Type: "User"}}})},
		{"rejected", user + `,"status":"REJECTED","resolved":"2026-05-04T08:05:00Z"`, at(5), one(schemas.Request{Step: schemas.StepDenied})},
		{"cancelled", user + `,"status":"CANCELED","resolved":"2026-05-04T08:05:00Z"`, at(5), one(schemas.Request{Step: schemas.StepCancelled})},
		{"expired", user + `,"status":"EXPIRED","lastUpdated":"2026-05-04T08:05:00Z"`, at(5), one(schemas.Request{Step: schemas.StepExpired})},
		{"a status of the future", user + `,"status":"REOPENED","lastUpdated":"2026-05-04T08:05:00Z"`, at(5), one(schemas.Request{Step: schemas.StepUpdated})},
		{"by an app, for nobody else", `"requestedBy":{"type":"OKTA_USER","externalId":"00u1"},"createdBy":"00u9"`, morning, one(schemas.Request{Step: schemas.StepUpdated, Requester: schemas.Actor{ID: "00u1"}})},
		{"made by", user + `,"createdBy":"00u9"`, morning, one(schemas.Request{Step: schemas.StepUpdated, Requester: schemas.Actor{ID: "00u9"}})},
		{"40 days", user + `,"accessDuration":"P40D"`, morning, one(schemas.Request{Step: schemas.StepUpdated, Seconds: 40 * 24 * 60 * 60})},
		{"90 minutes", user + `,"accessDuration":"PT90M"`, morning, one(schemas.Request{Step: schemas.StepUpdated, Seconds: 90 * 60})},
		{"a month", user + `,"accessDuration":"P1M"`, morning, one(schemas.Request{Step: schemas.StepUpdated})},
		{"null", user + `,"accessDuration":null,"revocationScheduled":null,"requestApproval":null,"requested":null,"_links":null`, morning, one(schemas.Request{Step: schemas.StepUpdated})},
		{"a group", user + `,"requested":{"resourceId":"00g1","resourceType":"GROUP"}`, morning, one(schemas.Request{Step: schemas.StepUpdated, GroupID: "00g1"})},
		{"another type", user + `,"accessDuration":3,"requesterFieldValues":{"a":1},"status":["x"],"createdBy":"00u9"`, morning, one(schemas.Request{Step: schemas.StepUpdated, Requester: schemas.Actor{ID: "00u9"}})},
		{"another name for the link", user + `,"_links":{"approvalCondition":{"href":"/conditions/rco1?expand=all"}}`, morning, one(schemas.Request{Step: schemas.StepUpdated, Condition: "rco1"})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := decode(t, fmt.Sprintf(`{"id":"req1",%s}`, tt.fields))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, f.Request); diff != "" {
				t.Error(diff)
			}
			if f.Who != who || !f.At.Equal(tt.at) {
				t.Errorf("of %+v at %s, want %s", f.Who, f.At, tt.at)
			}
		})
	}
}

func TestWhatIsNoRequestIsADeadLetter(t *testing.T) {
	for name, tt := range map[string]struct{ raw, want string }{
		"no JSON":        {`{`, "not a request of Okta's governance API"},
		"no wrapper":     {approved, "a request for access without an org or a time"},
		"no request":     {`{"org":"example","at":"2026-05-04T08:00:00Z"}`, "none as Okta writes it"},
		"a list":         {`{"org":"example","at":"2026-05-04T08:00:00Z","request":[]}`, "none as Okta writes it"},
		"nobody":         {`{"org":"example","at":"2026-05-04T08:00:00Z","request":{"id":"req1"}}`, "names no user"},
		"an app alone":   {`{"org":"example","at":"2026-05-04T08:00:00Z","request":{"id":"req1","requestedBy":{"type":"OKTA_APP","externalId":"pca1"}}}`, "names no user"},
		"without its id": {`{"org":"example","at":"2026-05-04T08:00:00Z","request":{"requestedFor":{"externalId":"00u1"}}}`, "without an id"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := DecodeRequest([]byte(tt.raw)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestEventsNameRequests(t *testing.T) {
	for _, tt := range []struct {
		name, raw, id string
		ends          bool
	}{
		{"another event", `{"eventType":"user.session.start"}`, "", false},
		{"a condition", `{"eventType":"access.request.condition.create","target":[{"id":"req1","type":"ACCESS_REQUEST"}]}`, "", false},
		{"created", `{"eventType":"access.request.create","debugContext":{"debugData":{"access_request_id":"req1"}}}`, "req1", false},
		{"resolved", `{"eventType":"access.request.resolve","debugContext":{"debugData":{"accessRequestId":"req1"}}}`, "req1", true},
		{"by its target", `{"eventType":"access.request.expire","debugContext":null,"target":[{"id":"00u1","type":"User"},{"id":"req1","type":"ACCESS_REQUEST"}]}`, "req1", true},
		{"an id that is none", `{"eventType":"access.request.create","target":[{"id":"../users","type":"ACCESS_REQUEST"}]}`, "", false},
		{"no id", `{"eventType":"access.request.create"}`, "", false},
		{"no JSON", `{"eventType":"access.request.create"`, "", false},
	} {
		if id, ends := requestOf([]byte(tt.raw)); id != tt.id || ends != tt.ends {
			t.Errorf("%s: got %q, %t", tt.name, id, ends)
		}
	}
}
