package policytest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

// expander writes the events that facts stand for, as Okta and AWS do.
type expander struct {
	*decoder
	policies *policy.Set
	records  records
	n        int
	line     int // of the fact that is being written
	path     string
	// signOns and assumed are those so far, the earliest first.
	signOns []signedOn
	assumed []assumed
}

type signedOn struct{ user, provider, assertion string }

// assumed is an assumption with what calls made by it carry.
type assumed struct {
	user, account, role string
	session, roleARN    string
	principal, key      string
	at                  time.Time
}

// facts writes the events of all facts, in the order of time, so that each knows
// what came before it.
func (x *expander) facts(all []Fact, path string) {
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return all[a].at().Compare(all[b].at()) })
	for _, i := range order {
		f := &all[i]
		x.line, x.path = f.Line, fmt.Sprintf("%s[%d]", path, i)
		switch {
		case f.Add != nil:
			x.membership(f.Add, "add")
		case f.Remove != nil:
			x.membership(f.Remove, "remove")
		case f.SignOn != nil:
			x.signOn(f.SignOn)
		case f.Assume != nil:
			x.assume(f.Assume)
		case f.Call != nil:
			x.call(f.Call)
		case f.Approve != nil:
			x.approve(f.Approve)
		}
	}
}

func (x *expander) id(given, kind string) string {
	x.n++
	return cmp.Or(given, fmt.Sprintf("%s-%d", kind, x.n))
}

// token is an id that follows from a name.
func token(prefix, name string, length int) string {
	sum := sha256.Sum256([]byte(name))
	return prefix + hex.EncodeToString(sum[:])[:length-len(prefix)]
}

func user(login string) map[string]any {
	return map[string]any{"id": token("00u", login, 20), "type": "User", "alternateId": login, "displayName": login}
}

// okta writes an event of the System Log.
func (x *expander) okta(id, kind string, at time.Time, actor map[string]any, session string, more map[string]any, targets ...any) {
	e := map[string]any{
		"uuid": x.id(id, kind[strings.LastIndexByte(kind, '.')+1:]), "published": at.UTC().Format("2006-01-02T15:04:05.000Z"), "eventType": kind, "version": "0",
		"actor": actor, "outcome": map[string]any{"result": "SUCCESS"}, "target": targets,
		"authenticationContext": map[string]any{"externalSessionId": session, "rootSessionId": session},
	}
	for key, value := range more {
		e[key] = value
	}
	x.add(schemas.Okta, e)
}

func (x *expander) add(source schemas.Source, event map[string]any) {
	x.records.add(x.decoder, source, x.line, x.path, event)
}

func (x *expander) membership(m *Membership, change string) {
	actor := map[string]any{"id": "0oajitworkflow", "type": "PublicClientAppEntity", "alternateId": "unknown", "displayName": "JIT access"}
	if m.By != "" {
		actor = user(m.By)
	}
	group := map[string]any{"id": token("00g", m.Group, 20), "type": "UserGroup", "alternateId": "unknown", "displayName": m.Group}
	x.okta(m.ID, "group.user_membership."+change, m.At, actor, "", nil, user(m.User), group)
}

// provider is the provider of a name, as of a time; without a name the one that has
// the application, without that the first. nil after an error.
func (x *expander) provider(name, app string, at time.Time) *policy.Provider {
	all := x.policies.At(at).Providers()
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Name
		if name == all[i].Name || name == "" && (app == "" || slices.Contains(all[i].Apps, app)) {
			return &all[i]
		}
	}
	switch {
	case len(all) == 0:
		x.errorf(x.line, "%s: the policy has no provider", x.path)
	case name == "":
		x.errorf(x.line, "%s.app: %q is no application of a provider: name the provider, too", x.path, app)
	default:
		x.errorf(x.line, "%s.provider: the policy has no provider %q%s", x.path, name, policy.Suggestion(name, names))
	}
	return nil
}

func (x *expander) signOn(s *SignOn) {
	p := x.provider(s.Provider, s.App, s.At)
	if p == nil {
		return
	}
	session := x.id("", "session")
	if s.Factor != "none" {
		factor := "OKTA_VERIFY_PUSH"
		if s.Factor == "password" {
			factor = "PASSWORD_AS_FACTOR"
		}
		x.okta("", "user.authentication.auth_via_mfa", s.At.Add(-10*time.Second), user(s.User), session, debug("factor", factor), user(s.User))
	}
	app, audience := token("0oa", p.Name, 20), "https://signin.aws.amazon.com/saml"
	if p.Federation == schemas.IdentityCenter {
		audience = "https://eu-central-1.signin.aws.amazon.com/platform/saml/d-0000000000"
	}
	if len(p.Apps) > 0 {
		app = p.Apps[0]
	}
	assertion := token("id", fmt.Sprint(s.User, p.Name, s.At, x.n), 30)
	more := debug("jti", assertion, "audience", audience, "subject", s.User)
	more["client"] = map[string]any{"ipAddress": cmp.Or(s.IP, usualAddress)}
	x.okta(s.ID, "user.authentication.sso", s.At, user(s.User), session, more,
		map[string]any{"id": cmp.Or(s.App, app), "type": "AppInstance", "alternateId": "AWS", "displayName": "AWS", "detailEntry": map[string]any{"signOnModeType": "SAML_2_0"}},
		map[string]any{"id": token("0ua", s.User, 20), "type": "AppUser", "alternateId": s.User, "displayName": s.User})
	x.signOns = append(x.signOns, signedOn{s.User, p.Name, assertion})
}

// debug is a debugContext of keys and values in turn.
func debug(pairs ...string) map[string]any {
	data := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		data[pairs[i]] = pairs[i+1]
	}
	return map[string]any{"debugContext": map[string]any{"debugData": data}}
}

func (x *expander) approve(a *Approve) {
	resource := map[string]any{}
	if a.Group != "" {
		resource["group"] = a.Group
	} else {
		resource["account"], resource["role"] = x.account(x.line, x.path+".account", a.Account, x.policies), a.Role
	}
	r := map[string]any{
		"id": x.id(a.ID, "approval"), "request": x.id("", "request"), "grantee": a.User, "requester": a.User, "decision": "approved",
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
	x.add(schemas.Approvals, r)
}
