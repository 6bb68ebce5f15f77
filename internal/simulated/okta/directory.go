package okta

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// directory is who and what the visible events tell of. It is read from them
// when it is first asked for, and goes on from there.
type directory struct {
	upTo      int // events whose changes of groups are in it
	usersUpTo int // events whose users are in it
	users     map[string]*user
	groups    map[string]*group
}

type user struct{ id, login, name string }

type group struct {
	id, name       string
	since, changed time.Time
	members        map[string]membership
}

// membership is what the latest event of one user in one group says.
type membership struct {
	at    time.Time
	holds bool
}

// refresh brings groups and members to the clock. The caller holds the lock.
func (s *Server) refresh() {
	_, to := s.visible(s.cfg.Clock())
	d := &s.people
	if d.users == nil || to < d.upTo || to < d.usersUpTo {
		*d = directory{users: map[string]*user{}, groups: map[string]*group{}}
	}
	s.read(&d.upTo, to, `"eventType":"group.user_membership.`)
}

// refreshUsers brings users to the clock who are in no group, too. It has to
// look at every event, which takes a while the first time.
func (s *Server) refreshUsers() {
	s.refresh()
	s.read(&s.people.usersUpTo, s.people.upTo, `"type":"User"`)
}

func (s *Server) read(from *int, to int, mark string) {
	var raw []byte
	for ; *from < to; *from++ {
		ev := &s.cfg.Events[*from]
		if raw = ev.AppendJSON(raw[:0]); bytes.Contains(raw, []byte(mark)) {
			s.people.learn(raw, ev.At)
		}
	}
}

type thing struct {
	ID          string `json:"id"`
	Type        string `json:"type"`
	AlternateID string `json:"alternateId"`
	DisplayName string `json:"displayName"`
}

// learn takes an event in. Group rules and deletions are not in what is
// generated, so additions and removals are all.
func (d *directory) learn(raw []byte, at time.Time) {
	var event struct {
		EventType string
		Actor     thing
		Target    []thing
		Outcome   struct{ Result string }
	}
	if json.Unmarshal(raw, &event) != nil {
		return
	}
	var of, in *thing
	for i := range event.Target {
		switch t := &event.Target[i]; t.Type {
		case "User":
			of = t
			d.meet(t)
		case "UserGroup":
			in = t
		}
	}
	if event.Actor.Type == "User" {
		d.meet(&event.Actor)
	}
	added := event.EventType == "group.user_membership.add"
	if of == nil || in == nil || event.Outcome.Result != "SUCCESS" || !added && event.EventType != "group.user_membership.remove" {
		return
	}
	g := d.groups[in.ID]
	if g == nil {
		g = &group{id: in.ID, since: at, members: map[string]membership{}}
		d.groups[in.ID] = g
	}
	g.name = in.DisplayName
	if at.After(g.changed) {
		g.changed = at
	}
	// The log is in the order of persistence; what counts is what happened last.
	if m, known := g.members[of.ID]; !known || !at.Before(m.at) {
		g.members[of.ID] = membership{at, added}
	}
}

func (d *directory) meet(t *thing) {
	if d.users[t.ID] == nil {
		d.users[t.ID] = &user{id: t.ID, login: t.AlternateID, name: t.DisplayName}
	}
}

// listUsers is GET /api/v1/users, 200 a page at most.
func (s *Server) listUsers(r *http.Request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refreshUsers()
	return s.list(r, 200, slices.Sorted(maps.Keys(s.people.users)), func(id string) []byte { return s.userJSON(id) })
}

