package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestHealthSaysWhatTheRunAnswers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"status":"not ready","why":["rebuild: 7m0s behind"]}` + "\n"))
			return
		}
		_, _ = w.Write([]byte(`{"status":"ok"}` + "\n"))
	}))
	defer server.Close()
	addr := strings.TrimPrefix(server.URL, "http://")
	gone := unused(t)
	for _, tt := range []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string
	}{
		{"it works", []string{"--addr", addr}, exitFine, `{"status":"ok"}` + "\n", ""},
		{"it does not keep up", []string{"--ready", "--addr", addr}, exitError, `{"status":"not ready","why":["rebuild: 7m0s behind"]}` + "\n", ""},
		{"nobody is there", []string{"--addr", gone}, exitError, "",
			"Error: no jitaudit answers on " + gone + " (dial tcp " + gone + ": connect: connection refused): see whether it runs, and whether its http.addr is that\n"},
		{"no address", []string{"--addr", "a b"}, exitUsage, "", "Error: --addr \"a b\" is no HOST:PORT\nTry: jitaudit health --help\n"},
		{"an argument", []string{"9464"}, exitUsage, "", "Error: unexpected argument \"9464\"\nTry: jitaudit health --help\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := run(t, append([]string{"health"}, tt.args...)...)
			if code != tt.code || stdout != tt.stdout || stderr != tt.stderr {
				t.Errorf("got %d %q %q\nwant %d %q %q", code, stdout, stderr, tt.code, tt.stdout, tt.stderr)
			}
		})
	}
}

// ready waits until `jitaudit health --ready` ends with a code and says something.
func ready(t *testing.T, addr string, code int, says string) {
	t.Helper()
	var got int
	var stdout, stderr string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if got, stdout, stderr = run(t, "health", "--ready", "--addr", addr); got == code && strings.Contains(stdout, says) {
			return
		}
	}
	t.Fatalf("health --ready ends with %d, want %d, and says\n%s%s\nwant %s", got, code, stdout, stderr, says)
}
