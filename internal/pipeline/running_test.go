package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/correlate/stream/entry"
	"jitaudit/internal/chdb"
	"jitaudit/internal/config"
	"jitaudit/internal/reference"
	"jitaudit/sinks/clickhouse"
)

// running is a run that is under way.
type running struct {
	t       *testing.T
	cancel  context.CancelFunc
	started chan struct{} // closed once all parts run
	ended   chan struct{}
	where   *Addresses     // once started
	db      *clickhouse.DB // if it has a database
	err     error          // once ended
	log     *logged
}

// logged is what a run says.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// options are those of a run of all roles.
func (w *world) options(c *config.Config) Options {
	return Options{
		Config: c, Role: config.RoleRun, Policies: []entry.Policy{{Name: "policy.yaml", Data: w.history.Policy}},
		Now: time.Now, Tell: func(string) {}, Child: []string{os.Args[0], chdb.Verb},
	}
}

// launch starts a run and returns at once.
func launch(t *testing.T, o Options) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, cancel: cancel, started: make(chan struct{}), ended: make(chan struct{}), log: &logged{}}
	o.Log = slog.New(slog.NewTextHandler(r.log, nil))
	o.Started = func(a *Addresses) {
		r.where = a
		close(r.started)
	}
	go func() {
		defer close(r.ended)
		r.err = Run(ctx, o)
	}()
	t.Cleanup(func() {
		cancel()
		<-r.ended
		if t.Failed() {
			t.Logf("the run ended with %v and had said:\n%.8000s", r.err, r.log)
		}
	})
	return r
}

// start returns when all parts run.
func start(t *testing.T, o Options) *running {
	t.Helper()
	r := launch(t, o)
	r.await()
	return r
}

func (r *running) await() {
	r.t.Helper()
	select {
	case <-r.started:
	case <-r.ended:
		r.t.Fatalf("it ended before it had started: %v", r.err)
	case <-time.After(20 * time.Second):
		r.t.Fatal("it has not started after 20 s")
	}
	if r.where.ClickHouse.URL == "" {
		return
	}
	var err error
	if r.db, err = clickhouse.New(r.where.ClickHouse, slog.New(slog.DiscardHandler)); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { r.db.Close() })
}

// stop ends it in order.
func (r *running) stop() {
	r.t.Helper()
	r.cancel()
	if err := r.wait(); err != nil {
		r.t.Fatalf("it was stopped and ended with an error: %v", err)
	}
}

// wait waits until it ends, and returns how.
func (r *running) wait() error {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(15 * time.Second):
		r.t.Fatal("it has not ended after 15 s")
	}
	return r.err
}

// eventually waits until a condition holds, which otherwise says why not.
func eventually(t *testing.T, patience time.Duration, holds func() string) {
	t.Helper()
	var why string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if why = holds(); why == "" {
			return
		}
	}
	t.Fatalf("after %s: %s", patience, why)
}

// settled waits until the tables take all shards into account up to a time, and
// the sink has written all.
func (r *running) settled(shards []string, to time.Time) {
	r.t.Helper()
	eventually(r.t, 2*time.Minute, func() string {
		covered, err := r.db.Coverage(r.t.Context())
		if err != nil {
			return err.Error()
		}
		done := map[string]bool{}
		for _, c := range covered {
			if !c.To.Before(to) {
				done[c.Shard] = true
			}
		}
		for _, s := range shards {
			if !done[s] {
				return fmt.Sprintf("%s is not covered to %s: %v", s, to, covered)
			}
		}
		if n, err := r.where.Waiting(r.t.Context()); n > 0 || err != nil {
			return fmt.Sprintf("%d records wait for the sink (%v)", n, err)
		}
		return ""
	})
}

// holds waits until the tables hold what they must.
func (r *running) holds(want *reference.Tables) {
	r.t.Helper()
	eventually(r.t, 5*time.Second, func() string { return r.differs(want) })
}

// differs tells how the tables differ from a scan; empty when they do not.
func (r *running) differs(want *reference.Tables) string {
	got, err := reference.Read(r.t.Context(), r.db)
	if err != nil {
		return err.Error()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Sprintf("the tables differ:\n%.6000s", diff)
	}
	return ""
}

// get asks the run's own server.
func (r *running) get(path string) (status int, body string) {
	r.t.Helper()
	return get(r.t, "http://"+r.where.HTTP+path)
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// metric is the value of a series, as /metrics writes it; 0 where there is none.
func (r *running) metric(series string) float64 {
	r.t.Helper()
	_, body := r.get("/metrics")
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\S+)$`).FindStringSubmatch(body)
	if m == nil {
		return 0
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}
