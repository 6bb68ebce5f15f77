package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"jitaudit/internal/hostile"
	"jitaudit/internal/signature"
	schema "jitaudit/schemas/ocsf"

	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
	"jitaudit/sinks/siem/ocsf"
	"jitaudit/sinks/siem/webhook"
)

const (
	secret = "a secret of the tests, not to be seen"
	token  = "a-token-not-to-be-seen"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// far is the far side: it verifies each request, and answers as it is told.
type far struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	requests []request
	// answers are the next statuses; 200 when there are none left.
	answers []int
	// header is sent with every answer but 200.
	header http.Header
}

type request struct {
	id, contentType, authorization, signature string
	body                                      []byte
}

func listen(t *testing.T) *far {
	f := &far{t: t}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *far) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		f.t.Error(err)
	}
	signed := r.Header.Get(signature.Header)
	if err := signature.Verify(signed, body, noon.Add(time.Minute), 5*time.Minute, []byte(secret)); err != nil {
		f.t.Error(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, request{
		r.Header.Get(webhook.NoticeHeader), r.Header.Get("Content-Type"), r.Header.Get("Authorization"), signed, body,
	})
	status := http.StatusOK
	if len(f.answers) > 0 {
		status, f.answers = f.answers[0], f.answers[1:]
	}
	if status != http.StatusOK {
		for k, v := range f.header {
			w.Header()[k] = v
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "you said %s and %s", r.Header.Get("Authorization"), secret)
	}
}

// taken are the requests since the last call.
func (f *far) taken() []request {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.requests
	f.requests = nil
	return out
}

