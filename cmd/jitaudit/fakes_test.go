package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"jitaudit/internal/broker"
	"jitaudit/internal/chdb"
	"jitaudit/internal/chdb/chdbtest"
	"jitaudit/internal/kafka"
	"jitaudit/internal/organisation"
	"jitaudit/internal/reference"
	"jitaudit/internal/simulated/aws"
	"jitaudit/internal/simulated/okta"
)

const (
	siteSecret = "SECRET-OF-THE-SITE"
	siteKey    = "AKIASITE000000000000"
)

// shared is the ClickHouse of those tests that need no other.
var shared chdbtest.Shared

// sharing runs the tests of the package with it.
type sharing struct{ m *testing.M }

func (s sharing) Run() int {
	return shared.Run(s.m, func() error {
		// A goroutine of the Okta SDK's cache ends when that is collected as garbage.
		return goleak.Find(goleak.IgnoreTopFunction("github.com/patrickmn/go-cache.(*janitor).Run"))
	})
}

// someHistory is a little organisation; it must not be changed.
var someHistory = sync.OnceValues(func() (*organisation.History, error) {
	return organisation.Generate(organisation.Config{Seed: 6, People: 15, Days: 1, Noise: -1, Planted: -1, CallsPerSession: 2})
})

// site is where a role runs: a folder with a configuration, and what stands
// beside it.
type site struct {
	t    *testing.T
	dir  string
	keys map[string]string // of the configuration, as YAML
	// broker is where the one in memory is.
	broker  string
	history *organisation.History
}

// newSite has a policy, two sources and no servers.
func newSite(t *testing.T) *site {
	t.Helper()
	h, err := someHistory()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, dir: t.TempDir(), history: h, keys: map[string]string{
		"data_dir": "data", "policy": "[policy.yaml]", "wait_for_servers": "0s", "http": `{addr: "127.0.0.1:0"}`,
		"correlate": "{tick: 100ms}", "sinks": "{clickhouse: {batch_interval: 100ms}}",
	}}
	s.write("policy.yaml", string(h.Policy))
	s.write("token", siteSecret+"\n")
	return s
}

