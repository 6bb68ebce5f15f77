package splunk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
)

// encode makes bodies as simple as may be; what stands in them is another
// package's.
func encode(n *alerts.Notice) ([][]byte, error) {
	if n.Digest != nil {
		return [][]byte{[]byte(`{"total":` + fmt.Sprint(n.Digest.Total) + `}`)}, nil
	}
	var out [][]byte
	for _, a := range n.Alerts {
		why := "a grant or session"
		if a.Finding != nil {
			why = a.Finding.Why
		}
		body, err := json.Marshal(map[string]string{"message": why})
		if err != nil {
			return nil, err
		}
		out = append(out, body)
	}
	return out, nil
}

func receiver(t *testing.T, h *hec, change ...func(*Config)) *Receiver {
	t.Helper()
	cfg := Config{URL: h.URL, Token: token, Ack: h.useACK, Encode: encode}
	for _, c := range change {
		c(&cfg)
	}
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.firstPoll, r.longestPoll = time.Millisecond, 10*time.Millisecond
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

var observed = time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC)

func finding(i int, why string) alerts.Alert {
	return alerts.Alert{Change: alerts.Opened, Finding: &schemas.Finding{
		ID: fmt.Sprintf("fnd_%d", i), Rule: "no_mfa", Severity: schemas.High, Status: schemas.Open, Why: why,
		Meta: schemas.Meta{Version: 7, Observed: observed},
	}}
}

func notice(n int) *alerts.Notice {
	notice := &alerts.Notice{ID: "n1"}
	for i := range n {
		notice.Alerts = append(notice.Alerts, finding(i, "no second factor"))
	}
	return notice
}

func ids(n *alerts.Notice) []string {
	var ids []string
	for _, a := range n.Alerts {
		ids = append(ids, a.ID())
	}
	return ids
}

// deliver is Send where nothing may go wrong.
func deliver(t *testing.T, r *Receiver, n *alerts.Notice) {
	t.Helper()
	if retry, err := r.Send(t.Context(), n); err != nil || retry {
		t.Fatalf("Send = %t, %v; want it delivered", retry, err)
	}
}

// fails is Send where something must fail.
func fails(t *testing.T, r *Receiver, n *alerts.Notice, retry bool, want string) {
	t.Helper()
	_ = failure(t, r, n, retry, want)
}

// failure is fails with what it failed by.
func failure(t *testing.T, r *Receiver, n *alerts.Notice, retry bool, want string) error {
	t.Helper()
	got, err := r.Send(t.Context(), n)
	if err == nil || got != retry || !strings.Contains(err.Error(), want) {
		t.Fatalf("Send = %t, %v; want %t and an error with %q", got, err, retry, want)
	}
	if strings.Contains(err.Error(), token) {
		t.Errorf("the error shows the token: %v", err)
	}
	return err
}

func TestEventsCarryTheirMetadataAndIds(t *testing.T) {
	h := newHEC(t)
	r := receiver(t, h, func(c *Config) { c.Index, c.Host, c.Source, c.SourceType = "audit", "prod", "src", "st" })
	n := &alerts.Notice{ID: "n1", Test: true, Alerts: []alerts.Alert{
		finding(1, "why"),
		{Change: alerts.Closed, Grant: &schemas.Grant{ID: "grt_1", Meta: schemas.Meta{Version: 8}}},
		{Change: alerts.Judged, Session: &schemas.Session{ID: "ses_1", Meta: schemas.Meta{Version: 9, Observed: observed}}},
	}}
	deliver(t, r, n)
	want := []string{
		`{"time":1772600767.089,"host":"prod","source":"src","sourcetype":"st","index":"audit","event":{"message":"why"},"fields":{"alert_id":"fnd_1.7","part":"1","notice_id":"n1","record_id":"fnd_1","version":"7","kind":"finding","change":"opened","rule":"no_mfa","severity":"high","test":"true"}}`,
		`{"host":"prod","source":"src","sourcetype":"st","index":"audit","event":{"message":"a grant or session"},"fields":{"alert_id":"grt_1.8","part":"1","notice_id":"n1","record_id":"grt_1","version":"8","kind":"grant","change":"closed","test":"true"}}`,
		`{"time":1772600767.089,"host":"prod","source":"src","sourcetype":"st","index":"audit","event":{"message":"a grant or session"},"fields":{"alert_id":"ses_1.9","part":"1","notice_id":"n1","record_id":"ses_1","version":"9","kind":"session","change":"judged","test":"true"}}`,
	}
	var raw []string
	for _, e := range h.indexed {
		raw = append(raw, e.raw)
	}
	if diff := cmp.Diff(want, raw); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if got := h.headers[0].Get("Authorization"); got != "Splunk "+token {
		t.Errorf("Authorization: %q", got)
	}
	if got := h.headers[0].Get("Content-Encoding"); got != "gzip" {
		t.Errorf("Content-Encoding: %q", got)
	}
}

