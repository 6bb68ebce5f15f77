package policytest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

// expander writes the events that facts stand for, as Okta and AWS do.
type expander struct {
	policy *policy.Policy
	n      int
	okta   []map[string]any
	trail  []map[string]any
	feed   []map[string]any
	// signOns and assumed are the last of each user.
	signOns map[string]string // assertion id, by user and provider
	assumed map[string]*Assume
}

func newExpander(p *policy.Policy) *expander {
	return &expander{policy: p, signOns: map[string]string{}, assumed: map[string]*Assume{}}
}

func (x *expander) id(kind string) string { x.n++; return fmt.Sprintf("%s-%d", kind, x.n) }

// token is an id that follows from a name.
func token(prefix, name string, length int) string {
	sum := sha256.Sum256([]byte(name))
	return prefix + hex.EncodeToString(sum[:])[:length-len(prefix)]
}

func user(login string) map[string]any {
	return map[string]any{"id": token("00u", login, 20), "type": "User", "alternateId": login, "displayName": login}
}

func (x *expander) add(f *Fact) error {
	switch {
	case f.Add != nil:
		x.membership(f.Add, "add")
	case f.Remove != nil:
		x.membership(f.Remove, "remove")
	case f.SignOn != nil:
		return x.signOn(f.SignOn)
	case f.Assume != nil:
		return x.assume(f.Assume)
	case f.Call != nil:
		return x.call(f.Call)
	case f.Approve != nil:
		x.approve(f.Approve)
	}
	return nil
}

func (x *expander) event(kind string, at time.Time, actor map[string]any, session string, targets ...any) map[string]any {
	e := map[string]any{
		"uuid": x.id(kind[strings.LastIndexByte(kind, '.')+1:]), "published": at.UTC().Format("2006-01-02T15:04:05.000Z"), "eventType": kind, "version": "0",
		"actor": actor, "outcome": map[string]any{"result": "SUCCESS"}, "target": targets,
		"authenticationContext": map[string]any{"externalSessionId": session, "rootSessionId": session},
	}
	x.okta = append(x.okta, e)
	return e
}

func (x *expander) membership(m *Membership, change string) {
	actor := map[string]any{"id": "0oajitworkflow", "type": "PublicClientAppEntity", "alternateId": "unknown", "displayName": "JIT access"}
	if m.By != "" {
		actor = user(m.By)
	}
	group := map[string]any{"id": token("00g", m.Group, 20), "type": "UserGroup", "alternateId": "unknown", "displayName": m.Group}
	x.event("group.user_membership."+change, m.At, actor, "", user(m.User), group)
}

func (x *expander) provider(name string) (*policy.Provider, error) {
	all := x.policy.Providers()
	for i := range all {
		if name == "" || all[i].Name == name {
			return &all[i], nil
		}
	}
	if name == "" {
		return nil, fmt.Errorf("the policy has no provider")
	}
	return nil, fmt.Errorf("the policy has no provider %q", name)
}

func (x *expander) signOn(s *SignOn) error {
	p, err := x.provider(s.Provider)
	if err != nil {
		return err
	}
	session := x.id("session")
	switch s.Factor {
	case "", "push":
		e := x.event("user.authentication.auth_via_mfa", s.At.Add(-10*time.Second), user(s.User), session, user(s.User))
		e["debugContext"] = map[string]any{"debugData": map[string]any{"factor": "OKTA_VERIFY_PUSH"}}
	case "password":
		e := x.event("user.authentication.auth_via_mfa", s.At.Add(-10*time.Second), user(s.User), session, user(s.User))
		e["debugContext"] = map[string]any{"debugData": map[string]any{"factor": "PASSWORD_AS_FACTOR"}}
	case "none":
	default:
		return fmt.Errorf("factor %q is none that is known: write push, password or none", s.Factor)
	}
	app, audience := token("0oa", p.Name, 20), "https://signin.aws.amazon.com/saml"
	if p.Federation == schemas.IdentityCenter {
		audience = "https://eu-central-1.signin.aws.amazon.com/platform/saml/d-0000000000"
	}
	if len(p.Apps) > 0 {
		app = p.Apps[0]
	}
	assertion := token("id", fmt.Sprint(s.User, p.Name, s.At), 30)
	e := x.event("user.authentication.sso", s.At, user(s.User), session,
		map[string]any{"id": app, "type": "AppInstance", "alternateId": "AWS", "displayName": "AWS", "detailEntry": map[string]any{"signOnModeType": "SAML_2_0"}},
		map[string]any{"id": token("0ua", s.User, 20), "type": "AppUser", "alternateId": s.User, "displayName": s.User})
	e["client"] = map[string]any{"ipAddress": cmp.Or(s.IP, "198.51.100.17")}
	e["debugContext"] = map[string]any{"debugData": map[string]any{"jti": assertion, "audience": audience, "subject": s.User}}
	x.signOns[s.User+" "+p.Name] = assertion
	return nil
}

// account reads an account that is given by id or by name.
func (x *expander) account(s string) (string, error) {
	if id := x.policy.AccountID(s); id != "" {
		return id, nil
	}
	return "", fmt.Errorf("account %q is no id and no name in the policy", s)
}

