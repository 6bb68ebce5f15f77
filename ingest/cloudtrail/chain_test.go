package cloudtrail_test

import (
	"strings"
	"testing"
	"time"

	"jitaudit/schemas"
)

// role are the request and response by which credentials of a role are made.
const (
	roleRequest  = `{"roleArn":"arn:aws:iam::444455556666:role/ops/Deploy","roleSessionName":"release"}`
	roleResponse = `{"credentials":{"accessKeyId":"ASIAFURTHER","sessionToken":"t","expiration":"May 4, 2026, 10:45:00 AM"},"assumedRoleUser":{"assumedRoleId":"AROAFURTHER:release","arn":"arn:aws:sts::444455556666:assumed-role/Deploy/release"}}`
)

// by is an event by another identity.
func (e event) by(identity string) event { return e.with("userIdentity", identity) }

// called is an event of a service.
func (e event) called(service, name string) event {
	return e.with("eventSource", `"`+service+`.amazonaws.com"`).with("eventName", `"`+name+`"`)
}

// The identities of callers who are no role session.
const (
	iamUser   = `{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/ci/deploy","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE","userName":"deploy"}`
	rootUser  = `{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333","accessKeyId":""}`
	federated = `{"type":"FederatedUser","principalId":"111122223333:visitor","arn":"arn:aws:sts::111122223333:federated-user/visitor","accountId":"111122223333","accessKeyId":"ASIAVISITOR","sessionContext":{"sessionIssuer":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/ci/deploy","accountId":"111122223333","userName":"deploy"},"attributes":{"creationDate":"2026-05-04T09:30:00Z","mfaAuthenticated":"false"}}}`
)

// inRole is a call by a session whose role is named.
var inRole = acted.with("userIdentity", strings.Replace(acted["userIdentity"], `{"type":"Role",`, `{"type":"Role","arn":"arn:aws:iam::111122223333:role/team/Admin",`, 1))

// fact is what inRole amounts to, changed.
func fact(kind schemas.FactKind, service, action string, change func(*schemas.Fact)) schemas.Fact {
	f := schemas.Fact{
		ID: "e2", Kind: kind, Source: schemas.CloudTrail, Shard: "aws/111122223333/eu-west-1", At: at,
		Who: schemas.Identity{SessionName: "ann@example.com"},
		Call: &schemas.Call{
			PrincipalID: "AROAEXAMPLE:ann@example.com", AccessKeyID: "ASIAEXAMPLE", RoleARN: "arn:aws:iam::111122223333:role/team/Admin",
			CreatedAt: at.Add(-30 * time.Minute), Service: service, Action: action,
		},
	}
	if change != nil {
		change(&f)
	}
	return f
}

