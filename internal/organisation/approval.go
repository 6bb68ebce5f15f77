package organisation

import (
	"bytes"
	"encoding/json"
	"time"
)

// Feed is the name of the feed of approvals.
const Feed = "tickets"

// approval is one decision of the feed, as its records are written.
type approval struct {
	ID            string     `json:"id"`
	Request       string     `json:"request"`
	Grantee       string     `json:"grantee"`
	Requester     string     `json:"requester,omitempty"`
	Approvers     []string   `json:"approvers,omitempty"`
	Decision      string     `json:"decision"`
	DecidedAt     time.Time  `json:"decided_at"`
	Resource      resource   `json:"resource"`
	From          *time.Time `json:"from,omitempty"`
	Until         *time.Time `json:"until,omitempty"`
	Justification string     `json:"justification,omitempty"`
	Subject       string     `json:"subject,omitempty"`
}

// resource is what a decision is about.
type resource struct {
	Group   string `json:"group,omitempty"`
	GroupID string `json:"group_id,omitempty"`
	App     string `json:"app,omitempty"`
	Account string `json:"account,omitempty"`
	Role    string `json:"role,omitempty"`
}

func (a *approval) encode(e *enc, _ *Event) {
	b, err := json.Marshal(a)
	if err != nil {
		panic("organisation: " + err.Error()) // strings and times only
	}
	e.b = append(e.b, bytes.TrimSuffix(b[1:], []byte("}"))...)
}

// decide logs a decision in the feed. What a leaves out is filled in: a ticket
// of the person's own, approved.
func (s *scene) decide(at time.Time, a approval) done {
	at = at.Truncate(time.Millisecond)
	ev := Event{At: at, Seen: at.Add(between(s.r, time.Second, 30*time.Second)), Shard: "approvals/" + Feed, id: newUUID(s.r)}
	a.ID, a.DecidedAt = ev.id.String(), at
	a.Request = or(a.Request, "OPS-"+token(s.r, digits, 5))
	a.Grantee, a.Requester, a.Decision = or(a.Grantee, s.p.login), or(a.Requester, s.p.login), or(a.Decision, "approved")
	a.Justification = or(a.Justification, pick(s.r, []string{"incident on the orders database", "release of the week", "monthly audit"}))
	a.Subject = or(a.Subject, "AWS access for "+s.p.display)
	ev.body = &a
	s.g.approvals = append(s.g.approvals, ev)
	return done{at, ev.ID()}
}
