package rules

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

// clock is how sentences write an instant.
func clock(t time.Time) string {
	if t.Nanosecond() == 0 {
		return t.UTC().Format("2006-01-02 15:04:05Z")
	}
	return t.UTC().Format("2006-01-02 15:04:05.000Z")
}

// span is how sentences write a length of time: "1h30m", not "1h30m0s".
func span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// role is how sentences name what was assumed.
func role(a *Assumption) string {
	return a.Fact.Assume.Role + " in " + accountName(a.Policy, a.Fact.Assume.Account)
}

// accountName is the policy's name of an account, else its id.
func accountName(p *policy.Policy, id string) string { return cmp.Or(p.AccountName(id), id) }

// granted is how sentences name what a grant is: the group, else the role.
func granted(g *Grant) string {
	r := g.Record
	if r.Group != "" && r.Source != schemas.ByAssignment {
		return r.Group
	}
	return r.Role + " in " + accountName(g.Policy, r.Account)
}

// actorName is what a reader knows an actor by.
func actorName(a schemas.Actor) string {
	if loginOf(a) != "" {
		return strings.TrimSpace(a.AlternateID)
	}
	return cmp.Or(a.Name, a.ID, "somebody")
}

// IsPerson reports whether an actor is a person: by Okta's id where both have one,
// for a login may pass from one user to the next; else by login.
func IsPerson(p schemas.Person, a schemas.Actor) bool {
	id, known := strings.CutPrefix(p.Key, "okta:"+p.Org+"/")
	name, login := fold(p.Name), loginOf(a)
	switch {
	case known && a.ID == id:
		return true
	case login == "":
		return false
	case known && id != name && a.Type == "User" && a.ID != "":
		return false
	}
	// A user of whom no event gives the id is known by the login.
	return login == name || known && login == id
}

// samePerson reports whether two actors are one: by id where both have one, else
// by login.
func samePerson(a, b schemas.Actor) bool {
	if a.ID != "" && b.ID != "" {
		return a.ID == b.ID
	}
	return loginOf(a) != "" && loginOf(a) == loginOf(b)
}

// loginOf is an actor's login, folded; empty where the event says "unknown", as
// Okta does for machines.
func loginOf(a schemas.Actor) string {
	if login := fold(a.AlternateID); login != "unknown" {
		return login
	}
	return ""
}

// fold makes names comparable.
func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// sessionName is what follows the colon of "AROA…:session name".
func sessionName(principalID string) string {
	_, name, _ := strings.Cut(principalID, ":")
	return name
}

// list names the first of several things, and how many more there are.
func list(names []string) string {
	const most = 5
	if n := len(names) - most; n > 0 {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(names, ", ")
}

func eventIDs(facts ...*schemas.Fact) []string {
	var ids []string
	for _, f := range facts {
		if f != nil {
			ids = append(ids, f.ID)
		}
	}
	return ids
}