func (s *site) write(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// sources reads a simulated Okta, and AWS, of which accounts may refuse.
func (s *site) sources(denied ...string) {
	s.t.Helper()
	h := s.history
	to := h.Truth.Complete.To
	org, err := okta.New(okta.Config{
		Org: reference.Org, Events: h.Okta, Token: siteSecret, Raised: true, Retention: -1,
		Clock: func() time.Time { return to.Add(5 * time.Minute) },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	from := h.Truth.Complete.From.Format(time.RFC3339)
	var holes []string
	for _, g := range h.Truth.Gaps {
		holes = append(holes, fmt.Sprintf("{from: %s, to: %s, reason: planted}", g.From.Format(time.RFC3339), g.To.Format(time.RFC3339)))
	}
	s.keys["okta"] = fmt.Sprintf("[{org: %s, url: %q, token_file: token, since: %s, poll_interval: 1s}]", reference.Org, s.serve(org), from)
	if len(holes) > 0 {
		s.keys["okta"] = strings.Replace(s.keys["okta"], "}]", ", holes: ["+strings.Join(holes, ", ")+"]}]", 1)
	}
	var roles []aws.Role
	var list []string
	regions := regionsOf(h)
	for _, account := range slices.Sorted(maps.Keys(regions)) {
		role := aws.Role{ARN: "arn:aws:iam::" + account + ":role/collector"}
		if slices.Contains(denied, account) {
			role.Denied = []string{"cloudtrail:LookupEvents"}
		}
		roles = append(roles, role)
		list = append(list, fmt.Sprintf("{account: %q, role_arn: %q, regions: [%s]}", account, role.ARN, strings.Join(regions[account], ", ")))
	}
	cloud := aws.New(aws.Config{
		Events: h.CloudTrail, Roles: roles, RequestsPerSecond: 1e4,
		Principals: map[string]aws.Principal{siteKey: {Secret: siteSecret, Account: "999999999999"}},
		Clock:      func() time.Time { return to.Add(20 * time.Minute) },
	})
	s.keys["aws"] = fmt.Sprintf("{endpoint: %q, access_key_id: %s, secret_access_key_file: token, since: %s, poll_interval: 1s, window: 1d, requests_per_second: 100, accounts: [%s]}",
		s.serve(cloud), siteKey, from, strings.Join(list, ", "))
}

// regionsOf are the regions of each account of a history.
func regionsOf(h *organisation.History) map[string][]string {
	regions := make(map[string][]string)
	for _, shard := range reference.Shards(h) {
		if parts := strings.Split(shard, "/"); parts[0] == "aws" {
			regions[parts[1]] = append(regions[parts[1]], parts[2])
		}
	}
	return regions
}

func (s *site) serve(h http.Handler) string {
	server := httptest.NewServer(h)
	s.t.Cleanup(server.Close)
	return server.URL
}

// serveAt answers on an address of this machine.
func serveAt(t *testing.T, addr string, h http.Handler) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(h)
	server.Listener.Close()
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
}

// unused is an address that nothing listens on.
func unused(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// onBroker lets it use a broker in memory.
func (s *site) onBroker(cfg broker.Config) *kafka.Client {
	s.t.Helper()
	cfg.MinSession = time.Second
	b, err := broker.Start(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := b.Close(); err != nil {
			s.t.Error(err)
		}
	})
	s.broker = b.Addr()
	s.keys["kafka"] = fmt.Sprintf("{brokers: [%q], replication: 1}", b.Addr())
	c, err := kafka.New(kafka.Config{Brokers: []string{b.Addr()}, Prefix: "jitaudit."}, slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	return c
}

// onClickHouse lets it use a database of the test's own.
func (s *site) onClickHouse() (database string) {
	s.t.Helper()
	server := shared.Server(s.t)
	s.write("password", server.Token())
	database = "t_" + strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, s.t.Name())
	database = database[:min(len(database), 60)]
	s.keys["clickhouse"] = fmt.Sprintf("{url: \"http://%s\", database: %s, user: %s, password_file: password}", server.Addr(), database, chdb.User)
	return database
}

// ask runs a statement on the package's ClickHouse.
func ask(t *testing.T, sql string) string {
	t.Helper()
	return askIn(t, "default", sql)
}

func askIn(t *testing.T, database, sql string) string {
	t.Helper()
	server := shared.Server(t)
	q := url.Values{"user": {chdb.User}, "password": {server.Token()}, "database": {database}}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post("http://"+server.Addr()+"/?"+q.Encode(), "text/plain", strings.NewReader(sql))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s (%v)", sql, resp.StatusCode, body, err)
	}
	return string(body)
}

// role is a role that runs in this process.
type role struct {
	t      *testing.T
	cancel context.CancelFunc
	ended  chan struct{}
	code   int // once ended
	stderr *said
}

// said is what a role says; it is read while that goes on.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// config writes the configuration and returns where it is.
func (s *site) config() string {
	s.t.Helper()
	var b strings.Builder
	for key, value := range s.keys {
		fmt.Fprintf(&b, "%s: %s\n", key, value)
	}
	s.write("jitaudit.yaml", b.String())
	return filepath.Join(s.dir, "jitaudit.yaml")
}

// start runs a verb with the site's configuration.
func (s *site) start(verb ...string) *role {
	s.t.Helper()
	config := s.config()
	ctx, cancel := context.WithCancel(context.Background())
	r := &role{t: s.t, cancel: cancel, ended: make(chan struct{}), stderr: &said{}}
	m := Main{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: r.stderr}
	go func() {
		defer close(r.ended)
		r.code = m.Run(ctx, append(verb, "--config", config))
	}()
	s.t.Cleanup(func() {
		cancel()
		<-r.ended
	})
	return r
}

// fails waits for the end and returns the one sentence that is no line of the
// log, and beside which no line of the log says that something went wrong.
func (r *role) fails(code int) string {
	r.t.Helper()
	r.awaitEnd()
	if r.code != code {
		r.t.Errorf("exit code %d, want %d:\n%s", r.code, code, r.stderr)
	}
	var sentences []string
	for line := range strings.Lines(r.stderr.String()) {
		switch {
		case !strings.HasPrefix(line, "time="):
			sentences = append(sentences, strings.TrimSuffix(line, "\n"))
		case strings.Contains(line, "level=ERROR"):
			r.t.Errorf("the log says it, too: %s", line)
		}
	}
	if len(sentences) != 1 {
		r.t.Fatalf("want one sentence, got %d:\n%s", len(sentences), r.stderr)
	}
	return sentences[0]
}

func (r *role) awaitEnd() {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(20 * time.Second):
		r.t.Fatalf("it runs on after 20 s:\n%s", r.stderr)
	}
}

// says waits until it has said something.
func (r *role) says(what string) {
	r.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(r.stderr.String(), what); time.Sleep(10 * time.Millisecond) {
		select {
		case <-r.ended:
			if !strings.Contains(r.stderr.String(), what) {
				r.t.Fatalf("it ended and had not said %q:\n%s", what, r.stderr)
			}
			return
		default:
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("after 20 s it has not said %q:\n%s", what, r.stderr)
		}
	}
}

// stop ends it as Ctrl-C does.
func (r *role) stop() {
	r.t.Helper()
	r.cancel()
	r.awaitEnd()
	if r.code != exitFine || strings.Contains(r.stderr.String(), "Error:") {
		r.t.Errorf("stopped with exit code %d:\n%s", r.code, r.stderr)
	}
}
