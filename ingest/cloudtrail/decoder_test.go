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

func directFact() schemas.Fact {
	no := false
	return schemas.Fact{
		ID: "e1", Kind: schemas.Assumed, Source: schemas.CloudTrail, Shard: "aws/111122223333/us-east-1", At: at,
		Who: schemas.Identity{NameID: "ann@example.com", SessionName: "ann", AssertionID: "id123", SourceIdentity: "ann-id"},
		Assume: &schemas.Assume{
			Account: "111122223333", Role: "Admin", RoleARN: "arn:aws:iam::111122223333:role/team/Admin",
			Federation: schemas.Direct, ProviderARN: "arn:aws:iam::111122223333:saml-provider/Okta",
			Issuer: "http://www.okta.com/exk1", PrincipalID: "AROAEXAMPLE:ann", AccessKeyID: "ASIAEXAMPLE",
			Expires: at.Add(2 * time.Hour), IP: "203.0.113.9", UserAgent: "aws-cli/2", Region: "us-east-1",
			QualifierMatches: &no,
		},
	}
}

func TestAssumptions(t *testing.T) {
	want := func(change func(*schemas.Fact)) schemas.Fact {
		f := directFact()
		change(&f)
		return f
	}
	replace := func(key, old, new string) event {
		return direct.with(key, strings.Replace(direct[key], old, new, 1))
	}
	for _, tc := range []struct {
		name string
		in   event
		want schemas.Fact
	}{
		{"direct federation", direct, directFact()},
		{"fields of log platforms", direct.with("_comment", `"x"`).with("p_event_time", `"y"`).with("p_any_ids", `["z"]`), directFact()},
		{"error code 200", direct.with("errorCode", `"200"`), directFact()},
		{"null error code", direct.with("errorCode", `null`), directFact()},
		{"global endpoint without source", direct.with("eventSource", ""), directFact()},
		{"addendum", direct.with("addendum", `{"reason":"UPDATED_DATA"}`), want(func(f *schemas.Fact) { f.Addendum = true })},
		{"subject where no user name is given", direct.with("userIdentity", `{"type":"SAMLUser"}`), directFact()},
		{"session name from the assumed role", replace("requestParameters", `"roleSessionName":"ann",`, ""), directFact()},
		{"browser", direct.with("userAgent", `"AWS Signin, aws-internal/3"`), want(func(f *schemas.Fact) {
			f.Assume.UserAgent, f.Assume.Browser = "AWS Signin, aws-internal/3", true
		})},
		{"service as source", direct.with("sourceIPAddress", `"AWS Internal"`), want(func(f *schemas.Fact) { f.Assume.IP = "AWS Internal" })},
		{"other partition", replace("requestParameters", "arn:aws:iam::111122223333:role", "arn:aws-us-gov:iam::111122223333:role"),
			want(func(f *schemas.Fact) { f.Assume.RoleARN = "arn:aws-us-gov:iam::111122223333:role/team/Admin" })},
		{"no recipient account", direct.with("recipientAccountId", ""), directFact()},
		{"no issuer", replace("responseElements", `"issuer":"http://www.okta.com/exk1",`, ""),
			want(func(f *schemas.Fact) { f.Assume.Issuer, f.Assume.QualifierMatches = "", nil })},
		{"source identity in the response", direct.
			with("requestParameters", strings.Replace(direct["requestParameters"], `,"sourceIdentity":"ann-id"`, "", 1)).
			with("responseElements", strings.Replace(direct["responseElements"], `{"subject"`, `{"sourceIdentity":"ann-id","subject"`, 1)), directFact()},
		{"the last of two keys counts", direct.with("zz", `1,"eventID":"e1"`).with("eventID", `"e0"`), directFact()},
		{"escaped key", direct.with("eventName", "").with("zz", `1,"event\u004eame":"AssumeRoleWithSAML"`), directFact()},
	} {
		check(t, tc.name, tc.in, tc.want)
	}
}

func TestQualifier(t *testing.T) {
	// base64(SHA-1("https://example.com/saml" + "123456789012" + "/MySAMLIdP")), with
	// the parts of the example in the STS API reference.
	const qualifier = "1uAJanUnBc2XeUkHURMht+xam2c="
	in := direct.
		with("requestParameters", `{"roleSessionName":"ann","roleArn":"arn:aws:iam::123456789012:role/Admin","principalArn":"arn:aws:iam::123456789012:saml-provider/MySAMLIdP"}`).
		with("responseElements", fmt.Sprintf(`{"issuer":"https://example.com/saml","nameQualifier":%q}`, qualifier))
	f, _ := decode(t, in)
	if f.Assume.QualifierMatches == nil || !*f.Assume.QualifierMatches {
		t.Error("the qualifier does not match")
	}
}

