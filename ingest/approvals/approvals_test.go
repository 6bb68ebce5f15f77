package approvals

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"jitaudit/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const full = `{"id":"d1","request":"OPS-1","org":"example","grantee":"ada@example.com","requester":"cai@example.com",
 "approvers":["bob@example.com","dot@example.com"],"decision":"approved","decided_at":"2026-05-04T08:14:40.5Z",
 "resource":{"account":"111111111111","role":"AWSReservedSSO_Admin_0123456789abcdef"},
 "from":"2026-05-04T08:15:00Z","until":"2026-05-04T09:15:00Z","justification":"incident","subject":"AWS access"}`

const least = `{"request":"OPS-2","grantee":"ada@example.com","decision":"denied","decided_at":"2026-05-04T08:14:40Z","resource":{"group":"AWS-prod-Admin"}}`

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

func hashed(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func TestARecordIsOneStepOfARequest(t *testing.T) {
	for name, tt := range map[string]struct {
		raw  string
		want schemas.Fact
	}{
		"all is said": {full, schemas.Fact{
			ID: "d1", Kind: schemas.Requested, Source: schemas.Approvals, Shard: "approvals/tickets", At: at("2026-05-04T08:14:40.5Z"),
			Who: schemas.Identity{Org: "example", Login: "ada@example.com"},
			Request: &schemas.Request{
				ID: "OPS-1", Step: schemas.StepApproved, Origin: schemas.OriginFeed, Requester: schemas.Actor{AlternateID: "cai@example.com"},
				Approvers: []schemas.Actor{{AlternateID: "bob@example.com"}, {AlternateID: "dot@example.com"}},
				Account:   "111111111111", Role: "Admin", From: at("2026-05-04T08:15:00Z"), Until: at("2026-05-04T09:15:00Z"),
				Justification: "incident", Subject: "AWS access",
			},
		}},
		"as little as can be, without an id": {least, schemas.Fact{
			ID: hashed(least), Kind: schemas.Requested, Source: schemas.Approvals, Shard: "approvals/tickets", At: at("2026-05-04T08:14:40Z"),
			Who:     schemas.Identity{Login: "ada@example.com"},
			Request: &schemas.Request{ID: "OPS-2", Step: schemas.StepDenied, Origin: schemas.OriginFeed, Group: "AWS-prod-Admin"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, relevant, err := Decoder{Feed: "tickets"}.Decode([]byte(tt.raw))
			if err != nil || !relevant {
				t.Fatal(relevant, err)
			}
			if len(got.Hash) != 16 {
				t.Errorf("hash %q", got.Hash)
			}
			got.Hash = ""
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheSamplesOfTheSchemaAreRecords(t *testing.T) {
	files, err := filepath.Glob("../../schemas/testdata/approval.*.json")
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var want schemas.ApprovalRecord
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		got, err := parse(raw)
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

func TestWhatIsNoRecordSaysWhatToDo(t *testing.T) {
	with := func(key, value string) string {
		var m map[string]json.RawMessage
		if err := json.Unmarshal([]byte(full), &m); err != nil {
			t.Fatal(err)
		}
		if m[key] = json.RawMessage(value); value == "" {
			delete(m, key)
		}
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, tt := range []struct{ name, raw, want string }{
		{"nothing", ``, "the record is cut off: send it as a whole"},
		{"half", full[:100], "the record is cut off: send it as a whole"},
		{"no JSON", `{"id":x}`, "the record is no JSON (invalid character 'x' looking for beginning of value): write a JSON object"},
		{"a list", `[]`, "the record is a list: write a JSON object"},
		{"two", full + full, "something follows the record: write one JSON object"},
		{"not UTF-8", "{\"id\":\"\xff\"}", "the record has bytes that are not UTF-8: write it as UTF-8"},
		{"an unknown key", with("expires", `"x"`), `the record has the unknown key "expires": the keys are id, request, `},
		{"a key twice", `{"id":"a","id":"b"}`, `the record has the key "id" twice: write it once`},
		{"no grantee", with("grantee", ""), "grantee is missing: write whom the access is for, by Okta login or email"},
		{"an empty grantee", with("grantee", `" "`), "grantee is empty: write whom the access is for, by Okta login or email"},
		{"no request", with("request", ""), "request is missing: write the id that the tool gives the request"},
		{"a number as request", with("request", `7`), "request is a number, not a string: write the id"},
		{"an empty id", with("id", `""`), "id is empty: leave the key out where nothing is known"},
		{"null", with("until", `null`), "until is null, not a string: leave the key out where nothing is known"},
		{"no decision", with("decision", ""), "decision is missing: write one of created, updated, approved, denied, granted, resolved, cancelled, expired"},
		{"an unknown decision", with("decision", `"rejected"`), `decision is "rejected": write one of created, `},
		{"no time", with("decided_at", ""), "decided_at is missing: write when it was decided, in UTC"},
		{"a day", with("decided_at", `"2026-05-04"`), `decided_at is "2026-05-04": write a time in UTC, such as 2026-05-04T08:14:40Z`},
		{"not in UTC", with("decided_at", `"2026-05-04T10:14:40+02:00"`), `decided_at is "2026-05-04T10:14:40+02:00": write a time in UTC`},
		{"the year 1970", with("decided_at", `"1970-01-01T00:00:00Z"`), "decided_at is of the year 1970, which cannot be: decisions are of 2000 to 2200"},
		{"until for ever", with("until", `"9999-12-31T00:00:00Z"`), "until is of the year 9999, which cannot be"},
		{"until before from", with("until", `"2026-05-04T08:14:59Z"`), "until is not after from (2026-05-04T08:14:59Z, 2026-05-04T08:15:00Z): write when the access begins and when it ends"},
		{"until from", with("until", `"2026-05-04T08:15:00Z"`), "until is not after from"},
		{"approvers as a text", with("approvers", `"bob"`), `approvers is a string: write a list, such as ["bob@example.com"]`},
		{"an approver without name", with("approvers", `["bob",""]`), "approvers[1] is empty"},
		{"an approver as an object", with("approvers", `[{}]`), "approvers[0] is an object, not a string"},
		{"no resource", with("resource", ""), "resource is missing: write one of group, group_id, app, or account with role"},
		{"an empty resource", with("resource", "{}"), "resource names nothing: write one of group"},
		{"a resource as a text", with("resource", `"prod"`), "resource is a string: write a JSON object"},
		{"two resources", with("resource", `{"group":"a","app":"b"}`), "resource names more than one thing: write one of group, group_id, app, or account with role, and a record for each"},
		{"a role nowhere", with("resource", `{"role":"Admin"}`), "resource has only one of account and role: write both"},
		{"an account as a number", with("resource", `{"account":111111111111,"role":"Admin"}`), "resource.account is a number, not a string"},
		{"an account of 11 digits", with("resource", `{"account":"11111111111","role":"Admin"}`), `resource.account is "11111111111": write the account's 12 digits, as a string`},
		{"a role's ARN", with("resource", `{"account":"111111111111","role":"arn:aws:iam::111111111111:role/Admin"}`), "write the role's name alone, without ARN and path"},
		{"an unknown key of a resource", with("resource", `{"grup":"a"}`), `resource has the unknown key "grup": the keys are group, group_id, app, account, role`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, relevant, err := Decoder{Feed: "tickets"}.Decode([]byte(tt.raw))
			if err == nil || relevant || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(full)
	f.Add(least)
	f.Add(`{"resource":{"approvers":[null]}}`)
	f.Fuzz(func(t *testing.T, raw string) {
		fact, relevant, err := Decoder{Feed: "tickets"}.Decode([]byte(raw))
		if relevant != (err == nil) {
			t.Fatal(relevant, err)
		}
		if relevant && (fact.ID == "" || fact.At.IsZero() || fact.Who.Login == "" || fact.Request == nil) {
			t.Fatalf("%+v", fact)
		}
	})
}
