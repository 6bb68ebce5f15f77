package cloudtrail_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/ingest/cloudtrail"
	"jitaudit/schemas"
)

// event builds an event of members; a member of "" is left out.
type event map[string]string

func (e event) with(key, value string) event {
	c := maps.Clone(e)
	if c[key] = value; value == "" {
		delete(c, key)
	}
	return c
}

func (e event) String() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, key := range slices.Sorted(maps.Keys(e)) {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", key, e[key])
	}
	b.WriteByte('}')
	return b.String()
}

func decode(t *testing.T, e event) (schemas.Fact, bool) {
	t.Helper()
	f, relevant, err := cloudtrail.Decode([]byte(e.String()))
	if err != nil {
		t.Fatalf("%s: %v", e, err)
	}
	if relevant && (len(f.Hash) != 16 || f.Source != schemas.CloudTrail) {
		t.Errorf("hash %q, source %q", f.Hash, f.Source)
	}
	f.Hash = ""
	return f, relevant
}

func check(t *testing.T, name string, e event, want schemas.Fact) {
	t.Helper()
	got, relevant := decode(t, e)
	if diff := cmp.Diff(want, got); diff != "" || !relevant {
		t.Errorf("%s: relevant %t (-want +got)\n%s", name, relevant, diff)
	}
}

var at = time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)

// direct is an AssumeRoleWithSAML call by way of Okta's app; its name qualifier
// is not what the rule of the STS API reference gives.
var direct = event{
	"eventVersion":       `"1.08"`,
	"userIdentity":       `{"type":"SAMLUser","principalId":"q:ann@example.com","userName":"ann@example.com","identityProvider":"q"}`,
	"eventTime":          `"2026-05-04T10:00:00Z"`,
	"eventSource":        `"sts.amazonaws.com"`,
	"eventName":          `"AssumeRoleWithSAML"`,
	"awsRegion":          `"us-east-1"`,
	"sourceIPAddress":    `"203.0.113.9"`,
	"userAgent":          `"aws-cli/2"`,
	"requestParameters":  `{"sAMLAssertionID":"id123","roleSessionName":"ann","durationSeconds":7200,"roleArn":"arn:aws:iam::111122223333:role/team/Admin","principalArn":"arn:aws:iam::111122223333:saml-provider/Okta","sourceIdentity":"ann-id"}`,
	"responseElements":   `{"subject":"ann@example.com","issuer":"http://www.okta.com/exk1","nameQualifier":"q","credentials":{"accessKeyId":"ASIAEXAMPLE","expiration":"May 4, 2026, 12:00:00 PM"},"assumedRoleUser":{"assumedRoleId":"AROAEXAMPLE:ann","arn":"arn:aws:sts::111122223333:assumed-role/Admin/ann"}}`,
	"eventID":            `"e1"`,
	"readOnly":           `true`,
	"recipientAccountId": `"111122223333"`,
}

var acted = event{
	"userIdentity":       `{"type":"AssumedRole","principalId":"AROAEXAMPLE:ann@example.com","arn":"arn:aws:sts::111122223333:assumed-role/Admin/ann@example.com","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","userName":"Admin"},"attributes":{"creationDate":"2026-05-04T09:30:00Z","mfaAuthenticated":"false"}}}`,
	"eventTime":          `"2026-05-04T10:00:00Z"`,
	"eventSource":        `"ec2.amazonaws.com"`,
	"eventName":          `"RunInstances"`,
	"awsRegion":          `"eu-west-1"`,
	"eventID":            `"e2"`,
	"readOnly":           `false`,
	"recipientAccountId": `"111122223333"`,
}

func TestIrrelevantEvents(t *testing.T) {
	for name, in := range map[string]event{
		"IAM user":               acted.with("userIdentity", `{"type":"IAMUser","principalId":"AIDAEXAMPLE","userName":"bob"}`),
		"root":                   acted.with("userIdentity", `{"type":"Root","principalId":"111122223333"}`),
		"service":                acted.with("userIdentity", `{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}`),
		"federated user":         acted.with("userIdentity", `{"type":"FederatedUser","principalId":"111122223333:bob"}`),
		"other account":          acted.with("userIdentity", `{"type":"AWSAccount","principalId":"AROAEXAMPLE:x"}`),
		"web identity":           acted.with("userIdentity", `{"type":"WebIdentityUser","principalId":"x"}`),
		"SAML user outside STS":  acted.with("userIdentity", `{"type":"SAMLUser","userName":"ann@example.com"}`).with("errorCode", `"200"`),
		"no principal":           acted.with("userIdentity", `{"type":"AssumedRole"}`),
		"no identity":            acted.with("userIdentity", ""),
		"null identity":          acted.with("userIdentity", "null"),
		"portal user elsewhere":  acted.with("userIdentity", `{"type":"IdentityCenterUser","onBehalfOf":{"userId":"u-1"}}`),
		"assumption of a mimic":  direct.with("eventSource", `"example.amazonaws.com"`),
		"type that is told deep": acted.with("userIdentity", `{"type":"IAMUser","x":{"type":"AssumedRole"},"principalId":"AROAEXAMPLE:x"}`),
	} {
		f, relevant := decode(t, in)
		region := strings.Trim(in["awsRegion"], `"`)
		// The time still bounds what the log covers.
		if want := (schemas.Fact{Source: schemas.CloudTrail, Shard: schemas.AWSShard("111122223333", region), At: at}); relevant || !cmp.Equal(want, f) {
			t.Errorf("%s: relevant %t, got %+v", name, relevant, f)
		}
	}
}

