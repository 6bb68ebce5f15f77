package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"jitaudit/schemas"
)

// Moment is something that was seen, or that follows from what was seen.
type Moment struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
	// Event is the id of the event that proves it; empty for what follows from
	// others.
	Event string `json:"event,omitempty"`
	// Proves are the rules for whose findings the event is evidence.
	Proves []string `json:"proves,omitempty"`
}

// moments is a timeline in the making.
type moments []Moment

func (m *moments) add(at time.Time, what, event string) {
	one := Moment{At: at, What: what, Event: event}
	same := func(o Moment) bool { return o.At.Equal(at) && o.What == what && o.Event == event }
	if !at.IsZero() && !slices.ContainsFunc(*m, same) {
		*m = append(*m, one)
	}
}

func (m moments) has(event string) bool {
	return slices.ContainsFunc(m, func(o Moment) bool { return o.Event == event })
}

// timeline is what was seen, by time; what was seen at one time in the order of
// cause and effect.
func (s *Subject) timeline() []Moment {
	var m moments
	for i := range s.Grants {
		for j := range s.Grants[i].Requests {
			s.request(&m, &s.Grants[i].Requests[j])
		}
	}
	for i := range s.Grants {
		m.grant(&s.Grants[i])
	}
	if s.Session != nil {
		s.sessionMoments(&m)
	}
	found := s.ordered()
	for i := range found {
		if f := &found[i]; !m.has(f.Anchor) {
			m.add(f.At, anchorWords(f), f.Anchor)
		}
	}
	for i := range m {
		for _, f := range found {
			if m[i].Event != "" && slices.Contains(f.Evidence, m[i].Event) && !slices.Contains(m[i].Proves, f.Rule) {
				m[i].Proves = append(m[i].Proves, f.Rule)
			}
		}
	}
	slices.SortStableFunc(m, func(a, b Moment) int { return a.At.Compare(b.At) })
	return m
}

func (s *Subject) sessionMoments(m *moments) {
	r := s.Session
	for i := range r.Requests {
		s.request(m, &r.Requests[i])
	}
	if r.Factor != nil {
		m.add(r.Factor.At, "second factor: "+r.Factor.Name, r.Factor.EventID)
	}
	if r.SignOn != nil {
		m.add(r.SignOn.At, "signed on in Okta"+from(r.SignOn.IP), r.SignOn.EventID)
	}
	s.assumed(m)
	for i := range r.Chained {
		c := &r.Chained[i]
		m.add(c.At, fmt.Sprintf("went on into %s in %s", c.Role, s.accountName(c.Account)), c.EventID)
		m.add(c.LastUse, fmt.Sprintf("last call as %s in %s", c.Role, s.accountName(c.Account)), "")
	}
	for i := range s.Calls {
		c := &s.Calls[i]
		m.add(c.At, callWords(&c.Call), c.EventID)
	}
	if !slices.ContainsFunc(s.Calls, func(c schemas.Activity) bool { return c.At.Equal(r.LastUse) }) {
		m.add(r.LastUse, "last call of the session", "")
	}
	m.add(r.End, "end of the session: "+ended(r.EndedBy), "")
}

func callWords(c *schemas.Call) string {
	out := "called " + c.Service + " " + c.Action
	if c.Denied {
		out += ", denied"
	}
	return out
}

// anchorWords tell of an event of which nothing is known but that a finding hangs
// on it.
func anchorWords(f *schemas.Finding) string {
	if f.Status == schemas.Retracted {
		return "the event that it hung on"
	}
	if r, ok := ruleOf(f.Rule); ok {
		return r.Title
	}
	return f.Rule
}

func (s *Subject) request(m *moments, q *schemas.RequestRef) {
	what := "request " + q.ID
	if q.Requester != "" {
		what += " made by " + s.requester(q.Requester)
	}
	if q.Justification != "" {
		what += fmt.Sprintf(": %q", q.Justification)
	}
	// The steps of a request are in order, the decision is one of them.
	var made, decided string
	switch {
	case q.At.IsZero() && len(q.Evidence) == 1:
		decided = q.Evidence[0]
	case !q.At.IsZero() && len(q.Evidence) > 0:
		made = q.Evidence[0]
		if len(q.Evidence) == 2 {
			decided = q.Evidence[1]
		}
	}
	m.add(q.At, what, made)
	by := "approver unknown"
	if len(q.Approvers) > 0 {
		by = "by " + strings.Join(q.Approvers, ", ")
	}
	m.add(q.DecidedAt, "request "+q.ID+" approved, "+by, decided)
}

func (m *moments) grant(g *schemas.Grant) {
	name := cmp.Or(g.Group, g.Role+" in "+g.Account)
	opener, removal := grantEvents(g)
	opened := "given " + name
	if g.GrantedBy != nil {
		opened += " by " + actor(g.GrantedBy)
	}
	m.add(g.Opened, opened, opener)
	m.add(g.FirstObserved, "Okta lists the person in "+name+"; no log shows the addition", opener)
	m.add(g.ApprovedUntil, "approved end of "+name, "")
	removed := name + " taken away"
	if g.RemovedBy != nil {
		removed += " by " + actor(g.RemovedBy)
	}
	m.add(g.Removed, removed, removal)
}

// grantEvents are the first and, where somebody took it away, the last of the
// events that a grant is known by. Those of its requests follow them.
func grantEvents(g *schemas.Grant) (opener, removal string) {
	n := len(g.Evidence)
	for i := range g.Requests {
		for n > 1 && slices.Contains(g.Requests[i].Evidence, g.Evidence[n-1]) {
			n--
		}
	}
	if n > 0 {
		opener = g.Evidence[0]
	}
	if g.RemovedBy != nil && (n > 1 || g.Opened.IsZero()) && n > 0 {
		removal = g.Evidence[n-1]
	}
	return opener, removal
}

// assumed tells of the assumptions. A console that is open makes a new one again
// and again: of more than three those in between are counted.
func (s *Subject) assumed(m *moments) {
	all := slices.Clone(s.Assumptions)
	slices.SortFunc(all, func(a, b schemas.Assumption) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID))
	})
	for i := range all {
		a := &all[i]
		if len(all) > 3 && i > 0 && i < len(all)-1 {
			if i == 1 {
				m.add(a.At, fmt.Sprintf("assumed %s again, %d times until the next line", a.Role, len(all)-2), a.EventID)
			}
			continue
		}
		what := fmt.Sprintf("assumed %s in %s%s", a.Role, s.accountName(a.Account), from(a.IP))
		if !a.Expires.IsZero() {
			what += ", credentials until " + clock(a.Expires)
		}
		m.add(a.At, what, a.EventID)
	}
}
