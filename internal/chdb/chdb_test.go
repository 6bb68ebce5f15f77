package chdb_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"jitaudit/internal/chdb"
)

func TestTheServerAnswersWithADatabaseOfItsOwn(t *testing.T) {
	s := shared.Server(t)
	conn := dial(t, s.Addr(), s.Token())
	run(t, conn, "CREATE OR REPLACE TABLE first (n UInt8) ENGINE = MergeTree ORDER BY n")
	if got := number(t, conn, "SELECT count() FROM system.tables WHERE database = 'jitaudit' AND name = 'first'"); got != 1 {
		t.Errorf("%d tables in the database jitaudit, want one", got)
	}
	if s.Database() != "jitaudit" || s.PID() == 0 || s.PID() == os.Getpid() {
		t.Errorf("database %s, child %d", s.Database(), s.PID())
	}
}

func TestTheTokenIsNeitherAmongArgumentsNorInTheEnvironment(t *testing.T) {
	t.Setenv("OKTA_TOKEN", "secret of another part")
	s := start(t, t.TempDir(), nil)
	for _, name := range []string{"cmdline", "environ"} {
		text, err := os.ReadFile(filepath.Join("/proc", itoa(s.PID()), name))
		if err != nil {
			t.Skipf("no /proc here: %v", err)
		}
		if bytes.Contains(text, []byte(s.Token())) || bytes.Contains(text, []byte("secret of another part")) {
			t.Errorf("%s has a secret in it", name)
		}
	}
}

func TestAcknowledgedRowsSurviveAKilledChild(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	addr := s.Addr()
	conn := dial(t, addr, s.Token())
	run(t, conn, createAcknowledged)

	const rows, kills = 20_000, 3
	acknowledged := 0
	for round := range kills {
		pid := s.PID()
		time.AfterFunc(time.Duration(20+35*round)*time.Millisecond, func() { kill(t, pid, syscall.SIGKILL) }) // somewhere in an insert
		for s.Restarts() == round {
			// What was not acknowledged is sent again, as a client does.
			if insert(conn, acknowledged, rows) == nil {
				acknowledged += rows
			}
		}
		for insert(conn, acknowledged, rows) != nil {
		}
		acknowledged += rows
		if got := number(t, conn, "SELECT uniqExact(n) FROM acknowledged"); got != uint64(acknowledged) {
			t.Errorf("after kill %d: %d rows, %d were acknowledged", round+1, got, acknowledged)
		}
	}
	if s.Restarts() != kills || s.Addr() != addr {
		t.Errorf("%d restarts at %s, want %d at %s", s.Restarts(), s.Addr(), kills, addr)
	}
}

func TestAnInsertInMidOfAKillLeavesNoRowsAndCanBeRepeated(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	conn := dial(t, s.Addr(), s.Token())
	run(t, conn, createAcknowledged)
	if err := insert(conn, 0, 1000); err != nil {
		t.Fatal(err)
	}
	body, write := io.Pipe()
	failed := make(chan error, 1)
	go func() { failed <- post(s, "INSERT INTO acknowledged FORMAT CSV", body) }()
	if _, err := io.WriteString(write, strings.Repeat("5000,half\n", 10_000)); err != nil {
		t.Fatal(err)
	}
	for number(t, conn, "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO acknowledged%'") == 0 {
	}
	kill(t, s.PID(), syscall.SIGKILL)
	for s.Restarts() == 0 {
		runtime.Gosched()
	}
	write.Close()
	if err := <-failed; err == nil {
		t.Error("the insert was acknowledged")
	}

	for insert(conn, 1000, 1000) != nil {
	}
	if got := number(t, conn, "SELECT count() FROM acknowledged"); got != 2000 {
		t.Errorf("%d rows, want the 2000 that were acknowledged", got)
	}
}

