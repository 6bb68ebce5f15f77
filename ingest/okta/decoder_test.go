package okta_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/ingest/okta"
	"jitaudit/schemas"
)

const (
	user     = `{"id":"00uann","type":"User","alternateId":"ann@example.com","displayName":"Ann Example","detailEntry":null}`
	group    = `{"id":"00gops","type":"UserGroup","alternateId":"unknown","displayName":"AWS-Prod-Admin"}`
	app      = `{"id":"0oaaws","type":"AppInstance","alternateId":"AWS Production","displayName":"AWS","detailEntry":{"signOnModeType":"SAML_2_0"}}`
	appUser  = `{"id":"0uaann","type":"AppUser","alternateId":"ann.saml@example.com","displayName":"Ann Example"}`
	password = `{"id":"pfd1","type":"AuthenticatorEnrollment","alternateId":"unknown","displayName":"Password","detailEntry":{"methodTypeUsed":"Password","methodUsedVerifiedProperties":"[USER_PRESENCE]"}}`
)

// event is an Okta event; parts are further members.
func event(eventType string, targets []string, parts ...string) string {
	all := append([]string{
		`"uuid":"u1"`, `"published":"2026-05-04T10:00:00.123Z"`, `"version":0`,
		fmt.Sprintf(`"eventType":%q`, eventType),
		`"outcome":{"result":"SUCCESS","reason":null}`,
		`"actor":{"id":"00uann","type":"User","alternateId":"ann@example.com","displayName":"Ann Example"}`,
		`"client":{"ipAddress":"203.0.113.9","userAgent":{"rawUserAgent":"curl/8"},"geographicalContext":{"postalCode":10013}}`,
		`"target":[` + strings.Join(targets, ",") + `]`,
	}, parts...)
	return "{" + strings.Join(all, ",") + "}"
}

func decode(t *testing.T, raw string) (schemas.Fact, bool) {
	t.Helper()
	d := okta.Decoder{Org: "example"}
	f, relevant, err := d.Decode([]byte(raw))
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	if relevant && (len(f.Hash) != 16 || f.Source != schemas.Okta || f.Shard != "okta/example" || f.Who.Org != "example") {
		t.Errorf("hash %q, source %q, shard %q, org %q", f.Hash, f.Source, f.Shard, f.Who.Org)
	}
	f.Hash = ""
	return f, relevant
}

func fact(kind schemas.FactKind) schemas.Fact {
	return schemas.Fact{
		ID: "u1", Kind: kind, Source: schemas.Okta, Shard: "okta/example",
		At:  time.Date(2026, 5, 4, 10, 0, 0, 123_000_000, time.UTC),
		Who: schemas.Identity{Org: "example", OktaUserID: "00uann", Login: "ann@example.com", Name: "Ann Example"},
	}
}

func TestGroupChanges(t *testing.T) {
	actor := schemas.Actor{ID: "00uann", Type: "User", AlternateID: "ann@example.com", Name: "Ann Example"}
	want := func(kind schemas.FactKind, by schemas.Actor) schemas.Fact {
		f := fact(kind)
		f.Group = &schemas.GroupChange{ID: "00gops", Name: "AWS-Prod-Admin", Actor: by}
		return f
	}
	workflows := schemas.Actor{ID: "0oaflow", Type: "PublicClientAppEntity", AlternateID: "unknown", Name: "Okta Workflows"}
	for _, tc := range []struct {
		name, raw string
		want      schemas.Fact
	}{
		{"user before group", event("group.user_membership.add", []string{user, group}), want(schemas.GroupAdded, actor)},
		{"group before user", event("group.user_membership.add", []string{group, user}), want(schemas.GroupAdded, actor)},
		{"removal", event("group.user_membership.remove", []string{user, group}), want(schemas.GroupRemoved, actor)},
		{"null actor", event("group.user_membership.add", []string{user, group}, `"actor":null`), want(schemas.GroupAdded, schemas.Actor{})},
		{"machine as actor", event("group.user_membership.add", []string{user, group},
			`"actor":{"id":"0oaflow","type":"PublicClientAppEntity","alternateId":"unknown","displayName":"Okta Workflows"}`), want(schemas.GroupAdded, workflows)},
		{"outcome in another case", event("group.user_membership.add", []string{user, group}, `"outcome":{"result":"Success"}`), want(schemas.GroupAdded, actor)},
		{"further targets", event("group.user_membership.add", []string{app, `null`, user, group, `{"type":"Other"}`}), want(schemas.GroupAdded, actor)},
	} {
		got, relevant := decode(t, tc.raw)
		if diff := cmp.Diff(tc.want, got); diff != "" || !relevant {
			t.Errorf("%s: relevant %t (-want +got)\n%s", tc.name, relevant, diff)
		}
	}
}

