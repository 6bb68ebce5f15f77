package rules

import (
	"cmp"
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
	if a.AlternateID != "" && !strings.EqualFold(a.AlternateID, "unknown") {
		return a.AlternateID
	}
	return cmp.Or(a.Name, a.ID, "somebody")
}

// isPerson reports whether an actor is a person: by Okta's id, else by login.
func isPerson(p schemas.Person, a schemas.Actor) bool {
	if a.ID != "" && p.Key == "okta:"+p.Org+"/"+a.ID {
		return true
	}
	login := strings.TrimSpace(a.AlternateID)
	return login != "" && strings.EqualFold(login, p.Name)
}

// samePerson reports whether two actors are one: by id where both have one, else
// by login.
func samePerson(a, b schemas.Actor) bool {
	if a.ID != "" && b.ID != "" {
		return a.ID == b.ID
	}
	return a.AlternateID != "" && strings.EqualFold(strings.TrimSpace(a.AlternateID), strings.TrimSpace(b.AlternateID))
}

// sessionName is what follows the colon of "AROA…:session name".
func sessionName(principalID string) string {
	_, name, _ := strings.Cut(principalID, ":")
	return name
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
