package cloudtrail_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"jitaudit/schemas"
)

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
		{"error code 200 as a number", direct.with("errorCode", `200`), directFact()},
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
