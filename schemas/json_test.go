package schemas_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"jitaudit/schemas"
)

// records are the records that have a schema, by the name of its file.
var records = map[string]reflect.Type{
	"fact":            reflect.TypeFor[schemas.Fact](),
	"coverage":        reflect.TypeFor[schemas.Coverage](),
	"grant":           reflect.TypeFor[schemas.Grant](),
	"assumption":      reflect.TypeFor[schemas.Assumption](),
	"session":         reflect.TypeFor[schemas.Session](),
	"finding":         reflect.TypeFor[schemas.Finding](),
	"activity":        reflect.TypeFor[schemas.Activity](),
	"member":          reflect.TypeFor[schemas.Member](),
	"shards":          reflect.TypeFor[schemas.Shards](),
	"use":             reflect.TypeFor[schemas.Use](),
	"covered":         reflect.TypeFor[schemas.Covered](),
	"activity_counts": reflect.TypeFor[schemas.ActivityCounts](),
	"ledger":          reflect.TypeFor[schemas.Ledger](),
	"deadletter":      reflect.TypeFor[schemas.DeadLetter](),
	"triage":          reflect.TypeFor[schemas.Triage](),
	"policy":          reflect.TypeFor[schemas.PublishedPolicy](),
	"approval":        reflect.TypeFor[schemas.ApprovalRecord](),
}

// compile returns the schema of each record, with formats asserted.
func compile(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.AssertContent()
	compiled := map[string]*jsonschema.Schema{}
	for _, file := range schemaFiles(t) {
		raw, err := schemas.JSON.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if err := c.AddResource(file, doc); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		s, err := c.Compile(file)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		compiled[strings.TrimSuffix(path.Base(file), ".schema.json")] = s
	}
	return compiled
}

func schemaFiles(t *testing.T) []string {
	t.Helper()
	files, err := fs.Glob(schemas.JSON, "json/*")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestEveryRecordHasASchemaAndASample(t *testing.T) {
	compiled := compile(t)
	for name := range records {
		if compiled[name] == nil {
			t.Errorf("%s: json/%[1]s.schema.json is missing", name)
		}
		if len(samplesOf(t, name)) == 0 {
			t.Errorf("%s: no sample testdata/%[1]s*.json", name)
		}
	}
	for name := range compiled {
		if records[name] == nil {
			t.Errorf("json/%s.schema.json describes no record", name)
		}
	}
}

// samplesOf returns the files testdata/RECORD.json and testdata/RECORD.CASE.json.
func samplesOf(t *testing.T, record string) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/" + record + ".*")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestSamplesAreValidAndSurviveTheirType(t *testing.T) {
	compiled := compile(t)
	seen := 0
	for name, typ := range records {
		for _, file := range samplesOf(t, name) {
			seen++
			t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
				raw, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if err := validate(compiled[name], raw); err != nil {
					t.Errorf("the schema refuses it: %v", err)
				}
				if got := reencode(t, typ, raw); !bytes.Equal(got, raw) {
					t.Errorf("decoded and encoded again it differs (-file +again):\n%s", cmp.Diff(string(raw), string(got)))
				}
			})
		}
	}
	if all, _ := filepath.Glob("testdata/*"); len(all) != seen {
		t.Errorf("testdata has %d files, but only %d are named after a record", len(all), seen)
	}
}

func validate(s *jsonschema.Schema, raw []byte) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	return s.Validate(doc)
}

