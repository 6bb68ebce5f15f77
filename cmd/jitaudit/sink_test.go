package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// receivers are servers that answer as the real ones do, for a test of each kind
// of receiver: what they got is text.
func receivers(t *testing.T) (config string, got func(name string) string) {
	t.Helper()
	dir := t.TempDir()
	var mu sync.Mutex
	bodies := map[string]*strings.Builder{}
	answers := func(name, answer string) string {
		b := &strings.Builder{}
		bodies[name] = b
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			mu.Lock()
			defer mu.Unlock()
			b.Write(body)
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, answer)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	lines := make(chan string, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		line, _ := bufio.NewReader(c).ReadString('\n')
		lines <- line
		_, _ = io.Copy(io.Discard, c)
	}()
	archive := filepath.Join(dir, "alerts.ndjson")
	config = filepath.Join(dir, "jitaudit.yaml")
	text := fmt.Sprintf(`alerts:
  receivers:
    - {name: hook, webhook: {url: %q, hmac_secret: "${HOOK}"}}
    - {name: hec, splunk: {url: %q, token: "${HOOK}"}}
    - {name: chat, slack: {token: "${SLACK}", channel: C0123456789, url: %q}}
    - {name: log, syslog: {addr: %q, framing: line_feed}}
    - {name: archive, file: {path: %q}}
    - {name: away, webhook: {url: "http://%s/x/secret-path", hmac_secret: "${HOOK}"}}
    - {name: strict, splunk: {url: %q, token: "${HOOK}"}}
`, answers("hook", "{}"), answers("hec", `{"text":"Success","code":0}`), answers("chat", `{"ok":true,"ts":"1.2","channel":"C0123456789","messages":[]}`),
		l.Addr(), archive, nowhere, refuses(t))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config, func(name string) string {
		switch name {
		case "log":
			return <-lines
		case "archive":
			b, err := os.ReadFile(archive)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		mu.Lock()
		defer mu.Unlock()
		return bodies[name].String()
	}
}

// refuses is a collector that does not know the token, and repeats it.
func refuses(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, `{"text":"Invalid token","code":4,"given":%q}`, r.Header.Get("Authorization"))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestSinkTestTellsEachKindOfReceiver(t *testing.T) {
	t.Setenv("HOOK", "0123456789abcdef-secret")
	t.Setenv("SLACK", "xoxb-0123456789-secret")
	config, got := receivers(t)
	for _, name := range []string{"hook", "chat", "log", "archive"} {
		code, out, stderr := run(t, "sink", "test", name, "--config", config)
		if code != 0 || !regexp.MustCompile(`^`+name+` has taken the test, after \S+\.\n$`).MatchString(out) {
			t.Fatalf("%s: exit code %d: %s%s", name, code, out, stderr)
		}
		if said := got(name); !strings.Contains(strings.ToLower(said), "test") || strings.Contains(said, "-secret") {
			t.Errorf("%s was told %.500s", name, said)
		}
	}
	if code, out, stderr := run(t, "sink", "test", "hec", "--config", config); code != 0 {
		t.Errorf("hec: exit code %d: %s%s", code, out, stderr)
	}
	var events []struct {
		Unmapped struct {
			Test bool `json:"test"`
		} `json:"unmapped"`
	}
	if err := json.Unmarshal([]byte(got("hook")), &events); err != nil || len(events) != 1 || !events[0].Unmapped.Test {
		t.Errorf("hook: %v, %+v", err, events)
	}
}

func TestSinkTestSaysWhatTheOtherSideSaid(t *testing.T) {
	t.Setenv("HOOK", "0123456789abcdef-secret")
	t.Setenv("SLACK", "xoxb-0123456789-secret")
	config, _ := receivers(t)
	for _, tt := range []struct{ name, want string }{
		{"away", `^Error: receiver away has not taken the test: .*post to 127\.0\.0\.1:1: .*connection refused\n`},
		{"strict", `^Error: receiver strict has not taken the test: .*403 Forbidden.*Invalid token`},
		{"soc", `^Error: there is no receiver "soc" in .*jitaudit\.yaml, known: hook, hec, chat, log, archive, away, strict\n`},
	} {
		code, out, stderr := run(t, "sink", "test", tt.name, "--config", config)
		if code != exitError || out != "" || !regexp.MustCompile(tt.want).MatchString(stderr) {
			t.Errorf("%s: exit code %d: %s%s", tt.name, code, out, stderr)
		}
		if strings.Contains(stderr, "-secret") || strings.Contains(stderr, "secret-path") {
			t.Errorf("%s: a secret is shown: %s", tt.name, stderr)
		}
	}
}
