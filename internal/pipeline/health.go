package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"jitaudit/ingest"
	"jitaudit/internal/config"
	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
)

// health tells whether the program works, and whether it keeps up.
type health struct {
	ready time.Duration // how far a role may be behind
	now   func() time.Time

	mu      sync.Mutex
	started bool
	// waiting is for which server the start waits; nil for none.
	waiting error
	// stages are the consumer groups of this process, by name.
	stages map[string]*stage
	ingest *ingest.Metrics
	// receivers are those of alerts, by name.
	receivers map[string]*alerts.Dispatcher
	// lateness is by how much each shard's coverage stays behind when it keeps up.
	lateness map[string]time.Duration
}

// stage is a consumer group and the ends of its topics that it has not yet
// reached, the oldest first.
type stage struct {
	group  string
	topics []string
	// client speaks to the cluster of the topics, with the prefix of their names;
	// nil for the usual one.
	client *kafka.Client
	marks  []mark
	err    error
}

type mark struct {
	at   time.Time
	ends map[string][]int64
}

func newHealth(ready time.Duration, now func() time.Time) *health {
	return &health{ready: ready, now: now, stages: make(map[string]*stage), lateness: make(map[string]time.Duration)}
}

// expect notes which shards are to be covered, and how far behind the present.
func (h *health) expect(c *config.Config) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range c.Okta {
		h.lateness[schemas.OktaShard(o.Org)] = o.Lateness + o.PollInterval
	}
	for _, a := range c.AWS.Accounts {
		for _, region := range c.AWS.RegionsOf(&a) {
			h.lateness[schemas.AWSShard(a.Account, region)] = c.AWS.Lateness + c.AWS.PollInterval
		}
	}
}

// add adds a stage while others are looked at.
func (h *health) add(name string, s *stage) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stages[name] = s
}

// waitFor notes for which server the start waits, as an error says; nil for none.
func (h *health) waitFor(server error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting = server
}

// begin says that all roles run.
func (h *health) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.started = true
}

// watch looks at the lag of the stages until ctx ends.
func (h *health) watch(ctx context.Context, c *kafka.Client) {
	every := time.NewTicker(2 * time.Second)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		h.mu.Lock()
		stages := maps.Clone(h.stages)
		h.mu.Unlock()
		for _, s := range stages {
			marks, err := s.look(ctx, cmp.Or(s.client, c), h.now())
			h.mu.Lock()
			s.marks, s.err = marks, err
			h.mu.Unlock()
		}
	}
}

// look notes where the topics end now, and drops what has been reached.
func (s *stage) look(ctx context.Context, c *kafka.Client, now time.Time) ([]mark, error) {
	m := mark{at: now, ends: make(map[string][]int64)}
	committed := make(map[string]map[int]int64)
	for _, t := range s.topics {
		bounds, err := c.Offsets(ctx, t)
		if err != nil {
			return s.marks, err
		}
		for _, b := range bounds {
			m.ends[t] = append(m.ends[t], b.End)
		}
		if committed[t], err = c.Committed(ctx, s.group, t); err != nil {
			return s.marks, err
		}
	}
	marks := append(slices.Clip(s.marks), m)
	return slices.DeleteFunc(marks, func(m mark) bool { return m.reached(committed) }), nil
}

func (m *mark) reached(committed map[string]map[int]int64) bool {
	for t, ends := range m.ends {
		for p, end := range ends {
			if end > 0 && committed[t][p] < end {
				return false
			}
		}
	}
	return true
}

// behind says what does not keep up, in sentences; none when all does.
func (h *health) behind() (why []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.started {
		if h.waiting != nil {
			return []string{"still starting: " + h.waiting.Error()}
		}
		return []string{"still starting"}
	}
	now := h.now()
	for name, s := range h.stages {
		switch {
		case s.err != nil:
			why = append(why, fmt.Sprintf("%s: its lag cannot be told: %v", name, s.err))
		case len(s.marks) > 0 && now.Sub(s.marks[0].at) > h.ready:
			why = append(why, fmt.Sprintf("%s: %s behind", name, now.Sub(s.marks[0].at).Round(time.Second)))
		}
	}
	for name, d := range h.receivers {
		if s := d.State(); s.Failing != nil && now.Sub(s.Since) > h.ready {
			why = append(why, fmt.Sprintf("receiver %s takes no alerts since %s; %d wait: %v", name, s.Since.UTC().Format(time.RFC3339), s.Pending, s.Failing))
		}
	}
	if h.ingest != nil {
		why = append(why, h.sources()...)
	}
	slices.Sort(why)
	return why
}

// sources says which collectors do not keep up.
func (h *health) sources() (why []string) {
	states := h.ingest.States()
	for shard, s := range states {
		if s.Err != nil { // also of a directory, which covers nothing
			why = append(why, fmt.Sprintf("%s: %v", shard, s.Err))
		}
	}
	for shard, lateness := range h.lateness {
		switch s, ok := states[shard]; {
		case !ok:
			why = append(why, shard+": nothing has been read yet")
		case s.Err == nil && s.At.Sub(s.CoveredTo) > lateness+h.ready:
			why = append(why, fmt.Sprintf("%s: covered to %s only", shard, s.CoveredTo.UTC().Format(time.RFC3339)))
		}
	}
	return why
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("serve metrics and health: %w", taken(err, "http.addr"))
	}
	return l, nil
}

// taken says what to do about an address that somebody else listens on.
func taken(err error, key string) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	return fmt.Errorf("%w: stop what listens there, perhaps another jitaudit, or choose another %s", err, key)
}

// serve answers /metrics, /healthz and /readyz until ctx ends.
func (h *health) serve(ctx context.Context, l net.Listener, metrics prometheus.Gatherer) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, h.behind()) })
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve metrics and health on %s: %w", l.Addr(), err)
	}
	return nil
}

func answer(w http.ResponseWriter, why []string) {
	w.Header().Set("Content-Type", "application/json")
	if len(why) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	status := map[string]any{"status": "ok"}
	if len(why) > 0 {
		status = map[string]any{"status": "not ready", "why": why}
	}
	b, err := json.Marshal(status)
	if err != nil { // text only: it can be
		b = []byte(strings.Join(why, "\n"))
	}
	_, _ = w.Write(append(b, '\n'))
}