func TestSignOns(t *testing.T) {
	const debug = `"debugContext":{"debugData":{"jti":"id123","issuer":"http://www.okta.com/exk1","audience":"https://signin.aws.amazon.com/saml","subject":"subject@example.com","risk":"{level=LOW}"}}`
	const session = `"authenticationContext":{"externalSessionId":"102s","rootSessionId":"102r","authenticationStep":0}`
	base := fact(schemas.SignedOn)
	base.Who.NameID, base.Who.AssertionID = "ann.saml@example.com", "id123"
	base.SignOn = &schemas.SignOn{
		AppID: "0oaaws", AppLabel: "AWS Production", Issuer: "http://www.okta.com/exk1",
		Audience: "https://signin.aws.amazon.com/saml", SessionID: "102s", RootSessionID: "102r",
		IP: "203.0.113.9", UserAgent: "curl/8",
	}
	mode := func(m string) string { return strings.Replace(app, `{"signOnModeType":"SAML_2_0"}`, m, 1) }
	with := func(change func(*schemas.Fact)) schemas.Fact {
		f, s := base, *base.SignOn
		f.SignOn = &s
		change(&f)
		return f
	}
	for _, tc := range []struct {
		name, raw string
		want      schemas.Fact
	}{
		{"SAML", event("user.authentication.sso", []string{app, appUser}, debug, session), base},
		{"federated login", event("user.authentication.sso", []string{appUser, mode(`{"signOnModeType":"AWS_FEDERATED_LOGIN"}`)}, debug, session), base},
		{"IAM role", event("user.authentication.sso", []string{mode(`{"signOnModeType":"AWS_IAM_ROLE"}`), appUser}, debug, session), base},
		{"no mode, as in 2019", event("user.authentication.sso", []string{mode("null"), appUser}, session),
			with(func(f *schemas.Fact) { f.Who.AssertionID, f.SignOn.Issuer, f.SignOn.Audience = "", "", "" })},
		{"subject where no application user is named", event("user.authentication.sso", []string{app}, debug, session),
			with(func(f *schemas.Fact) { f.Who.NameID = "subject@example.com" })},
		{"unknown session", event("user.authentication.sso", []string{app, appUser}, debug, `"authenticationContext":{"externalSessionId":"unknown","rootSessionId":null}`),
			with(func(f *schemas.Fact) { f.SignOn.SessionID, f.SignOn.RootSessionID = "", "" })},
		{"null actor", event("user.authentication.sso", []string{app, appUser, user}, debug, session, `"actor":null`), base},
		{"null client", event("user.authentication.sso", []string{app, appUser}, debug, session, `"client":null`),
			with(func(f *schemas.Fact) { f.SignOn.IP, f.SignOn.UserAgent = "", "" })},
	} {
		got, relevant := decode(t, tc.raw)
		if diff := cmp.Diff(tc.want, got); diff != "" || !relevant {
			t.Errorf("%s: relevant %t (-want +got)\n%s", tc.name, relevant, diff)
		}
	}
}

func enrollment(label, method, verified string) string {
	return fmt.Sprintf(`{"id":"x","type":"AuthenticatorEnrollment","alternateId":"unknown","displayName":%q,"detailEntry":{"methodTypeUsed":%q,"methodUsedVerifiedProperties":%q}}`, label, method, verified)
}