// reencode decodes raw strictly into a value of the type and encodes that.
func reencode(t *testing.T, typ reflect.Type, raw []byte) []byte {
	t.Helper()
	v := reflect.New(typ)
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v.Interface()); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v.Interface()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestSamplesCarryTheIDsTheyMustHave(t *testing.T) {
	read := func(t *testing.T, file string, into any) {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	for _, file := range samplesOf(t, "grant") {
		var g schemas.Grant
		read(t, file, &g)
		if want := schemas.GrantID(g.Person.Key, g.Evidence[0], g.Account, g.Role); g.ID != want {
			t.Errorf("%s: id %s, want %s", file, g.ID, want)
		}
	}
	for _, file := range samplesOf(t, "assumption") {
		var a schemas.Assumption
		read(t, file, &a)
		if want := schemas.AssumptionID(a.Person.Key, a.EventID); a.ID != want {
			t.Errorf("%s: id %s, want %s", file, a.ID, want)
		}
	}
	for _, file := range samplesOf(t, "session") {
		var s schemas.Session
		read(t, file, &s)
		if want := schemas.SessionID(s.Assumptions[0]); s.ID != want {
			t.Errorf("%s: id %s, want %s", file, s.ID, want)
		}
	}
	for _, file := range samplesOf(t, "finding") {
		var f schemas.Finding
		read(t, file, &f)
		if want := schemas.FindingID(f.Rule, f.Person.Key, f.Anchor); f.ID != want {
			t.Errorf("%s: id %s, want %s", file, f.ID, want)
		}
	}
	for _, file := range samplesOf(t, "ledger") {
		var l schemas.Ledger
		read(t, file, &l)
		if !l.Balanced() {
			t.Errorf("%s does not add up", file)
		}
	}
}

// Each case spoils a good sample in one place.
func TestSchemasRefuse(t *testing.T) {
	tests := []struct {
		name, sample string
		spoil        func(map[string]any)
	}{
		{"an unknown field", "ledger.json", func(m map[string]any) { m["skipped"] = 1 }},
		{"an unknown field of a part", "session.allowed.json", func(m map[string]any) { m["person"].(map[string]any)["email"] = "ada@example.com" }},
		{"a missing field", "session.allowed.json", func(m map[string]any) { delete(m, "verdict") }},
		{"null in place of a list", "grant.closed.json", func(m map[string]any) { m["evidence"] = nil }},
		{"a result without evidence", "finding.no_sign_on.json", func(m map[string]any) { m["evidence"] = []any{} }},
		{"an id of another record", "session.allowed.json", func(m map[string]any) { m["id"] = m["grant"] }},
		{"an id in capitals", "grant.closed.json", func(m map[string]any) { m["id"] = "grt_" + strings.Repeat("A", 32) }},
		{"an unknown kind of fact", "fact.assumed.json", func(m map[string]any) { m["kind"] = "assumed_role" }},
		{"a fact with the payload of another kind", "fact.assumed.json", func(m map[string]any) { m["kind"] = "acted" }},
		{"a fact with two payloads", "fact.assumed.json", func(m map[string]any) { m["portal"] = map[string]any{"event": "Federate"} }},
		{"a fact without payload", "fact.acted.json", func(m map[string]any) { delete(m, "call") }},
		{"a call beside a fact that is none", "fact.renamed.json", func(m map[string]any) {
			m["call"] = map[string]any{"principal_id": "AROA1:ada", "service": "s3", "action": "ListBuckets"}
		}},
		{"a call in place of the payload", "fact.chained.json", func(m map[string]any) { delete(m, "chain") }},
		{"two payloads of one call", "fact.chained.json", func(m map[string]any) { m["deed"] = map[string]any{"action": "AssumeRole"} }},
		{"a payload where none belongs", "fact.deactivated.json", func(m map[string]any) { m["rename"] = map[string]any{"new": "ada"} }},
		{"a rename to nothing", "fact.renamed.json", func(m map[string]any) { m["rename"].(map[string]any)["new"] = "" }},
		{"an unknown step of a request", "fact.requested.feed.json", func(m map[string]any) { m["request"].(map[string]any)["step"] = "approve" }},
		{"an IAM user without an account", "fact.entered.iam_user.json", func(m map[string]any) { m["who"].(map[string]any)["iam_user"] = "contractor" }},
		{"a request without evidence", "grant.closed.json", func(m map[string]any) { delete(m["requests"].([]any)[0].(map[string]any), "evidence") }},
		{"a grant of an unknown source", "grant.requested.json", func(m map[string]any) { m["source"] = "ticket" }},
		{"a suppression without end", "finding.lingering_membership.json", func(m map[string]any) { delete(m["suppressed"].(map[string]any), "until") }},
		{"triage of what is no finding", "triage.json", func(m map[string]any) { m["finding"] = "ses_" + strings.Repeat("a", 32) }},
		{"an approval of nothing", "approval.group.json", func(m map[string]any) { m["resource"] = map[string]any{} }},
		{"an approval of two things", "approval.group.json", func(m map[string]any) { m["resource"].(map[string]any)["app"] = "0oa1" }},
		{"an approval of a role nowhere", "approval.role.json", func(m map[string]any) { delete(m["resource"].(map[string]any), "account") }},
		{"an approval of a group and half a role", "approval.group.json", func(m map[string]any) { m["resource"].(map[string]any)["role"] = "Admin" }},
		{"a decision that is no step", "approval.group.json", func(m map[string]any) { m["decision"] = "yes" }},
		{"a time that is none", "coverage.assumed.json", func(m map[string]any) { m["from"] = "2026-05-32T00:00:00Z" }},
		{"a time that is not in UTC", "coverage.assumed.json", func(m map[string]any) { m["from"] = "2026-05-01T02:00:00+02:00" }},
		{"an account that was read as a number", "grant.closed.json", func(m map[string]any) { m["account"] = 111111111111 }},
		{"an account that lost its leading zero", "grant.closed.json", func(m map[string]any) { m["account"] = "11111111111" }},
		{"a negative count", "ledger.json", func(m map[string]any) { m["dead"] = -1 }},
		{"a fraction of a count", "ledger.json", func(m map[string]any) { m["read"] = 1.5 }},
		{"an unknown severity", "finding.no_sign_on.json", func(m map[string]any) { m["severity"] = "fatal" }},
		{"raw bytes that are not base64", "deadletter.truncated.json", func(m map[string]any) { m["raw"] = "{\"a\":1}" }},
	}
	compiled := compile(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			raw, err := os.ReadFile("testdata/" + tt.sample)
			if err != nil {
				t.Fatal(err)
			}
			var m map[string]any
			if err := json.Unmarshal(raw, &m); err != nil {
				t.Fatal(err)
			}
			tt.spoil(m)
			spoilt, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			record, _, _ := strings.Cut(tt.sample, ".")
			if validate(compiled[record], spoilt) == nil {
				t.Errorf("the schema of %s takes %s", record, spoilt)
			}
		})
	}
}

