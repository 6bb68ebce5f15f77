// Package okta answers as an Okta org does: its System Log, users, groups and
// members, requests for access, its tokens, throttling and errors. It speaks the protocol, so that
// Okta's own SDK can be pointed at it unmodified.
//
// Where Okta's documentation leaves something open, what is done here says so.
package okta

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"jitaudit/internal/organisation"
)

// Config says what an org holds and how it answers. Org and Clock are needed,
// and either Token or ClientID with PublicKey.
type Config struct {
	// Org is the org's name.
	Org string
	// Events are the System Log in the order of persistence. An event can be
	// seen once its Seen is not after the clock.
	Events []organisation.Event
	// Clock is the server's: every Date header and every limit goes by it.
	Clock func() time.Time

	// Token is the API token ("Authorization: SSWS …"); empty for none.
	Token string
	// ClientID and PublicKey are those of an API service app, which asks
	// /oauth2/v1/token for bearer tokens with a private_key_jwt.
	ClientID  string
	PublicKey *rsa.PublicKey
	// Scopes are granted to the app, and are what the API token's owner may
	// read; default okta.logs.read, okta.groups.read and okta.users.read.
	Scopes []string
	// TokenLifetime is that of a bearer token; default one hour.
	TokenLifetime time.Duration

	// Requests are what the governance API knows of requests for access. A token
	// needs the scope okta.accessRequests.request.read for them.
	Requests []Request

	// RateLimit is the number of requests a minute to each of logs, users, groups
	// and governance; default 120.
	RateLimit int
	// Raised answers every request, as an org does whose limits were raised.
	Raised bool
	// PageLimit bounds a page further than Okta does; 0 for no such bound.
	PageLimit int
	// Retention is how long the System Log is kept; default 90 days; negative
	// for ever.
	Retention time.Duration
}

// Server is a simulated Okta org. It is an http.Handler, safe for concurrent use.
type Server struct {
	cfg    Config
	routes *http.ServeMux

	mu      sync.Mutex
	counts  map[string]int
	faults  []Fault
	windows map[string]*window
	tokens  map[string]bearer
	people  directory
	serial  int
}

// New makes an org. It refuses a Config that no org could have.
func New(cfg Config) (*Server, error) {
	switch {
	case cfg.Org == "" || cfg.Clock == nil:
		return nil, errors.New("simulated okta: Org and Clock must be set")
	case cfg.Token == "" && cfg.ClientID == "":
		return nil, errors.New("simulated okta: nobody could ask; set Token, or ClientID and PublicKey")
	case cfg.ClientID != "" && cfg.PublicKey == nil:
		return nil, fmt.Errorf("simulated okta: client %s needs a PublicKey", cfg.ClientID)
	case cfg.RateLimit < 0 || cfg.PageLimit < 0:
		return nil, fmt.Errorf("simulated okta: RateLimit and PageLimit must not be negative (got %d, %d)", cfg.RateLimit, cfg.PageLimit)
	case !slices.IsSortedFunc(cfg.Events, func(a, b organisation.Event) int { return a.Seen.Compare(b.Seen) }):
		return nil, errors.New("simulated okta: Events must be in the order in which they are seen")
	}
	if cfg.RateLimit == 0 {
		cfg.RateLimit = 120
	}
	if cfg.Scopes == nil {
		cfg.Scopes = []string{scopeLogs, scopeGroups, scopeUsers}
	}
	if cfg.TokenLifetime == 0 {
		cfg.TokenLifetime = time.Hour
	}
	if cfg.Retention == 0 {
		cfg.Retention = 90 * 24 * time.Hour
	}
	s := &Server{cfg: cfg, counts: map[string]int{}, windows: map[string]*window{}, tokens: map[string]bearer{}}
	s.routes = http.NewServeMux()
	for pattern, route := range map[string]struct {
		scope, bucket string
		answer        func(*http.Request) answer
	}{
		"GET /api/v1/logs":              {scopeLogs, "logs", s.logs},
		"GET /api/v1/users":             {scopeUsers, "users", s.listUsers},
		"GET /api/v1/groups":            {scopeGroups, "groups", s.listGroups},
		"GET /api/v1/groups/{id}/users": {scopeGroups, "groups", s.listMembers},

		"GET /governance/api/v2/requests":      {scopeRequests, "governance", s.listRequests},
		"GET /governance/api/v2/requests/{id}": {scopeRequests, "governance", s.getRequest},
	} {
		s.routes.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s.serve(w, r, func(r *http.Request) answer {
				return s.guard(r, route.scope, route.bucket, route.answer)
			})
		})
	}
	s.routes.HandleFunc("POST /oauth2/v1/token", func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, s.token) })
	s.routes.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, func(r *http.Request) answer {
			return failure(http.StatusMethodNotAllowed, "E0000022", "The endpoint does not support the provided HTTP method")
		})
	})
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.counts[r.URL.Path]++
	s.mu.Unlock()
	s.routes.ServeHTTP(w, r)
}

// Count is the number of requests to a path so far, whatever their answer.
func (s *Server) Count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[path]
}

// guard answers a request that carries a valid token, has the scope and is
// within the limit.
func (s *Server) guard(r *http.Request, scope, bucket string, next func(*http.Request) answer) answer {
	if refusal, ok := s.authorize(r, scope); !ok {
		return refusal
	}
	limit, within := s.spend(bucket)
	if !within {
		return limit.put(failure(http.StatusTooManyRequests, "E0000047", "API call exceeded rate limit due to too many requests."))
	}
	return limit.put(next(r))
}

// origin is the address at which the request reached the org.
func origin(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}
