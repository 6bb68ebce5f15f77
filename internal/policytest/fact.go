package policytest

import (
	"errors"
	"time"
)

// Fact is an event in short. Exactly one of its parts is set.
type Fact struct {
	// Add and Remove change the membership of an Okta group.
	Add    *Membership `yaml:"add"`
	Remove *Membership `yaml:"remove"`
	// SignOn is a sign-on to AWS, with the second factor before it.
	SignOn *SignOn `yaml:"sign_on"`
	// Assume is an assumption of a role by SAML, explained by the user's last
	// sign-on if it is to the same provider.
	Assume *Assume `yaml:"assume"`
	// Call is a call with the credentials of the user's last assumption of the role.
	Call *Call `yaml:"call"`
	// Approve is a record of the approvals feed.
	Approve *Approve `yaml:"approve"`
}

// Membership is a change of a group.
type Membership struct {
	User  string    `yaml:"user"` // login
	Group string    `yaml:"group"`
	At    time.Time `yaml:"at"`
	// By is a login of who did it; by default a machine that is trusted.
	By string `yaml:"by"`
}

// SignOn is a sign-on.
type SignOn struct {
	User string `yaml:"user"`
	// Provider is the name of one in the policy; by default the first.
	Provider string    `yaml:"provider"`
	At       time.Time `yaml:"at"`
	// Factor is push (default), password, or none.
	Factor string `yaml:"factor"`
	IP     string `yaml:"ip"`
}

// Assume is an assumption.
type Assume struct {
	User     string    `yaml:"user"`
	Provider string    `yaml:"provider"`
	Account  string    `yaml:"account"` // id or name
	Role     string    `yaml:"role"`
	At       time.Time `yaml:"at"`
	// Hours is how long the credentials live; default 1.
	Hours float64 `yaml:"hours"`
	// Session is the role session name; default the user.
	Session string `yaml:"session"`
	IP      string `yaml:"ip"`
}

// Call is a call.
type Call struct {
	User    string    `yaml:"user"`
	Account string    `yaml:"account"`
	Role    string    `yaml:"role"`
	At      time.Time `yaml:"at"`
	// Service and Action are by default s3 and GetObject.
	Service string `yaml:"service"`
	Action  string `yaml:"action"`
}

// Approve is an approved request for a role or group.
type Approve struct {
	User    string    `yaml:"user"`
	By      string    `yaml:"by"`
	Group   string    `yaml:"group"`
	Account string    `yaml:"account"`
	Role    string    `yaml:"role"`
	At      time.Time `yaml:"at"`
	From    time.Time `yaml:"from"`
	Until   time.Time `yaml:"until"`
	Reason  string    `yaml:"reason"`
}

// check says what is wrong with a fact.
func (f *Fact) check() error {
	parts := 0
	var who string
	var at time.Time
	part := func(set bool, user func() (string, time.Time)) {
		if set {
			parts++
			who, at = user()
		}
	}
	part(f.Add != nil, func() (string, time.Time) { return f.Add.User, f.Add.At })
	part(f.Remove != nil, func() (string, time.Time) { return f.Remove.User, f.Remove.At })
	part(f.SignOn != nil, func() (string, time.Time) { return f.SignOn.User, f.SignOn.At })
	part(f.Assume != nil, func() (string, time.Time) { return f.Assume.User, f.Assume.At })
	part(f.Call != nil, func() (string, time.Time) { return f.Call.User, f.Call.At })
	part(f.Approve != nil, func() (string, time.Time) { return f.Approve.User, f.Approve.At })
	switch {
	case parts != 1:
		return errors.New("write one of add, remove, sign_on, assume, call, approve")
	case who == "":
		return errors.New("user is missing")
	case at.IsZero():
		return errors.New("at is missing: write it as 2026-03-02T09:00:00Z")
	}
	return nil
}