// listGroups is GET /api/v1/groups, 10,000 a page at most. Of its ways to
// search there are q and "profile.name sw|eq".
func (s *Server) listGroups(r *http.Request) answer {
	match, refusal, ok := groupFilter(r.URL.Query().Get("q"), r.URL.Query().Get("search"), r.URL.Query().Get("filter"))
	if !ok {
		return refusal
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh()
	var ids []string
	for id, g := range s.people.groups {
		if match(g.name) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return s.list(r, 10_000, ids, func(id string) []byte { return s.people.groups[id].json() })
}

func groupFilter(q, search, filter string) (match func(name string) bool, refusal answer, ok bool) {
	refused := failure(http.StatusBadRequest, "E0000031", "Invalid search criteria.")
	switch {
	case filter == `type eq "OKTA_GROUP"`, filter == "" && search == "":
		return func(name string) bool { return strings.HasPrefix(strings.ToLower(name), strings.ToLower(q)) }, answer{}, true
	case filter != "":
		return nil, refused, false
	}
	parts := strings.SplitN(search, " ", 3)
	if len(parts) != 3 || parts[0] != "profile.name" {
		return nil, refused, false
	}
	value, err := strconv.Unquote(parts[2])
	switch {
	case err != nil:
	case parts[1] == "sw":
		return func(name string) bool { return strings.HasPrefix(name, value) }, answer{}, true
	case parts[1] == "eq":
		return func(name string) bool { return name == value }, answer{}, true
	}
	return nil, refused, false
}

// listMembers is GET /api/v1/groups/{id}/users, 1,000 a page at most.
func (s *Server) listMembers(r *http.Request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh()
	id := r.PathValue("id")
	g := s.people.groups[id]
	if g == nil {
		return failure(http.StatusNotFound, "E0000007", "Not found: Resource not found: "+id+" (UserGroup)")
	}
	var ids []string
	for id, m := range g.members {
		if m.holds {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return s.list(r, 1000, ids, func(id string) []byte { return s.userJSON(id) })
}

// list is a page of a list that is sorted by id. Okta does not say what it does
// with a limit beyond the greatest; here it is cut.
func (s *Server) list(r *http.Request, most int, ids []string, element func(id string) []byte) answer {
	limit := most
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return invalid("limit", "must be a positive number")
		}
		limit = min(n, most)
	}
	if s.cfg.PageLimit > 0 {
		limit = min(limit, s.cfg.PageLimit)
	}
	if after := r.URL.Query().Get("after"); after != "" {
		last, ok := s.position(r.URL.Path, after)
		if !ok {
			return badCursor()
		}
		at, found := slices.BinarySearch(ids, last)
		if found {
			at++
		}
		ids = ids[at:]
	}
	var found [][]byte
	for _, id := range ids[:min(limit, len(ids))] {
		found = append(found, element(id))
	}
	if len(ids) <= limit {
		return page(found).link(r, nil)
	}
	next := r.URL.Query()
	next.Set("limit", strconv.Itoa(limit))
	next.Set("after", s.cursor(r.URL.Path, ids[limit-1]))
	return page(found).link(r, next)
}

const stamp = "2006-01-02T15:04:05.000Z"

// userJSON is the user as Okta writes it (Users API). All are as old as the log.
func (s *Server) userJSON(id string) []byte {
	u := s.people.users[id]
	first, last, _ := strings.Cut(u.name, " ")
	type profile struct {
		First  string  `json:"firstName"`
		Last   string  `json:"lastName"`
		Mobile *string `json:"mobilePhone"`
		Second *string `json:"secondEmail"`
		Login  string  `json:"login"`
		Email  string  `json:"email"`
	}
	at := s.cfg.Events[0].At.UTC().Format(stamp)
	b, _ := json.Marshal(struct {
		ID      string  `json:"id"`
		Status  string  `json:"status"`
		Created string  `json:"created"`
		Updated string  `json:"lastUpdated"`
		Profile profile `json:"profile"`
	}{u.id, "ACTIVE", at, at, profile{First: first, Last: last, Login: u.login, Email: u.login}}) // strings only
	return b
}

// json is the group as Okta writes it (Groups API).
func (g *group) json() []byte {
	type profile struct {
		Name        string  `json:"name"`
		Description *string `json:"description"`
	}
	b, _ := json.Marshal(struct {
		ID      string   `json:"id"`
		Created string   `json:"created"`
		Updated string   `json:"lastUpdated"`
		Changed string   `json:"lastMembershipUpdated"`
		Class   []string `json:"objectClass"`
		Type    string   `json:"type"`
		Profile profile  `json:"profile"`
	}{g.id, g.since.UTC().Format(stamp), g.since.UTC().Format(stamp), g.changed.UTC().Format(stamp),
		[]string{"okta:user_group"}, "OKTA_GROUP", profile{Name: g.name}}) // strings only
	return b
}
