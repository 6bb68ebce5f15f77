package cloudtrail_test

import (
	"strings"
	"testing"

	"jitaudit/schemas"
)

func TestEntriesPastSAML(t *testing.T) {
	from := acted.with("sourceIPAddress", `"203.0.113.9"`).with("userAgent", `"aws-cli/2"`)
	entry := func(who schemas.Identity, change func(*schemas.Entry)) schemas.Fact {
		e := &schemas.Entry{Account: "111122223333", IP: "203.0.113.9", UserAgent: "aws-cli/2"}
		change(e)
		return schemas.Fact{
			ID: "e2", Kind: schemas.Entered, Source: schemas.CloudTrail, Shard: "aws/111122223333/eu-west-1", At: at, Who: who, Entry: e,
		}
	}
	deploy, root := schemas.Identity{IAMUser: "111122223333/deploy"}, schemas.Identity{IAMUser: "111122223333/root"}

	assume := from.called("sts", "AssumeRole").by(iamUser).with("requestParameters", roleRequest).with("responseElements", roleResponse)
	intoRole := func(way schemas.EntryWay, action string, change func(*schemas.Entry)) func(*schemas.Entry) {
		return func(e *schemas.Entry) {
			e.Way, e.Action, e.Account, e.Role, e.RoleARN = way, action, "444455556666", "Deploy", "arn:aws:iam::444455556666:role/ops/Deploy"
			e.PrincipalID, e.AccessKeyID = "AROAFURTHER:release", "ASIAFURTHER"
			change(e)
		}
	}
	unchanged := func(*schemas.Entry) {}

	pipeline := from.called("sts", "AssumeRoleWithWebIdentity").with("requestParameters", roleRequest).with("responseElements", roleResponse).
		by(`{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/token.example.org:sts.amazonaws.com:repo:example/orders","userName":"repo:example/orders","identityProvider":"arn:aws:iam::111122223333:oidc-provider/token.example.org"}`)
	job := schemas.Identity{SessionName: "release", NameID: "repo:example/orders"}
	byProvider := func(e *schemas.Entry) { e.Provider = "arn:aws:iam::111122223333:oidc-provider/token.example.org" }

	signIn := from.called("signin", "ConsoleLogin").by(strings.Replace(iamUser, `"accessKeyId":"AKIAEXAMPLE",`, "", 1)).
		with("requestParameters", "null").with("responseElements", `{"ConsoleLogin":"Success"}`)
	console := func(way schemas.EntryWay) func(*schemas.Entry) {
		return func(e *schemas.Entry) { e.Way, e.Action = way, "ConsoleLogin" }
	}
	token := from.called("sts", "GetSessionToken").by(iamUser).with("responseElements", `{"credentials":{"accessKeyId":"ASIAOWN","expiration":"May 4, 2026, 10:45:00 PM"}}`)

	for _, tc := range []struct {
		name string
		in   event
		want schemas.Fact
	}{
		{"role by an IAM user", assume, entry(deploy, intoRole(schemas.ByIAMUser, "AssumeRole", unchanged))},
		{"role by root", assume.by(rootUser), entry(root, intoRole(schemas.ByRoot, "AssumeRole", unchanged))},
		{"role by a federated user", assume.by(federated), entry(deploy, intoRole(schemas.ByIAMUser, "AssumeRole", unchanged))},
		{"IAM user who is named root", assume.by(strings.Replace(iamUser, `"userName":"deploy"`, `"userName":"root"`, 1)), entry(root, intoRole(schemas.ByIAMUser, "AssumeRole", unchanged))},
		{"IAM user without name", assume.by(`{"type":"IAMUser","principalId":"AIDAEXAMPLE","accountId":"111122223333"}`),
			entry(schemas.Identity{IAMUser: "111122223333/AIDAEXAMPLE"}, intoRole(schemas.ByIAMUser, "AssumeRole", unchanged))},
		{"role by an IAM user of another account", assume.by(`{"type":"AWSAccount","principalId":"AIDAOTHER","accountId":"777788889999"}`),
			entry(schemas.Identity{IAMUser: "777788889999/AIDAOTHER"}, intoRole(schemas.ByIAMUser, "AssumeRole", unchanged))},
		{"role by the root user of another account", assume.by(`{"type":"AWSAccount","principalId":"777788889999","accountId":"777788889999"}`),
			entry(schemas.Identity{IAMUser: "777788889999/root"}, intoRole(schemas.ByRoot, "AssumeRole", unchanged))},
		{"pipeline", pipeline, entry(job, intoRole(schemas.ByWebIdentity, "AssumeRoleWithWebIdentity", byProvider))},
		{"pipeline in an export without accounts", pipeline.with("recipientAccountId", ""), func() schemas.Fact {
			f := entry(job, intoRole(schemas.ByWebIdentity, "AssumeRoleWithWebIdentity", byProvider))
			f.Shard = "aws/444455556666/eu-west-1"
			return f
		}()},
		{"console by an IAM user", signIn, entry(deploy, console(schemas.ByIAMUser))},
		{"console by root", signIn.by(rootUser), entry(root, console(schemas.ByRoot))},
		{"keys of one's own", token, entry(deploy, func(e *schemas.Entry) {
			e.Way, e.Action, e.AccessKeyID = schemas.ByIAMUser, "GetSessionToken", "ASIAOWN"
		})},
		{"keys for a federated user", token.called("sts", "GetFederationToken"), entry(deploy, func(e *schemas.Entry) {
			e.Way, e.Action, e.AccessKeyID = schemas.ByIAMUser, "GetFederationToken", "ASIAOWN"
		})},
		{"keys of root's own", token.by(rootUser), entry(root, func(e *schemas.Entry) {
			e.Way, e.Action, e.AccessKeyID = schemas.ByRoot, "GetSessionToken", "ASIAOWN"
		})},
	} {
		check(t, tc.name, tc.in, tc.want)
	}
	for name, in := range map[string]event{
		"refused role":           assume.with("errorCode", `"AccessDenied"`).with("responseElements", "null"),
		"role by a service":      assume.by(strings.Replace(iamUser, "{", `{"invokedBy":"cloudformation.amazonaws.com",`, 1)),
		"refused pipeline":       pipeline.with("errorCode", `"InvalidIdentityToken"`).with("responseElements", "null"),
		"failed sign-in":         signIn.with("errorMessage", `"Failed authentication"`).with("responseElements", `{"ConsoleLogin":"Failure"}`),
		"failure in the answer":  signIn.with("responseElements", `{"ConsoleLogin":"Failure"}`),
		"sign-in without answer": signIn.with("responseElements", "null"),
		"refused keys":           token.with("errorCode", `"AccessDenied"`),
		"any call by IAM users":  from.by(iamUser),
		"nobody in particular":   assume.by(`{"type":"IAMUser"}`),
	} {
		if f, relevant := decode(t, in); relevant {
			t.Errorf("%s: %+v", name, f)
		}
	}
	// A role session gets into the console as itself.
	check(t, "console by a role session", signIn.by(inRole["userIdentity"]), fact(schemas.Acted, "signin", "ConsoleLogin", nil))
}