func (x *expander) assume(a *Assume) error {
	p, err := x.provider(a.Provider)
	if err != nil {
		return err
	}
	account, err := x.account(a.Account)
	if err != nil {
		return err
	}
	if a.Role == "" {
		return fmt.Errorf("role is missing")
	}
	at := a.At.UTC().Truncate(time.Second)
	session := cmp.Or(a.Session, a.User)
	role, request := "role/"+a.Role, map[string]any{"roleSessionName": session, "principalArn": providerARN(p, account)}
	if p.Federation == schemas.IdentityCenter {
		role = "role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_" + a.Role + "_0123456789abcdef"
	} else if assertion := x.signOns[a.User+" "+p.Name]; assertion != "" {
		request["sAMLAssertionID"] = assertion
	}
	request["roleArn"] = "arn:aws:iam::" + account + ":" + role
	if a.Hours == 0 {
		a.Hours = 1
	}
	x.trail = append(x.trail, map[string]any{
		"eventVersion": "1.08", "eventID": x.id("assume"), "eventTime": at.Format(time.RFC3339), "eventSource": "sts.amazonaws.com", "eventName": "AssumeRoleWithSAML",
		"awsRegion": usualRegion, "recipientAccountId": account, "readOnly": true, "sourceIPAddress": cmp.Or(a.IP, "198.51.100.17"), "userAgent": "aws-sdk-go/1.44",
		"userIdentity":      map[string]any{"type": "SAMLUser", "userName": a.User, "principalId": "qualifier:" + a.User, "identityProvider": "qualifier"},
		"requestParameters": request,
		"responseElements": map[string]any{
			"credentials":     map[string]any{"accessKeyId": a.key(account), "expiration": at.Add(time.Duration(a.Hours * float64(time.Hour))).Format("Jan 2, 2006, 3:04:05 PM")},
			"assumedRoleUser": map[string]any{"assumedRoleId": a.principal(account), "arn": "arn:aws:sts::" + account + ":assumed-role/" + a.Role + "/" + session},
			"subject":         a.User,
		},
	})
	x.assumed[a.User+" "+account+" "+a.Role] = a
	return nil
}

func (a *Assume) key(account string) string {
	return strings.ToUpper(token("ASIA", fmt.Sprint(a.User, account, a.Role, a.At), 20))
}

func (a *Assume) principal(account string) string {
	return strings.ToUpper(token("AROA", account+a.Role, 20)) + ":" + cmp.Or(a.Session, a.User)
}

// providerARN is an ARN that the provider's pattern matches, in an account.
func providerARN(p *policy.Provider, account string) string {
	head, rest, _ := strings.Cut(p.ARN, "*")
	if rest == "" && head == p.ARN {
		return p.ARN
	}
	return head + account + strings.ReplaceAll(rest, "*", "0123456789abcdef")
}

func (x *expander) call(c *Call) error {
	account, err := x.account(c.Account)
	if err != nil {
		return err
	}
	a := x.assumed[c.User+" "+account+" "+c.Role]
	if a == nil {
		return fmt.Errorf("%s has not assumed %s in %s before", c.User, c.Role, c.Account)
	}
	at := c.At.UTC().Truncate(time.Second)
	x.trail = append(x.trail, map[string]any{
		"eventVersion": "1.08", "eventID": x.id("call"), "eventTime": at.Format(time.RFC3339), "eventSource": cmp.Or(c.Service, "s3") + ".amazonaws.com",
		"eventName": cmp.Or(c.Action, "GetObject"), "awsRegion": usualRegion, "recipientAccountId": account, "readOnly": true,
		"userIdentity": map[string]any{
			"type": "AssumedRole", "principalId": a.principal(account), "accountId": account, "accessKeyId": a.key(account),
			"arn": "arn:aws:sts::" + account + ":assumed-role/" + c.Role + "/" + cmp.Or(a.Session, a.User),
			"sessionContext": map[string]any{
				"sessionIssuer": map[string]any{"type": "Role", "arn": "arn:aws:iam::" + account + ":role/" + c.Role},
				"attributes":    map[string]any{"creationDate": a.At.UTC().Truncate(time.Second).Format(time.RFC3339), "mfaAuthenticated": "false"},
			},
		},
	})
	return nil
}

func (x *expander) approve(a *Approve) {
	resource := map[string]any{}
	if a.Group != "" {
		resource["group"] = a.Group
	} else {
		resource["account"], resource["role"] = cmp.Or(x.policy.AccountID(a.Account), a.Account), a.Role
	}
	r := map[string]any{
		"id": x.id("approval"), "request": x.id("request"), "grantee": a.User, "requester": a.User, "decision": "approved",
		"decided_at": a.At.UTC().Format(time.RFC3339Nano), "resource": resource,
	}
	if a.By != "" {
		r["approvers"] = []string{a.By}
	}
	if a.Reason != "" {
		r["justification"] = a.Reason
	}
	for key, t := range map[string]time.Time{"from": a.From, "until": a.Until} {
		if !t.IsZero() {
			r[key] = t.UTC().Format(time.RFC3339Nano)
		}
	}
	x.feed = append(x.feed, r)
}
