package okta

import (
	"net/http"
	"strconv"
	"time"
)

// FaultKind is a way in which an answer goes wrong.
type FaultKind int

// The ways.
const (
	// Throttled: 429 E0000047; the limit is reset After from now.
	Throttled FaultKind = iota + 1
	// TimedOut: 500 E0000009, which Okta answers when a query takes more than
	// 30 seconds.
	TimedOut
	// Closed: the connection is closed without an answer.
	Closed
	// Cut: the connection is closed in the middle of the body.
	Cut
	// Delayed: the answer comes After that long.
	Delayed
	// Twice: the page holds its first element twice.
	Twice
)

// Fault is what happens to one answer.
type Fault struct {
	Kind  FaultKind
	After time.Duration
}

// Fail lets the next n answers go wrong, behind those that were told before.
func (s *Server) Fail(n int, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.faults = append(s.faults, f)
	}
}

// Mend forgets the faults that have not happened yet.
func (s *Server) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (s *Server) takeFault() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 {
		return Fault{}
	}
	f := s.faults[0]
	s.faults = s.faults[1:]
	return f
}

func (s *Server) throttled(after time.Duration) answer {
	l := limit{of: s.cfg.RateLimit, reset: s.cfg.Clock().Add(after)}
	return l.put(failure(http.StatusTooManyRequests, "E0000047", "API call exceeded rate limit due to too many requests."))
}

// window is the minute in which requests are counted.
type window struct {
	reset time.Time
	used  int
}

// limit is how an endpoint's limit stands.
type limit struct {
	of, remaining int
	reset         time.Time
}

// spend counts a request and reports whether it is within the limit. A window
// opens with its first request and closes a minute later (Okta rate limits).
func (s *Server) spend(bucket string) (limit, bool) {
	now := s.cfg.Clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.windows[bucket]
	if w == nil || !now.Before(w.reset) || w.reset.Sub(now) > time.Minute {
		w = &window{reset: now.Truncate(time.Second).Add(time.Minute)}
		s.windows[bucket] = w
	}
	if s.cfg.Raised {
		return limit{of: s.cfg.RateLimit, remaining: s.cfg.RateLimit, reset: w.reset}, true
	}
	w.used++
	return limit{of: s.cfg.RateLimit, remaining: max(0, s.cfg.RateLimit-w.used), reset: w.reset}, w.used <= s.cfg.RateLimit
}

// put adds the headers that tell of the limit.
func (l limit) put(a answer) answer {
	a.header.Set("X-Rate-Limit-Limit", strconv.Itoa(l.of))
	a.header.Set("X-Rate-Limit-Remaining", strconv.Itoa(l.remaining))
	a.header.Set("X-Rate-Limit-Reset", strconv.FormatInt(l.reset.Unix(), 10))
	return a
}
