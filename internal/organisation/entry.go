package organisation

import "time"

// refuse logs an assumption of the role by the person that AWS refused.
func (s *scene) refuse(x *role, at time.Time, code string) done {
	pr := x.account.provider
	m := &assumption{role: x, name: s.p.session, subject: s.p.nameID, region: "us-east-1", ip: s.p.ip, agent: s.p.cli, issuer: pr.issuer, saml: pr.saml,
		asked: 3600, assertion: s.assertionID(), seed: s.r.Uint64(), errorCode: code}
	at = at.Truncate(time.Second)
	return done{at, s.trail(x.account.id, "us-east-1", at, m)}
}

// assumeWith lets an IAM user assume the role, from the role's account or from
// another one; the role's account records it either way.
func (s *scene) assumeWith(u *iamUser, x *role, at time.Time) done {
	at = at.Truncate(time.Second)
	c := &assumption{role: x, name: u.name, at: at, created: at, expires: at.Add(time.Hour), seed: s.r.Uint64(), key: "ASIA" + token(s.r, base32Upper, 16)}
	d := s.assumeRole(c)
	d.by = u
	if u.account != x.account.id {
		d.by = &foreigner{u.account, u.id}
	}
	return s.do(d, x.account.id, "us-east-1", at)
}

// consoleSignIn is an IAM user or the root user who enters the console with a
// password.
func (s *scene) consoleSignIn(u *iamUser, at time.Time, failed bool) done {
	u.console = true
	d := &deed{by: u, source: "signin", name: "ConsoleLogin", kind: "AwsConsoleSignIn", response: `{"ConsoleLogin":"Success"}`,
		agent: "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0",
		extra: `{"LoginTo":"https://console.aws.amazon.com/console/home","MobileVersion":"No","MFAUsed":"Yes"}`}
	if failed {
		d.response = `{"ConsoleLogin":"Failure"}`
	}
	return s.do(d, u.account, "us-east-1", at)
}

// sessionToken lets an IAM user get temporary keys of their own.
func (s *scene) sessionToken(u *iamUser, name string, at time.Time) done {
	return s.do(&deed{by: u, source: "sts", name: name, readOnly: true, request: `{"durationSeconds":3600}`,
		response: `{"credentials":{"accessKeyId":"ASIA` + token(s.r, base32Upper, 16) + `","sessionToken":"IQoJb3JpZ2luX2VjE","expiration":"` + at.Add(time.Hour).Format("Jan 2, 2006, 3:04:05 PM") + `"}}`}, u.account, "us-east-1", at)
}

// pipeline is a job that a web identity provider vouches for.
func (s *scene) pipeline(x *role) *webUser {
	return &webUser{provider: "arn:aws:iam::" + x.account.id + ":oidc-provider/token.actions.example.org", name: "repo:example/orders:ref:refs/heads/" + pick(s.r, []string{"main", "release", "hotfix"})}
}

// assumeAs lets the pipeline assume the role; it returns the credentials.
func (s *scene) assumeAs(w *webUser, x *role, name string, at time.Time, failed bool) (*assumption, done) {
	at = at.Truncate(time.Second)
	c := &assumption{role: x, name: name, at: at, created: at, expires: at.Add(time.Hour), seed: s.r.Uint64(), key: "ASIA" + token(s.r, base32Upper, 16), saml: "none",
		ip: "198.51.100.200", agent: "aws-cli/2.31.6"}
	d := s.assumeRole(c)
	d.by, d.name, d.ip, d.agent = w, "AssumeRoleWithWebIdentity", c.ip, c.agent
	if failed {
		d.failure = "AccessDenied"
	}
	made := s.do(d, x.account.id, "us-east-1", at)
	c.id = made.id
	return c, made
}

// unmade are credentials of which the log does not say where they came from.
func (s *scene) unmade(x *role, name string, created time.Time) *assumption {
	created = created.Truncate(time.Second)
	return &assumption{role: x, name: name, at: created, created: created, seed: s.r.Uint64(), key: "ASIA" + token(s.r, base32Upper, 16), saml: "none", ip: "203.0.113.222", agent: "python-requests/2.32.4"}
}
