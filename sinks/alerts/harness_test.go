package alerts_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"jitaudit/internal/broker"
	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
	"jitaudit/sinks/alerts"
	"jitaudit/sinks/post"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	partitions = 3
	session    = 6 * time.Second // a busy machine must not lose the lead
)

// cluster is a Kafka with the topics that alerts need.
type cluster struct {
	*kafka.Client
	broker *broker.Broker
	prefix string
	writer *kafka.Writer
}

func startBroker(t testing.TB) *broker.Broker {
	t.Helper()
	b, err := broker.Start(broker.Config{MinSession: session})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func newCluster(t testing.TB, b *broker.Broker, prefix string) *cluster {
	t.Helper()
	client, err := kafka.New(kafka.Config{Brokers: []string{b.Addr()}, Prefix: prefix, Partitions: partitions}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	c := &cluster{Client: client, broker: b, prefix: prefix}
	var needed []topics.Topic
	for _, topic := range topics.All(partitions) {
		if slices.Contains([]string{topics.Findings, topics.Grants, topics.Sessions, topics.Triage, topics.SentLog, topics.DeadLetters}, topic.Name) {
			needed = append(needed, topic)
		}
	}
	if err := c.Ensure(t.Context(), needed); err != nil {
		t.Fatal(err)
	}
	if c.writer, err = c.Writer(kafka.WriterConfig{}); err != nil {
		t.Fatal(err)
	}
	return c
}

func start(t testing.TB) *cluster { t.Helper(); return newCluster(t, startBroker(t), "test.") }

// message is a result as it is published.
func message(t testing.TB, record any, headers ...kafka.Header) kafka.Message {
	t.Helper()
	value, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	m := kafka.Message{Value: value, Headers: headers}
	switch r := record.(type) {
	case *schemas.Finding:
		m.Topic, m.Key = topics.Findings, []byte(r.ID)
	case *schemas.Grant:
		m.Topic, m.Key = topics.Grants, []byte(r.ID)
	case *schemas.Session:
		m.Topic, m.Key = topics.Sessions, []byte(r.ID)
	case *schemas.Triage:
		m.Topic, m.Key = topics.Triage, []byte(r.ID)
	default:
		t.Fatalf("a %T is no result", record)
	}
	return m
}

func (c *cluster) publish(t testing.TB, messages ...kafka.Message) {
	t.Helper()
	if err := c.writer.Write(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
}

// sentLog is what a receiver was told, by the last entry of each key.
func (c *cluster) sentLog(t testing.TB, receiver string) (sent map[string]alerts.Sent, offsets map[string]int64, threads map[string]alerts.Thread) {
	t.Helper()
	last := map[string][]byte{}
	err := c.ReadAll(t.Context(), topics.SentLog, 0, func(m kafka.Message) error {
		last[string(m.Key)] = m.Value
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sent, offsets, threads = map[string]alerts.Sent{}, map[string]int64{}, map[string]alerts.Thread{}
	for key, value := range last {
		rest, ours := strings.CutPrefix(key, receiver+"/")
		if !ours || value == nil {
			continue
		}
		what, of, _ := strings.Cut(rest, "/")
		var err error
		switch what {
		case "record":
			var s alerts.Sent
			err = json.Unmarshal(value, &s)
			sent[of] = s
		case "offset":
			var o alerts.Offset
			err = json.Unmarshal(value, &o)
			offsets[of] = o.Next
		case "thread":
			var th alerts.Thread
			err = json.Unmarshal(value, &th)
			threads[of] = th
		default:
			t.Errorf("the sent log has a key %q", key)
		}
		if err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	return sent, offsets, threads
}

// clock runs faster than that of the machine.
type clock struct {
	began  time.Time
	faster int
}

func newClock(faster int) *clock { return &clock{time.Now(), faster} }

func (c *clock) now() time.Time {
	return c.began.Add(time.Since(c.began) * time.Duration(c.faster)).UTC()
}

func (c *clock) timer(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d / time.Duration(c.faster))
	return t.C, func() { t.Stop() }
}

// body is a notice as the receivers of these tests write it.
type body struct {
	ID     string         `json:"id"`
	Alerts []told         `json:"alerts,omitempty"`
	Digest *alerts.Digest `json:"digest,omitempty"`
	Life   int            `json:"life,omitempty"`
}

// told is an alert as it was received.
type told struct {
	ID        string        `json:"id"`
	Record    string        `json:"record"`
	Version   int64         `json:"version"`
	Change    alerts.Change `json:"change"`
	Requester string        `json:"requester,omitempty"`
	Approvers []string      `json:"approvers,omitempty"`
	Triage    string        `json:"triage,omitempty"`
	Link      string        `json:"link,omitempty"`
}

// poster is a receiver that posts notices to a server.
type poster struct {
	client *post.Client
	// dead, if there is one, ends what is being sent.
	dead context.Context
	// life tells processes apart.
	life int
}

func (p *poster) Send(ctx context.Context, n *alerts.Notice) (bool, error) {
	if p.dead != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(p.dead, cancel)()
	}
	b := body{ID: n.ID, Digest: n.Digest, Life: p.life}
	for i := range n.Alerts {
		a := &n.Alerts[i]
		one := told{ID: a.ID(), Record: a.RecordID(), Version: a.Version(), Change: a.Change, Requester: a.Requester, Approvers: a.Approvers, Link: a.Link}
		if a.Triage != nil {
			one.Triage = a.Triage.ID
		}
		b.Alerts = append(b.Alerts, one)
	}
	raw, err := json.Marshal(b)
	if err != nil {
		return false, err
	}
	_, retry, err := p.client.Post(ctx, "", http.Header{"Content-Type": {"application/json"}}, raw)
	return retry, err
}

// server is what notices are posted to. It notes those that it takes.
type server struct {
	*httptest.Server
	mu      sync.Mutex
	notices []body
	changed chan struct{}
	// before is asked first, and may answer itself.
	before func(w http.ResponseWriter, r *http.Request, b *body) (answered bool)
}

func serve(t testing.TB) *server {
	t.Helper()
	s := &server{changed: make(chan struct{}, 1)}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var b body
	if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
		http.Error(w, "no notice", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	before := s.before
	s.mu.Unlock()
	if before != nil && before(w, r, &b) {
		return
	}
	s.note(&b)
	w.WriteHeader(http.StatusOK)
}

func (s *server) note(b *body) {
	s.mu.Lock()
	s.notices = append(s.notices, *b)
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// answer sets what is asked before a notice is taken; nil for nothing.
func (s *server) answer(before func(http.ResponseWriter, *http.Request, *body) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = before
}

func (s *server) taken() []body {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.notices)
}

// alerts are those that were taken one by one, as RECORD.VERSION CHANGE.
func (s *server) alerts() (out []string) {
	for _, b := range s.taken() {
		for _, a := range b.Alerts {
			out = append(out, a.ID+" "+string(a.Change))
		}
	}
	return out
}

// digested is how many alerts digests stand for, and how many digests there are.
func (s *server) digested() (alerts, digests int) {
	for _, b := range s.taken() {
		if b.Digest != nil {
			digests++
			alerts += b.Digest.Total
		}
	}
	return alerts, digests
}

// patience is how long a test waits for what must come.
const patience = 60 * time.Second

// await waits until something holds.
func (s *server) await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	over := time.NewTimer(patience)
	defer over.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-s.changed:
		case <-again.C:
		case <-over.C:
			got := s.alerts()
			n, digests := s.digested()
			t.Fatalf("waited in vain for %s; %d alerts were taken one by one, %d in %d digests; the last: %q", what, len(got), n, digests, got[max(0, len(got)-10):])
		}
	}
}

// expect waits until these alerts have come, and says what else has.
func (s *server) expect(t testing.TB, want ...string) {
	t.Helper()
	s.await(t, fmt.Sprintf("%q", want), func() bool { return len(s.alerts()) >= len(want) })
	if got := s.alerts(); !slices.Equal(got, want) {
		t.Errorf("told\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// running is a dispatcher that runs.
type running struct {
	*alerts.Dispatcher
	metrics *prometheus.Registry
	cancel  context.CancelFunc
	ended   chan error
}

// run starts a dispatcher that posts to a server. The clock may be nil.
func (c *cluster) run(t testing.TB, s *server, k *clock, cfg alerts.Config) *running {
	t.Helper()
	client, err := post.New(post.Config{URL: s.URL, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return c.runWith(t, &poster{client: client}, k, cfg)
}

func (c *cluster) runWith(t testing.TB, receiver alerts.Receiver, k *clock, cfg alerts.Config) *running {
	t.Helper()
	r := c.make(t, receiver, k, cfg)
	r.begin(t, c)
	return r
}

func (c *cluster) make(t testing.TB, receiver alerts.Receiver, k *clock, cfg alerts.Config) *running {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "soc"
	}
	cfg.Prefix, cfg.Session = c.prefix, session
	if k != nil {
		cfg.Now = k.now
	}
	r := &running{metrics: prometheus.NewRegistry(), ended: make(chan error, 1)}
	var err error
	if r.Dispatcher, err = alerts.New(cfg, receiver, r.metrics, logOf(t)); err != nil {
		t.Fatal(err)
	}
	if k != nil {
		r.Timed(k.timer)
	}
	return r
}

func (r *running) begin(t testing.TB, c *cluster) {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	done := make(chan struct{})
	go func() { defer close(done); r.ended <- r.Run(ctx, c.Client) }()
	t.Cleanup(func() { cancel(); <-done })
}

// stop ends it in order.
func (r *running) stop(t testing.TB) {
	t.Helper()
	r.cancel()
	if err := <-r.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v, want that it was stopped", err)
	}
}

// logOf is the log of a test, to be seen where it fails.
func logOf(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(&testLog{t: t}, nil))
}

type testLog struct {
	t testing.TB
	b strings.Builder
	o sync.Once
	m sync.Mutex
}

func (l *testLog) Write(p []byte) (int, error) {
	l.o.Do(func() {
		l.t.Cleanup(func() {
			l.m.Lock()
			defer l.m.Unlock()
			if l.t.Failed() {
				l.t.Logf("the dispatcher had said:\n%.4000s", l.b.String())
			}
		})
	})
	l.m.Lock()
	defer l.m.Unlock()
	return l.b.Write(p)
}

// metric is the sum of a metric over its labels but the receiver's, where they have
// one of the values; of a histogram how many values it has.
func (r *running) metric(t testing.TB, name string, labels ...string) (sum float64) {
	t.Helper()
	families, err := r.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			values := map[string]bool{}
			for _, l := range m.GetLabel() {
				values[l.GetValue()] = true
			}
			fits := !slices.ContainsFunc(labels, func(v string) bool { return !values[v] })
			if fits {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

// finding makes a finding that has just happened.
func finding(id string, version int64, now time.Time, with ...func(*schemas.Finding)) *schemas.Finding {
	f := &schemas.Finding{
		ID: id, Rule: "no_mfa", Severity: schemas.Medium, Status: schemas.Open, At: now, Anchor: "event-" + id,
		Person: schemas.Person{Key: "okta:example/00u1", Name: "ada@example.com", Org: "example"}, Account: "111111111111", Role: "Admin",
		Why: "ada@example.com assumed Admin in 111111111111 without a second factor.", Evidence: []string{"event-" + id}, Policy: "5f0c9a1be27d4836",
		Meta: schemas.Meta{Version: version, Observed: now},
	}
	for _, w := range with {
		w(f)
	}
	return f
}

func status(s schemas.Status) func(*schemas.Finding) {
	return func(f *schemas.Finding) { f.Status = s }
}

func severity(s schemas.Severity) func(*schemas.Finding) {
	return func(f *schemas.Finding) { f.Severity = s }
}

func sorted[K ~string, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// read reads all records of a partition.
func read[T any](t testing.TB, c *cluster, topic string, partition int, into *[]T) {
	t.Helper()
	err := c.ReadAll(t.Context(), topic, partition, func(m kafka.Message) error {
		var v T
		if err := json.Unmarshal(m.Value, &v); err != nil {
			return err
		}
		*into = append(*into, v)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