func TestEventWithoutIDIsNamedByItsBytes(t *testing.T) {
	f, _ := decode(t, acted.with("eventID", ""))
	other, _ := decode(t, acted.with("eventID", "").with("z", "1"))
	if len(f.ID) != len("sha256:")+64 || !strings.HasPrefix(f.ID, "sha256:") || f.ID == other.ID {
		t.Errorf("ids %s, %s", f.ID, other.ID)
	}
}

func TestRefusedEvents(t *testing.T) {
	for _, tc := range []struct{ name, raw, want string }{
		{"no time", acted.with("eventTime", "").String(), "not a CloudTrail record: no eventTime"},
		{"null time", acted.with("eventTime", "null").String(), "not a CloudTrail record: no eventTime"},
		{"no name", acted.with("eventName", "").String(), "not a CloudTrail record: no eventName"},
		{"empty object", "{}", "not a CloudTrail record"},
		{"Okta", `{"uuid":"u","eventType":"x","published":"2026-05-04T10:00:00.123Z"}`, "not a CloudTrail record"},
		{"unreadable time", acted.with("eventTime", `"yesterday"`).String(), `eventTime "yesterday"`},
		{"time as a number", acted.with("eventTime", "1777889700").String(), "eventTime is a number"},
		{"name of a wrong type", acted.with("eventName", "{}").String(), "eventName is an object"},
		{"identity of a wrong type", acted.with("userIdentity", `"ann"`).String(), "userIdentity is a string"},
		{"principal of a wrong type", acted.with("userIdentity", `{"type":"AssumedRole","principalId":5}`).String(), "userIdentity.principalId is a number"},
		{"id of a wrong type", acted.with("eventID", "[]").String(), "eventID is an array"},
		{"no JSON", `{"eventID":`, "no valid JSON"},
	} {
		_, relevant, err := cloudtrail.Decode([]byte(tc.raw))
		if relevant || err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: relevant %t, %v; want %q", tc.name, relevant, err, tc.want)
		}
	}
}

// A reused decoder must give what a fresh one gives, whatever came before.
func TestDecoderIsReused(t *testing.T) {
	var d cloudtrail.Decoder
	ins := []event{acted, direct, acted.with("userIdentity", `{"type":"AssumedRole","principalId":"A:b"}`), acted, inRole,
		inRole.called("sts", "AssumeRole").with("requestParameters", roleRequest).with("responseElements", roleResponse), inRole.called("sts", "AssumeRole"),
		inRole.called("iam", "CreateAccessKey").with("requestParameters", `{"userName":"ci"}`), inRole.called("iam", "CreateAccessKey"),
		direct.with("errorCode", `"AccessDenied"`).with("responseElements", "null"), direct.with("requestParameters", "null"), acted}
	for _, in := range ins {
		want, _, err := cloudtrail.Decode([]byte(in.String()))
		var got schemas.Fact
		relevant, err2 := d.Decode([]byte(in.String()), &got)
		if diff := cmp.Diff(want, got); diff != "" || !relevant || err != nil || err2 != nil {
			t.Errorf("%s: %v, %v (-fresh +reused)\n%s", in, err, err2, diff)
		}
	}
}

// What a bare call knows beside its numbers, and what is none.
func TestBareCallsAreCallsAndNothingElse(t *testing.T) {
	const id = "5f1c9a9e-77aa-4bfb-8c1b-000000000001"
	d := cloudtrail.Decoder{Bare: true}
	onward := inRole.called("sts", "AssumeRole").with("requestParameters", roleRequest).with("responseElements", roleResponse)
	for _, tc := range []struct {
		name string
		in   event
		kind schemas.FactKind
		bare bool
	}{
		{"call", inRole, schemas.Acted, true},
		{"call without an id", inRole.with("eventID", ""), schemas.Acted, false},
		{"further role", onward, schemas.Chained, false},
		{"refused role", onward.with("errorCode", `"AccessDenied"`), schemas.Acted, true},
		{"change of trust", inRole.called("iam", "DeleteSAMLProvider"), schemas.TrustChanged, false},
		{"assignment of a group", inRole.called("sso", "CreateAccountAssignment").with("requestParameters", `{"principalType":"GROUP"}`), schemas.Acted, true},
	} {
		in := tc.in
		if in["eventID"] != "" {
			in = in.with("eventID", `"`+id+`"`)
		}
		var f schemas.Fact
		relevant, err := d.Decode([]byte(in.String()), &f)
		if err != nil || !relevant || f.Kind != tc.kind || tc.bare != (f.Call == nil) || tc.bare != (f.ID == "") {
			t.Errorf("%s: relevant %t, %v, %+v", tc.name, relevant, err, f)
		}
		if role := "arn:aws:iam::111122223333:role/team/Admin"; tc.bare && d.Call().Credential.RoleARN != role {
			t.Errorf("%s: role %q", tc.name, d.Call().Credential.RoleARN)
		}
	}
}

