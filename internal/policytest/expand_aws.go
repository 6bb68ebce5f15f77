package policytest

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

const (
	// usualRegion is where the global endpoint of STS logs (IAM user guide).
	usualRegion  = "us-east-1"
	usualAddress = "198.51.100.17"
)

// trail writes an event of CloudTrail, which keeps whole seconds.
func (x *expander) trail(id, kind, service, action, account string, at time.Time, identity, more map[string]any) {
	e := map[string]any{
		"eventVersion": "1.08", "eventID": x.id(id, kind), "eventTime": at.Format(time.RFC3339), "eventSource": service + ".amazonaws.com", "eventName": action,
		"awsRegion": usualRegion, "recipientAccountId": account, "readOnly": true, "userIdentity": identity,
	}
	for key, value := range more {
		e[key] = value
	}
	x.add(schemas.CloudTrail, e)
}

func (x *expander) assume(a *Assume) {
	p := x.provider(a.Provider, "", a.At)
	account := x.account(x.line, x.path+".account", a.Account, x.policies)
	if p == nil || account == "" {
		return
	}
	at, hours := a.At.UTC().Truncate(time.Second), 1.0
	if a.Hours != nil {
		hours = *a.Hours
	}
	name, path := a.Role, "role/"
	request := map[string]any{"principalArn": providerARN(p, account)}
	if p.Federation == schemas.IdentityCenter {
		name, path = "AWSReservedSSO_"+a.Role+"_0123456789abcdef", "role/aws-reserved/sso.amazonaws.com/"
	} else {
		for _, s := range x.signOns {
			if s.user == a.User && s.provider == p.Name {
				request["sAMLAssertionID"] = s.assertion
			}
		}
	}
	session := cmp.Or(a.Session, a.User)
	made := assumed{
		user: a.User, account: account, role: a.Role, session: session, at: at,
		roleARN:   "arn:aws:iam::" + account + ":" + path + name,
		principal: strings.ToUpper(token("AROA", account+name, 20)) + ":" + session,
		key:       strings.ToUpper(token("ASIA", fmt.Sprint(a.User, account, a.Role, at, x.n), 20)),
	}
	request["roleSessionName"], request["roleArn"] = session, made.roleARN
	x.trail(a.ID, "assume", "sts", "AssumeRoleWithSAML", account, at,
		map[string]any{"type": "SAMLUser", "userName": a.User, "principalId": "qualifier:" + a.User, "identityProvider": "qualifier"},
		map[string]any{
			"sourceIPAddress": cmp.Or(a.IP, usualAddress), "userAgent": "aws-sdk-go/1.44", "requestParameters": request,
			"responseElements": map[string]any{
				"credentials":     map[string]any{"accessKeyId": made.key, "expiration": at.Add(time.Duration(hours * float64(time.Hour))).Format("Jan 2, 2006, 3:04:05 PM")},
				"assumedRoleUser": map[string]any{"assumedRoleId": made.principal, "arn": "arn:aws:sts::" + account + ":assumed-role/" + name + "/" + session},
				"subject":         a.User,
			},
		})
	x.assumed = append(x.assumed, made)
}

// providerARN is an ARN that the provider's pattern matches, in an account.
func providerARN(p *policy.Provider, account string) string {
	head, rest, _ := strings.Cut(p.ARN, "*")
	if rest == "" && head == p.ARN {
		return p.ARN
	}
	return head + account + strings.ReplaceAll(rest, "*", "0123456789abcdef")
}

func (x *expander) call(c *Call) {
	account := x.account(x.line, x.path+".account", c.Account, x.policies)
	if account == "" {
		return
	}
	var a *assumed
	for i := range x.assumed {
		if made := &x.assumed[i]; made.user == c.User && made.account == account && made.role == c.Role {
			a = made
		}
	}
	if a == nil {
		x.errorf(x.line, "%s: %s has not assumed %s in %s before", x.path, c.User, c.Role, c.Account)
		return
	}
	x.trail(c.ID, "call", cmp.Or(c.Service, "s3"), cmp.Or(c.Action, "GetObject"), account, c.At.UTC().Truncate(time.Second),
		map[string]any{
			"type": "AssumedRole", "principalId": a.principal, "accountId": account, "accessKeyId": a.key,
			"arn": "arn:aws:sts::" + account + ":assumed-role/" + a.roleARN[strings.LastIndexByte(a.roleARN, '/')+1:] + "/" + a.session,
			"sessionContext": map[string]any{
				"sessionIssuer": map[string]any{"type": "Role", "arn": a.roleARN},
				"attributes":    map[string]any{"creationDate": a.at.Format(time.RFC3339), "mfaAuthenticated": "false"},
			},
		}, nil)
}