func TestADigestIsOneEvent(t *testing.T) {
	h := newHEC(t)
	deliver(t, receiver(t, h), &alerts.Notice{ID: "d1", Digest: &alerts.Digest{Reason: alerts.TooMany, Total: 900}})
	want := `{"source":"jitaudit","sourcetype":"jitaudit:ocsf","event":{"total":900},"fields":{"part":"1","notice_id":"d1","kind":"digest"}}`
	if len(h.indexed) != 1 || h.indexed[0].raw != want {
		t.Errorf("got %+v, want %s", h.indexed, want)
	}
}

func TestAnAlertOfSeveralEventsHasPartsInOrder(t *testing.T) {
	h := newHEC(t)
	r := receiver(t, h, func(c *Config) {
		c.Encode = func(*alerts.Notice) ([][]byte, error) { return [][]byte{[]byte(`{"a":1}`), []byte(`{"a":2}`)}, nil }
	})
	deliver(t, r, notice(2))
	var parts []string
	for _, e := range h.indexed {
		parts = append(parts, e.Fields["alert_id"]+"/"+e.Fields["part"])
	}
	if diff := cmp.Diff([]string{"fnd_0.7/1", "fnd_0.7/2", "fnd_1.7/1", "fnd_1.7/2"}, parts); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	h := newHEC(t)
	r := receiver(t, h, func(c *Config) { c.MaxBytes = minMaxBytes })
	n := notice(300)
	deliver(t, r, n)
	if diff := cmp.Diff(ids(n), h.ids()); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
	if len(h.sizes) < 2 || slices.Max(h.sizes) > minMaxBytes || h.sizes[0] < minMaxBytes*9/10 {
		t.Errorf("bodies have %v bytes; want full ones of no more than %d", h.sizes, minMaxBytes)
	}
}

func TestALongTextKeepsNoAlertBack(t *testing.T) {
	h := newHEC(t)
	r := receiver(t, h, func(c *Config) { c.MaxBytes = minMaxBytes })
	n := &alerts.Notice{ID: "n1", Alerts: []alerts.Alert{finding(1, strings.Repeat("x", 1<<20)), finding(2, "short")}}
	deliver(t, r, n)
	if diff := cmp.Diff(ids(n), h.ids()); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
	var stand struct {
		TooLarge int    `json:"too_large_bytes"`
		Message  string `json:"message"`
	}
	if err := json.Unmarshal(h.indexed[0].Event, &stand); err != nil || stand.TooLarge < 1<<20 || stand.Message == "" {
		t.Errorf("in its place stands %s", h.indexed[0].Event)
	}
}