// Calls that name their role and calls that do not are told apart, whichever
// comes first.
func TestCredentialsKnowTheirRole(t *testing.T) {
	for _, order := range [][]event{{acted, inRole}, {inRole, acted}} {
		d := cloudtrail.Decoder{Bare: true}
		for _, in := range order {
			var f schemas.Fact
			if _, err := d.Decode([]byte(in.with("eventID", `"5f1c9a9e-77aa-4bfb-8c1b-000000000001"`).String()), &f); err != nil {
				t.Fatal(err)
			}
			if got := d.Call().Credential.RoleARN; (got == "") != strings.Contains(in.String(), `"sessionIssuer":{"type":"Role","userName"`) {
				t.Errorf("%s: role %q", in, got)
			}
		}
	}
}

// All payloads but those that the decoder says it keeps are the caller's.
func TestRarePayloadsMayBeKept(t *testing.T) {
	var d cloudtrail.Decoder
	ins := []event{
		inRole.called("sts", "AssumeRole").with("requestParameters", roleRequest).with("responseElements", roleResponse),
		inRole.called("sts", "AssumeRole").with("requestParameters", strings.Replace(roleRequest, "Deploy", "Other", 1)),
		acted.called("sts", "AssumeRole").by(iamUser).with("requestParameters", roleRequest),
		acted.called("sts", "GetSessionToken").by(rootUser),
		inRole.called("iam", "CreateAccessKey").with("requestParameters", `{"userName":"ci"}`),
		inRole.called("iam", "CreateAccessKey").with("requestParameters", `{"userName":"other"}`),
	}
	var kept, want []schemas.Fact
	for _, in := range ins {
		var f schemas.Fact
		if _, err := d.Decode([]byte(in.String()), &f); err != nil {
			t.Fatal(err)
		}
		fresh, _, err := cloudtrail.Decode([]byte(in.String()))
		if err != nil {
			t.Fatal(err)
		}
		f.Call, fresh.Call = nil, nil
		kept, want = append(kept, f), append(want, fresh)
	}
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Errorf("want (-) got (+):\n%s", diff)
	}
}

func TestDecodingACallAllocatesItsIDOnly(t *testing.T) {
	raw := []byte(acted.String())
	var d cloudtrail.Decoder
	var f schemas.Fact
	if n := testing.AllocsPerRun(100, func() {
		if _, err := d.Decode(raw, &f); err != nil {
			t.Fatal(err)
		}
	}); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(acted.String()))
	f.Add([]byte(direct.String()))
	f.Add([]byte(direct.with("errorCode", `"AccessDenied"`).with("responseElements", "null").String()))
	f.Add([]byte(`{"eventTime":"2026-05-04T10:00:00Z","eventName":"Federate","eventSource":"sso.amazonaws.com","userIdentity":{"type":"Unknown","userName":"ann"},"serviceEventDetails":{"role_name":"x"}}`))
	f.Add([]byte(inRole.called("sts", "AssumeRole").with("requestParameters", roleRequest).with("responseElements", roleResponse).String()))
	f.Add([]byte(acted.called("signin", "ConsoleLogin").by(rootUser).with("responseElements", `{"ConsoleLogin":"Success"}`).String()))
	f.Add([]byte(inRole.called("iam", "PutRolePolicy").with("requestParameters", `{"roleName":"r","policyName":"AWSRevokeOlderSessions","policyDocument":"%7B%7D"}`).String()))
	f.Add([]byte(inRole.called("sso", "CreateAccountAssignment").with("requestParameters", `{"targetId":"1","permissionSetArn":"p","principalType":"USER","principalId":"u"}`).String()))
	var reused cloudtrail.Decoder
	f.Fuzz(func(t *testing.T, raw []byte) {
		want, relevant, err := cloudtrail.Decode(raw)
		if relevant && (err != nil || want.ID == "" || want.Kind == "" || want.Hash == "") {
			t.Errorf("%q: %+v, %v", raw, want, err)
		}
		var got schemas.Fact
		again, err2 := reused.Decode(raw, &got)
		if again != relevant || (err == nil) != (err2 == nil) || relevant && !cmp.Equal(want, got) {
			t.Errorf("%q: fresh %+v, reused %+v", raw, want, got)
		}
	})
}
