package cloudtrail_test

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"jitaudit/schemas"
)

func TestRevokedSessions(t *testing.T) {
	const document = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["*"],"Resource":["*"],"Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-05-04T09:58:30.125Z"}}}]}`
	put := func(policy, document string) event {
		return inRole.called("iam", "PutRolePolicy").
			with("requestParameters", `{"roleName":"Admin","policyName":"`+policy+`","policyDocument":`+strconv.Quote(document)+`}`)
	}
	revoke := func(document string) event { return put("AWSRevokeOlderSessions", document) }
	changed := func(old, new string) event { return revoke(strings.Replace(document, old, new, 1)) }
	want := func(before time.Time, change func(*schemas.Fact)) schemas.Fact {
		return fact(schemas.SessionsRevoked, "iam", "PutRolePolicy", func(f *schemas.Fact) {
			f.Revocation = &schemas.Revocation{Account: "111122223333", Role: "Admin", Before: before}
			if change != nil {
				change(f)
			}
		})
	}
	said := time.Date(2026, 5, 4, 9, 58, 30, 125e6, time.UTC)
	plain := fact(schemas.Acted, "iam", "PutRolePolicy", nil)
	for _, tc := range []struct {
		name string
		in   event
		want schemas.Fact
	}{
		{"plain JSON", revoke(document), want(said, nil)},
		{"as URLs are written", revoke(url.PathEscape(document)), want(said, nil)},
		{"zone with a plus", changed("09:58:30.125Z", "11:58:30.125+02:00"), want(said, nil)},
		{"zone with a plus, as URLs are written", revoke(url.PathEscape(strings.Replace(document, "09:58:30.125Z", "11:58:30.125+02:00", 1))), want(said, nil)},
		{"one statement, several times", revoke(`{"Statement":{"Effect":"Deny","Condition":{"DateLessThanEquals":{"AWS:tokenIssueTime":["2026-05-04T08:00:00Z","2026-05-04T09:00:00Z",5]},"Bool":{"aws:MultiFactorAuthPresent":false}}}}`),
			want(at.Add(-time.Hour), nil)},
		{"time left out", changed(`"aws:TokenIssueTime":"2026-05-04T09:58:30.125Z"`, ""), want(at, nil)},
		{"unreadable time", changed("2026-05-04T09:58:30.125Z", "now"), want(at, nil)},
		{"document left out", revoke(""), want(at, nil)},
		{"document that is none", revoke("HIDDEN_DUE_TO_SECURITY_REASONS"), want(at, nil)},
		{"role of a permission set", revoke(document).with("requestParameters", strings.Replace(revoke(document)["requestParameters"], `"Admin"`, `"AWSReservedSSO_Operator_0123456789abcdef"`, 1)),
			want(said, func(f *schemas.Fact) { f.Revocation.Role = "Operator" })},
		{"by an IAM user", revoke(document).by(iamUser), want(said, func(f *schemas.Fact) {
			f.Call, f.Who = nil, schemas.Identity{IAMUser: "111122223333/deploy"}
		})},
		{"by AWS itself", revoke(document).by(`{"type":"AWSService","invokedBy":"sso.amazonaws.com"}`), want(said, func(f *schemas.Fact) {
			f.Call, f.Who = nil, schemas.Identity{}
		})},
		{"allows instead", changed("Deny", "Allow"), plain},
		{"another policy", put("Deploy", document), plain},
		{"refused", revoke(document).with("errorCode", `"AccessDenied"`), fact(schemas.Acted, "iam", "PutRolePolicy", func(f *schemas.Fact) { f.Call.Denied = true })},
	} {
		check(t, tc.name, tc.in, tc.want)
	}
}
