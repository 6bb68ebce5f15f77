package cloudtrail

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"jitaudit/ingest/timestamp"
	"jitaudit/schemas"
)

// revocationPolicy is the inline policy by which IAM takes from all sessions of a
// role what they may do (IAM user guide, revoking IAM role temporary security
// credentials).
const revocationPolicy = "AWSRevokeOlderSessions"

// revoked reads PutRolePolicy where it ends a role's sessions, whoever did it.
func (d *Decoder) revoked(raw []byte, f *schemas.Fact) bool {
	if !d.succeeded() {
		return false
	}
	d.readDetails(raw)
	role, account := d.said(dRoleName), d.account()
	if d.said(dPolicyName) != revocationPolicy || role == "" || account == "" {
		return false
	}
	before, ok := issuedBefore(d.said(dPolicyDocument))
	if !ok {
		return false
	}
	if before.IsZero() {
		before = f.At
	}
	d.maker(f)
	f.Kind = schemas.SessionsRevoked
	f.Revocation = &schemas.Revocation{Account: account, Role: schemas.PermissionSet(role), Before: before}
	return true
}

// policyDocument is as much of an IAM policy as tells whose credentials it denies
// everything.
type policyDocument struct {
	Statement list[struct {
		Effect    string
		Condition map[string]map[string]list[any]
	}]
}

// list is one or several values: IAM takes either.
type list[T any] []T

// UnmarshalJSON reads a value that stands by itself as a list of one.
func (l *list[T]) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '[' {
		return json.Unmarshal(data, (*[]T)(l))
	}
	*l = make([]T, 1)
	return json.Unmarshal(data, &(*l)[0])
}

// issuedBefore is before when credentials must have been issued that the policy
// denies everything, the latest where it names several; zero where it cannot be
// read, as when a log leaves it out. It is false for a policy that denies nobody.
func issuedBefore(document string) (before time.Time, ok bool) {
	text := document
	if strings.HasPrefix(text, "%") {
		if plain, err := url.PathUnescape(text); err == nil {
			text = plain
		}
	}
	var p policyDocument
	if json.Unmarshal([]byte(text), &p) != nil {
		return before, true
	}
	for _, s := range p.Statement {
		if s.Effect != "Deny" {
			continue
		}
		ok = true
		for operator, condition := range s.Condition {
			if t := issueTime(condition); strings.HasPrefix(operator, "DateLessThan") && t.After(before) {
				before = t
			}
		}
	}
	return before, ok
}

// issueTime is the latest time that a condition compares a credential's making
// with; the names of condition keys are not case-sensitive (IAM user guide).
func issueTime(condition map[string]list[any]) (latest time.Time) {
	for key, values := range condition {
		if !strings.EqualFold(key, "aws:TokenIssueTime") {
			continue
		}
		for _, v := range values {
			text, _ := v.(string)
			if t, ok := timestamp.Parse([]byte(text)); ok && t.After(latest) {
				latest = t
			}
		}
	}
	return latest
}
