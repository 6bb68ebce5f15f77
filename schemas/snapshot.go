package schemas

import (
	"encoding/json"
	"time"
)

// Member is one member of an Okta group, as the group's list of users showed it.
type Member struct {
	Org   string `json:"org"`
	Group Group  `json:"group"`
	// At is the server's time of the answer that listed the member.
	At time.Time `json:"at"`
	// User is the user, byte for byte as Okta's API gave it.
	User json.RawMessage `json:"user"`
}

// Group is an Okta group.
type Group struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Snapshot says that all members of a group stand before it. What the log says
// of the group between From and To may or may not be in it.
type Snapshot struct {
	Org     string    `json:"org"`
	Group   Group     `json:"group"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Members int       `json:"members"`
}
