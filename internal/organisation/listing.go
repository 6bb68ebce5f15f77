package organisation

import (
	"strings"
	"time"
)

// listing is what Okta's API says of a group's members, rather than its log.
type listing interface{ listed() }

// member is one line of it.
type member struct {
	of *group
	p  *person
}

func (*member) listed() {}

func (m *member) encode(e *enc, ev *Event) {
	first, last, _ := strings.Cut(m.p.display, " ")
	e.str("org", org)
	m.of.encode(e)
	e.time("at", ev.At, time.RFC3339Nano)
	e.open("user")
	e.str("id", m.p.oktaID)
	e.str("status", "ACTIVE")
	e.open("profile")
	e.str("firstName", first)
	e.str("lastName", last)
	e.str("login", m.p.login)
	e.str("email", m.p.login)
	e.close()
	e.close()
}

func (gr *group) encode(e *enc) {
	e.open("group")
	e.str("id", gr.id)
	e.str("name", gr.name)
	e.close()
}

// snapshot says that the group has been listed in full.
type snapshot struct {
	of       *group
	from, to time.Time
	members  int
}

func (*snapshot) listed() {}

func (b *snapshot) encode(e *enc, _ *Event) {
	e.str("org", org)
	b.of.encode(e)
	e.time("from", b.from, time.RFC3339Nano)
	e.time("to", b.to, time.RFC3339Nano)
	e.int("members", b.members)
}

// silent is a member of whom the log says nothing: there before it begins and,
// until somebody took them out behind its back, all along.
type silent struct {
	p     *person
	until time.Time // zero: to the end
	// planted is what follows from the first line that lists them.
	planted func(first done)
}

// listed is how often Okta is asked for the members of the standing group.
const listed = 18 * time.Hour

// askForMembers lets Okta be asked for the members of the standing group, from soon
// after the log begins.
func (g *generator) askForMembers() {
	if len(g.silent) == 0 {
		return
	}
	first := map[*silent]bool{}
	for at := g.truth.Complete.From.Add(2 * time.Hour); at.Before(g.truth.Complete.To.Add(-30 * time.Hour)); at = at.Add(listed) {
		var members []*person
		var there []*silent
		for _, m := range g.silent {
			if m.until.IsZero() || at.Before(m.until) {
				members, there = append(members, m.p), append(there, m)
			}
		}
		for _, h := range g.held {
			if h.group == g.inventory && !at.Before(h.opened) && (h.removed.IsZero() || at.Before(h.removed)) {
				members = append(members, h.by)
			}
		}
		ids := g.list(g.inventory, at, members)
		for i, m := range there {
			if !first[m] && m.planted != nil {
				m.planted(done{at, ids[i]})
			}
			first[m] = true
		}
	}
}

// list lists the group's members at one time; it returns the ids of the lines.
func (g *generator) list(of *group, at time.Time, members []*person) (ids []string) {
	at = at.Truncate(time.Second)
	for _, p := range members {
		ev := Event{At: at, Seen: at, Shard: g.oktaShard, body: &member{of, p}}
		g.listings = append(g.listings, ev)
		ids = append(ids, ev.ID())
	}
	to := at.Add(time.Second)
	g.listings = append(g.listings, Event{At: to, Seen: to, Shard: g.oktaShard, body: &snapshot{of, at, to, len(members)}})
	return ids
}