func TestLedgerBalances(t *testing.T) {
	tests := []struct {
		name   string
		ledger schemas.Ledger
		want   bool
	}{
		{"nothing read", schemas.Ledger{}, true},
		{"every part counted", schemas.Ledger{Read: 31, Used: 1, Irrelevant: 2, Duplicate: 4, Corrected: 8, Dead: 16}, true},
		{"one record lost", schemas.Ledger{Read: 32, Used: 1, Irrelevant: 2, Duplicate: 4, Corrected: 8, Dead: 16}, false},
		{"one record twice", schemas.Ledger{Read: 1, Used: 1, Irrelevant: 1}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.ledger.Balanced(); got != tt.want {
				t.Errorf("Balanced() = %t, want %t", got, tt.want)
			}
		})
	}
}

func TestShardsAreNamed(t *testing.T) {
	if got, want := schemas.OktaShard("example"), "okta/example"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := schemas.ApprovalsShard("tickets"), "approvals/tickets"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := schemas.AWSShard("111111111111", "us-east-1"), "aws/111111111111/us-east-1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestOnlyPeopleOfOktaAreAttributed(t *testing.T) {
	if p := (schemas.Person{Key: "okta:example/00u1", Name: "ada@example.com", Org: "example"}); !p.Attributed() {
		t.Errorf("%+v is not attributed", p)
	}
	if p := (schemas.Person{Key: "aws:ada", Name: "ada"}); p.Attributed() {
		t.Errorf("%+v is attributed", p)
	}
}
