package scan

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

// chaos makes events out of few names, so that keys, principals, ids and
// instants meet each other in every way, as no honest log has it.
type chaos struct{ *rand.Rand }

// object is what an event or a part of it is made of.
type object = map[string]any

// chaosPolicies know all that opens a role; the second watches more than the first
// and comes into force amid the events.
func chaosPolicies(t *testing.T) *policy.Set {
	t.Helper()
	const text = `
providers:
  - {name: okta, arn: 'arn:aws:iam::*:saml-provider/Okta', federation: direct, okta_org: example, apps: [0oa1]}
groups:
  - match: '^aws#\S+#(?P<role>[\w-]+)#(?P<account>\d{12})$'
    duration: 30m
  - app: 0oa2
    duration: 1h
    targets: [{account: '111111111111', role: Read}]
permission_sets:
  'arn:aws:sso:::permissionSet/ssoins-1/ps-1': Admin
people:
  - {login: ada@example.com, aliases: [eve, 'iam:111111111111/deploy']}
`
	var all []*policy.Policy
	for i, more := range []string{
		"watched:\n  - {accounts: ['111111111111'], roles: [Admin]}\n",
		"effective_from: 2026-03-02T11:00:00Z\nwatched:\n  - {accounts: ['*']}\nbounds: {burst_window: 5m}\n",
	} {
		p, err := policy.Parse(fmt.Sprint("policy-", i, ".yaml"), []byte(text+more))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	set, err := policy.NewSet(all...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func (c chaos) of(choices ...string) string { return choices[c.IntN(len(choices))] }

func (c chaos) one(n int) bool { return c.IntN(n) == 0 }

func (c chaos) id() string {
	n := c.IntN(60)
	return c.of(
		fmt.Sprintf("00000000-0000-4000-8000-%012d", n), fmt.Sprintf("00000000-0000-4000-8000-%012d", n),
		fmt.Sprintf("ABCDEF00-0000-4000-8000-%012d", n), fmt.Sprintf("event-%d", n), "",
	)
}

func (c chaos) at() time.Time {
	return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).Add(time.Duration(c.IntN(4*3600)) * time.Second)
}

func (c chaos) instant() string {
	return c.at().Format("2006-01-02T15:04:05") + c.of("Z", "Z", "Z", ".250Z")
}

func (c chaos) name() string { return c.of("ada@example.com", "ADA@example.com", "ben", "eve") }

func (c chaos) account() string { return c.of("111111111111", "222222222222") }

func (c chaos) key() string {
	return c.of("ASIA0000000000000001", "ASIA0000000000000002", "ASIA0000000000000003", "")
}

func (c chaos) principal() string { return c.of("AROAONE:", "AROATWO:") + c.name() }

func (c chaos) role() string {
	return "arn:aws:iam::111111111111:role/" + c.of("Admin", "Read", "aws-reserved/sso.amazonaws.com/AWSReservedSSO_Read_0123456789abcdef")
}

// created is one of a few instants, so that calls meet in one use.
func (c chaos) created() string {
	return c.of(c.instant(), c.at().Truncate(time.Hour).Format(time.RFC3339))
}

// session is the identity of a role session; some of them nobody assumed.
func (c chaos) session() object {
	principal := c.principal()
	if c.one(4) {
		principal = "AROATHREE:" + c.name()
	}
	who := object{"type": "AssumedRole", "principalId": principal, "accessKeyId": c.of(c.key(), "ASIA0000000000000009")}
	if !c.one(4) {
		in := object{"attributes": object{"creationDate": c.created()}}
		if !c.one(4) {
			in["sessionIssuer"] = object{"type": "Role", "arn": c.role()}
		}
		who["sessionContext"] = in
	}
	if c.one(5) {
		who["invokedBy"] = "athena.amazonaws.com"
	}
	if c.one(8) {
		who["onBehalfOf"] = object{"userId": c.of("u-1", "u-2")}
	}
	return who
}

// anybody is an identity of any kind that does more than call.
func (c chaos) anybody() object {
	switch c.IntN(6) {
	case 0:
		return object{"type": "IAMUser", "principalId": "AIDAONE", "accountId": c.account(), "userName": c.of("deploy", "other")}
	case 1:
		return object{"type": "Root", "principalId": "111111111111", "accountId": "111111111111"}
	case 2:
		return object{"type": "AWSAccount", "principalId": c.of(c.principal(), "AIDAONE"), "accountId": c.account()}
	}
	return c.session()
}

// issued are request and response by which credentials were made.
func (c chaos) issued(ev object) {
	role, name := c.role(), c.name()
	ev["requestParameters"] = object{"roleSessionName": name, "roleArn": role}
	ev["responseElements"] = object{
		"credentials":     object{"accessKeyId": c.key(), "expiration": "Mar 2, 2026 1:00:00 PM"},
		"assumedRoleUser": object{"assumedRoleId": c.principal(), "arn": "arn:aws:sts::111111111111:assumed-role/Admin/" + name},
	}
}

func (c chaos) trail() object {
	ev := object{
		"eventID": c.id(), "eventTime": c.instant(), "awsRegion": c.of("eu-central-1", "us-east-1"),
		"recipientAccountId": c.account(), "readOnly": c.one(2),
	}
	called := func(service, name string, by object) {
		ev["eventSource"], ev["eventName"], ev["userIdentity"] = service+".amazonaws.com", name, by
	}
	switch c.IntN(12) {
	case 0, 1, 2:
		name := c.name()
		called("sts", "AssumeRoleWithSAML", object{"type": "SAMLUser", "userName": name})
		c.issued(ev)
		request := ev["requestParameters"].(object)
		request["principalArn"], request["sAMLAssertionID"] = "arn:aws:iam::111111111111:saml-provider/Okta", c.of("id1", "id2", "id3", "")
	case 3:
		called("sts", "AssumeRole", c.anybody())
		c.issued(ev)
		if c.one(2) {
			ev["sharedEventID"] = c.of("shared-1", "shared-2")
		}
	case 4:
		c.deed(ev, called)
	default:
		called(c.of("s3", "ec2", "kms", "sqs", "sns", "iam", "sts", "logs"), c.of("Get", "Put"), c.session())
		if c.one(5) {
			ev["sessionCredentialFromConsole"] = "true"
		}
	}
	if c.one(7) {
		ev["errorCode"] = "AccessDenied"
	}
	if c.one(10) {
		ev["addendum"] = object{"reason": "UPDATED_DATA"}
	}
	return ev
}

// deed makes an event that matters by itself.
func (c chaos) deed(ev object, called func(service, name string, by object)) {
	switch c.IntN(8) {
	case 0:
		called("iam", c.of("CreateAccessKey", "CreateLoginProfile"), c.anybody())
		ev["requestParameters"] = object{"userName": c.of("deploy", "other")}
	case 1:
		called("iam", "UpdateAssumeRolePolicy", c.anybody())
		ev["requestParameters"] = object{"roleName": "Admin"}
	case 2:
		called("cloudtrail", "StopLogging", c.anybody())
		ev["requestParameters"] = object{"name": "organisation"}
	case 3:
		called("iam", "PutRolePolicy", c.anybody())
		ev["requestParameters"] = object{
			"roleName": c.of("Admin", "Read"), "policyName": "AWSRevokeOlderSessions",
			"policyDocument": `{"Statement":[{"Effect":"Deny","Condition":{"DateLessThan":{"aws:TokenIssueTime":"` + c.instant() + `"}}}]}`,
		}
	case 4:
		called("sso", c.of("CreateAccountAssignment", "DeleteAccountAssignment"), c.anybody())
		ev["requestParameters"] = object{
			"targetId": "111111111111", "permissionSetArn": "arn:aws:sso:::permissionSet/ssoins-1/ps-1", "principalType": "USER", "principalId": c.of("u-1", "u-2", "u-3"),
		}
	case 5:
		called("signin", "CreateOAuth2Token", c.session())
		ev["responseElements"] = object{"accessToken": object{"accessKeyId": c.key()}}
	case 6:
		called("sts", "AssumeRoleWithWebIdentity", object{"type": "WebIdentityUser", "userName": c.name(), "identityProvider": "idp"})
		c.issued(ev)
	default:
		called("sso", "Federate", object{"type": "IdentityCenterUser", "userName": c.name(), "onBehalfOf": object{"userId": c.of("u-1", "u-2")}})
	}
}

func (c chaos) user() object {
	login := c.of("ada@example.com", "ben@example.com")
	return object{"id": "00u" + login[:3], "type": "User", "alternateId": login}
}

func (c chaos) okta() object {
	user := c.user()
	ev := object{
		"uuid": c.id(), "published": c.instant(), "outcome": object{"result": c.of("SUCCESS", "SUCCESS", "FAILURE")}, "actor": c.user(),
		"authenticationContext": object{"externalSessionId": c.of("s1", "s2", "unknown")},
	}
	event := func(name string, debug object, target ...any) {
		ev["eventType"], ev["target"] = name, target
		if debug != nil {
			ev["debugContext"] = object{"debugData": debug}
		}
	}
	app := object{"id": c.of("0oa1", "0oa2"), "type": "AppInstance", "alternateId": "AWS"}
	named := object{"id": "0ua1", "type": "AppUser", "alternateId": c.name()}
	switch c.IntN(11) {
	case 0, 1:
		event(c.of("group.user_membership.add", "group.user_membership.remove"), nil,
			user, object{"id": c.of("00g1", "00g2"), "type": "UserGroup", "displayName": c.of("aws#prod#Admin#111111111111", "Everyone")})
	case 2, 3:
		event("user.authentication.sso", object{"jti": c.of("id1", "id2", "id4")}, app, named)
		ev["actor"] = user
	case 4:
		event(c.of("application.user_membership.add", "application.user_membership.remove"), nil, user, app, named)
	case 5:
		named["changeDetails"] = object{"from": object{"userName": c.name()}}
		event("application.user_membership.change_username", nil, user, app, named)
	case 6:
		event(c.of("user.lifecycle.deactivate", "policy.rule.update", "system.log_stream.lifecycle.delete"), nil, user)
	case 7:
		event("access.request.condition.update", nil, object{"id": "cond1", "type": "CONDITION", "changeDetails": object{"to": object{
			"access_duration_settings": object{"type": "ADMIN_FIXED_DURATION", "duration": c.of("PT10M", "PT1H")}}}})
	case 8:
		event("access.request."+c.of("create", "resolve", "reject", "cancel"), object{
			"access_request_id": c.of("r1", "r2"), "requester_id": "00uada", "requested_for_id": c.of("00uada", "00uben"),
			"access_scope_id": "00g1", "access_scope_type": "GROUP", "access_request_matched_condition_id": "cond1",
		}, object{"id": "r1", "type": "ACCESS_REQUEST"})
	case 9:
		event("app.access_request."+c.of("request", "approver.approve", "grant", "deny"), nil, app, user)
	default:
		event(c.of("user.authentication.auth_via_mfa", "user.session.start"), object{"factor": "OKTA_VERIFY_PUSH"})
		ev["actor"] = user
	}
	return ev
}

// listing is a line of what Okta listed.
func (c chaos) listing() object {
	at, group := c.at(), object{"id": c.of("00g1", "00g2"), "name": c.of("aws#prod#Admin#111111111111", "Everyone")}
	if c.one(3) {
		return object{"org": testOrg, "group": group, "from": at, "to": at.Add(time.Duration(c.IntN(60)) * time.Second), "members": c.IntN(3)}
	}
	login := c.of("ada@example.com", "ben@example.com", "cid@example.com") // who is in no log
	return object{"org": testOrg, "group": group, "at": at, "user": object{"id": "00u" + login[:3], "profile": object{"login": login, "email": c.name()}}}
}

// approval is a record of a feed.
func (c chaos) approval() object {
	resource := []object{{"group_id": "00g1"}, {"app": "0oa2"}, {"account": "111111111111", "role": "Admin"}}[c.IntN(3)]
	record := object{
		"request": c.of("REQ-1", "REQ-2"), "grantee": c.of("ada@example.com", "ben", "nobody@example.org"), "approvers": []string{c.name()},
		"decision": c.of("created", "approved", "denied", "cancelled"), "decided_at": c.at(), "resource": resource, "until": c.at().Add(5 * time.Hour),
	}
	if id := c.id(); id != "" {
		record["id"] = id
	}
	return record
}

// lines writes n events, some of them again.
func (c chaos) lines(t *testing.T, n int, event func() object) []byte {
	t.Helper()
	var lines []string
	for range n {
		data, err := json.Marshal(event())
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(data))
		if c.one(5) {
			lines = append(lines, lines[c.IntN(len(lines))])
		}
	}
	return []byte(strings.Join(lines, "\n"))
}

// files are some of each kind, several of each log.
func (c chaos) files(t *testing.T, parts int) (files []file) {
	t.Helper()
	for n := range parts {
		files = append(files,
			file{source: schemas.Okta, org: testOrg, name: fmt.Sprint("okta-", n), data: c.lines(t, 100/parts, c.okta)},
			file{source: schemas.CloudTrail, name: fmt.Sprint("trail-", n), data: c.lines(t, 250/parts, c.trail)})
	}
	return append(files,
		file{source: schemas.Okta, org: testOrg, snapshot: true, name: "snapshots", data: c.lines(t, 15, c.listing)},
		file{source: schemas.Approvals, org: "tickets", name: "approvals", data: c.lines(t, 15, c.approval)})
}
