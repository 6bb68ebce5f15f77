package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"jitaudit/internal/chdb/chdbtest"
	"jitaudit/internal/chdb/library"
	"jitaudit/internal/scan"
)

var update = flag.Bool("update", false, "write the golden output anew")

func TestMain(m *testing.M) {
	testscript.Main(sharing{m}, map[string]func(){"jitaudit": main})
}

// TestScripts runs the program as a user does. The scripts find a few events in
// $SMALL, with a policy. Those that need the embedded ClickHouse ask by
// [libchdb] whether there is one.
func TestScripts(t *testing.T) {
	lib := sync.OnceValues(chdbtest.Library)
	small, err := filepath.Abs("testdata/small")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("SMALL", "small")
			if path, err := lib(); err == nil {
				env.Setenv(library.Env, path) // there is no cache in the scripts' HOME
			}
			return os.CopyFS(filepath.Join(env.WorkDir, "small"), os.DirFS(small))
		},
		Condition: func(name string) (bool, error) {
			if name != "libchdb" {
				return false, fmt.Errorf("there is no condition %q", name)
			}
			_, err := lib()
			if err != nil {
				t.Log(err)
			}
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "awaits": awaits},
	})
}

// awaits FILE PATTERN waits until a file has a line that matches.
func awaits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: awaits FILE PATTERN")
	}
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	var data []byte
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if data, _ = os.ReadFile(ts.MkAbs(args[0])); pattern.Match(data) { // it may not be there yet
			return
		}
	}
	ts.Fatalf("after five minutes %s does not match %s:\n%s", args[0], args[1], data)
}

// exits CODE ARG… runs the program in the process and compares the exit code,
// which exec cannot. Its output is that of exec: stdout and stderr can be
// compared.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits CODE ARG…")
	}
	for i, arg := range args {
		args[i] = strings.ReplaceAll(arg, "@", ts.MkAbs(".")+"/")
	}
	want := map[string]int{"0": 0, "1": 1, "2": 2, "3": 3}[args[0]]
	m := Main{Stdin: strings.NewReader(""), Stdout: ts.Stdout(), Stderr: ts.Stderr()}
	if got := m.Run(context.Background(), args[1:]); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// run runs a command line in the process.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	m := Main{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &err}
	code = m.Run(t.Context(), args)
	return code, out.String(), err.String()
}

func smallScan(args ...string) []string {
	return append([]string{
		"scan", "--okta", "testdata/small/okta.ndjson", "--cloudtrail", "testdata/small/cloudtrail.json",
		"--policy", "testdata/small/policy.yaml", "--complete", "2026-03-01/2026-03-08",
	}, args...)
}

// deaf is a reader that has gone away.
type deaf struct{ err error }

func (d deaf) Write([]byte) (int, error) { return 0, d.err }

func TestBrokenPipeEndsQuietly(t *testing.T) {
	for _, format := range []string{"table", "json", "csv"} {
		var stderr bytes.Buffer
		m := Main{Stdin: strings.NewReader(""), Stdout: deaf{syscall.EPIPE}, Stderr: &stderr}
		if code := m.Run(t.Context(), smallScan("--format", format)); code != exitError {
			t.Errorf("%s: exit code %d, want %d", format, code, exitError)
		}
		if strings.Contains(stderr.String(), "Error") {
			t.Errorf("%s: stderr: %s", format, stderr.String())
		}
	}
}

func TestFullDiskIsAnError(t *testing.T) {
	for _, format := range []string{"table", "json", "csv"} {
		var stderr bytes.Buffer
		m := Main{Stdin: strings.NewReader(""), Stdout: deaf{syscall.ENOSPC}, Stderr: &stderr}
		if code := m.Run(t.Context(), smallScan("--format", format)); code != exitError {
			t.Errorf("%s: exit code %d, want %d", format, code, exitError)
		}
		if want := "Error: write the output: no space left on device\n"; stderr.String() != want {
			t.Errorf("%s: stderr %q, want %q", format, stderr.String(), want)
		}
	}
}

// TestFullDiskOfTheOutputIsNotThatOfTheTemporaryFile: the advice must not lead
// astray.
func TestFullDiskOfTheOutputIsNotThatOfTheTemporaryFile(t *testing.T) {
	m := Main{Stderr: io.Discard}
	opts, err := (&scanFlags{okta: []string{"testdata/small/okta.ndjson"}}).options(smallPolicies(t))
	if err != nil {
		t.Fatal(err)
	}
	a := &audit{out: failing{newJSON(io.Discard, nil)}}
	if _, err = m.run(t.Context(), opts, a); !errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), "--temp-dir") {
		t.Errorf("got %v", err)
	}
}

// failing fails at the first result.
type failing struct{ printer }

func (failing) Result(*scan.Result) error { return syscall.ENOSPC }

func TestInterruptEndsTheScan(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent()) // the tests share a ClickHouse
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	temp := t.TempDir()
	var stdout, stderr bytes.Buffer
	m := Main{Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr}
	if code := m.Run(ctx, smallScan("--temp-dir", temp)); code != exitError {
		t.Errorf("exit code %d, want %d", code, exitError)
	}
	if want := "Error: interrupted; what was written is not complete\n"; stderr.String() != want {
		t.Errorf("stderr %q, want %q", stderr.String(), want)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind %v (%v)", left, err)
	}
}

func TestNoGoroutineIsLeft(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent()) // the tests share a ClickHouse
	if code, _, stderr := run(t, smallScan()...); code != exitFindings {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
