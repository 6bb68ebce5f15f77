package organisation

import (
	"fmt"
	"time"
)

// factor is how somebody proves who they are when an Okta session begins.
type factor int

const (
	classicPush  factor = iota // Okta Classic: push, named in debugData.factor
	enginePush                 // Identity Engine: a password, then a push
	fastPass                   // Identity Engine: FastPass with user verification alone
	webAuthn                   // Identity Engine: a password, then a security key
	totp                       // Okta Classic: a one-time code
	passwordOnly               // Identity Engine logs the password as "MFA"
	fastPassBare               // FastPass without user verification, no password
	fastPassAnd                // the same, and a password
	question                   // a password and a security question
	pushDenied                 // a push that was refused
	nothing                    // no factor event at all
)

// oktaSession is a sign-in to Okta that sign-ons to applications follow.
type oktaSession struct {
	p         *person
	ext, root string
	ip        string // instead of the person's own
}

// session names a new Okta session, without any event.
func (s *scene) session(p *person) *oktaSession {
	ext := "102" + token(s.r, base62, 20) + "A"
	return &oktaSession{p: p, ext: ext, root: ext}
}

// login opens an Okta session at the given time with the given factor.
func (s *scene) login(p *person, at time.Time, f factor) *oktaSession {
	o := s.session(p)
	s.begin(o, at)
	s.prove(o, at, f)
	return o
}

func (s *scene) begin(o *oktaSession, at time.Time) {
	p := o.p
	s.okta(at, &oktaBody{typ: "policy.evaluate_sign_on", display: "Evaluation of sign-on policy", actor: p.user(), client: p, ip: o.ip, ext: o.ext, root: o.root,
		result: "ALLOW", reason: "Sign-on policy evaluation resulted in ALLOW",
		target: []actor{{id: "00p" + token(s.r, base62, 17), typ: "PolicyEntity", alternate: "unknown", display: "Employees", detail: `{"policyType":"OktaSignOn"}`}},
		debug:  []string{"risk", "{reasons=, level=LOW}", "behaviors", "{New Geo-Location=NEGATIVE, New Device=NEGATIVE, New IP=NEGATIVE}", "logOnlySecurityData", `{"risk":{"level":"LOW"},"behaviors":{"New IP":"NEGATIVE"}}`}})
	s.okta(at.Add(between(s.r, 5*time.Millisecond, 90*time.Millisecond)), &oktaBody{typ: "user.session.start", legacy: "core.user_auth.login_success", display: "User login to Okta", actor: p.user(), client: p, ip: o.ip, ext: o.ext, root: o.root, auth: "OKTA_AUTHENTICATION_PROVIDER", cred: "PASSWORD",
		debug: []string{"requestUri", "/idp/idx/identify", "url", "/idp/idx/identify?"}})
}

// prove logs the factors of the session, the first at the given time. It
// returns the id of the last event.
func (s *scene) prove(o *oktaSession, at time.Time, f factor) string {
	later := at.Add(between(s.r, 2*time.Second, 15*time.Second))
	switch f {
	case classicPush:
		return s.classic(o, at, "OKTA_VERIFY_PUSH")
	case totp:
		return s.classic(o, at, "OKTA_SOFT_TOKEN")
	case enginePush:
		s.engine(o, at, "Password", "Password", "[USER_PRESENCE]")
		return s.engine(o, later, "Okta Verify", "Get a push notification", "[DEVICE_BOUND, USER_PRESENCE]")
	case fastPass:
		return s.engine(o, at, "Okta Verify", "Use Okta FastPass", "[DEVICE_BOUND, PHISHING_RESISTANT, USER_PRESENCE, USER_VERIFICATION]")
	case webAuthn:
		s.engine(o, at, "Password", "Password", "[USER_PRESENCE]")
		return s.engine(o, later, "FIDO2 (WebAuthn)", "Security Key or Biometric", "[DEVICE_BOUND, PHISHING_RESISTANT, USER_PRESENCE]")
	case passwordOnly:
		return s.engine(o, at, "Password", "Password", "[USER_PRESENCE]")
	case fastPassBare:
		return s.engine(o, at, "Okta Verify", "Use Okta FastPass", "[DEVICE_BOUND, PHISHING_RESISTANT, USER_PRESENCE]")
	case fastPassAnd:
		s.engine(o, at, "Password", "Password", "[USER_PRESENCE]")
		return s.engine(o, later, "Okta Verify", "Use Okta FastPass", "[DEVICE_BOUND, PHISHING_RESISTANT, USER_PRESENCE]")
	case question:
		s.engine(o, at, "Password", "Password", "[USER_PRESENCE]")
		return s.engine(o, later, "Security Question", "Security Question", "[USER_PRESENCE]")
	case pushDenied:
		s.engine(o, at, "Password", "Password", "[USER_PRESENCE]")
		return s.denied(o, later)
	}
	return ""
}