func post(s *chdb.Server, sql string, body io.Reader) error {
	r, err := http.NewRequest(http.MethodPost, "http://"+s.Addr()+"/?query="+url.QueryEscape(sql), body)
	if err != nil {
		return err
	}
	r.SetBasicAuth(chdb.User, s.Token())
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// kill sends a signal to a child, and never to what pid 0 would mean.
func kill(t *testing.T, pid int, signal syscall.Signal) {
	if pid <= 0 {
		t.Error("there is no child")
		return
	}
	if err := syscall.Kill(pid, signal); err != nil {
		t.Error(err)
	}
}

func TestAChildEndsWithItsParentAndItsDirectoryIsFreeThen(t *testing.T) {
	dir := t.TempDir()
	config(t, dir, nil) // skips without a library
	cmd, f := adopt(t, dir)
	conn := dial(t, f.Addr, f.Token)
	run(t, conn, createAcknowledged)
	if err := insert(conn, 0, 1000); err != nil {
		t.Fatal(err)
	}

	if _, err := chdb.Start(context.Background(), config(t, dir, nil)); err == nil ||
		!strings.Contains(err.Error(), "in use by process "+itoa(cmd.Process.Pid)) || !strings.Contains(err.Error(), "another directory") {
		t.Errorf("a second process on the directory: got %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	// Start waits for the orphan to end.
	s := start(t, dir, nil)
	if running(f.Child) {
		t.Errorf("child %d outlives its parent", f.Child)
	}
	if got := number(t, dial(t, s.Addr(), s.Token()), "SELECT count() FROM acknowledged"); got != 1000 {
		t.Errorf("%d rows, want 1000", got)
	}
}

// running reports whether a process has not ended, reaped or not.
func running(pid int) bool {
	stat, err := os.ReadFile("/proc/" + itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// adopt starts a parent in a process of its own.
func adopt(t *testing.T, dir string) (*exec.Cmd, family) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, parentVerb, dir)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var f family
	if err := json.NewDecoder(out).Decode(&f); err != nil || f.Error != "" {
		t.Fatalf("the parent: %v %s", err, f.Error)
	}
	return cmd, f
}

func TestADirectoryIsServedOnce(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, nil)
	if _, err := chdb.Start(context.Background(), config(t, dir, nil)); err == nil || !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("a second server: got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, dir, nil)
}

func TestWhatCannotBeStartedSaysWhy(t *testing.T) {
	notALibrary := filepath.Join(t.TempDir(), "libchdb.so")
	if err := os.WriteFile(notALibrary, []byte("?"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(*chdb.Config)
		want   string
	}{
		{"open to the network", func(c *chdb.Config) { c.Addr = "0.0.0.0:0" }, "is not of this machine's loopback"},
		{"no port", func(c *chdb.Config) { c.Addr = "127.0.0.1" }, "missing port"},
		{"no directory", func(c *chdb.Config) { c.Path = "" }, "a data directory is required"},
		{"no library", func(c *chdb.Config) { c.Library = "" }, "libchdb is required"},
		{"not a library", func(c *chdb.Config) { c.Library = notALibrary }, "load libchdb " + notALibrary},
		{"no program", func(c *chdb.Config) { c.Command = []string{"/does/not/exist"} }, "/does/not/exist"},
		{"another program", func(c *chdb.Config) { c.Command = []string{"/bin/sh", "-c", "echo oh dear; exit 3"} }, "oh dear"},
		{"a program that says nothing", func(c *chdb.Config) {
			c.Command, c.StartTimeout = []string{"/bin/sh", "-c", "exec cat"}, 50*time.Millisecond
		}, "deadline exceeded"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := chdb.Start(context.Background(), config(t, t.TempDir(), tt.change))
			if err == nil {
				s.Close()
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestServeChildByHandSaysWhoCallsIt(t *testing.T) {
	for _, in := range []string{"", "SELECT 1\n"} {
		if err := chdb.ServeChild(context.Background(), strings.NewReader(in), &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "called by jitaudit itself") {
			t.Errorf("input %q: got %v", in, err)
		}
	}
}

func TestCloseKillsStatementsThatDoNotEnd(t *testing.T) {
	s := start(t, t.TempDir(), func(c *chdb.Config) { c.DrainTimeout = 200 * time.Millisecond })
	conn := dial(t, s.Addr(), s.Token())
	ended := make(chan error, 1)
	go func() {
		ended <- conn.Exec(context.Background(), "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1")
	}()
	watch := dial(t, s.Addr(), s.Token())
	for number(t, watch, "SELECT count() FROM system.processes WHERE query LIKE '%sipHash64%'") < 2 {
	}
	began := time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("Close took %s", took)
	}
	if err := <-ended; err == nil {
		t.Error("the statement ended as if it were done")
	}
}

func TestTheChildsLogsComeOutAsTheParents(t *testing.T) {
	var out safeBuffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	s := start(t, t.TempDir(), func(c *chdb.Config) { c.Logger = log })
	kill(t, s.PID(), syscall.SIGABRT)
	for _, want := range []string{"the embedded ClickHouse answers", "crashed and is started again", "SIGABRT", "answers again"} {
		if !out.await(want) {
			t.Errorf("the log lacks %q:\n%.2000s", want, out.String())
		}
	}
	if strings.Contains(out.String(), s.Token()) {
		t.Error("the log has the token in it")
	}
}

// safeBuffer is a buffer that several goroutines write to.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

// await waits until the buffer has a text in it, and reports whether it has.
func (s *safeBuffer) await(text string) bool {
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(s.String(), text); runtime.Gosched() {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
