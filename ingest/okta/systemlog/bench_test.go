package systemlog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"jitaudit/ingest"
	"jitaudit/ingest/okta/api"
	"jitaudit/ingest/okta/systemlog"
	"jitaudit/internal/organisation"
	"jitaudit/internal/simulated/okta"
	"jitaudit/schemas"
)

func TestMain(m *testing.M) {
	// The SDK's token cache has a goroutine that ends when it is collected.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/patrickmn/go-cache.(*janitor).Run"))
}

const (
	shard    = "okta/example"
	logsPath = "/api/v1/logs"
	token    = "00token-of-the-test"
)

// start is the org's time when a test begins.
var start = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// recorder is an ingest.Log in memory.
type recorder struct {
	mu         sync.Mutex
	messages   []ingest.Message
	checkpoint []byte
	saved      int
	// before is called before anything is kept, with "append" or "checkpoint";
	// its error keeps it from being.
	before func(what string, n int) error
}

func (r *recorder) Append(_ context.Context, s string, messages []ingest.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s != shard || len(messages) == 0 {
		return errors.New("wrong shard, or nothing to append")
	}
	if r.before != nil {
		if err := r.before("append", len(messages)); err != nil {
			return err
		}
	}
	for _, m := range messages {
		m.Raw = bytes.Clone(m.Raw)
		r.messages = append(r.messages, m)
	}
	return nil
}

func (r *recorder) Checkpoint(context.Context, string) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.checkpoint, nil
}

func (r *recorder) SetCheckpoint(_ context.Context, _ string, checkpoint []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.before != nil {
		if err := r.before("checkpoint", 0); err != nil {
			return err
		}
	}
	r.checkpoint = bytes.Clone(checkpoint)
	r.saved++
	return nil
}

// events are the raw events in the log, in order.
func (r *recorder) events() (raw []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.messages {
		if m.Kind == schemas.RawEvent {
			raw = append(raw, string(m.Raw))
		}
	}
	return raw
}

// coverage are the intervals claimed, in order.
func (r *recorder) coverage(t *testing.T) (all []schemas.Coverage) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.messages {
		if m.Kind != schemas.RawCoverage {
			continue
		}
		var c schemas.Coverage
		if err := json.Unmarshal(m.Raw, &c); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// bench is a simulated org, a log and a collector between them, in a bubble
// whose time passes when everybody waits.
type bench struct {
	org     okta.Config
	cfg     systemlog.Config
	log     *recorder
	metrics *ingest.Metrics
	logged  bytes.Buffer
	// intercept may answer in the org's place.
	intercept func(w http.ResponseWriter, r *http.Request) bool

	server    *okta.Server
	registry  *prometheus.Registry
	transport *http.Transport
	dial      func() (net.Conn, error)
	clock     func() time.Time

	mu      sync.Mutex
	queries []url.Values
}

// newBench is made outside of the bubble, as are collectors: the SDK starts a
// goroutine that nothing but the garbage collector ends.
func newBench(events ...organisation.Event) *bench {
	b := &bench{log: &recorder{}, registry: prometheus.NewRegistry()}
	b.metrics = ingest.NewMetrics(b.registry)
	b.transport = &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return b.dial() }}
	epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // at which every bubble begins
	b.clock = func() time.Time { return start.Add(time.Since(epoch)) }
	b.org = okta.Config{Org: "example", Token: token, Events: events, Clock: func() time.Time { return b.clock() }}
	b.cfg = systemlog.Config{
		Org: "example", URL: "http://127.0.0.1", Auth: api.Auth{Token: token}, Since: start.Add(-24 * time.Hour),
		Metrics: b.metrics, Transport: b.transport, Logger: slog.New(slog.NewTextHandler(&b.logged, nil)),
	}
	return b
}

func (b *bench) collector(t *testing.T) *systemlog.Collector {
	t.Helper()
	c, err := systemlog.New(b.cfg, b.log)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (b *bench) run(t *testing.T, fn func(t *testing.T)) {
	t.Helper()
	var err error
	if b.server, err = okta.New(b.org); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		b.dial = l.dial
		s := &http.Server{Handler: http.HandlerFunc(b.serve), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
		go s.Serve(l)
		defer func() {
			b.transport.CloseIdleConnections()
			s.Close()
		}()
		fn(t)
	})
}

func (b *bench) serve(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	if r.URL.Path == logsPath {
		b.queries = append(b.queries, r.URL.Query())
	}
	b.mu.Unlock()
	if b.intercept != nil && b.intercept(w, r) {
		return
	}
	b.server.ServeHTTP(w, r)
}

// asked are the queries of the System Log so far.
func (b *bench) asked() []url.Values {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.queries)
}

// metric is the sum of a counter's or gauge's values.
func (b *bench) metric(t *testing.T, name string) (sum float64) {
	t.Helper()
	families, err := b.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "jitaudit_collect_"+name {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

// pipes is a listener in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) dial() (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "pipe"} }

// event is the n-th event of an organisation, published and persisted at other
// times, both relative to start.
func event(t *testing.T, n int, published, persisted time.Duration) organisation.Event {
	t.Helper()
	ev := history(t).Okta[n]
	ev.At, ev.Seen = start.Add(published), start.Add(persisted)
	return ev
}

// history is small and the same for all tests.
func history(t *testing.T) *organisation.History {
	t.Helper()
	h, err := organisation.Generate(organisation.Config{People: 8, Days: 1, Noise: 40, Planted: -1, CallsPerSession: 1})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func raw(events ...organisation.Event) (all []string) {
	for i := range events {
		all = append(all, string(events[i].AppendJSON(nil)))
	}
	return all
}

func once(t *testing.T, c *systemlog.Collector) {
	t.Helper()
	if err := c.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// equal compares events by their bytes, without printing all of them.
func equal(t *testing.T, want, got []string) {
	t.Helper()
	if slices.Equal(want, got) {
		return
	}
	t.Errorf("%d events, want %d", len(got), len(want))
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			t.Errorf("first difference at %d:\n got %.300s\nwant %.300s", i, got[i], want[i])
			return
		}
	}
}

func contains(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%q is not in %q", part, text)
	}
}
