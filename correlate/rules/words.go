package rules

import (
	"strings"
	"time"

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
	if name := a.Policy.AccountName(a.Fact.Assume.Account); name != "" {
		return a.Fact.Assume.Role + " in " + name
	}
	return a.Fact.Assume.Role + " in " + a.Fact.Assume.Account
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
