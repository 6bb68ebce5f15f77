package policytest

import (
	"fmt"
	"strings"
	"time"
)

// Fact is an event in short. Exactly one of its parts is set.
type Fact struct {
	Line int
	// Add and Remove change the membership of an Okta group.
	Add    *Membership `key:"add"`
	Remove *Membership `key:"remove"`
	// SignOn is a sign-on to AWS, with the second factor before it.
	SignOn *SignOn `key:"sign_on"`
	// Assume is an assumption of a role by SAML. It carries the assertion of the
	// user's last sign-on to the same provider, where that federates directly.
	Assume *Assume `key:"assume"`
	// Call is a call with the credentials of the user's last assumption of the role.
	Call *Call `key:"call"`
	// Approve is a record of the approvals feed.
	Approve *Approve `key:"approve"`
}

// What is said of every event. Each part has a User, an At and an ID, the id of its
// event: by default one that is made up.

// Membership is a change of a group.
type Membership struct {
	ID    string    `key:"id"`
	User  string    `key:"user,required"` // login
	Group string    `key:"group,required"`
	At    time.Time `key:"at,required"`
	// By is the login of who did it; by default a machine that is trusted where the
	// policy lists no trusted_grantors.
	By string `key:"by"`
}

// SignOn is a sign-on.
type SignOn struct {
	ID   string `key:"id"`
	User string `key:"user,required"`
	// Provider is the name of one in the policy; by default that which names App,
	// without App the first.
	Provider string    `key:"provider"`
	App      string    `key:"app"` // id of the Okta application; by default the provider's first
	At       time.Time `key:"at,required"`
	// Factor is push (default), password, or none.
	Factor string `key:"factor"`
	IP     string `key:"ip"`
}

// Assume is an assumption.
type Assume struct {
	ID       string    `key:"id"`
	User     string    `key:"user,required"`
	Provider string    `key:"provider"` // by default the first
	Account  string    `key:"account,required"`
	Role     string    `key:"role,required"`
	At       time.Time `key:"at,required"`
	// Hours is how long the credentials live; default 1.
	Hours *float64 `key:"hours"`
	// Session is the role session name; default the user.
	Session string `key:"session"`
	IP      string `key:"ip"`
}

// Call is a call.
type Call struct {
	ID      string    `key:"id"`
	User    string    `key:"user,required"`
	Account string    `key:"account,required"`
	Role    string    `key:"role,required"`
	At      time.Time `key:"at,required"`
	// Service and Action are by default s3 and GetObject.
	Service string `key:"service"`
	Action  string `key:"action"`
}

// Approve is an approved request for a group, or for a role in an account.
type Approve struct {
	ID      string    `key:"id"`
	User    string    `key:"user,required"`
	By      string    `key:"by"` // login of who approved
	Group   string    `key:"group"`
	Account string    `key:"account"`
	Role    string    `key:"role"`
	At      time.Time `key:"at,required"`
	From    time.Time `key:"from"`
	Until   time.Time `key:"until"`
	Reason  string    `key:"reason"`
}

// parts are those that are set, with the id and time of each.
func (f *Fact) parts() (names []string, id string, at time.Time) {
	part := func(name, i string, t time.Time) { names, id, at = append(names, name), i, t }
	if m := f.Add; m != nil {
		part("add", m.ID, m.At)
	}
	if m := f.Remove; m != nil {
		part("remove", m.ID, m.At)
	}
	if s := f.SignOn; s != nil {
		part("sign_on", s.ID, s.At)
	}
	if a := f.Assume; a != nil {
		part("assume", a.ID, a.At)
	}
	if c := f.Call; c != nil {
		part("call", c.ID, c.At)
	}
	if a := f.Approve; a != nil {
		part("approve", a.ID, a.At)
	}
	return names, id, at
}

// at is the time of its event.
func (f *Fact) at() time.Time {
	_, _, at := f.parts()
	return at
}

func (d *decoder) fact(f *Fact, path string, ids map[string]bool) {
	names, id, _ := f.parts()
	if len(names) != 1 {
		d.errorf(f.Line, "%s: write one of add, remove, sign_on, assume, call, approve", path)
		return
	}
	path += "." + names[0]
	if id != "" && ids[id] {
		d.errorf(f.Line, "%s.id: %q is the id of an earlier event", path, id)
	}
	ids[id] = true
	switch {
	case f.SignOn != nil:
		d.word(f.Line, path+".factor", f.SignOn.Factor, "push", "password", "none")
		if app := f.SignOn.App; app != "" && !strings.HasPrefix(app, "0oa") {
			d.errorf(f.Line, "%s.app: %q is no application id: they begin with 0oa", path, app)
		}
	case f.Assume != nil:
		if h := f.Assume.Hours; h != nil && (*h <= 0 || *h > 12) {
			d.errorf(f.Line, "%s.hours: %s is out of range: more than 0, up to 12", path, fmt.Sprint(*h))
		}
	case f.Approve != nil:
		if a := f.Approve; (a.Group == "") == (a.Account == "" || a.Role == "") || a.Group != "" && a.Account+a.Role != "" {
			d.errorf(f.Line, "%s: write group, or account and role", path)
		}
	}
}