func TestWhatTheCollectorSaysDecides(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config func(*Config)
		server func(*hec)
		retry  bool
		want   string
	}{
		{"wrong token", func(c *Config) { c.Token = "wrong" }, nil, true, `403 Forbidden (see whether the token is right and has the right to write): {"code":4,"text":"Invalid token"}`},
		{"token disabled", nil, func(h *hec) { h.disabled = true }, true, "Token disabled"},
		{"wrong path", func(c *Config) { c.URL += "/splunk" }, nil, true, "404 Not Found"},
		{"incorrect index", func(c *Config) { c.Index = "secret" }, nil, true, `(allow the token to write to index "secret", or see whether it exists)`},
		{"the token wants acknowledgement", nil, func(h *hec) { h.useACK = true }, true, "set ack: true"},
		{"blank event", func(c *Config) { c.Encode = bodies(`{}`) }, nil, false, "Splunk refuses fnd_0.7"},
		{"no JSON", func(c *Config) { c.Encode = bodies(`{`) }, nil, false, "make Splunk events of notice n1: alert fnd_0.7"},
		{"no object", func(c *Config) { c.Encode = bodies(`"text"`) }, nil, false, "no JSON object"},
		{"no body", func(c *Config) { c.Encode = bodies() }, nil, false, "alert fnd_0.7: it has no body"},
		{"invalid data format", nil, fault1(says(400, 6, "Invalid data format")), false, "Splunk refuses fnd_0.7"},
		{"bad fields", nil, fault1(says(400, 15, "Error in handling indexed fields")), false, "Splunk refuses"},
		{"no data", nil, fault1(says(400, 5, "No data")), true, "No data"},
		{"token invalid, as 400", nil, fault1(says(400, 21, "Invalid token")), true, "Invalid token"},
		{"busy", nil, fault1(says(503, 9, "Server is busy")), true, "503 Service Unavailable"},
		{"queues are full", nil, fault1(says(503, 18, "HEC is unhealthy, queues are full")), true, "queues are full"},
		{"shutting down", nil, fault1(says(503, 23, "Server is shutting down")), true, "shutting down"},
		{"internal error", nil, fault1(says(500, 8, "Internal server error")), true, "500"},
		{"connection reset", nil, fault1(reset), true, "post to 127.0.0.1"},
		{"too large for a single event", nil, func(h *hec) { h.limit = 10 }, false, "413"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHEC(t)
			if tt.config == nil {
				tt.config = func(*Config) {}
			}
			r := receiver(t, h, tt.config)
			if tt.server != nil {
				tt.server(h)
			}
			fails(t, r, notice(1), tt.retry, tt.want)
			if len(h.indexed) > 0 {
				t.Errorf("indexed %v", h.ids())
			}
		})
	}
}

// bodies are those of the findings fnd_0, fnd_1 and so on.
func bodies(some ...string) func(*alerts.Notice) ([][]byte, error) {
	return func(n *alerts.Notice) ([][]byte, error) {
		i, err := strconv.Atoi(strings.TrimPrefix(n.Alerts[0].RecordID(), "fnd_"))
		if err != nil || i >= len(some) {
			return nil, err
		}
		return [][]byte{[]byte(some[i])}, nil
	}
}

func fault1(f fault) func(*hec) { return func(h *hec) { h.next(eventPath, f) } }

func TestWarningsOfCapacityAreSuccess(t *testing.T) {
	h := newHEC(t)
	h.next(eventPath, says(200, 24, "HEC queue is approaching its capacity limit"))
	deliver(t, receiver(t, h), notice(1))
}

func TestRetryAfterIsPassedOn(t *testing.T) {
	h := newHEC(t)
	r := receiver(t, h)
	h.next(eventPath, busyFor("17"))
	err := failure(t, r, notice(1), true, "429")
	if got := alerts.Delay(err); got != 17*time.Second {
		t.Errorf("Delay = %s, want 17s", got)
	}
	deliver(t, r, notice(1))
}

func TestAnAnswerThatBreaksOffIsNone(t *testing.T) {
	h := newHEC(t)
	r := receiver(t, h)
	h.next(eventPath, h.halfWritten)
	fails(t, r, notice(1), true, "unexpected EOF")
	deliver(t, r, notice(1))
	if diff := cmp.Diff([]string{"fnd_0.7", "fnd_0.7"}, h.ids()); diff != "" {
		t.Errorf("the repeat has not the same id (-want +got):\n%s", diff)
	}
}

func TestSlowAnswersAreBounded(t *testing.T) {
	h := newHEC(t)
	r := receiver(t, h, func(c *Config) { c.Timeout = 50 * time.Millisecond })
	h.next(eventPath, silent)
	fails(t, r, notice(1), true, "Timeout")
}

func TestAnotherServerIsNoCollector(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>please log in</html>"))
	}))
	defer other.Close()
	r := receiver(t, newHEC(t), func(c *Config) { c.URL = other.URL })
	fails(t, r, notice(1), true, "see whether the url is the collector's")
}

