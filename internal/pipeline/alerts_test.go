package pipeline

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"jitaudit/internal/config"
	"jitaudit/internal/organisation"
	"jitaudit/internal/reference"
	"jitaudit/internal/signature"
	"jitaudit/schemas"
	"jitaudit/schemas/ocsf"
)

const hookSecret = "0123456789abcdef0123456789abcdef"

// told is what an event of OCSF says of which record.
type told struct {
	Class    int `json:"class_uid"`
	Activity int `json:"activity_id"`
	Metadata struct {
		UID string `json:"uid"`
	} `json:"metadata"`
	Finding struct {
		UID   string   `json:"uid"`
		Types []string `json:"types"`
	} `json:"finding_info"`
	Count    int `json:"count"`
	Unmapped struct {
		Version int64 `json:"record_version"`
	} `json:"unmapped"`
}

// The activities of a Detection Finding.
const (
	created = 1
	ended   = 3
)

// hook is a server that takes what is signed.
type hook struct {
	t    *testing.T
	mu   sync.Mutex
	told []told
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = signature.Verify(r.Header.Get(signature.Header), body, time.Now(), time.Minute, []byte(hookSecret))
	}
	var events []told
	if err == nil {
		err = json.Unmarshal(body, &events)
	}
	if err != nil {
		h.t.Error(err)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, events...)
}

func (h *hook) all() []told {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]told(nil), h.told...)
}

// inFile are the events of a file, each of which keeps to the schema.
func inFile(t *testing.T, path string) (out []told) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		return nil // nothing has been told yet
	}
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		for _, err := range ocsf.Check(s.Bytes()) {
			t.Error(err)
		}
		var e told
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// telling is a configuration with a file and a webhook for receivers.
func telling(w *world, h *hook) (c *config.Config, path string) {
	c = w.onServers(w.config())
	path = filepath.Join(w.t.TempDir(), "alerts.ndjson")
	both := config.AlertReceiver{Kinds: []string{"findings", "grants", "sessions"}, MaxAlerts: 5000}
	file, hooked := both, both
	file.Name, file.File = "file", config.FileReceiver{Path: path, MaxBytes: 1 << 30, MaxAge: 24 * time.Hour, Keep: 3}
	hooked.Name, hooked.Webhook = "hook", config.WebhookReceiver{
		URL: w.listen(h), HMACSecret: config.NewSecret(hookSecret), Format: "json", MaxBytes: 1 << 20, Timeout: 10 * time.Second,
	}
	c.Alerts.Receivers = []config.AlertReceiver{file, hooked}
	return c, path
}

// What was told of each finding comes, in the end, to what the tables say of it,
// while the logs grow and what is judged before the end is judged anew.
func TestWhatIsToldComesToWhatTheTablesSay(t *testing.T) {
	long(t)
	w := newWorld(t, organisation.Config{Seed: 11})
	w.serve()
	h := &hook{t: t}
	c, path := telling(w, h)
	c.Alerts.MaxAge = 60 * 24 * time.Hour // one by one
	complete := w.history.Truth.Complete
	const steps = 6
	step := complete.To.Sub(complete.From) / steps
	w.clock.set(complete.From.Add(step))
	o := w.options(c)
	o.alertsNow = w.clock.plus(0)
	r := start(t, o)
	for n := range steps - 1 {
		r.settled([]string{schemas.OktaShard(reference.Org)}, w.clock.plus(0)().Truncate(time.Second))
		w.clock.set(complete.From.Add(time.Duration(n+2) * step))
	}
	w.clock.set(complete.To)
	r.settled(reference.Shards(w.history), complete.To)
	r.quiet()
	eventually(t, 20*time.Second, func() string {
		for name, events := range map[string][]told{"file": inFile(t, path), "hook": h.all()} {
			if wrong := r.toldOtherwise(events); wrong != "" {
				return name + ": " + wrong
			}
		}
		return ""
	})
	inOrder(t, "file", inFile(t, path))
	inOrder(t, "hook", h.all())
	r.stop()
}

// toldOtherwise says which finding was last told of otherwise than the table has it.
func (r *running) toldOtherwise(events []told) string {
	findings, err := r.db.AllFindings(r.t.Context())
	if err != nil {
		return err.Error()
	}
	last := map[string]told{}
	for _, e := range events {
		if e.Class == ocsf.DetectionFinding && e.Unmapped.Version >= last[e.Finding.UID].Unmapped.Version {
			last[e.Finding.UID] = e
		}
	}
	open, over := 0, 0
	for _, f := range findings {
		e, known := last[f.ID]
		switch {
		case f.Status == schemas.Retracted && !known:
		case f.Suppressed != nil:
		case !known:
			return fmt.Sprintf("nothing is told of %s (%s, %s)", f.ID, f.Rule, f.Status)
		case f.Status == schemas.Open && e.Activity == ended:
			return fmt.Sprintf("%s (%s) is open, and told to be over", f.ID, f.Rule)
		case f.Status == schemas.Retracted && e.Activity != ended:
			return fmt.Sprintf("%s (%s) is retracted, and was told to be open", f.ID, f.Rule)
		case f.Status == schemas.Open:
			open++
		default:
			over++
		}
	}
	if open == 0 || over == 0 {
		return fmt.Sprintf("only %d are open and %d are over", open, over)
	}
	return ""
}

// inOrder holds that versions of one record come in their order, each once.
func inOrder(t *testing.T, name string, events []told) {
	t.Helper()
	seen, version := map[string]bool{}, map[string]int64{}
	for _, e := range events {
		if seen[e.Metadata.UID] {
			t.Errorf("%s: %s comes twice", name, e.Metadata.UID)
		}
		seen[e.Metadata.UID] = true
		if e.Class != ocsf.DetectionFinding {
			continue
		}
		if e.Unmapped.Version <= version[e.Finding.UID] && len(e.Finding.Types) == 0 {
			t.Errorf("%s: version %d of %s comes after version %d", name, e.Unmapped.Version, e.Finding.UID, version[e.Finding.UID])
		}
		version[e.Finding.UID] = e.Unmapped.Version
	}
}

// A first read is one digest for each receiver, however much there is.
func TestAFirstReadIsOneDigest(t *testing.T) {
	long(t)
	w := newWorld(t, organisation.Config{Seed: 12})
	w.serve()
	h := &hook{t: t}
	c, path := telling(w, h)
	c.Alerts.DigestWait = 10 * time.Second // longer than results are apart
	r := start(t, w.options(c))
	r.settled(reference.Shards(w.history), w.history.Truth.Complete.To)
	r.quiet()
	eventually(t, 40*time.Second, func() string {
		for name, events := range map[string][]told{"file": inFile(t, path), "hook": h.all()} {
			if len(events) == 0 {
				return name + ": nothing is told"
			}
		}
		return ""
	})
	for name, events := range map[string][]told{"file": inFile(t, path), "hook": h.all()} {
		for _, e := range events {
			if e.Class != ocsf.DetectionFinding || len(e.Finding.Types) != 1 || e.Finding.Types[0] != "digest" || e.Count < 100 {
				t.Errorf("%s: it is no digest of all: %+v", name, e)
			}
		}
		if len(events) != 1 {
			t.Errorf("%s: %d digests", name, len(events))
		}
	}
	r.stop()
}
