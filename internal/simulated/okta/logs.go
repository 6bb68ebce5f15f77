package okta

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"jitaudit/internal/organisation"
)

const (
	defaultLogs = 100
	maxLogs     = 1000
)

// query is what is asked of the System Log.
type query struct {
	since, until time.Time
	limit        int
	match        func(event []byte) bool
	descending   bool
	after        string
}

// logs is GET /api/v1/logs (Okta System Log query). Without until, and
// ascending, it is polling: by persistence, complete, without an end. Else it
// is bounded: by published, and finite.
func (s *Server) logs(r *http.Request) answer {
	q, refusal, ok := s.logQuery(r.URL.Query())
	if !ok {
		return refusal
	}
	if q.until.IsZero() && !q.descending {
		return s.poll(r, q)
	}
	return s.bounded(r, q)
}

func (s *Server) logQuery(v url.Values) (q query, refusal answer, ok bool) {
	q.limit, q.after = defaultLogs, v.Get("after")
	if text := v.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxLogs {
			return q, invalid("limit", fmt.Sprintf("must be between 1 and %d", maxLogs)), false
		}
		q.limit = n
	}
	if s.cfg.PageLimit > 0 {
		q.limit = min(q.limit, s.cfg.PageLimit)
	}
	for name, to := range map[string]*time.Time{"since": &q.since, "until": &q.until} {
		text := v.Get(name)
		if text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return q, invalid(name, "The date must be ISO 8601"), false
		}
		*to = at
	}
	switch strings.ToUpper(v.Get("sortOrder")) {
	case "", "ASCENDING":
	case "DESCENDING":
		q.descending = true
	default:
		return q, invalid("sortOrder", "must be ASCENDING or DESCENDING"), false
	}
	q.match, refusal, ok = filter(v.Get("filter"))
	return q, refusal, ok
}

// visible are the bounds of what can be seen now.
func (s *Server) visible(now time.Time) (from, to int) {
	to = sort.Search(len(s.cfg.Events), func(i int) bool { return s.cfg.Events[i].Seen.After(now) })
	if s.cfg.Retention > 0 {
		from = s.seenFrom(now.Add(-s.cfg.Retention))
	}
	return from, to
}

func (s *Server) seenFrom(t time.Time) int {
	return sort.Search(len(s.cfg.Events), func(i int) bool { return !s.cfg.Events[i].Seen.Before(t) })
}

// poll hands out events in the order of persistence. since filters published
// and stays with the cursor. Where both since and after are sent, which Okta
// says excludes one another, after counts: Okta's own SDK sends both.
func (s *Server) poll(r *http.Request, q query) answer {
	now := s.cfg.Clock()
	if q.since.IsZero() {
		q.since = now.AddDate(0, 0, -7) // Okta's default
	}
	from, to := s.visible(now)
	at := s.seenFrom(q.since) // nothing is seen before it is published
	if q.after != "" {
		var since int64
		position, ok := s.position("polling", q.after)
		if n, _ := fmt.Sscanf(position, "%d %d", &at, &since); !ok || n != 2 {
			return badCursor()
		}
		q.since = time.UnixMilli(since)
	}
	at = max(at, from)
	var found [][]byte
	for ; at < to && len(found) < q.limit; at++ {
		ev := &s.cfg.Events[at]
		if ev.At.Before(q.since) {
			continue
		}
		if raw := ev.AppendJSON(nil); q.match(raw) {
			found = append(found, raw)
		}
	}
	next := r.URL.Query()
	next.Del("since")
	next.Set("after", s.cursor("polling", fmt.Sprintf("%d %d", at, q.since.UnixMilli())))
	return page(found).link(r, next)
}

// bounded hands out events by published.
func (s *Server) bounded(r *http.Request, q query) answer {
	now := s.cfg.Clock()
	if q.until.IsZero() {
		q.until = now
	}
	if q.since.IsZero() {
		q.since = q.until.AddDate(0, 0, -7) // Okta's default
	}
	first := 0
	if q.after != "" {
		var since int64
		position, ok := s.position("bounded", q.after)
		if n, _ := fmt.Sscanf(position, "%d %d", &first, &since); !ok || n != 2 {
			return badCursor()
		}
		q.since = time.UnixMilli(since)
	}
	from, to := s.visible(now)
	var events []*organisation.Event
	for i := from; i < to; i++ {
		if ev := &s.cfg.Events[i]; !ev.At.Before(q.since) && ev.At.Before(q.until) {
			events = append(events, ev)
		}
	}
	slices.SortStableFunc(events, func(a, b *organisation.Event) int {
		if q.descending {
			a, b = b, a
		}
		return a.At.Compare(b.At)
	})
	at := min(first, len(events))
	var found [][]byte
	for ; at < len(events) && len(found) < q.limit; at++ {
		if raw := events[at].AppendJSON(nil); q.match(raw) {
			found = append(found, raw)
		}
	}
	if at == len(events) {
		return page(found).link(r, nil)
	}
	next := r.URL.Query()
	next.Del("since")
	next.Set("until", q.until.UTC().Format("2006-01-02T15:04:05.000Z"))
	next.Set("after", s.cursor("bounded", fmt.Sprintf("%d %d", at, q.since.UnixMilli())))
	return page(found).link(r, next)
}

func badCursor() answer { return invalid("after", "The cursor is invalid") }

// filter reads eventType eq "x" joined by or. Okta knows more; published it
// refuses, too.
func filter(text string) (match func([]byte) bool, refusal answer, ok bool) {
	if text == "" {
		return func([]byte) bool { return true }, answer{}, true
	}
	refused := failure(http.StatusBadRequest, "E0000031", "Invalid search criteria.", "filter: "+text)
	var wanted [][]byte
	for {
		rest, found := strings.CutPrefix(strings.TrimLeft(text, " ("), "eventType eq \"")
		if !found {
			return nil, refused, false
		}
		name, rest, found := strings.Cut(rest, `"`)
		if !found {
			return nil, refused, false
		}
		wanted = append(wanted, []byte(`"eventType":"`+name+`"`))
		rest = strings.Trim(rest, " )")
		if rest == "" {
			break
		}
		if text, found = strings.CutPrefix(rest, "or "); !found {
			return nil, refused, false
		}
	}
	return func(event []byte) bool {
		return slices.ContainsFunc(wanted, func(w []byte) bool { return bytes.Contains(event, w) })
	}, answer{}, true
}
