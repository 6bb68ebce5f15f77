package cloudtrail_test

import (
	"strings"
	"testing"
	"time"

	"jitaudit/schemas"
)

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
		{"role that is named", identity(`"sessionIssuer":{`, `"sessionIssuer":{"arn":"arn:aws:iam::111122223333:role/team/Admin",`),
			want(func(f *schemas.Fact) { f.Call.RoleARN = "arn:aws:iam::111122223333:role/team/Admin" })},
		{"no recipient account", acted.with("recipientAccountId", ""), base},
		{"session without name", identity("AROAEXAMPLE:ann@example.com", "AROAEXAMPLE"),
			want(func(f *schemas.Fact) { f.Who.SessionName, f.Call.PrincipalID = "", "AROAEXAMPLE" })},
	} {
		check(t, tc.name, tc.in, tc.want)
	}
}