func TestOneBadEventHoldsUpNoOther(t *testing.T) {
	h := newHEC(t)
	r := receiver(t, h, func(c *Config) {
		c.Encode = bodies(`{"a":1}`, `{"a":2}`, `{}`, `{"a":4}`, `{"a":5}`)
	})
	err := failure(t, r, notice(5), false, "Splunk refuses fnd_2.7: 127.0.0.1")
	got := slices.Compact(slices.Sorted(slices.Values(h.ids()))) // those before the bad one come again
	if diff := cmp.Diff([]string{"fnd_0.7", "fnd_1.7", "fnd_3.7", "fnd_4.7"}, got); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}
	if !strings.Contains(err.Error(), "Event field cannot be blank") {
		t.Errorf("the error does not say why: %v", err)
	}
}

func TestManyRefusalsEndTheAttempt(t *testing.T) {
	h := newHEC(t)
	r := receiver(t, h, func(c *Config) { c.Encode = bodies(slices.Repeat([]string{`{}`}, 1000)...) })
	fails(t, r, notice(1000), false, "fnd_9.7: ")
	if got := len(h.headers); got > 50 {
		t.Errorf("%d requests", got)
	}
}

func TestALowerLimitOnTheWayIsFound(t *testing.T) {
	h := newHEC(t)
	h.limit = 3000
	n := notice(100)
	deliver(t, receiver(t, h), n)
	if diff := cmp.Diff(ids(n), h.ids()); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
}

func TestAnEchoedTokenIsNotShown(t *testing.T) {
	h := newHEC(t)
	h.next(eventPath, says(403, 4, "Invalid token "+token))
	fails(t, receiver(t, h), notice(1), true, "Invalid token ***")
}

func TestSendEndsWithItsContext(t *testing.T) {
	h := newHEC(t)
	h.useACK, h.held = true, true
	r := receiver(t, h)
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("the program ends")
	go func() {
		<-h.polled
		cancel(stop)
	}()
	if retry, err := r.Send(ctx, notice(1)); !retry || !errors.Is(err, stop) && !errors.Is(err, context.Canceled) {
		t.Errorf("Send = %t, %v", retry, err)
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no url", func(c *Config) { c.URL = "" }, "url: it is no URL; write such as https://siem.example.com/path"},
		{"http to others", func(c *Config) { c.URL = "http://splunk.example.com:8088" }, "url: http to splunk.example.com would show everything to the network: use https"},
		{"whole path", func(c *Config) { c.URL += "/services/collector/event" }, "url: leave /services/collector out; it is added"},
		{"query", func(c *Config) { c.URL += "/?token=x" }, "url: leave out what follows ? or #; the token goes into a header"},
		{"no token", func(c *Config) { c.Token = "" }, "token: is missing; take that of the HTTP Event Collector's input"},
		{"token with a line", func(c *Config) { c.Token = "secret\nX: y" }, "token: want ASCII without spaces, as 11111111-2222-3333-4444-555555555555"},
		{"index", func(c *Config) { c.Index = "_Audit" }, `index: want small letters, digits, _ and -, the first a letter or digit (got "_Audit")`},
		{"long host", func(c *Config) { c.Host = strings.Repeat("h", 300) }, "host: want no more than 256 bytes (got 300)"},
		{"ack timeout", func(c *Config) { c.AckTimeout = time.Millisecond }, "ack_timeout: want 1s to 1h0m0s (got 1ms)"},
		{"max bytes", func(c *Config) { c.MaxBytes = 10 }, "max_bytes: want 16384 to 104857600 (got 10)"},
		{"timeout", func(c *Config) { c.Timeout = -1 }, "timeout: want more than 0 (got -1ns)"},
		{"ca", func(c *Config) { c.CA = []byte("x") }, "tls.ca_file: it holds no certificate in PEM"},
		{"no encoder", func(c *Config) { c.Encode = nil }, "splunk: nothing makes the events' bodies"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := Config{URL: "https://splunk.example.com:8088", Token: token, Encode: encode}
			tt.change(&cfg)
			if _, err := New(cfg); err == nil || err.Error() != tt.want {
				t.Errorf("New: %v\nwant %s", err, tt.want)
			}
		})
	}
}
