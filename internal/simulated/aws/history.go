package aws

import (
	"encoding/json"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"jitaudit/internal/organisation"
)

// shard is the event history of one account and region.
type shard struct {
	// events are newest first. All are there from the beginning; which are
	// listed depends on the clock, so that a place in the slice never moves.
	events []*organisation.Event

	mu     sync.Mutex
	listed map[int]listed // of those that lookups by an attribute have looked at
}

// split sorts events by shard.
func split(events []organisation.Event) map[string]*shard {
	shards := map[string]*shard{}
	for i := range events {
		ev := &events[i]
		if !strings.HasPrefix(ev.Shard, "aws/") {
			continue
		}
		s := shards[ev.Shard]
		if s == nil {
			s = &shard{listed: map[int]listed{}}
			shards[ev.Shard] = s
		}
		s.events = append(s.events, ev)
	}
	for _, s := range shards {
		sort.SliceStable(s.events, func(i, j int) bool { return s.events[i].At.After(s.events[j].At) })
	}
	return shards
}

// span is what a lookup asks for: events from start to end, both included, that
// are listed at now and fit.
type span struct {
	now, start, end time.Time
	key, value      string // the lookup attribute
}

// page returns up to n events that come after a place (-1: from the newest), and
// the place of the last, or -1 when nothing follows.
func (s *shard) page(q span, after, n int) (out []listed, last int) {
	i := max(after+1, sort.Search(len(s.events), func(i int) bool { return !s.events[i].At.After(q.end) }))
	last = after
	for ; i < len(s.events) && !s.events[i].At.Before(q.start); i++ {
		if s.events[i].Seen.After(q.now) {
			continue
		}
		e := s.entry(i, q.key != "")
		if e.data || !e.fits(q.key, q.value) {
			continue
		}
		if len(out) == n {
			return out, last
		}
		out, last = append(out, e), i
	}
	return out, -1
}

// entry is an event as it is listed.
func (s *shard) entry(i int, remember bool) listed {
	if !remember {
		return list(s.events[i])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.listed[i]
	if !ok {
		e = list(s.events[i])
		s.listed[i] = e
	}
	return e
}

// listed is an event in the answer to a lookup.
type listed struct {
	AccessKeyID     string `json:"AccessKeyId,omitempty"`
	CloudTrailEvent string
	EventID         string `json:"EventId"`
	EventName       string
	EventSource     string
	EventTime       int64 // Unix seconds
	ReadOnly        string
	Resources       []listedResource
	Username        string `json:",omitempty"`

	data bool // no management event
}

type listedResource struct {
	ResourceName string
	ResourceType string
}

// record is what of a CloudTrail record stands beside it in a listing.
type record struct {
	EventName, EventSource, EventCategory string
	ReadOnly                              bool
	ManagementEvent                       *bool
	UserIdentity                          struct{ Type, UserName, PrincipalID, AccessKeyID string }
	Resources                             []struct{ ARN, Type string }
}

func list(ev *organisation.Event) listed {
	raw := ev.AppendJSON(nil)
	var r record
	if err := json.Unmarshal(raw, &r); err != nil {
		panic("simulated aws: the organisation wrote no JSON: " + err.Error())
	}
	e := listed{
		AccessKeyID: r.UserIdentity.AccessKeyID, CloudTrailEvent: string(raw), EventID: ev.ID(),
		EventName: r.EventName, EventSource: r.EventSource, EventTime: ev.At.Unix(),
		ReadOnly: strconv.FormatBool(r.ReadOnly), Resources: []listedResource{}, Username: r.UserIdentity.UserName,
	}
	// A session is listed under its name (CloudTrail user guide, "Viewing events").
	if r.UserIdentity.Type == "AssumedRole" {
		_, e.Username, _ = strings.Cut(r.UserIdentity.PrincipalID, ":")
	}
	for _, x := range r.Resources {
		e.Resources = append(e.Resources, listedResource{ResourceName: x.ARN, ResourceType: x.Type})
	}
	e.data = r.ManagementEvent != nil && !*r.ManagementEvent || r.EventCategory != "" && r.EventCategory != "Management"
	return e
}

// fits reports whether an event has the value of a lookup attribute.
func (e *listed) fits(key, value string) bool {
	switch key {
	case "":
		return true
	case "EventId":
		return e.EventID == value
	case "EventName":
		return e.EventName == value
	case "ReadOnly":
		return e.ReadOnly == value
	case "Username":
		return e.Username == value
	case "EventSource":
		return e.EventSource == value
	case "AccessKeyId":
		return e.AccessKeyID == value
	}
	for _, r := range e.Resources {
		if key == "ResourceType" && r.ResourceType == value || key == "ResourceName" && r.ResourceName == value {
			return true
		}
	}
	return false
}
