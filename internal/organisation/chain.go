package organisation

import (
	"strings"
	"time"
)

// onward is how a session gets further credentials.
type onward struct {
	name  string // role session name; by default the session's own
	lasts time.Duration
}

// chain lets a session assume a further role. Across accounts both of them
// record the call, with ids of their own and one that they share; the id of the
// result is that of the caller's record, and twin the other.
func (s *scene) chain(m *assumption, to *role, at time.Time, o onward) (c *assumption, twin string) {
	at = at.Truncate(time.Second)
	if o.lasts == 0 {
		o.lasts = time.Hour
	}
	c = &assumption{role: to, name: or(o.name, m.name), at: at, created: at, expires: at.Add(o.lasts), seed: s.r.Uint64(), key: "ASIA" + token(s.r, base32Upper, 16),
		ip: m.ip, agent: m.agent, identity: m.identity, saml: "none"}
	d := s.assumeRole(c)
	across := to.account.id != m.role.account.id
	if across {
		d.shared = newUUID(s.r).String()
	}
	c.id = s.doBy(m, at, d).id
	if across {
		copied := *d
		copied.by, copied.console = &foreigner{m.role.account.id, m.principal()}, false
		twin = s.do(&copied, to.account.id, "us-east-1", at).id
	}
	return c, twin
}

// assumeRole is the call by which the credentials are made.
func (s *scene) assumeRole(c *assumption) *deed {
	return &deed{source: "sts", name: "AssumeRole", readOnly: true,
		request: `{"roleArn":"` + c.role.arn() + `","roleSessionName":"` + c.name + `"}`,
		response: `{"credentials":{"accessKeyId":"` + c.key + `","sessionToken":"IQoJb3JpZ2luX2VjE` + token(s.r, base62, 80) + `","expiration":"` + c.expires.Format("Jan 2, 2006, 3:04:05 PM") +
			`"},"assumedRoleUser":{"assumedRoleId":"` + c.principal() + `","arn":"` + c.usedARN() + `"}}`}
}

// mint gives a command line keys from a session in the console, which then
// stays in its role.
func (s *scene) mint(m *assumption, at time.Time) *assumption {
	at = at.Truncate(time.Second)
	c := *m
	c.at, c.created, c.console, c.seed, c.saml, c.key = at, at, false, s.r.Uint64(), "none", "ASIA"+token(s.r, base32Upper, 16)
	c.ip, c.agent = s.p.ip, s.p.cli
	d := &deed{source: "signin", name: "CreateOAuth2Token", request: `{"clientId":"arn:aws:signin:::devtools/same-device","grantType":"authorization_code"}`, extra: `{"success":"true"}`}
	if chance(s.r, 50) { // mostly the event does not say which key it gave
		d.response = `{"accessToken":{"accessKeyId":"` + c.key + `"},"tokenType":"urn:aws:params:oauth:token-type:access_token_sigv4","expiresIn":900}`
	}
	c.id = s.doBy(m, at, d).id
	return &c
}

// revoke ends what the role's sessions from before may do.
func (s *scene) revoke(x *role, at time.Time) done {
	document := `%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Deny%22%2C%22Action%22%3A%5B%22%2A%22%5D%2C%22Resource%22%3A%5B%22%2A%22%5D%2C%22Condition%22%3A%7B%22DateLessThan%22%3A%7B%22aws%3ATokenIssueTime%22%3A%22` +
		strings.ReplaceAll(at.Truncate(time.Second).Format(oktaTime), ":", "%3A") + `%22%7D%7D%7D%5D%7D`
	return s.doBy(s.automation(x.account, "incident-response", at), at, &deed{source: "iam", name: "PutRolePolicy",
		request: `{"roleName":"` + x.iamName() + `","policyName":"AWSRevokeOlderSessions","policyDocument":"` + document + `"}`})
}
