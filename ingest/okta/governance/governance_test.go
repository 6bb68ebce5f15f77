package governance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"jitaudit/ingest"
	"jitaudit/ingest/okta/api"
	"jitaudit/internal/simulated/okta"
	"jitaudit/schemas"
)

func TestMain(m *testing.M) {
	// The SDK's token cache has a goroutine that ends when it is collected.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/patrickmn/go-cache.(*janitor).Run"))
}

// memory is an ingest.Log.
type memory struct {
	mu          sync.Mutex
	events      int
	requests    []string
	checkpoints map[string][]byte
	fail        error
}

func (m *memory) Append(_ context.Context, shard string, messages []ingest.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if shard != "okta/example" || m.fail != nil {
		return errors.Join(m.fail, errors.New("it is not taken"))
	}
	for _, one := range messages {
		if one.Kind == schemas.RawEvent {
			m.events++
			continue
		}
		f, err := DecodeRequest(one.Raw)
		if err != nil || one.Kind != schemas.RawRequest || one.Source != schemas.Okta {
			return fmt.Errorf("%s %s: %w", one.Kind, one.Raw, err)
		}
		m.requests = append(m.requests, f.Request.ID+" "+string(f.Request.Step))
	}
	return nil
}

func (m *memory) Checkpoint(_ context.Context, shard string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.checkpoints[shard], nil
}

func (m *memory) SetCheckpoint(_ context.Context, shard string, checkpoint []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.checkpoints == nil {
		m.checkpoints = make(map[string][]byte)
	}
	m.checkpoints[shard] = bytes.Clone(checkpoint)
	return nil
}

// world is an org with its requests.
type world struct {
	t    *testing.T
	now  time.Time
	org  *okta.Server
	url  string
	log  *memory
	said bytes.Buffer
}

func newWorld(t *testing.T, change func(*okta.Config)) *world {
	t.Helper()
	w := &world{t: t, now: time.Now(), log: &memory{}}
	cfg := okta.Config{
		Org: "example", Clock: func() time.Time { return w.now }, Token: "token", Scopes: []string{"okta.logs.read", Scope},
		Requests: []okta.Request{{ID: "req1awsprodadmin00001", JSON: []byte(approved)}},
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if w.org, err = okta.New(cfg); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(w.org)
	t.Cleanup(s.Close)
	w.url = s.URL
	return w
}

func (w *world) collector() *Collector {
	w.t.Helper()
	c, err := New(Config{Org: "example", URL: w.url, Auth: api.Auth{Token: "token"}, Logger: slog.New(slog.NewTextHandler(&w.said, nil))}, w.log)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.client.Close)
	return c
}

func event(typ, id string) ingest.Message {
	raw := fmt.Sprintf(`{"uuid":"u","eventType":%q,"debugContext":{"debugData":{"access_request_id":%q}}}`, typ, id)
	return ingest.Message{Source: schemas.Okta, Kind: schemas.RawEvent, Raw: []byte(raw)}
}

