package cloudtrail_test

import (
	"strings"
	"testing"

	"jitaudit/schemas"
)

func TestAccountAssignments(t *testing.T) {
	const request = `{"instanceArn":"arn:aws:sso:::instance/ssoins-1","targetId":"444455556666","targetType":"AWS_ACCOUNT","permissionSetArn":"arn:aws:sso:::permissionSet/ssoins-1/ps-1","principalType":"USER","principalId":"u-1"}`
	given := inRole.called("sso", "CreateAccountAssignment").with("requestParameters", request).
		with("responseElements", `{"accountAssignmentCreationStatus":{"status":"IN_PROGRESS"}}`)
	asked := func(old, new string) event {
		return given.with("requestParameters", strings.Replace(request, old, new, 1))
	}
	want := func(kind schemas.FactKind, action string, change func(*schemas.Fact)) schemas.Fact {
		return fact(kind, "sso", action, func(f *schemas.Fact) {
			f.Who = schemas.Identity{PortalUserID: "u-1"}
			f.Assignment = &schemas.Assignment{Account: "444455556666", PermissionSet: "arn:aws:sso:::permissionSet/ssoins-1/ps-1", Actor: ann}
			if change != nil {
				change(f)
			}
		})
	}
	for _, tc := range []struct {
		name string
		in   event
		want schemas.Fact
	}{
		{"given", given, want(schemas.AccountAssigned, "CreateAccountAssignment", nil)},
		{"taken away", given.called("sso", "DeleteAccountAssignment"), want(schemas.AccountUnassigned, "DeleteAccountAssignment", nil)},
		{"kind of target left out", asked(`"targetType":"AWS_ACCOUNT",`, ""), want(schemas.AccountAssigned, "CreateAccountAssignment", nil)},
		{"on behalf of somebody", given.by(strings.Replace(inRole["userIdentity"], "{", `{"onBehalfOf":{"userId":"u-9"},`, 1)), want(schemas.AccountAssigned, "CreateAccountAssignment", nil)},
		{"by root", given.by(rootUser), want(schemas.AccountAssigned, "CreateAccountAssignment", func(f *schemas.Fact) {
			f.Call, f.Assignment.Actor = nil, schemas.Actor{ID: "111122223333", Type: "Root", Name: "root", AlternateID: "111122223333/root"}
		})},
		{"by AWS itself", given.by(`{"type":"AWSService","invokedBy":"controltower.amazonaws.com"}`), want(schemas.AccountAssigned, "CreateAccountAssignment", func(f *schemas.Fact) {
			f.Call, f.Assignment.Actor = nil, schemas.Actor{Type: "AWSService"}
		})},
		{"to a group", asked(`"USER"`, `"GROUP"`), fact(schemas.Acted, "sso", "CreateAccountAssignment", nil)},
		{"nobody named", asked(`,"principalId":"u-1"`, ""), fact(schemas.Acted, "sso", "CreateAccountAssignment", nil)},
		{"refused", given.with("errorCode", `"AccessDeniedException"`).with("responseElements", "null"),
			fact(schemas.Acted, "sso", "CreateAccountAssignment", func(f *schemas.Fact) { f.Call.Denied = true })},
	} {
		check(t, tc.name, tc.in, tc.want)
	}
}