func TestExpires(t *testing.T) {
	for _, tc := range []struct {
		expiration, duration string
		want                 time.Duration
	}{
		{`"May 4, 2026 10:15:00 AM"`, `7200`, 15 * time.Minute},
		{`"May 4, 2026, 10:15:00 AM"`, `7200`, 15 * time.Minute},
		{`"May 4, 2026, 10:15:00\u202fAM"`, `7200`, 15 * time.Minute},
		{"\"May 4, 2026, 10:15:00\u202fAM\"", `7200`, 15 * time.Minute},
		{`"2026-05-04T10:15:00Z"`, `7200`, 15 * time.Minute},
		{`1777889700`, `7200`, 15 * time.Minute},
		{`1777889700000`, `7200`, 15 * time.Minute},
		{`"1777889700"`, `7200`, 15 * time.Minute},
		{`null`, `7200`, 2 * time.Hour},
		{`"soon"`, `7200`, 2 * time.Hour},
		{`null`, `"7200"`, 2 * time.Hour},
		{`null`, `null`, time.Hour},
		{`null`, `-5`, time.Hour},
		{`null`, `1e300`, time.Hour},
	} {
		f, _ := decode(t, direct.
			with("requestParameters", fmt.Sprintf(`{"roleArn":"arn:aws:iam::111122223333:role/Admin","durationSeconds":%s}`, tc.duration)).
			with("responseElements", fmt.Sprintf(`{"credentials":{"expiration":%s}}`, tc.expiration)))
		if got := f.Assume.Expires.Sub(at); got != tc.want {
			t.Errorf("expiration %s, duration %s: %s, want %s", tc.expiration, tc.duration, got, tc.want)
		}
	}
}

func TestRefusedAssumptions(t *testing.T) {
	base := directFact()
	base.Kind = schemas.AssumeFailed
	base.Who.SourceIdentity = "ann-id"
	base.Assume.ErrorCode, base.Assume.ErrorMessage = "AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML"
	base.Assume.Issuer, base.Assume.PrincipalID, base.Assume.AccessKeyID = "", "", ""
	base.Assume.Expires, base.Assume.QualifierMatches = time.Time{}, nil
	failed := direct.with("responseElements", `null`).with("errorCode", `"AccessDenied"`).
		with("errorMessage", `"Not authorized to perform sts:AssumeRoleWithSAML"`)

	bare := base
	bareAssume := *base.Assume
	bareAssume.RoleARN, bareAssume.ProviderARN = "", ""
	bare.Assume = &bareAssume
	bare.Who.AssertionID, bare.Who.SourceIdentity, bare.Who.SessionName = "", "", "ann@example.com"

	nothing := bare
	nothingAssume := bareAssume
	nothingAssume.Account, nothingAssume.Role, nothingAssume.ErrorCode, nothingAssume.ErrorMessage = "", "", "ExpiredToken", ""
	nothing.Assume, nothing.Shard, nothing.Who = &nothingAssume, "aws//us-east-1", schemas.Identity{}

	sts := `{"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/Admin/ann@example.com"}}`
	for _, tc := range []struct {
		name string
		in   event
		want schemas.Fact
	}{
		{"refused", failed, base},
		{"code with its suffix", failed.with("errorCode", `"AccessDeniedException"`), base},
		{"parts only in the response", failed.with("requestParameters", `null`).with("responseElements", sts), bare},
		{"no parameters and no recipient", failed.with("requestParameters", `null`).with("responseElements", sts).
			with("recipientAccountId", ""), bare},
		{"nothing but a code", failed.with("requestParameters", `null`).with("recipientAccountId", "").
			with("userIdentity", `{"type":"SAMLUser"}`).with("errorCode", `"ExpiredTokenException"`).with("errorMessage", ""), nothing},
	} {
		check(t, tc.name, tc.in, tc.want)
	}
}

