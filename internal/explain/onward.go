package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"jitaudit/schemas"
)

// Onward is a further role that a session went on into.
type Onward struct {
	Role    string    `json:"role"`
	Account string    `json:"account"`
	RoleARN string    `json:"role_arn"`
	Event   string    `json:"event"`
	At      time.Time `json:"at"`
	// FirstUse and LastUse bound the calls that were made with it, to Services.
	FirstUse time.Time `json:"first_use,omitzero"`
	LastUse  time.Time `json:"last_use,omitzero"`
	Services []string  `json:"services,omitempty"`
	// Then are the roles that it led to in turn.
	Then []Onward `json:"then,omitempty"`
}

// onward puts the further roles of a session into a tree. One whose parent is
// not among them hangs on the session.
func (s *Subject) onward() []Onward {
	all := s.Session.Chained
	known := func(id string) bool {
		return slices.ContainsFunc(all, func(c schemas.ChainedRole) bool { return c.EventID == id })
	}
	var below func(parent string, depth int) []Onward
	below = func(parent string, depth int) (out []Onward) {
		for i := range all {
			c := &all[i]
			root := c.From == "" || !known(c.From) || c.From == c.EventID
			if root != (parent == "") || !root && c.From != parent {
				continue
			}
			o := Onward{
				Role: c.Role, Account: s.account(c.Account), RoleARN: c.RoleARN, Event: c.EventID, At: c.At,
				FirstUse: c.FirstUse, LastUse: c.LastUse, Services: c.Services,
			}
			if depth < len(all) { // no tree is deeper; a record that goes in circles ends here
				o.Then = below(c.EventID, depth+1)
			}
			out = append(out, o)
		}
		return out
	}
	return below("", 0)
}

// words tell of the role in one line.
func (o *Onward) words() string {
	out := fmt.Sprintf("%s in %s, from %s", o.Role, o.Account, clock(o.At))
	switch {
	case o.FirstUse.IsZero():
		out += ", no call is known"
	case len(o.Services) > 0:
		out += fmt.Sprintf(", calls until %s to %s", clock(o.LastUse), strings.Join(o.Services, ", "))
	default:
		out += ", calls until " + clock(o.LastUse)
	}
	return out
}