func receiver(t *testing.T, cfg webhook.Config) *webhook.Receiver {
	t.Helper()
	if cfg.HMACSecret == "" {
		cfg.HMACSecret = secret
	}
	cfg.Now = func() time.Time { return noon }
	r, err := webhook.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func finding(i int, why string) alerts.Alert {
	return alerts.Alert{Change: alerts.Opened, Finding: &schemas.Finding{
		ID: fmt.Sprintf("fnd_%d", i), Rule: "no_mfa", Severity: schemas.High, Status: schemas.Open,
		Person: schemas.Person{Key: "okta:example/00u1", Name: "ada@example.com", Org: "example"}, Anchor: "event-1", At: noon,
		Account: "111111111111", Role: "Admin", Why: why, Evidence: []string{"event-1"}, Meta: schemas.Meta{Version: int64(i), Observed: noon},
	}}
}

func notice(findings int) *alerts.Notice {
	n := &alerts.Notice{ID: "ntc_1"}
	for i := range findings {
		n.Alerts = append(n.Alerts, finding(i, "Ada had no second factor."))
	}
	return n
}

// events are those of a body.
func events(t *testing.T, format string, body []byte) (all []json.RawMessage) {
	t.Helper()
	if format != "ndjson" {
		if err := json.Unmarshal(body, &all); err != nil {
			t.Fatalf("%v in %.200s", err, body)
		}
		return all
	}
	if !bytes.HasSuffix(body, []byte("\n")) {
		t.Errorf("the last line does not end: %.200s", body)
	}
	for line := range bytes.Lines(body) {
		if !json.Valid(line) {
			t.Errorf("no JSON: %.200s", line)
		}
		all = append(all, json.RawMessage(line))
	}
	return all
}

func TestANoticeArrives(t *testing.T) {
	for format, contentType := range map[string]string{"json": "application/json", "ndjson": "application/x-ndjson"} {
		t.Run(format, func(t *testing.T) {
			f := listen(t)
			r := receiver(t, webhook.Config{URL: f.URL + "/in", Format: format, Token: token, Version: "1.2.3"})
			n := notice(3)
			if retry, err := r.Send(t.Context(), n); err != nil || retry {
				t.Fatal(retry, err)
			}
			got := f.taken()
			if len(got) != 1 || got[0].id != "ntc_1" || got[0].contentType != contentType || got[0].authorization != "Bearer "+token {
				t.Fatalf("%+v", got)
			}
			want, err := ocsf.NewMapper("1.2.3").Lines(n, noon)
			if err != nil {
				t.Fatal(err)
			}
			all := events(t, format, got[0].body)
			if len(all) != len(want) {
				t.Fatalf("%d events, want %d", len(all), len(want))
			}
			for i := range all {
				if !bytes.Equal(bytes.TrimSpace(all[i]), want[i]) {
					t.Errorf("event %d is %s, want %s", i, all[i], want[i])
				}
				for _, err := range schema.Check(all[i]) {
					t.Error(err)
				}
			}
		})
	}
}

func TestNothingIsSentForNothing(t *testing.T) {
	f := listen(t)
	if retry, err := receiver(t, webhook.Config{URL: f.URL}).Send(t.Context(), &alerts.Notice{ID: "ntc_1"}); err != nil || retry {
		t.Error(retry, err)
	}
	if got := f.taken(); len(got) != 0 {
		t.Errorf("%d requests", len(got))
	}
}

// large is a notice that does not fit into one request of the least size.
func large() *alerts.Notice {
	n := &alerts.Notice{ID: "ntc_1"}
	for i := range 60 {
		n.Alerts = append(n.Alerts, finding(i, strings.Repeat("<", 4000)))
	}
	return n
}

const least = ocsf.MaxEvent + 2

func TestALargeNoticeTakesSeveralRequests(t *testing.T) {
	for _, format := range []string{"json", "ndjson"} {
		t.Run(format, func(t *testing.T) {
			f := listen(t)
			r := receiver(t, webhook.Config{URL: f.URL, Format: format, MaxBytes: least})
			n := large()
			if retry, err := r.Send(t.Context(), n); err != nil || retry {
				t.Fatal(retry, err)
			}
			got := f.taken()
			if len(got) < 3 {
				t.Fatalf("%d requests", len(got))
			}
			next := 0
			for i, q := range got {
				if len(q.body) > least {
					t.Errorf("request %d has %d bytes", i, len(q.body))
				}
				if want := fmt.Sprintf("ntc_1.%dof%d", i+1, len(got)); q.id != want {
					t.Errorf("request %d is %s, want %s", i, q.id, want)
				}
				for _, e := range events(t, format, q.body) {
					if want := fmt.Sprintf(`"uid":"fnd_%d.%d"`, next, next); !bytes.Contains(e, []byte(want)) {
						t.Errorf("event %d is not %s", next, want)
					}
					next++
				}
			}
			if next != len(n.Alerts) {
				t.Errorf("%d events of %d", next, len(n.Alerts))
			}
		})
	}
}

func TestAllRequestsAreAcknowledgedOrAllAreSentAgain(t *testing.T) {
	f := listen(t)
	r := receiver(t, webhook.Config{URL: f.URL, MaxBytes: least})
	f.answers = []int{200, 503}
	if retry, err := r.Send(t.Context(), large()); err == nil || !retry {
		t.Fatal(retry, err)
	}
	first := f.taken()
	if len(first) != 2 {
		t.Fatalf("%d requests, want 2: what follows a refused one waits", len(first))
	}
	if retry, err := r.Send(t.Context(), large()); err != nil || retry {
		t.Fatal(retry, err)
	}
	again := f.taken()
	for i := range first {
		if again[i].id != first[i].id || !bytes.Equal(again[i].body, first[i].body) {
			t.Errorf("request %d is not the same when sent again", i)
		}
	}
}

func TestWhatTheFarSideAnswers(t *testing.T) {
	for _, c := range []struct {
		status int
		header http.Header
		retry  bool
		delay  time.Duration
	}{
		{500, nil, true, 0},
		{429, http.Header{"Retry-After": {"30"}}, true, 30 * time.Second},
		{401, nil, true, 0},
		{302, http.Header{"Location": {"https://a.example.org"}}, true, 0},
		{400, nil, false, 0},
		{413, nil, false, 0},
	} {
		t.Run(http.StatusText(c.status), func(t *testing.T) {
			f := listen(t)
			f.answers, f.header = []int{c.status}, c.header
			retry, err := receiver(t, webhook.Config{URL: f.URL, Token: token}).Send(t.Context(), notice(1))
			if err == nil || retry != c.retry || alerts.Delay(err) != c.delay {
				t.Fatalf("retry %v after %s, error %v; want %v after %s", retry, alerts.Delay(err), err, c.retry, c.delay)
			}
			if strings.Contains(err.Error(), token) || strings.Contains(err.Error(), secret) {
				t.Errorf("it shows a secret: %v", err)
			}
		})
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	retry, err := receiver(t, webhook.Config{URL: listen(t).URL}).Send(ctx, notice(1))
	if !errors.Is(err, context.Canceled) || !retry {
		t.Error(retry, err)
	}
}

func TestIdsThatFitIntoNoHeaderAreHashed(t *testing.T) {
	f := listen(t)
	r := receiver(t, webhook.Config{URL: f.URL})
	seen := make(map[string]bool)
	for name, id := range hostile.Texts() {
		n := notice(1)
		n.ID = id
		if _, err := r.Send(t.Context(), n); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, q := range f.taken() {
			if seen[q.id] || len(q.id) > 128 || q.id == "" {
				t.Errorf("%s: id %q is empty, long or another's", name, q.id)
			}
			seen[q.id] = true
		}
	}
}

func TestNoTextLeavesItsField(t *testing.T) {
	for _, format := range []string{"json", "ndjson"} {
		f := listen(t)
		r := receiver(t, webhook.Config{URL: f.URL, Format: format})
		for name, text := range hostile.Texts() {
			n := &alerts.Notice{ID: "ntc_1", Alerts: []alerts.Alert{finding(0, text), finding(1, "plain")}}
			n.Alerts[0].Finding.Person.Name, n.Alerts[0].Finding.Evidence = text, []string{text, text}
			if _, err := r.Send(t.Context(), n); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got := f.taken()
			if len(got) != 1 || len(got[0].body) > 1<<20 {
				t.Fatalf("%s: %d requests", name, len(got))
			}
			all := events(t, format, got[0].body)
			if len(all) != 2 || bytes.Count(got[0].body, []byte("\n")) != map[string]int{"ndjson": 2}[format] {
				t.Fatalf("%s: %d events on %d lines", name, len(all), bytes.Count(got[0].body, []byte("\n")))
			}
			for _, e := range all {
				for _, err := range schema.Check(e) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	good := webhook.Config{URL: "https://siem.example.com/in", HMACSecret: secret}
	for _, c := range []struct {
		name   string
		change func(*webhook.Config)
		want   string // empty: taken
	}{
		{"good", func(*webhook.Config) {}, ""},
		{"no URL", func(c *webhook.Config) { c.URL = "" }, "url: it is no URL; write such as https://siem.example.com/path"},
		{"http", func(c *webhook.Config) { c.URL = "http://siem.example.com" }, "url: http to siem.example.com would show everything to the network: use https"},
		{"no secret", func(c *webhook.Config) { c.HMACSecret = "" }, "hmac_secret: want 16 characters or more; make it with openssl rand -hex 32"},
		{"a short secret", func(c *webhook.Config) { c.HMACSecret = "short" }, "hmac_secret: want 16 characters or more; make it with openssl rand -hex 32"},
		{"a token of two lines", func(c *webhook.Config) { c.Token = "a\r\nX: b" }, "token: want ASCII without spaces"},
		{"another format", func(c *webhook.Config) { c.Format = "xml" }, `format: want json or ndjson (got "xml")`},
		{"too little", func(c *webhook.Config) { c.MaxBytes = 1000 }, "max_bytes: want 524290 to 104857600 (got 1000)"},
		{"no CA", func(c *webhook.Config) { c.CA = []byte("none") }, "tls.ca_file: it holds no certificate in PEM"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := good
			c.change(&cfg)
			_, err := webhook.New(cfg)
			if (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestATestIsMarked(t *testing.T) {
	f := listen(t)
	r := receiver(t, webhook.Config{URL: f.URL})
	n := notice(1)
	n.Test = true
	if _, err := r.Send(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	got := f.taken()
	if len(got) != 1 || !slices.ContainsFunc(events(t, "json", got[0].body), func(e json.RawMessage) bool {
		return bytes.Contains(e, []byte(`"labels":["test"]`)) && bytes.Contains(e, []byte("[TEST] "))
	}) {
		t.Errorf("%s", got[0].body)
	}
}