func TestFactors(t *testing.T) {
	factor := func(name string) string { return fmt.Sprintf(`"debugContext":{"debugData":{"factor":%q}}`, name) }
	for _, tc := range []struct {
		name, raw string
		want      schemas.Factor
	}{
		{"push", event("user.authentication.auth_via_mfa", []string{user}, factor("OKTA_VERIFY_PUSH")), schemas.Factor{Class: schemas.FactorPush, Name: "OKTA_VERIFY_PUSH"}},
		{"FastPass", event("user.authentication.auth_via_mfa", []string{user}, factor("SIGNED_NONCE")), schemas.Factor{Class: schemas.FactorFastPass, Name: "SIGNED_NONCE"}},
		{"FastPass with user verification", event("user.authentication.auth_via_mfa", []string{user, enrollment("Okta Verify", "Use Okta FastPass", "[DEVICE_BOUND, USER_PRESENCE, USER_VERIFICATION]")}),
			schemas.Factor{Class: schemas.FactorFastPass, Name: "Use Okta FastPass", UserVerified: true}},
		{"one-time password", event("user.authentication.auth_via_mfa", []string{user}, factor("OKTA_SOFT_TOKEN")), schemas.Factor{Class: schemas.FactorOTP, Name: "OKTA_SOFT_TOKEN"}},
		{"Google", event("user.authentication.auth_via_mfa", []string{user}, factor("GOOGLE_OTP")), schemas.Factor{Class: schemas.FactorOTP, Name: "GOOGLE_OTP"}},
		{"security key", event("user.authentication.auth_via_mfa", []string{user}, factor("FIDO_WEBAUTHN")), schemas.Factor{Class: schemas.FactorWebAuthn, Name: "FIDO_WEBAUTHN"}},
		{"SMS", event("user.authentication.auth_via_mfa", []string{user}, factor("SMS_FACTOR")), schemas.Factor{Class: schemas.FactorPhone, Name: "SMS_FACTOR"}},
		{"call", event("user.authentication.auth_via_mfa", []string{user}, factor("CALL")), schemas.Factor{Class: schemas.FactorPhone, Name: "CALL"}},
		{"email", event("user.authentication.auth_via_mfa", []string{user}, factor("EMAIL_FACTOR")), schemas.Factor{Class: schemas.FactorEmail, Name: "EMAIL_FACTOR"}},
		{"question", event("user.authentication.auth_via_mfa", []string{user}, factor("SECURITY_QUESTION")), schemas.Factor{Class: schemas.FactorQuestion, Name: "SECURITY_QUESTION"}},
		{"password as factor", event("user.authentication.auth_via_mfa", []string{user}, factor("PASSWORD_AS_FACTOR")), schemas.Factor{Class: schemas.FactorPassword, Name: "PASSWORD_AS_FACTOR"}},
		{"something new", event("user.authentication.auth_via_mfa", []string{user}, factor("DUO_SECURITY")), schemas.Factor{Class: schemas.FactorOther, Name: "DUO_SECURITY"}},
		{"password on Identity Engine", event("user.authentication.auth_via_mfa", []string{user, password}), schemas.Factor{Class: schemas.FactorPassword, Name: "Password"}},
		{"enrollment with a label only", event("user.authentication.auth_via_mfa", []string{user, `{"type":"AuthenticatorEnrollment","displayName":"Password"}`}), schemas.Factor{Class: schemas.FactorPassword, Name: "Password"}},
		{"code from a phone", event("user.authentication.auth_via_mfa", []string{enrollment("Phone", "Enter a code", ""), user}), schemas.Factor{Class: schemas.FactorPhone, Name: "Enter a code"}},
		{"credential type", event("user.authentication.auth_via_mfa", []string{user}, `"authenticationContext":{"credentialType":"OTP"}`), schemas.Factor{Class: schemas.FactorOTP, Name: "OTP"}},
		{"sessions", event("user.authentication.auth_via_mfa", []string{user}, factor("SMS"), `"authenticationContext":{"externalSessionId":"102s","rootSessionId":"unknown"}`),
			schemas.Factor{Class: schemas.FactorPhone, Name: "SMS", SessionID: "102s"}},
	} {
		want := fact(schemas.SecondFactor)
		want.Factor = &tc.want
		got, relevant := decode(t, tc.raw)
		if diff := cmp.Diff(want, got); diff != "" || !relevant {
			t.Errorf("%s: relevant %t (-want +got)\n%s", tc.name, relevant, diff)
		}
	}
}

func TestIrrelevantEvents(t *testing.T) {
	oidc := strings.Replace(app, "SAML_2_0", "OPENID_CONNECT", 1)
	silent := strings.Replace(app, `{"signOnModeType":"SAML_2_0"}`, "{}", 1)
	for name, raw := range map[string]string{
		"other type":              event("user.session.start", nil),
		"provisioning":            event("application.user_membership.provision", []string{app, appUser, user}),
		"refused group change":    event("group.user_membership.add", []string{user, group}, `"outcome":{"result":"FAILURE"}`),
		"no outcome":              event("group.user_membership.add", []string{user, group}, `"outcome":null`),
		"preview of a hook":       event("group.user_membership.add", nil, `"target":null`, `"actor":null`),
		"no group":                event("group.user_membership.add", []string{user}),
		"no user":                 event("group.user_membership.add", []string{group}),
		"OpenID Connect":          event("user.authentication.sso", []string{oidc, appUser}),
		"OpenID Connect in 2019":  event("user.authentication.sso", []string{silent, appUser}, `"debugContext":{"debugData":{"signOnMode":"OpenID Connect"}}`),
		"sign-on to nothing":      event("user.authentication.sso", []string{appUser}),
		"refused sign-on":         event("user.authentication.sso", []string{app, appUser}, `"outcome":{"result":"FAILURE"}`),
		"sign-on by nobody":       event("user.authentication.sso", []string{app}, `"actor":null`),
		"refused factor":          event("user.authentication.auth_via_mfa", []string{user, password}, `"outcome":{"result":"FAILURE"}`),
		"factor without any name": event("user.authentication.auth_via_mfa", []string{user}),
	} {
		f, relevant := decode(t, raw)
		want := fact("")
		want.ID, want.Who = "", schemas.Identity{}
		// The time still bounds what the log covers.
		if relevant || !cmp.Equal(want, f) {
			t.Errorf("%s: relevant %t, got %+v", name, relevant, f)
		}
	}
}