func (s *scene) classic(o *oktaSession, at time.Time, name string) string {
	p := o.p
	return s.okta(at, &oktaBody{typ: "user.authentication.auth_via_mfa", legacy: "core.user.factor.attempt_success", display: "Authentication of user via MFA", actor: p.user(), client: p, ip: o.ip, ext: o.ext, root: o.root,
		auth: "FACTOR_PROVIDER", cred: "OTP", target: []actor{p.user()},
		debug: []string{"requestUri", "/api/v1/authn/factors/opf" + token(s.r, base62, 17) + "/verify", "threatSuspected", "false", "factor", name, "url", "/api/v1/authn/factors/verify?rememberDevice=false"}})
}

func (s *scene) engine(o *oktaSession, at time.Time, display, method, properties string) string {
	p := o.p
	return s.okta(at, &oktaBody{typ: "user.authentication.auth_via_mfa", legacy: "core.user.factor.attempt_success", display: "Authentication of user via MFA", actor: p.user(), client: p, ip: o.ip, ext: o.ext, root: o.root, auth: "FACTOR_PROVIDER",
		target: []actor{p.user(), {id: "pfd" + token(s.r, base62, 17), typ: "AuthenticatorEnrollment", alternate: "unknown", display: display,
			detail: fmt.Sprintf(`{"methodTypeUsed":%q,"methodUsedVerifiedProperties":%q}`, method, properties)}},
		debug: []string{"requestUri", "/idp/idx/challenge/answer", "threatSuspected", "false", "url", "/idp/idx/challenge/answer?"}})
}

func (s *scene) denied(o *oktaSession, at time.Time) string {
	p := o.p
	s.okta(at, &oktaBody{typ: "user.mfa.okta_verify.deny_push", display: "User rejected Okta push verify", severity: "WARN", actor: p.user(), client: p, ip: o.ip, ext: o.ext, root: o.root, result: "FAILURE", reason: "USER_REJECTED", target: []actor{p.user()}})
	return s.okta(at.Add(time.Millisecond), &oktaBody{typ: "user.authentication.auth_via_mfa", legacy: "core.user.factor.attempt_fail", display: "Authentication of user via MFA", severity: "WARN", actor: p.user(), client: p, ip: o.ip, ext: o.ext, root: o.root, auth: "FACTOR_PROVIDER", result: "FAILURE", reason: "INVALID_CREDENTIALS",
		target: []actor{p.user(), {id: "pfd" + token(s.r, base62, 17), typ: "AuthenticatorEnrollment", alternate: "unknown", display: "Okta Verify", detail: `{"methodTypeUsed":"Get a push notification","methodUsedVerifiedProperties":"[]"}`}},
		debug:  []string{"factor", "OKTA_VERIFY_PUSH", "requestUri", "/idp/idx/authenticators/poll"}})
}

// signOn is an Okta sign-on to one of a provider's applications.
type signOn struct {
	id        string // the event's
	at        time.Time
	assertion string // jti; empty where Okta did not log one
	session   *oktaSession
}

// assertionID is shaped as Okta's are.
func (s *scene) assertionID() string {
	return fmt.Sprintf("id%d%s", 1+s.r.IntN(9), token(s.r, digits, 24))
}

// signOn signs on to the provider's application. Without jti the event is
// written as Okta wrote it before it logged assertion ids.
func (s *scene) signOn(o *oktaSession, pr *provider, at time.Time, jti bool) *signOn {
	at = at.Truncate(time.Millisecond)
	on := &signOn{at: at, session: o}
	p, app, request := o.p, pr.apps[s.r.IntN(len(pr.apps))], token(s.r, hexDigits, 32)
	uri := "/app/amazon_aws/" + pr.issuer[len("http://www.okta.com/"):] + "/sso/saml"
	debug := []string{"authnRequestId", request, "dtHash", token(s.r, hexDigits, 64)}
	if jti {
		on.assertion = s.assertionID()
		debug = append(debug, "jti", on.assertion, "audience", pr.audience, "subject", p.nameID, "issuedAt", at.Add(-7*time.Millisecond).Format(oktaTime),
			"authTime", at.Add(-7*time.Millisecond).Format(oktaTime), "expiryTime", at.Add(5*time.Minute-7*time.Millisecond).Format(oktaTime),
			"authenticationClassRef", "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport")
	}
	debug = append(debug, "issuer", pr.issuer, "initiationType", pick(s.r, []string{"IDP_INITIATED", "SP_INITIATED"}), "signOnMode", "SAML 2.0", "requestUri", uri, "url", uri+"?")
	target := []actor{{id: app, typ: "AppInstance", alternate: pr.label, display: "AWS Account Federation", detail: `{"signOnModeType":"SAML_2_0"}`}, p.appUserOf(app)}
	if chance(s.r, 30) {
		target[0], target[1] = target[1], target[0]
	}
	if chance(s.r, 20) {
		target = append(target, p.user())
	}
	on.id = s.okta(at, &oktaBody{typ: "user.authentication.sso", legacy: "app.auth.sso", display: "User single sign on to app", actor: p.user(), client: p, ip: o.ip, ext: o.ext, root: o.root, target: target, debug: debug, txn: request})
	return on
}
