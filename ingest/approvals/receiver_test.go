package approvals

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/ingest"
	"jitaudit/internal/signature"
	"jitaudit/schemas"
)

const (
	token  = "token-of-the-tests"
	secret = "secret-of-the-tests"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// memory is a log that can be made to fail, or to wait.
type memory struct {
	mu       sync.Mutex
	shards   []string
	messages []ingest.Message
	err      error
	waiting  chan struct{} // if set, Append says so and waits for its context
}

func (m *memory) Append(ctx context.Context, shard string, messages []ingest.Message) error {
	if m.waiting != nil {
		m.waiting <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	m.shards = append(m.shards, shard)
	m.messages = append(m.messages, messages...)
	return nil
}

func (m *memory) Checkpoint(context.Context, string) ([]byte, error)  { return nil, nil }
func (m *memory) SetCheckpoint(context.Context, string, []byte) error { return nil }
func receiver(t *testing.T, log ingest.Log, change func(*Config)) *Receiver {
	t.Helper()
	cfg := Config{Feeds: []Feed{{Name: "tickets", Token: token}}, Log: log, Now: func() time.Time { return noon }}
	if change != nil {
		change(&cfg)
	}
	r, err := NewReceiver(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// post sends a body with headers, and returns the answer.
func post(t *testing.T, h http.Handler, path, body string, headers ...string) (int, answer) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	var a answer
	if w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed {
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			t.Fatalf("%d %s: %v", w.Code, w.Body, err)
		}
	}
	if strings.Contains(w.Body.String(), token) || strings.Contains(w.Body.String(), secret) {
		t.Errorf("the answer shows a secret: %s", w.Body)
	}
	return w.Code, a
}

const authorization = "Bearer " + token

func TestRecordsAreAcceptedOnceTheLogHasThem(t *testing.T) {
	oneLine := strings.ReplaceAll(full, "\n", "")
	for name, tt := range map[string]struct {
		path, body string
		want       []string
	}{
		"one":                   {"/approvals", least, []string{least}},
		"one over many lines":   {"/approvals/tickets", full, []string{full}},
		"one a line":            {"/approvals", oneLine + "\n" + least + "\n", []string{oneLine, least}},
		"one a line of Windows": {"/approvals", oneLine + "\r\n" + least, []string{oneLine, least}},
		"an array":              {"/approvals", "[" + oneLine + "," + least + "]", []string{oneLine, least}},
	} {
		t.Run(name, func(t *testing.T) {
			var log memory
			status, a := post(t, receiver(t, &log, nil), tt.path, tt.body, "Authorization", authorization)
			if status != http.StatusAccepted || a.Accepted != len(tt.want) || a.Error != "" {
				t.Fatalf("%d %+v", status, a)
			}
			if diff := cmp.Diff([]string{"approvals/tickets"}, log.shards); diff != "" {
				t.Error(diff)
			}
			for i, m := range log.messages {
				f, _, err := Decoder{Feed: "tickets"}.Decode([]byte(tt.want[i]))
				if err != nil {
					t.Fatal(err)
				}
				want := ingest.Message{Source: schemas.Approvals, Kind: schemas.RawEvent, ID: f.ID, Time: f.At, Raw: []byte(tt.want[i])}
				if diff := cmp.Diff(want, m); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestABodyIsAcceptedAsAWholeOrNotAtAll(t *testing.T) {
	noGrantee := strings.Replace(least, "grantee", "grante", 1)
	for name, tt := range map[string]struct {
		body string
		want []refusal
	}{
		"nothing": {" \n", []refusal{{1, "the body is empty"}}},
		"the second of three": {least + "\n" + noGrantee + "\n" + least, []refusal{
			{2, `the record has the unknown key "grante"`}}},
		"a line that is no JSON": {least + "\n\n{nonsense\n" + least, []refusal{{3, ""}}},
		"two":                    {noGrantee + "\n" + least + "\n" + strings.Replace(least, "denied", "no", 1), []refusal{{1, "unknown key"}, {3, `decision is "no"`}}},
		"a number":               {least + "\n7", []refusal{{2, "a record must be a JSON object, but this is a number"}}},
		"text":                   {"approved=true", []refusal{{1, ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			var log memory
			status, a := post(t, receiver(t, &log, nil), "/approvals", tt.body, "Authorization", authorization)
			if status != http.StatusBadRequest || a.Accepted != 0 || !strings.HasPrefix(a.Error, "none of the records was accepted") || len(log.messages) != 0 {
				t.Fatalf("%d %+v, %d in the log", status, a, len(log.messages))
			}
			if len(a.Refused) != len(tt.want) {
				t.Fatalf("refused %+v", a.Refused)
			}
			for i, w := range tt.want {
				if got := a.Refused[i]; got.Line != w.Line || got.Reason == "" || !strings.Contains(got.Reason, w.Reason) {
					t.Errorf("got %+v, want %+v", got, w)
				}
			}
		})
	}
}

func TestWhoMaySend(t *testing.T) {
	signed := func(f *Feed) { f.Token, f.Secret = "", []byte(secret) }
	both := func(f *Feed) { f.Secret = []byte(secret) }
	right := signature.Sign([]byte(secret), []byte(least), noon)
	old, early := signature.Sign([]byte(secret), []byte(least), noon.Add(-6*time.Minute)), signature.Sign([]byte(secret), []byte(least), noon.Add(6*time.Minute))
	for _, tt := range []struct {
		name    string
		feed    func(*Feed)
		headers []string
		want    string // of the error; empty: accepted
	}{
		{"nobody in particular", nil, nil, "the request has no bearer token"},
		{"another scheme", nil, []string{"Authorization", "Basic " + token}, "the request has no bearer token"},
		{"another token", nil, []string{"Authorization", "Bearer x"}, "the bearer token is wrong"},
		{"the token", nil, []string{"Authorization", authorization}, ""},
		{"a token where a signature is wanted", signed, []string{"Authorization", authorization}, "X-Jitaudit-Signature is missing, or is not t=SECONDS,v1=HEX: sign the body"},
		{"the signature", signed, []string{signature.Header, right}, ""},
		{"the signature of a time ago", signed, []string{signature.Header, signature.Sign([]byte(secret), []byte(least), noon.Add(-4*time.Minute))}, ""},
		{"an old signature", signed, []string{signature.Header, old}, "was made 6m0s away from the time here"},
		{"a signature of the future", signed, []string{signature.Header, early}, "was made 6m0s away from the time here"},
		{"an old signature under a new time", signed, []string{signature.Header, "t=" + strconv.FormatInt(noon.Unix(), 10) + "," + strings.SplitAfter(old, ",")[1]}, "is not that of this body"},
		{"of another body", signed, []string{signature.Header, signature.Sign([]byte(secret), []byte(full), noon)}, "is not that of this body"},
		{"by another secret", signed, []string{signature.Header, signature.Sign([]byte("x"), []byte(least), noon)}, "is not that of this body"},
		{"by two secrets", signed, []string{signature.Header, right + ",v1=00"}, ""},
		{"nonsense", signed, []string{signature.Header, "v1=zz"}, "is missing, or is not t=SECONDS,v1=HEX"},
		{"one of both", both, []string{signature.Header, right}, "the request has no bearer token"},
		{"the other of both", both, []string{"Authorization", authorization}, "X-Jitaudit-Signature is missing"},
		{"both", both, []string{signature.Header, right, "Authorization", authorization}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log memory
			r := receiver(t, &log, func(c *Config) {
				if tt.feed != nil {
					tt.feed(&c.Feeds[0])
				}
			})
			status, a := post(t, r, "/approvals", least, tt.headers...)
			if tt.want == "" {
				if status != http.StatusAccepted || len(log.messages) != 1 {
					t.Errorf("%d %+v", status, a)
				}
				return
			}
			if status != http.StatusUnauthorized || !strings.Contains(a.Error, tt.want) || len(log.messages) != 0 {
				t.Errorf("%d %+v", status, a)
			}
		})
	}
}

func TestFeedsAreToldApartByTheirPath(t *testing.T) {
	var log memory
	r := receiver(t, &log, func(c *Config) { c.Feeds = append(c.Feeds, Feed{Name: "chat", Token: "another"}) })
	if status, _ := post(t, r, "/approvals", least, "Authorization", authorization); status != http.StatusNotFound {
		t.Errorf("without a feed: %d", status)
	}
	if status, _ := post(t, r, "/approvals/mail", least, "Authorization", authorization); status != http.StatusNotFound {
		t.Errorf("an unknown feed: %d", status)
	}
	if status, _ := post(t, r, "/approvals/chat", least, "Authorization", authorization); status != http.StatusUnauthorized {
		t.Errorf("the token of another feed: %d", status)
	}
	if status, _ := post(t, r, "/approvals/chat", least, "Authorization", "Bearer another"); status != http.StatusAccepted || log.shards[0] != "approvals/chat" {
		t.Errorf("%d %v", status, log.shards)
	}
}

func TestWhatCannotBeTakenIn(t *testing.T) {
	t.Run("too large", func(t *testing.T) {
		var log memory
		r := receiver(t, &log, func(c *Config) { c.MaxBody = 100 })
		status, a := post(t, r, "/approvals", least, "Authorization", authorization)
		if status != http.StatusRequestEntityTooLarge || !strings.Contains(a.Error, "more than 100 bytes") {
			t.Errorf("%d %+v", status, a)
		}
	})
	t.Run("compressed", func(t *testing.T) {
		var log memory
		for _, headers := range [][]string{{"Content-Encoding", "gzip"}, nil} {
			status, a := post(t, receiver(t, &log, nil), "/approvals", "\x1f\x8b\x08", append(headers, "Authorization", authorization)...)
			if status != http.StatusUnsupportedMediaType {
				t.Errorf("%d %+v", status, a)
			}
		}
	})
	t.Run("a log that fails", func(t *testing.T) {
		log := memory{err: errors.New("no broker")}
		var said bytes.Buffer
		r := receiver(t, &log, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&said, nil)) })
		status, a := post(t, r, "/approvals", least, "Authorization", authorization)
		if status != http.StatusServiceUnavailable || a.Accepted != 0 || !strings.Contains(a.Error, "send all again") || strings.Contains(a.Error, "no broker") {
			t.Errorf("%d %+v", status, a)
		}
		if !strings.Contains(said.String(), "no broker") {
			t.Errorf("it says %s", &said)
		}
	})
	t.Run("a log that does not answer", func(t *testing.T) {
		log := memory{waiting: make(chan struct{}, 1)}
		r := receiver(t, &log, func(c *Config) { c.Timeout = time.Millisecond })
		if status, _ := post(t, r, "/approvals", least, "Authorization", authorization); status != http.StatusServiceUnavailable {
			t.Error(status)
		}
	})
	t.Run("too much at once", func(t *testing.T) {
		log := memory{waiting: make(chan struct{})}
		r := receiver(t, &log, nil)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range busy {
			all.Go(func() {
				req := httptest.NewRequestWithContext(ctx, http.MethodPost, "/approvals", strings.NewReader(least))
				req.Header.Set("Authorization", authorization)
				r.ServeHTTP(httptest.NewRecorder(), req)
			})
			<-log.waiting
		}
		status, a := post(t, r, "/approvals", least, "Authorization", authorization)
		if status != http.StatusTooManyRequests || a.Accepted != 0 {
			t.Errorf("%d %+v", status, a)
		}
		cancel()
		all.Wait()
	})
}

func TestAReceiverThatAnybodyCouldSendToIsRefused(t *testing.T) {
	for name, feeds := range map[string][]Feed{
		"no feed": nil, "no name": {{Token: "x"}}, "nothing asked for": {{Name: "a"}}, "a name twice": {{Name: "a", Token: "x"}, {Name: "a", Token: "y"}},
	} {
		if _, err := NewReceiver(Config{Feeds: feeds, Log: &memory{}}); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var log memory
	r := receiver(t, &log, nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Serve(ctx, l) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+l.Addr().String()+"/approvals", bytes.NewReader([]byte(least)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", authorization)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted || string(body) != "{\"accepted\":1}\n" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// The recipe of docs/approvals.md, in a shell.
func TestAShellCanSign(t *testing.T) {
	for _, tool := range []string{"sh", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("there is no %s", tool)
		}
	}
	stamp := strconv.FormatInt(noon.Unix(), 10)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `{ printf '%s.' "$t"; cat; } | openssl dgst -sha256 -hmac "$SECRET" -r | cut -d' ' -f1`)
	cmd.Env = append(cmd.Environ(), "t="+stamp, "SECRET="+secret)
	cmd.Stdin = strings.NewReader(full)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	header := "t=" + stamp + ",v1=" + strings.TrimSpace(string(out))
	if err := signature.Verify(header, []byte(full), noon, DefaultWindow, []byte(secret)); err != nil {
		t.Error(err)
	}
	if want := signature.Sign([]byte(secret), []byte(full), noon); header != want {
		t.Errorf("the shell signs %s, we %s", header, want)
	}
}