func TestChainedRoles(t *testing.T) {
	onward := inRole.called("sts", "AssumeRole").with("requestParameters", roleRequest).with("responseElements", roleResponse)
	want := func(change func(*schemas.Fact)) schemas.Fact {
		return fact(schemas.Chained, "sts", "AssumeRole", func(f *schemas.Fact) {
			f.Chain = &schemas.Chain{
				Account: "444455556666", Role: "Deploy", RoleARN: "arn:aws:iam::444455556666:role/ops/Deploy",
				PrincipalID: "AROAFURTHER:release", AccessKeyID: "ASIAFURTHER", Expires: at.Add(45 * time.Minute),
			}
			change(f)
		})
	}
	plain := fact(schemas.Acted, "sts", "AssumeRole", nil)
	identity := func(old, new string) event {
		return onward.by(strings.Replace(onward["userIdentity"], old, new, 1))
	}
	twin := onward.by(`{"type":"AWSAccount","principalId":"AROAEXAMPLE:ann@example.com","accountId":"111122223333"}`).
		with("recipientAccountId", `"444455556666"`).with("sharedEventID", `"shared"`)
	for _, tc := range []struct {
		name string
		in   event
		want schemas.Fact
	}{
		{"further role", onward, want(func(*schemas.Fact) {})},
		{"across accounts", onward.with("sharedEventID", `"shared"`), want(func(f *schemas.Fact) { f.Chain.SharedID = "shared" })},
		{"as the owner of the role records it", twin, want(func(f *schemas.Fact) {
			f.Shard, f.Chain.SharedID = "aws/444455556666/eu-west-1", "shared"
			f.Call = &schemas.Call{PrincipalID: "AROAEXAMPLE:ann@example.com"}
		})},
		{"from the console", onward.with("sessionCredentialFromConsole", `"true"`), want(func(f *schemas.Fact) { f.Call.Console = true })},
		{"role of a permission set", onward.with("requestParameters", strings.Replace(roleRequest, "ops/Deploy", "aws-reserved/sso.amazonaws.com/AWSReservedSSO_Read_Only_0123456789abcdef", 1)),
			want(func(f *schemas.Fact) {
				f.Chain.RoleARN = "arn:aws:iam::444455556666:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Read_Only_0123456789abcdef"
				f.Chain.Role = "Read_Only"
			})},
		{"request left out", onward.with("requestParameters", "null"), want(func(f *schemas.Fact) { f.Chain.RoleARN = "" })},
		{"end asked for", onward.with("responseElements", strings.Replace(roleResponse, `,"expiration":"May 4, 2026, 10:45:00 AM"`, "", 1)).
			with("requestParameters", strings.Replace(roleRequest, "{", `{"durationSeconds":900,`, 1)),
			want(func(f *schemas.Fact) { f.Chain.Expires = at.Add(15 * time.Minute) })},
		{"source identity stays", identity(`"sessionContext":{`, `"sessionContext":{"sourceIdentity":"ann-id",`), want(func(f *schemas.Fact) { f.Who.SourceIdentity = "ann-id" })},
		{"refused", onward.with("errorCode", `"AccessDenied"`).with("responseElements", "null"), fact(schemas.Acted, "sts", "AssumeRole", func(f *schemas.Fact) { f.Call.Denied = true })},
		{"failed otherwise", onward.with("errorCode", `"RegionDisabledException"`).with("responseElements", "null"), plain},
		{"by a service", identity(`"type":"AssumedRole",`, `"type":"AssumedRole","invokedBy":"cloudformation.amazonaws.com",`),
			fact(schemas.Acted, "sts", "AssumeRole", func(f *schemas.Fact) { f.Call.ServiceDriven = true })},
		{"nothing is known of it", onward.with("requestParameters", "null").with("responseElements", "null"), plain},
		{"another service's event of that name", onward.called("example", "AssumeRole"), fact(schemas.Acted, "example", "AssumeRole", nil)},
	} {
		check(t, tc.name, tc.in, tc.want)
	}
	for name, in := range map[string]event{
		"refused twin":       twin.with("errorCode", `"AccessDenied"`).with("responseElements", "null"),
		"AWS itself":         onward.by(`{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}`),
		"unknown principal":  onward.by(`{"type":"AWSAccount","principalId":"ANONYMOUS_PRINCIPAL","accountId":"111122223333"}`),
		"nameless principal": onward.by(`{"type":"AWSAccount","accountId":"111122223333"}`),
	} {
		if f, relevant := decode(t, in); relevant {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestMintedKeys(t *testing.T) {
	login := inRole.called("signin", "CreateOAuth2Token").with("requestParameters", `{"client_id":"arn:aws:signin:::devtools/same-device"}`).
		with("responseElements", "null").with("additionalEventData", `{"success":"true","x-amzn-vpce-id":""}`)
	want := func(key string) schemas.Fact {
		return fact(schemas.Minted, "signin", "CreateOAuth2Token", func(f *schemas.Fact) {
			f.Chain = &schemas.Chain{PrincipalID: "AROAEXAMPLE:ann@example.com", AccessKeyID: key}
		})
	}
	plain := fact(schemas.Acted, "signin", "CreateOAuth2Token", nil)
	for _, tc := range []struct {
		name string
		in   event
		want schemas.Fact
	}{
		{"aws login", login, want("")},
		{"outcome left out", login.with("additionalEventData", ""), want("")},
		{"key named", login.with("responseElements", `{"accessToken":{"accessKeyId":"ASIAMINTED"},"expiresIn":900}`), want("ASIAMINTED")},
		{"did not go well", login.with("additionalEventData", `{"success":"false"}`), plain},
		{"refused", login.with("errorCode", `"AccessDenied"`), fact(schemas.Acted, "signin", "CreateOAuth2Token", func(f *schemas.Fact) { f.Call.Denied = true })},
	} {
		check(t, tc.name, tc.in, tc.want)
	}
	if f, relevant := decode(t, login.by(iamUser)); relevant {
		t.Errorf("keys of an IAM user: %+v", f)
	}
}
