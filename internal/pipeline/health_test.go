package pipeline

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"jitaudit/ingest"
	"jitaudit/internal/config"
	"jitaudit/internal/kafka"
	"jitaudit/internal/organisation"
	"jitaudit/internal/reference"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

func TestReadyzSaysWhatDoesNotKeepUp(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	const okta, trail = "okta/example", "aws/111111111111/eu-central-1"
	fine := ingest.State{CoveredTo: now.Add(-5 * time.Minute), At: now}
	tests := []struct {
		name string
		set  func(*health)
		want []string
	}{
		{"starting", func(h *health) { h.started = false }, []string{"still starting"}},
		{"waiting for a server", func(h *health) { h.started = false; h.waitFor(errors.New("no broker")) }, []string{"still starting: no broker"}},
		{"the server has come", func(h *health) { h.waitFor(errors.New("no broker")); h.waitFor(nil) }, nil},
		{"all well", func(*health) {}, nil},
		{"behind, but not by much", func(h *health) { h.stages["rebuild"].marks = []mark{{at: now.Add(-time.Minute)}} }, nil},
		{"behind by too much", func(h *health) { h.stages["rebuild"].marks = []mark{{at: now.Add(-time.Hour)}, {at: now}} }, []string{"rebuild: 1h0m0s behind"}},
		{"a lag that cannot be told", func(h *health) { h.stages["rebuild"].err = errors.New("no broker") }, []string{"rebuild: its lag cannot be told: no broker"}},
		{"a source that refuses", func(h *health) { h.ingest.Round(trail, ingest.State{Err: errors.New("access denied")}) }, []string{trail + ": access denied"}},
		{"a directory that refuses", func(h *health) { h.ingest.Round(okta+"/directory", ingest.State{Err: errors.New("access denied")}) }, []string{okta + "/directory: access denied"}},
		{"a directory that answers", func(h *health) { h.ingest.Round(okta+"/directory", ingest.State{At: now}) }, nil},
		{"an API beside the log that refuses", func(h *health) { h.ingest.Round(okta+"/governance", ingest.State{Err: errors.New("access denied")}) }, []string{okta + "/governance: access denied"}},
		{"an Identity Store that refuses", func(h *health) {
			h.ingest.Round(trail+"/users/d-1234567890", ingest.State{Err: errors.New("access denied")})
		}, []string{trail + "/users/d-1234567890: access denied"}},
		{"a topic of another system that is read too slowly", func(h *health) { h.add("approvals/tickets", &stage{marks: []mark{{at: now.Add(-time.Hour)}}}) }, []string{"approvals/tickets: 1h0m0s behind"}},
		{"a source that is caught up on", func(h *health) { h.ingest.Round(okta, ingest.State{CoveredTo: now.Add(-time.Hour), At: now}) }, []string{okta + ": covered to 2026-03-02T11:00:00Z only"}},
		{"a source that nobody has read", func(h *health) { h.lateness["okta/other"] = time.Minute }, []string{"okta/other: nothing has been read yet"}},
		{"several", func(h *health) {
			h.stages["rebuild"].err = errors.New("no broker")
			h.ingest.Round(okta, ingest.State{Err: errors.New("access denied")})
		}, []string{okta + ": access denied", "rebuild: its lag cannot be told: no broker"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHealth(5*time.Minute, func() time.Time { return now })
			h.ingest = ingest.NewMetrics(prometheus.NewRegistry())
			h.stages["rebuild"] = &stage{}
			for _, shard := range []string{okta, trail} {
				h.lateness[shard] = 5 * time.Minute
				h.ingest.Round(shard, fine)
			}
			h.begin()
			tt.set(h)
			if got := h.behind(); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestAnswersOfARunThatIsWell asks the run itself.
func TestAnswersOfARunThatIsWell(t *testing.T) {
	t.Parallel()
	w := small(t)
	w.serve()
	r := start(t, w.options(w.onServers(w.config())))
	r.settled(reference.Shards(w.history), w.history.Truth.Complete.To)
	eventually(t, 5*time.Second, func() string {
		if status, body := r.get("/readyz"); status != http.StatusOK {
			return body
		}
		return ""
	})
	if status, body := r.get("/healthz"); status != http.StatusOK || body != "{\"status\":\"ok\"}\n" {
		t.Errorf("/healthz: %d %s", status, body)
	}
	if got, want := r.metric(`jitaudit_collect_covered_to_seconds{shard="okta/example"}`), w.history.Truth.Complete.To.Unix(); got != float64(want) {
		t.Errorf("Okta is covered to %v, want %v", got, want)
	}
	_, metrics := r.get("/metrics")
	for _, name := range []string{
		"jitaudit_collect_records_total", "jitaudit_collect_requests_total", "jitaudit_correlate_raw_records_total",
		"jitaudit_correlate_results_total", "jitaudit_correlate_tick_seconds_count", "jitaudit_sink_", "go_goroutines", "process_open_fds",
	} {
		if !strings.Contains(metrics, "\n"+name) {
			t.Errorf("/metrics has no %s", name)
		}
	}
	if strings.Contains(metrics, testSecret) || strings.Contains(metrics, testToken) {
		t.Error("/metrics shows a secret")
	}
	if status, _ := r.get("/nothing"); status != http.StatusNotFound {
		t.Errorf("/nothing answers %d", status)
	}
	r.stop()
}

// small is an organisation in which little happens, and nothing wrong.
func small(t *testing.T) *world {
	t.Helper()
	return newWorld(t, organisation.Config{Seed: 6, People: 15, Days: 1, Noise: -1, Planted: -1, CallsPerSession: 2})
}

// TestReadyzNamesASinkThatLagsAndThenOneThatHasCaughtUp takes the database away.
func TestReadyzNamesASinkThatLagsAndThenOneThatHasCaughtUp(t *testing.T) {
	t.Parallel()
	w := small(t)
	c := w.onServers(w.config())
	c.HTTP.ReadyLag = time.Second
	var away atomic.Bool
	c.ClickHouse.URL = w.listen(behindADoor(t, c.ClickHouse.URL, &away))
	o := w.options(c)
	o.Role = config.RoleSinkClickHouse
	r := start(t, o)
	if status, body := r.get("/readyz"); status != http.StatusOK {
		t.Fatalf("nothing is to be done, and /readyz answers %d %s", status, body)
	}

	away.Store(true)
	writer, err := r.where.Kafka.Writer(kafka.WriterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	grant, err := json.Marshal(schemas.Grant{ID: "grt_1", Evidence: []string{"1"}, Meta: schemas.Meta{Version: 1, Observed: w.clock.at}})
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Write(t.Context(), kafka.Message{Topic: topics.Grants, Key: []byte("grt_1"), Value: grant}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 15*time.Second, func() string {
		if status, body := r.get("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, `"sink clickhouse: `) {
			return body
		}
		return ""
	})
	if status, _ := r.get("/healthz"); status != http.StatusOK {
		t.Errorf("it lives, and /healthz answers %d", status)
	}

	away.Store(false)
	eventually(t, 20*time.Second, func() string {
		if status, body := r.get("/readyz"); status != http.StatusOK {
			return body
		}
		return ""
	})
	if grants, err := r.db.Grants(t.Context()); err != nil || len(grants) != 1 {
		t.Errorf("the table holds %v (%v), want the grant that had to wait", grants, err)
	}
	r.stop()
}

// behindADoor passes requests on to a server, or says that it is not there.
func behindADoor(t *testing.T, server string, away *atomic.Bool) http.Handler {
	t.Helper()
	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			http.Error(w, "it is not there", http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, r)
	})
}
