package cloudtrail_test

import (
	"strings"
	"testing"

	"jitaudit/schemas"
)

var (
	ann    = schemas.Actor{ID: "AROAEXAMPLE:ann@example.com", Type: "AssumedRole", Name: "ann@example.com", AlternateID: "ann@example.com"}
	deploy = schemas.Actor{ID: "AIDAEXAMPLE", Type: "IAMUser", Name: "deploy", AlternateID: "111122223333/deploy"}
)

// deed is an event by ann's session, and what it amounts to.
func deed(kind schemas.FactKind, service, action, object, id string) schemas.Fact {
	return fact(kind, service, action, func(f *schemas.Fact) {
		f.Deed = &schemas.Deed{Action: action, Object: object, ObjectID: id, Account: "111122223333", Actor: ann}
	})
}

func TestChangesOfWhatFederationRestsOn(t *testing.T) {
	const (
		saml = "arn:aws:iam::111122223333:saml-provider/Okta"
		oidc = "arn:aws:iam::111122223333:oidc-provider/token.example.org"
	)
	for _, tc := range []struct{ service, action, request, response, object, id string }{
		{"iam", "CreateSAMLProvider", `{"name":"Okta","sAMLMetadataDocument":"<x/>"}`, `{"sAMLProviderArn":"` + saml + `"}`, "Okta", saml},
		{"iam", "CreateSAMLProvider", `{"name":"Okta"}`, "null", "Okta", ""},
		{"iam", "UpdateSAMLProvider", `{"sAMLProviderArn":"` + saml + `","sAMLMetadataDocument":"<x/>"}`, `{"sAMLProviderArn":"` + saml + `"}`, "Okta", saml},
		{"iam", "DeleteSAMLProvider", `{"sAMLProviderArn":"` + saml + `"}`, "null", "Okta", saml},
		{"iam", "UpdateAssumeRolePolicy", `{"roleName":"Admin","policyDocument":"{}"}`, "null", "Admin", ""},
		{"iam", "CreateOpenIDConnectProvider", `{"url":"https://token.example.org","clientIDList":["sts.amazonaws.com"]}`, `{"openIDConnectProviderArn":"` + oidc + `"}`, "https://token.example.org", oidc},
		{"iam", "DeleteOpenIDConnectProvider", `{"openIDConnectProviderArn":"` + oidc + `"}`, "null", "token.example.org", oidc},
		{"sso-directory", "EnableExternalIdPConfigurationForDirectory", `{"directoryId":"d-1"}`, "null", "d-1", ""},
		{"sso-directory", "DisableExternalIdPConfigurationForDirectory", `{"identityStoreId":"d-1"}`, "null", "d-1", ""},
		{"sso", "AssociateDirectory", `{"directoryId":"d-1","directoryType":"Custom"}`, "null", "d-1", ""},
		{"sso", "DisassociateDirectory", "null", "null", "", ""},
		{"iam", "UpdateAssumeRolePolicy", `{"roleName":5}`, "null", "", ""},
	} {
		in := inRole.called(tc.service, tc.action).with("requestParameters", tc.request).with("responseElements", tc.response)
		want := deed(schemas.TrustChanged, tc.service, tc.action, tc.object, tc.id)
		check(t, tc.action, in, want)
		want.Deed.Failed, want.Call.Denied = true, true
		if tc.response == "null" {
			check(t, "refused "+tc.action, in.with("errorCode", `"AccessDenied"`), want)
		}
	}

	trust := inRole.called("iam", "UpdateAssumeRolePolicy").with("requestParameters", `{"roleName":"Admin"}`)
	byKeys := deed(schemas.TrustChanged, "iam", "UpdateAssumeRolePolicy", "Admin", "")
	byKeys.Call, byKeys.Who, byKeys.Deed.Actor = nil, schemas.Identity{IAMUser: "111122223333/deploy"}, deploy
	check(t, "by an IAM user", trust.by(iamUser), byKeys)
	byKeys.Who, byKeys.Deed.Actor = schemas.Identity{IAMUser: "111122223333/root"}, schemas.Actor{ID: "111122223333", Type: "Root", Name: "root", AlternateID: "111122223333/root"}
	check(t, "by root", trust.by(rootUser), byKeys)

	center := strings.Replace(inRole["userIdentity"], "role/team/Admin", "role/aws-service-role/sso.amazonaws.com/AWSServiceRoleForSSO", 1)
	for name, in := range map[string]event{
		"Identity Center's own provider": inRole.called("iam", "CreateSAMLProvider").with("requestParameters", `{"name":"AWSSSO_0123456789abcdef_DO_NOT_DELETE"}`).by(center),
		"another service":                trust.called("example", "UpdateAssumeRolePolicy"),
		"other directories":              inRole.called("ds", "AssociateDirectory"),
	} {
		if f, relevant := decode(t, in); !relevant || f.Kind != schemas.Acted || f.Deed != nil {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if f, relevant := decode(t, trust.by(`{"type":"AWSService","invokedBy":"sso.amazonaws.com"}`)); relevant {
		t.Errorf("by AWS itself: %+v", f)
	}
}

func TestTamperingWithTrails(t *testing.T) {
	const (
		trail = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/organisation"
		store = "arn:aws:cloudtrail:eu-west-1:111122223333:eventdatastore/0f1e"
	)
	for _, tc := range []struct{ action, request, object, id string }{
		{"StopLogging", `{"name":"organisation"}`, "organisation", ""},
		{"StopLogging", `{"name":"` + trail + `"}`, "organisation", trail},
		{"DeleteTrail", `{"name":"organisation"}`, "organisation", ""},
		{"UpdateTrail", `{"name":"organisation","isMultiRegionTrail":false}`, "organisation", ""},
		{"PutEventSelectors", `{"trailName":"organisation","eventSelectors":[]}`, "organisation", ""},
		{"DeleteEventDataStore", `{"eventDataStore":"` + store + `"}`, "0f1e", store},
		{"StopEventDataStoreIngestion", `{"eventDataStore":"` + store + `"}`, "0f1e", store},
	} {
		in := inRole.called("cloudtrail", tc.action).with("requestParameters", tc.request)
		want := deed(schemas.LogTampered, "cloudtrail", tc.action, tc.object, tc.id)
		check(t, tc.action, in, want)
		want.Deed.Failed, want.Call.Denied = true, true
		check(t, "refused "+tc.action, in.with("errorCode", `"AccessDenied"`), want)
	}
	byVisitor := deed(schemas.LogTampered, "cloudtrail", "DeleteTrail", "organisation", "")
	byVisitor.Call, byVisitor.Who = nil, schemas.Identity{IAMUser: "111122223333/deploy"}
	byVisitor.Deed.Actor = schemas.Actor{ID: "111122223333:visitor", Type: "FederatedUser", Name: "deploy", AlternateID: "111122223333/deploy"}
	check(t, "by a federated user", inRole.called("cloudtrail", "DeleteTrail").with("requestParameters", `{"name":"organisation"}`).by(federated), byVisitor)
	check(t, "started", inRole.called("cloudtrail", "StartLogging"), fact(schemas.Acted, "cloudtrail", "StartLogging", nil))
}

func TestLongLivedCredentials(t *testing.T) {
	for _, tc := range []struct{ action, request, response, object string }{
		{"CreateAccessKey", `{"userName":"ci"}`, `{"accessKey":{"userName":"ci","accessKeyId":"AKIANEW"}}`, "ci"},
		{"CreateAccessKey", "null", `{"accessKey":{"userName":"ci","accessKeyId":"AKIANEW"}}`, "ci"},
		{"CreateAccessKey", "null", "null", "ann@example.com"},
		{"CreateLoginProfile", `{"userName":"ci"}`, "null", "ci"},
		{"CreateServiceSpecificCredential", `{"userName":"ci","serviceName":"codecommit.amazonaws.com"}`, "null", "ci"},
		{"UploadSSHPublicKey", `{"userName":"ci"}`, "null", "ci"},
		{"UploadSigningCertificate", `{"userName":"ci"}`, "null", "ci"},
	} {
		in := inRole.called("iam", tc.action).with("requestParameters", tc.request).with("responseElements", tc.response)
		check(t, tc.action, in, deed(schemas.CredentialCreated, "iam", tc.action, tc.object, ""))
		check(t, "refused "+tc.action, in.with("errorCode", `"AccessDenied"`).with("responseElements", "null"),
			fact(schemas.Acted, "iam", tc.action, func(f *schemas.Fact) { f.Call.Denied = true }))
	}
	own := deed(schemas.CredentialCreated, "iam", "CreateAccessKey", "deploy", "")
	own.Call, own.Who, own.Deed.Actor = nil, schemas.Identity{IAMUser: "111122223333/deploy"}, deploy
	check(t, "an IAM user's own", inRole.called("iam", "CreateAccessKey").by(iamUser), own)
	check(t, "taken away", inRole.called("iam", "DeleteAccessKey"), fact(schemas.Acted, "iam", "DeleteAccessKey", nil))
	if f, relevant := decode(t, inRole.called("iam", "CreateAccessKey").by(iamUser).with("errorCode", `"AccessDenied"`)); relevant {
		t.Errorf("an IAM user's own, refused: %+v", f)
	}
}
