package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/internal/chdb"
	"jitaudit/internal/chdb/chdbtest"
	"jitaudit/internal/chdb/library"
	"jitaudit/internal/organisation"
	"jitaudit/internal/pipeline"
	"jitaudit/internal/reference"
	"jitaudit/sinks/clickhouse"
)

// TestABusyRunEndsInOrderOnSIGTERM stops a process with everything in it in the
// midst of its work, and then lets another one finish that.
func TestABusyRunEndsInOrderOnSIGTERM(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs processes for a while")
	}
	lib, err := chdbtest.Library()
	if err != nil {
		t.Skip(err)
	}
	t.Parallel()
	s := newSite(t)
	if s.history, err = organisation.Generate(organisation.Config{Seed: 8}); err != nil {
		t.Fatal(err)
	}
	s.history.Approvals, s.history.Listings = nil, nil // which the simulated sources do not have
	s.write("policy.yaml", string(s.history.Policy))
	s.sources()
	health, engine := unused(t), unused(t)
	s.keys["http"] = `{addr: "` + health + `"}`
	s.keys["kafka"] = `{embedded: {addr: "127.0.0.1:0"}}`
	s.keys["clickhouse"] = `{embedded: {addr: "` + engine + `", library: "` + lib + `"}}`
	for _, busy := range []string{"jitaudit_collect_records_total", "jitaudit_correlate_results_total"} {
		p := s.process("run")
		p.shows(health, "\n"+busy+"{")
		p.terminate()
	}
	p := s.process("run")
	p.shows(health, "\njitaudit_correlate_results_total{")
	token, err := os.ReadFile(filepath.Join(s.dir, "data", pipeline.TokenFile))
	if err != nil {
		t.Fatal(err)
	}
	s.compare(clickhouse.Config{URL: "http://" + engine, User: chdb.User, Password: strings.TrimSpace(string(token))})
	p.terminate()
}

// compare waits until the tables hold what a scan says.
func (s *site) compare(cfg clickhouse.Config) {
	s.t.Helper()
	want, err := reference.Scan(s.t.Context(), s.history, reference.Shards(s.history))
	if err != nil {
		s.t.Fatal(err)
	}
	db, err := clickhouse.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	diff := "nothing was read"
	for deadline := time.Now().Add(2 * time.Minute); diff != ""; time.Sleep(100 * time.Millisecond) {
		got, err := reference.Read(s.t.Context(), db)
		if err != nil {
			s.t.Fatal(err)
		}
		diff = cmp.Diff(want, got)
		if time.Now().After(deadline) {
			s.t.Fatalf("after two minutes the tables differ:\n%.4000s", diff)
		}
	}
}

// lone is a process of the program.
type lone struct {
	t   *testing.T
	cmd *exec.Cmd
	out bytes.Buffer
}

// process runs a verb with the site's configuration, in a process of its own:
// testscript.Main has put this program on the path.
func (s *site) process(verb ...string) *lone {
	s.t.Helper()
	p := &lone{t: s.t}
	p.cmd = exec.CommandContext(context.Background(), "jitaudit", append(verb, "--config", s.config())...)
	p.cmd.Env = append(os.Environ(), library.Env+"=")
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it has ended, where all is well
		_ = p.cmd.Wait()
	})
	return p
}

// shows waits until /metrics shows something.
func (p *lone) shows(addr, what string) {
	p.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		resp, err := client.Get("http://" + addr + "/metrics")
		if err != nil {
			continue // it does not listen yet
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil && bytes.Contains(body, []byte(what)) {
			return
		}
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	p.t.Fatalf("after two minutes /metrics does not show %q:\n%s", what, &p.out)
}

// terminate asks it to end, and sees that it does, in order and in time.
func (p *lone) terminate() {
	p.t.Helper()
	began := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	err := p.cmd.Wait()
	took := time.Since(began)
	if err != nil || took > 10*time.Second || !strings.Contains(p.out.String(), "msg=stopped") || strings.Contains(p.out.String(), "level=ERROR") {
		p.t.Fatalf("it ended with %v after %s:\n%s", err, took, &p.out)
	}
	p.t.Logf("stopped in %s", took.Round(time.Millisecond))
}
