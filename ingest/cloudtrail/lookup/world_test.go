package lookup_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"

	"jitaudit/ingest"
	"jitaudit/ingest/awsapi"
	"jitaudit/ingest/cloudtrail/lookup"
	"jitaudit/internal/organisation"
	"jitaudit/internal/simulated/aws"
	"jitaudit/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	account = "444783311503"
	region  = "eu-west-1"
	shard   = "aws/" + account + "/" + region
	keyID   = "AKIAEXAMPLE000000001"
	secret  = "a secret of nobody"
)

// noon is when tests begin.
func noon() time.Time { return time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC) }

// clock is AWS's, set by tests.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// recorder is a Log that keeps everything, and fails when told.
type recorder struct {
	mu          sync.Mutex
	records     []ingest.Message
	checkpoints map[string][]byte
	// left is after how many more writes one fails; it is then lost. Negative:
	// never.
	left int
}

func newRecorder() *recorder { return &recorder{checkpoints: map[string][]byte{}, left: -1} }

var errLost = errors.New("the log is gone")

func (r *recorder) write(f func()) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left--
	if r.left == -1 {
		return errLost
	}
	f()
	return nil
}

func (r *recorder) Append(_ context.Context, _ string, messages []ingest.Message) error {
	return r.write(func() { r.records = append(r.records, messages...) })
}

func (r *recorder) SetCheckpoint(_ context.Context, shard string, checkpoint []byte) error {
	return r.write(func() { r.checkpoints[shard] = checkpoint })
}

func (r *recorder) Checkpoint(_ context.Context, shard string) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.checkpoints[shard], nil
}

// events are the raw events in the order in which they came.
func (r *recorder) events() (raw []string) {
	for _, m := range r.kind(schemas.RawEvent) {
		raw = append(raw, string(m.Raw))
	}
	return raw
}

func (r *recorder) kind(k schemas.RawKind) (out []ingest.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.records {
		if m.Kind == k {
			out = append(out, m)
		}
	}
	return out
}

// coverage is what has been claimed, adjoining claims made one.
func (r *recorder) coverage(t *testing.T) (out []schemas.Coverage) {
	t.Helper()
	for _, m := range r.kind(schemas.RawCoverage) {
		c := claim(t, m)
		if n := len(out); n > 0 && out[n-1].To.Equal(c.From) {
			out[n-1].To = c.To
			continue
		}
		out = append(out, c)
	}
	return out
}

func claim(t *testing.T, m ingest.Message) (c schemas.Coverage) {
	t.Helper()
	if err := json.Unmarshal(m.Raw, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// world is a simulated AWS with a collector's surroundings.
type world struct {
	*aws.Server
	*recorder
	clock   *clock
	url     string
	metrics *ingest.Metrics
	logged  bytes.Buffer

	mu       sync.Mutex
	requests []aws.Request
	onLookup func(aws.Request) // called for each lookup that was answered
}

// newWorld makes a world of events that begins at noon; change may be nil.
func newWorld(t *testing.T, events []organisation.Event, change func(*aws.Config)) *world {
	t.Helper()
	w := &world{recorder: newRecorder(), clock: &clock{now: noon()}, metrics: ingest.NewMetrics(prometheus.NewRegistry())}
	cfg := aws.Config{
		Events: events, Clock: w.clock.Now, RequestsPerSecond: 1e6,
		Principals: map[string]aws.Principal{keyID: {Secret: secret, Account: account}},
		Observe:    w.observe,
	}
	if change != nil {
		change(&cfg)
	}
	w.Server = aws.New(cfg)
	web := httptest.NewServer(w.Server)
	t.Cleanup(web.Close)
	w.url = web.URL
	return w
}

func (w *world) observe(r aws.Request) {
	if r.Operation != aws.LookupEvents {
		return
	}
	w.mu.Lock()
	w.requests = append(w.requests, r)
	w.mu.Unlock()
	if w.onLookup != nil {
		w.onLookup(r)
	}
}

// windows are the lookups of an interval; the others ask for the time.
func (w *world) windows() (out []aws.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.requests {
		if !r.End.IsZero() {
			out = append(out, r)
		}
	}
	return out
}

// whole hands over each request's body at once. The SDK closes the body when the
// answer's head is there, which net/http takes for a failed write if the server
// is next door and quicker than its goroutine; the SDK then asks again, as it
// should, and requests cannot be counted.
type whole struct{ *http.Transport }

func (h whole) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return h.Transport.RoundTrip(r)
}

// connect does not look at the machine's own configuration.
func connect(t *testing.T, c awsapi.Connection) awssdk.Config {
	t.Helper()
	cfg, err := awsapi.Connect(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// collector makes one of the world's shard; change may be nil.
func (w *world) collector(t *testing.T, change func(*lookup.Config)) *lookup.Collector {
	t.Helper()
	cfg := lookup.Config{
		Account: account, Region: region, Log: w.recorder, Since: noon(),
		RequestsPerSecond: 1e6, MaxBackoff: time.Millisecond,
		Metrics: w.metrics, Logger: slog.New(slog.NewTextHandler(&w.logged, nil)),
	}
	cfg.AWS = connect(t, awsapi.Connection{Region: region, Endpoint: w.url, AccessKeyID: keyID, SecretAccessKey: secret})
	cfg.AWS.HTTPClient = &http.Client{Transport: whole{&http.Transport{}}}
	if change != nil {
		change(&cfg)
	}
	c, err := lookup.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) broken(t *testing.T) int { return count(t, w.metrics.Broken.WithLabelValues(shard)) }

func (w *world) asked(t *testing.T, outcome string) int {
	return count(t, w.metrics.Requests.WithLabelValues(shard, outcome))
}

func count(t *testing.T, c prometheus.Counter) int {
	t.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return int(m.GetCounter().GetValue())
}

// round does one round that must succeed.
func round(t *testing.T, c *lookup.Collector) {
	t.Helper()
	if err := c.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// some returns n different events of the shard, all at noon and delivered at
// once; tests set the times they need.
func some(t *testing.T, n int) []organisation.Event {
	t.Helper()
	h, err := organisation.Generate(organisation.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var out []organisation.Event
	ids := map[string]bool{}
	for _, ev := range h.CloudTrail {
		if ev.Shard == shard && !ids[ev.ID()] && len(out) < n {
			ids[ev.ID()] = true
			ev.At, ev.Seen = noon(), noon()
			out = append(out, ev)
		}
	}
	if len(out) < n {
		t.Fatalf("the shard has only %d events", len(out))
	}
	return out
}

// at sets when an event happens and when it is listed.
func at(ev *organisation.Event, at time.Time, delay time.Duration) {
	ev.At, ev.Seen = at, at.Add(delay)
}

func raw(ev *organisation.Event) string { return string(ev.AppendJSON(nil)) }

// same compares without regard to order.
func same(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func raws(events []organisation.Event) (out []string) {
	for i := range events {
		out = append(out, raw(&events[i]))
	}
	return out
}
