// Package aws answers as three services of AWS do, so that unmodified clients of
// aws-sdk-go-v2 can be pointed at it with BaseEndpoint: CloudTrail's LookupEvents
// and the Identity Store's ListUsers (AWS JSON 1.1), and STS's AssumeRole (AWS
// query, XML). Requests
// must be signed (Signature Version 4), and the signature is verified.
//
// What a service may do that this one does, too: refuse, throttle, deliver
// events late, twice and with an addendum, and forget a NextToken.
package aws

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"jitaudit/internal/organisation"
)

// The operations that are answered.
const (
	LookupEvents = "LookupEvents"
	ListUsers    = "ListUsers"
	AssumeRole   = "AssumeRole"
)

// Config says whose AWS is simulated.
type Config struct {
	// Events are the records of CloudTrail; those of other shards than
	// "aws/ACCOUNT/REGION" are left aside. An event is listed once its Seen is
	// not after Clock(). The slice is kept and must not change.
	Events []organisation.Event
	// Clock is AWS's clock: the Date of every answer, what of Events is listed,
	// and where the 90 days end. By default that of the machine.
	Clock func() time.Time
	// Principals are those who have long-lived keys, by access key id.
	Principals map[string]Principal
	// Roles are the roles that may be assumed.
	Roles []Role
	// Stores are the Identity Stores.
	Stores []Store
	// RequestsPerSecond is how many lookups each account and region answers per
	// second of the machine's clock; 2 by default, as AWS says. A demonstration
	// whose clock runs faster raises it.
	RequestsPerSecond float64
	// Skew is how far the date of a signature may be from Clock(); AWS allows 5
	// minutes. By default any date is accepted, because a simulated clock may run
	// faster than its client can follow.
	Skew time.Duration
	// DisabledRegions are regions that the accounts have not opted into.
	DisabledRegions []string
	// Observe, if set, is told of each request after its answer is known and
	// before it is sent.
	Observe func(Request)
}

// Request is one request and how it was answered.
type Request struct {
	Outcome
	// At is Clock() when the request came.
	At time.Time
	// Start and End are what a lookup asked for, zero where it did not say.
	Start, End time.Time
	// Paged says that a lookup carried a NextToken.
	Paged bool
	// Events is how many events are in the answer.
	Events int
}

// Outcome is what requests are counted by.
type Outcome struct {
	Operation string
	// Shard is "aws/ACCOUNT/REGION", empty before the caller is known.
	Shard string
	// Code is AWS's error code or the Fault, empty for success.
	Code string
}

// Server is an http.Handler. It starts no goroutines.
type Server struct {
	cfg     Config
	shards  map[string]*shard
	observe func(Request)

	mu       sync.Mutex
	sessions map[string]session
	limiters map[string]*rate.Limiter
	counts   map[Outcome]int
	faults   []Fault
	tokenKey []byte
}

// New makes a server of the organisation that cfg describes.
func New(cfg Config) *Server {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.RequestsPerSecond == 0 {
		cfg.RequestsPerSecond = 2
	}
	s := &Server{
		cfg:      cfg,
		shards:   split(cfg.Events),
		observe:  cfg.Observe,
		sessions: make(map[string]session),
		limiters: make(map[string]*rate.Limiter),
		counts:   make(map[Outcome]int),
		tokenKey: random(32),
	}
	if s.observe == nil {
		s.observe = func(Request) {}
	}
	return s
}

// Counts returns how many requests were answered, by outcome.
func (s *Server) Counts() map[Outcome]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

// Count returns how many requests there were of an operation, whatever came of
// them; shard is "aws/ACCOUNT/REGION", or empty for all.
func (s *Server) Count(operation, shard string) (n int) {
	for o, c := range s.Counts() {
		if o.Operation == operation && (shard == "" || o.Shard == shard) {
			n += c
		}
	}
	return n
}

// largest is the most that a request may hold; AWS's limits are lower.
const largest = 1 << 20

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largest))
	if err != nil {
		http.Error(w, "request too large or cut", http.StatusRequestEntityTooLarge)
		return
	}
	req := &Request{At: s.cfg.Clock().UTC()}
	var a answer
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/":
		a = queryRefusal(refuse(http.StatusNotFound, "UnknownOperationException", "there is nothing at "+r.Method+" "+r.URL.Path))
	case r.Header.Get("X-Amz-Target") != "":
		a = s.json(r, body, req)
	default:
		a = s.query(r, body, req)
	}
	s.mu.Lock()
	s.counts[req.Outcome]++
	s.mu.Unlock()
	s.observe(*req)
	w.Header().Set("Date", req.At.Format(http.TimeFormat))
	a.send(w, r)
}

// operation is one of the AWS JSON 1.1 protocol.
type operation struct {
	name, service, action string // service as signatures name it
	limited               bool
	answer                func(body []byte, req *Request) (any, *refusal)
}

// operation finds the one that a request names: "CloudTrail_20131101.LookupEvents";
// older clients put the package before it.
func (s *Server) operation(target string) (operation, bool) {
	service, name, _ := cutLast(target, ".")
	switch {
	case strings.HasSuffix(service, "CloudTrail_20131101") && name == LookupEvents:
		return operation{name, "cloudtrail", "cloudtrail:LookupEvents", true, func(body []byte, req *Request) (any, *refusal) { return s.lookup(body, req) }}, true
	case service == "AWSIdentityStore" && name == ListUsers:
		return operation{name, "identitystore", "identitystore:ListUsers", false, func(body []byte, req *Request) (any, *refusal) { return s.listUsers(body, req) }}, true
	}
	return operation{}, false
}

// json answers a request of the AWS JSON 1.1 protocol.
func (s *Server) json(r *http.Request, body []byte, req *Request) answer {
	op, known := s.operation(r.Header.Get("X-Amz-Target"))
	if !known {
		return jsonRefusal(req.note(refuse(http.StatusBadRequest, "UnknownOperationException", "only LookupEvents of CloudTrail and ListUsers of the Identity Store are simulated")))
	}
	req.Operation = op.name
	if f := s.fault(); f != "" {
		req.Code = string(f)
		return f.answer()
	}
	who, region, refused := s.authenticate(r, body, op.service, req.At)
	if refused != nil {
		return jsonRefusal(req.note(refused))
	}
	req.Shard = "aws/" + who.account + "/" + region
	if op.limited && !s.limiter(req.Shard).Allow() {
		return jsonRefusal(req.note(throttled()))
	}
	if refused := who.may(op.action, ""); refused != nil {
		return jsonRefusal(req.note(refused))
	}
	out, refused := op.answer(body, req)
	if refused != nil {
		return jsonRefusal(req.note(refused))
	}
	return jsonAnswer(http.StatusOK, out)
}

// note keeps the code of a refusal for the counts.
func (req *Request) note(r *refusal) *refusal {
	req.Code = r.code
	return r
}

// limiter returns the one of a shard. Its clock is the machine's: it is the
// server that a limit protects.
func (s *Server) limiter(shard string) *rate.Limiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.limiters[shard]
	if l == nil {
		burst := int(math.Max(1, math.Ceil(math.Min(s.cfg.RequestsPerSecond, 1e6))))
		l = rate.NewLimiter(rate.Limit(s.cfg.RequestsPerSecond), burst)
		s.limiters[shard] = l
	}
	return l
}

func (s *Server) disabled(region string) bool { return slices.Contains(s.cfg.DisabledRegions, region) }

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}

func requestID() string {
	h := hex.EncodeToString(random(16))
	return fmt.Sprintf("%s-%s-%s-%s-%s", h[:8], h[8:12], h[12:16], h[16:20], h[20:])
}
