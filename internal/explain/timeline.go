package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"jitaudit/schemas"
)

// timeline is what was seen, by time; what was seen at one time in the order of
// cause and effect.
func (s *Subject) timeline() []Moment {
	var out []Moment
	add := func(m Moment) {
		if !m.At.IsZero() && !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	for i := range s.Grants {
		for _, q := range s.Grants[i].Requests {
			request(&q, add)
		}
	}
	for i := range s.Grants {
		granted(&s.Grants[i], add)
	}
	if r := s.Session; r != nil {
		for _, q := range r.Requests {
			request(&q, add)
		}
		if r.Factor != nil {
			add(Moment{r.Factor.At, "second factor: " + r.Factor.Name, r.Factor.EventID})
		}
		if r.SignOn != nil {
			add(Moment{r.SignOn.At, "signed on to AWS in Okta" + from(r.SignOn.IP), r.SignOn.EventID})
		}
		s.assumed(add)
		for _, c := range r.Chained {
			chained(&c, add)
		}
		add(Moment{r.LastUse, "last call with the session's credentials", ""})
		add(Moment{r.End, "the session ended: " + strings.ReplaceAll(string(r.EndedBy), "_", " "), ""})
	}
	for _, f := range s.ordered() {
		add(Moment{f.At, fmt.Sprintf("finding %s (%s, %s)", f.Rule, f.Severity, f.Status), f.Anchor})
	}
	slices.SortStableFunc(out, func(a, b Moment) int { return a.At.Compare(b.At) })
	return out
}

func from(ip string) string {
	if ip == "" {
		return ""
	}
	return " from " + ip
}

func request(q *schemas.RequestRef, add func(Moment)) {
	what := "request " + q.ID
	if q.Requester != "" {
		what += " made by " + q.Requester
	}
	if q.Justification != "" {
		what += fmt.Sprintf(" (%q)", q.Justification)
	}
	add(Moment{q.At, what, first(q.Evidence)})
	by := "approver unknown"
	if len(q.Approvers) > 0 {
		by = "by " + strings.Join(q.Approvers, ", ")
	}
	add(Moment{q.DecidedAt, "request " + q.ID + " approved, " + by, ""})
}

func granted(g *schemas.Grant, add func(Moment)) {
	name := cmp.Or(g.Group, g.Role+" in "+g.Account)
	opened := "given " + name
	if g.GrantedBy != nil {
		opened += " by " + cmp.Or(g.GrantedBy.Name, g.GrantedBy.AlternateID, g.GrantedBy.ID)
	}
	add(Moment{g.Opened, opened, first(g.Evidence)})
	add(Moment{g.FirstObserved, "Okta lists the person in " + name + "; the log shows no addition", first(g.Evidence)})
	add(Moment{g.ApprovedUntil, "approved end of " + name, ""})
	removed := name + " taken away"
	if g.RemovedBy != nil {
		removed += " by " + cmp.Or(g.RemovedBy.Name, g.RemovedBy.AlternateID, g.RemovedBy.ID)
	}
	add(Moment{g.Removed, removed, ""})
}

// assumed tells of the assumptions; an open console makes one a minute, so of more
// than three those between are counted.
func (s *Subject) assumed(add func(Moment)) {
	all := slices.Clone(s.Assumptions)
	slices.SortFunc(all, func(a, b schemas.Assumption) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID))
	})
	for i, a := range all {
		if len(all) > 3 && i > 0 && i < len(all)-1 {
			if i == 1 {
				add(Moment{a.At, fmt.Sprintf("and assumed it anew %d times, until:", len(all)-2), a.EventID})
			}
			continue
		}
		what := fmt.Sprintf("assumed %s in %s%s as %q", a.Role, a.Account, from(a.IP), a.SessionName)
		if !a.Expires.IsZero() {
			what += ", credentials until " + clock(a.Expires)
		}
		add(Moment{a.At, what, a.EventID})
	}
}

func chained(c *schemas.ChainedRole, add func(Moment)) {
	add(Moment{c.At, fmt.Sprintf("went on into %s in %s", c.Role, c.Account), c.EventID})
	if !c.LastUse.IsZero() {
		add(Moment{c.LastUse, fmt.Sprintf("last call as %s in %s (%s)", c.Role, c.Account, strings.Join(c.Services, ", ")), ""})
	}
}

func first(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	return ids[0]
}