func TestEventWithoutIDIsNamedByItsBytes(t *testing.T) {
	raw := event("group.user_membership.add", []string{user, group}, `"uuid":null`)
	f, _ := decode(t, raw)
	again, _ := decode(t, raw)
	other, _ := decode(t, strings.Replace(raw, "{", "{ ", 1))
	if len(f.ID) != len("sha256:")+64 || !strings.HasPrefix(f.ID, "sha256:") || f.ID != again.ID || f.ID == other.ID {
		t.Errorf("ids %s, %s, %s", f.ID, again.ID, other.ID)
	}
}

func TestRefusedEvents(t *testing.T) {
	for _, tc := range []struct{ name, raw, want string }{
		{"no type", `{"uuid":"u","published":"2026-05-04T10:00:00.123Z"}`, "no eventType"},
		{"null type", event("x", nil, `"eventType":null`), "no eventType"},
		{"type of a wrong type", event("x", nil, `"eventType":5`), "eventType is a number"},
		{"no time", `{"uuid":"u","eventType":"x"}`, "no published"},
		{"unreadable time", event("x", nil, `"published":"yesterday"`), `published "yesterday"`},
		{"time as a number", event("x", nil, `"published":1717357300123`), "published is a number"},
		{"id of a wrong type", event("group.user_membership.add", []string{user, group}, `"uuid":{}`), "uuid is an object"},
		{"targets of a wrong type", event("group.user_membership.add", nil, `"target":"x"`), "target is a string"},
		{"target of a wrong type", event("group.user_membership.add", []string{"5"}), "a target is a number"},
		{"target's id of a wrong type", event("group.user_membership.add", []string{`{"type":"User","id":5}`}), "id is a number"},
		{"CloudTrail", `{"eventTime":"2026-05-04T10:00:00Z","eventName":"x"}`, "not an Okta System Log event"},
		{"no JSON", `{"uuid":`, "no valid JSON"},
	} {
		d := okta.Decoder{Org: "example"}
		_, relevant, err := d.Decode([]byte(tc.raw))
		if relevant || err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: relevant %t, %v; want %q", tc.name, relevant, err, tc.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(event("group.user_membership.add", []string{user, group})))
	f.Add([]byte(event("user.authentication.sso", []string{app, appUser}, `"debugContext":{"debugData":{"jti":"id1"}}`)))
	f.Add([]byte(event("user.authentication.auth_via_mfa", []string{user, password}, `"debugContext":{"debugData":{"factor":"SMS"}}`)))
	for _, e := range []envelope{
		{eventType: "application.user_membership.add", actor: bob, targets: []string{adaInApp, awsApp, ada}},
		{eventType: "access.request.create", actor: bob, debug: asked, targets: []string{request}},
		{eventType: "app.access_request.approver.approve", actor: bob, debug: `"UserComment":"incident 7"`, targets: []string{ada, awsApp}},
		{eventType: "access.request.condition.update", actor: bob, targets: []string{fixed("P1DT2H")}},
		{eventType: "user.account.update_primary_email", actor: bob, targets: []string{changing(ada, `{"from":{"email":"a@example.com"},"to":"b@example.com"}`)}},
		{eventType: "policy.rule.update", actor: bob, targets: []string{rule, policy}},
	} {
		f.Add([]byte(e.String()))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		d := okta.Decoder{Org: "example"}
		got, relevant, err := d.Decode(raw)
		if relevant && (err != nil || got.ID == "" || got.Kind == "" || got.Hash == "") {
			t.Errorf("%q: %+v, %v", raw, got, err)
		}
	})
}
