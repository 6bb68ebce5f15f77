package cloudtrail_test

import (
	"testing"

	"jitaudit/schemas"
)

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