func TestIdentityCenterRoles(t *testing.T) {
	assume := func(role, provider string) event {
		return direct.with("requestParameters", fmt.Sprintf(`{"roleArn":%q,"principalArn":%q,"roleSessionName":"ann"}`, role, provider))
	}
	const path = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/"
	const sso = "arn:aws:iam::111122223333:saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE"
	const other = "arn:aws:iam::111122223333:saml-provider/Okta"
	for _, tc := range []struct {
		name       string
		in         event
		role       string
		federation schemas.Federation
	}{
		{"permission set", assume(path+"AWSReservedSSO_Admin_0123456789abcdef", sso), "Admin", schemas.IdentityCenter},
		{"with region", assume(path+"eu-west-1/AWSReservedSSO_Admin_0123456789abcdef", sso), "Admin", schemas.IdentityCenter},
		{"underscores in the name", assume(path+"AWSReservedSSO_Power_User_Access_0123456789abcdef", sso), "Power_User_Access", schemas.IdentityCenter},
		{"hexadecimal name", assume(path+"AWSReservedSSO_abc_def_0123456789abcdef", sso), "abc_def", schemas.IdentityCenter},
		{"told by the role", assume(path+"AWSReservedSSO_Admin_0123456789abcdef", other), "Admin", schemas.IdentityCenter},
		{"told by the provider", assume("arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0123456789abcdef", sso), "Admin", schemas.IdentityCenter},
		{"look-alike of another provider", assume("arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0123456789abcdef", other), "AWSReservedSSO_Admin_0123456789abcdef", schemas.Direct},
		{"no hexadecimal end", assume(path+"AWSReservedSSO_Admin_xyz", sso), "AWSReservedSSO_Admin_xyz", schemas.IdentityCenter},
		{"assumed role only", direct.with("requestParameters", "null").
			with("responseElements", `{"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/ann"}}`), "Admin", schemas.IdentityCenter},
	} {
		f, _ := decode(t, tc.in)
		if f.Assume == nil || f.Assume.Role != tc.role || f.Assume.Federation != tc.federation || f.Assume.Account != "111122223333" || f.Who.SessionName != "ann" {
			t.Errorf("%s: got %+v", tc.name, f.Assume)
		}
	}
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

func TestCalls(t *testing.T) {
	base := schemas.Fact{
		ID: "e2", Kind: schemas.Acted, Source: schemas.CloudTrail, Shard: "aws/111122223333/eu-west-1", At: at,
		Who: schemas.Identity{SessionName: "ann@example.com"},
		Call: &schemas.Call{
			PrincipalID: "AROAEXAMPLE:ann@example.com", AccessKeyID: "ASIAEXAMPLE", CreatedAt: at.Add(-30 * time.Minute),
			Service: "ec2", Action: "RunInstances",
		},
	}
	want := func(change func(*schemas.Fact)) schemas.Fact {
		f, c := base, *base.Call
		f.Call = &c
		change(&f)
		return f
	}
	identity := func(old, new string) event {
		return acted.with("userIdentity", strings.Replace(acted["userIdentity"], old, new, 1))
	}
	console := want(func(f *schemas.Fact) { f.Call.Console = true })
	denied := want(func(f *schemas.Fact) { f.Call.Denied = true })
	for _, tc := range []struct {
		name string
		in   event
		want schemas.Fact
	}{
		{"call", acted, base},
		{"time of a log platform", acted.with("eventTime", `"2026-05-04 10:00:00.000000000"`), base},
		{"time with a space", acted.with("eventTime", `"2026-05-04 10:00:00"`), base},
		{"reading", acted.with("readOnly", `true`), want(func(f *schemas.Fact) { f.Call.ReadOnly = true })},
		{"console by a string", acted.with("sessionCredentialFromConsole", `"true"`), console},
		{"console by a boolean", acted.with("sessionCredentialFromConsole", `true`), console},
		{"console by an attribute", identity(`"attributes":{`, `"attributes":{"sessionCredentialFromConsole":"true",`), console},
		{"not the console", acted.with("sessionCredentialFromConsole", `"false"`), base},
		{"made by a service", identity(`"type":"AssumedRole",`, `"type":"AssumedRole","invokedBy":"athena.amazonaws.com",`),
			want(func(f *schemas.Fact) { f.Call.ServiceDriven = true })},
		{"made by nobody else", identity(`"type":"AssumedRole",`, `"type":"AssumedRole","invokedBy":null,`), base},
		{"denied", acted.with("errorCode", `"AccessDenied"`), denied},
		{"denied with suffix", acted.with("errorCode", `"AccessDeniedException"`), denied},
		{"denied by EC2", acted.with("errorCode", `"Client.UnauthorizedOperation"`), denied},
		{"failed otherwise", acted.with("errorCode", `"Client.InvalidParameterValue"`), base},
		{"source identity", identity(`"sessionContext":{`, `"sessionContext":{"sourceIdentity":"ann-id",`),
			want(func(f *schemas.Fact) { f.Who.SourceIdentity = "ann-id" })},
		{"Identity Center user", identity(`"type":"AssumedRole",`, `"type":"AssumedRole","onBehalfOf":{"userId":"u-1"},`),
			want(func(f *schemas.Fact) { f.Who.PortalUserID = "u-1" })},
		{"console sign-in without context and key", acted.with("eventName", `"ConsoleLogin"`).with("eventSource", `"signin.amazonaws.com"`).
			with("userIdentity", `{"type":"AssumedRole","principalId":"AROAEXAMPLE:ann@example.com","accountId":"111122223333"}`),
			want(func(f *schemas.Fact) {
				f.Call.Service, f.Call.Action, f.Call.AccessKeyID, f.Call.CreatedAt = "signin", "ConsoleLogin", "", time.Time{}
			})},
		{"chained role", acted.with("eventName", `"AssumeRole"`).with("eventSource", `"sts.amazonaws.com"`),
			want(func(f *schemas.Fact) { f.Call.Service, f.Call.Action = "sts", "AssumeRole" })},
		{"no recipient account", acted.with("recipientAccountId", ""), base},
		{"session without name", identity("AROAEXAMPLE:ann@example.com", "AROAEXAMPLE"),
			want(func(f *schemas.Fact) { f.Who.SessionName, f.Call.PrincipalID = "", "AROAEXAMPLE" })},
	} {
		check(t, tc.name, tc.in, tc.want)
	}
}

func TestPortal(t *testing.T) {
	base := event{
		"userIdentity":       `{"type":"IdentityCenterUser","accountId":"111122223333","credentialId":"c","onBehalfOf":{"userId":"u-1","identityStoreArn":"arn:aws:identitystore::111122223333:identitystore/d-1"}}`,
		"eventTime":          `"2026-05-04T10:00:00Z"`,
		"eventSource":        `"sso.amazonaws.com"`,
		"eventName":          `"Federate"`,
		"awsRegion":          `"eu-west-1"`,
		"eventID":            `"e3"`,
		"eventType":          `"AwsServiceEvent"`,
		"recipientAccountId": `"111122223333"`,
	}
	want := func(change func(*schemas.Fact)) schemas.Fact {
		f := schemas.Fact{
			ID: "e3", Kind: schemas.PortalUsed, Source: schemas.CloudTrail, Shard: "aws/111122223333/eu-west-1", At: at,
			Who: schemas.Identity{PortalUserID: "u-1"}, Portal: &schemas.Portal{Event: "Federate"},
		}
		change(&f)
		return f
	}
	signIn := base.with("eventSource", `"signin.amazonaws.com"`)
	for _, tc := range []struct {
		name string
		in   event
		want schemas.Fact
	}{
		{"federation to a role", base.with("serviceEventDetails", `{"account_id":"444455556666","role_name":"Admin"}`),
			want(func(f *schemas.Fact) { f.Portal.Account, f.Portal.Role = "444455556666", "Admin" })},
		{"command line", base.with("eventName", `"CreateToken"`), want(func(f *schemas.Fact) { f.Portal.Event = "CreateToken" })},
		{"credentials", base.with("eventName", `"GetRoleCredentials"`), want(func(f *schemas.Fact) { f.Portal.Event = "GetRoleCredentials" })},
		{"authenticate", base.with("eventName", `"Authenticate"`), want(func(f *schemas.Fact) { f.Portal.Event = "Authenticate" })},
		{"sign-in", signIn.with("eventName", `"UserAuthentication"`).with("additionalEventData", `{"UserName":"ann@example.com","CredentialType":"EXTERNAL_IDP"}`).
			with("serviceEventDetails", `{"UserAuthentication":"Success"}`),
			want(func(f *schemas.Fact) {
				f.Portal.Event, f.Portal.UserName, f.Who.NameID = "UserAuthentication", "ann@example.com", "ann@example.com"
			})},
		{"failed sign-in", signIn.with("eventName", `"CredentialChallenge"`).with("serviceEventDetails", `{"CredentialChallenge":"Failure"}`),
			want(func(f *schemas.Fact) { f.Portal.Event, f.Portal.Failed = "CredentialChallenge", true })},
		{"refused federation", base.with("errorCode", `"AccessDenied"`), want(func(f *schemas.Fact) { f.Portal.Failed = true })},
		{"before July 2025", base.with("userIdentity", `{"type":"Unknown","principalId":"u-1","accountId":"111122223333","userName":"ann@example.com"}`),
			want(func(f *schemas.Fact) { f.Who.NameID, f.Portal.UserName = "ann@example.com", "ann@example.com" })},
		{"account in the principal", signIn.with("eventName", `"ExternalIdPDirectoryLogin"`).
			with("userIdentity", `{"type":"Unknown","principalId":"111122223333","accountId":"111122223333","userName":"ann@example.com"}`),
			want(func(f *schemas.Fact) {
				f.Portal.Event, f.Who.PortalUserID, f.Who.NameID, f.Portal.UserName = "ExternalIdPDirectoryLogin", "", "ann@example.com", "ann@example.com"
			})},
	} {
		check(t, tc.name, tc.in, tc.want)
	}
	if f, relevant := decode(t, base.with("userIdentity", `{"type":"Unknown"}`)); relevant {
		t.Errorf("an event of nobody gives %+v", f)
	}
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
		if f, relevant := decode(t, in); relevant {
			t.Errorf("%s: got %+v", name, f)
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
	ins := []event{acted, direct, acted.with("userIdentity", `{"type":"AssumedRole","principalId":"A:b"}`), acted,
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
