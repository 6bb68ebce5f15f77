package explain

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"jitaudit/schemas"
)

// clock writes a time as the record has it, to the second where it is whole.
func clock(t time.Time) string {
	if t.Nanosecond() == 0 {
		return t.UTC().Format("2006-01-02 15:04:05Z")
	}
	return t.UTC().Format("2006-01-02 15:04:05.000Z")
}

// length writes a duration to the second, as 1h10m.
func length(d time.Duration) string {
	out := d.Round(time.Second).String()
	if strings.HasSuffix(out, "m0s") {
		out = strings.TrimSuffix(out, "0s")
	}
	if strings.HasSuffix(out, "h0m") {
		out = strings.TrimSuffix(out, "0m")
	}
	return out
}

func several(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

func who(p schemas.Person) string {
	if p.Attributed() {
		return fmt.Sprintf("%s (%s)", p.Name, p.Key)
	}
	return fmt.Sprintf("%q, and nobody in Okta is known by that name (%s)", p.Name, p.Key)
}

// account is the id of an account, with the policy's name for it.
func (s *Subject) account(id string) string {
	if name := s.AccountNames[id]; name != "" {
		return name + " (" + id + ")"
	}
	return id
}

func (s *Subject) accountName(id string) string { return cmp.Or(s.AccountNames[id], id) }

func federation(f schemas.Federation) string {
	if f == schemas.IdentityCenter {
		return "IAM Identity Center"
	}
	return "SAML federation of the account"
}

func ended(by schemas.EndReason) string {
	switch by {
	case schemas.EndedByExpiry:
		return "its credentials expired"
	case schemas.EndedByLastUse:
		return "its last call, past the logged expiry: the credentials were renewed"
	case schemas.EndedByRevocation:
		return "the role's older sessions were revoked"
	}
	return "ended by " + strings.ReplaceAll(string(by), "_", " ")
}

// actor names who did something in Okta: a person by the login.
func actor(a *schemas.Actor) string {
	if a.Type == "User" {
		return cmp.Or(a.AlternateID, a.Name, a.ID)
	}
	return cmp.Or(a.Name, a.AlternateID, a.ID)
}

// requester names who made a request: Okta often says but the id.
func (s *Subject) requester(name string) string {
	if _, id, _ := strings.Cut(s.person().Key, "/"); id == name {
		return s.person().Name
	}
	return name
}

func from(ip string) string {
	if ip == "" {
		return ""
	}
	return " from " + ip
}