func (w *world) see(c *Collector, messages ...ingest.Message) {
	w.t.Helper()
	if err := c.Watch(w.log).Append(w.t.Context(), "okta/example", messages); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) once(c *Collector) {
	w.t.Helper()
	if err := c.Once(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) asked(id string) int { return w.org.Count("/governance/api/v2/requests/" + id) }

const requestID = "req1awsprodadmin00001"

func TestWhatTheLogNamesIsAskedFor(t *testing.T) {
	w := newWorld(t, nil)
	c := w.collector()
	w.see(c, event("user.session.start", "x"), event("access.request.create", requestID), event("access.request.resolve", requestID))
	w.once(c)
	w.once(c)
	if diff := cmp.Diff([]string{requestID + " approved"}, w.log.requests); diff != "" || w.log.events != 3 || w.asked(requestID) != 1 {
		t.Errorf("%s, %d events, asked %d times", diff, w.log.events, w.asked(requestID))
	}
	w.see(c, event("access.request.update", requestID))
	w.once(c)
	if len(w.log.requests) != 2 {
		t.Errorf("named again, it has been asked for %d times", len(w.log.requests))
	}
	if s := c.cfg.Metrics.States()["okta/example/governance"]; s.Err != nil || s.At.IsZero() {
		t.Errorf("state %+v", s)
	}
}

func TestWhatIsToBeAskedForOutlivesACrash(t *testing.T) {
	w := newWorld(t, nil)
	w.log.fail = errors.New("no broker")
	if err := w.collector().Watch(w.log).Append(t.Context(), "okta/example", []ingest.Message{event("access.request.create", requestID)}); err == nil {
		t.Fatal("an event that does not stand in the log is none that was put there")
	}
	w.log.fail = nil
	c := w.collector()
	w.once(c)
	if len(w.log.requests) != 1 {
		t.Errorf("after a crash %d requests are asked for", len(w.log.requests))
	}
	w.once(w.collector())
	if w.asked(requestID) != 1 {
		t.Errorf("it is asked for %d times", w.asked(requestID))
	}
}

func TestALogThatFailsLosesNoRequest(t *testing.T) {
	w := newWorld(t, nil)
	c := w.collector()
	w.see(c, event("access.request.create", requestID))
	w.log.fail = errors.New("no broker")
	if err := c.Once(t.Context()); err == nil || !strings.Contains(err.Error(), "append request "+requestID) {
		t.Fatal(err)
	}
	w.log.fail = nil
	w.once(c)
	if len(w.log.requests) != 1 {
		t.Errorf("%d requests", len(w.log.requests))
	}
}

func TestWhatIsNotYetThereIsAskedForAgain(t *testing.T) {
	later := time.Now().Add(time.Hour)
	pending := strings.Replace(approved, "APPROVED", "PENDING", 1)
	w := newWorld(t, func(c *okta.Config) {
		c.Requests = []okta.Request{{ID: requestID, JSON: []byte(pending)}, {ID: requestID, Seen: later, JSON: []byte(approved)}, {ID: "req2", Seen: later, JSON: []byte(strings.ReplaceAll(approved, requestID, "req2"))}}
	})
	c := w.collector()
	w.see(c, event("access.request.resolve", requestID), event("access.request.create", "req2"))
	w.once(c)
	w.now = later
	w.once(c) // not before a minute has passed
	if diff := cmp.Diff([]string{requestID + " updated"}, w.log.requests); diff != "" || w.asked(requestID) != 1 || w.asked("req2") != 1 {
		t.Fatalf("%s, asked %d and %d times", diff, w.asked(requestID), w.asked("req2"))
	}
	for _, p := range c.pending {
		p.next = time.Time{}
	}
	w.once(c)
	if diff := cmp.Diff([]string{requestID + " updated", requestID + " approved", "req2 approved"}, w.log.requests); diff != "" || len(c.pending) != 0 {
		t.Errorf("%s, %d are left", diff, len(c.pending))
	}
}

func TestWhatOktaNeverGivesIsGivenUp(t *testing.T) {
	w := newWorld(t, nil)
	c := w.collector()
	w.see(c, event("access.request.create", "641d0c5a1f4e2b0008a1c3d5"), event("access.request.create", "641d0c5a1f4e2b0008a1c3d6"))
	for _, p := range c.pending {
		p.Since = time.Now().Add(-time.Hour)
	}
	w.once(c)
	if len(c.pending) != 0 || strings.Count(w.said.String(), "Okta does not give a request that its log names") != 1 {
		t.Errorf("%d are left; said:\n%s", len(c.pending), &w.said)
	}
}

func TestWithoutTheScopeItSaysWhatToDo(t *testing.T) {
	w := newWorld(t, func(c *okta.Config) { c.Scopes = []string{"okta.logs.read"} })
	c := w.collector()
	err := c.Run(t.Context()) // it sees so before anything is named
	if !errors.Is(err, api.ErrDenied) || !strings.Contains(err.Error(), Scope) || !strings.Contains(err.Error(), "Access Requests Administrator") {
		t.Fatal(err)
	}
	if s := c.cfg.Metrics.States()["okta/example/governance"]; !errors.Is(s.Err, api.ErrDenied) {
		t.Errorf("state %+v", s)
	}
	// The log goes on, and nothing is forgotten.
	w.see(c, event("access.request.create", requestID))
	if w.log.events != 1 || len(c.pending) != 1 {
		t.Errorf("%d events, %d requests to be asked for", w.log.events, len(c.pending))
	}
}

func TestWithTheScopeItKnocksOnce(t *testing.T) {
	w := newWorld(t, nil)
	c := w.collector()
	w.once(c)
	w.once(c)
	if n := w.org.Count("/governance/api/v2/requests"); n != 1 {
		t.Errorf("it knocks %d times", n)
	}
}

func TestHalfOfTheLimitIsLeftToOthers(t *testing.T) {
	w := newWorld(t, func(c *okta.Config) { c.RateLimit = 4 })
	c := w.collector()
	w.once(c)
	if c.wait != 0 {
		t.Errorf("it holds back for %s after the first", c.wait)
	}
	w.see(c, event("access.request.create", requestID))
	w.once(c)
	if c.wait < 50*time.Second {
		t.Errorf("after half of the limit it holds back for %s", c.wait)
	}
}

func TestTooManyAreSaidNotToBeAskedFor(t *testing.T) {
	w := newWorld(t, nil)
	c := w.collector()
	messages := make([]ingest.Message, mostPending+3)
	for i := range messages {
		messages[i] = event("access.request.create", fmt.Sprintf("req%019d", i))
	}
	w.see(c, messages...)
	if len(c.pending) != mostPending || !strings.Contains(w.said.String(), "left_out=3") {
		t.Errorf("%d, said %.300s", len(c.pending), &w.said)
	}
	if n := len(w.log.checkpoints["okta/example/governance"]); n > 3<<20 {
		t.Errorf("what is remembered has %d bytes", n)
	}
}
