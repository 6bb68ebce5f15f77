package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// runner runs the tests against the mutants.
type runner struct {
	root, dir string
	files     []*sourceFile
	suites    []*suite
	workers   int
	verbose   bool

	mu   sync.Mutex
	out  io.Writer
	done int
}

// patience is how long the tests may take with one mutant; without any they
// take well under a second. A change that makes them run on is noticed.
const patience = 20 * time.Second

func (r *runner) judge(ctx context.Context, all []*mutant) error {
	for _, s := range r.suites {
		if noticed, by, err := r.try(ctx, s, 0); err != nil {
			return err
		} else if noticed {
			return fmt.Errorf("the tests of %s fail without any change (%s): mend them first", s.pkg, by)
		}
	}
	queue := make(chan *mutant)
	var running sync.WaitGroup
	for range r.workers {
		running.Go(func() {
			for m := range queue {
				r.one(ctx, m)
				r.progress(m, len(all))
			}
		})
	}
	for _, m := range all {
		queue <- m
	}
	close(queue)
	running.Wait()
	return ctx.Err()
}

// one runs the suites against a mutant until one notices.
func (r *runner) one(ctx context.Context, m *mutant) {
	if m.result == invalid {
		return
	}
	for _, s := range r.suites {
		if m.equivalent != "" && s.slow {
			continue
		}
		noticed, by, err := r.try(ctx, s, m.id)
		switch {
		case err != nil:
			m.result, m.by = invalid, err.Error()
			return
		case noticed && m.equivalent != "":
			m.result, m.by = invalid, "is listed as equivalent, but noticed by "+by+"; take it off the list"
			return
		case noticed:
			m.result, m.by = killed, by
			return
		}
	}
	m.result = alive
	if m.equivalent != "" {
		m.result = equivalent
	}
}

var failed = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// try runs one suite; by names the test that noticed.
func (r *runner) try(ctx context.Context, s *suite, id int) (noticed bool, by string, err error) {
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, patience+10*time.Second)
	defer cancel()
	// A change may also make the tests take memory without end.
	args := append([]string{"-c", `ulimit -v 4000000 2>/dev/null; exec "$@"`, "sh", s.bin, "-test.timeout=" + patience.String()}, s.args...)
	cmd := exec.CommandContext(ctx, "sh", args...)
	cmd.Dir = filepath.Join(r.root, s.pkg)
	cmd.Env = append(os.Environ(), fmt.Sprintf("JITAUDIT_MUTANT=%d", id), "GOMAXPROCS=1", "GOTRACEBACK=none")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	text := out.String()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return false, "", nil
	case !errors.As(err, &exit):
		return false, "", fmt.Errorf("run the tests of %s: %w", s.pkg, err)
	case ctx.Err() != nil:
		return true, s.pkg + " (took too long)", outer.Err()
	case strings.Contains(text, "test timed out"):
		return true, s.pkg + " (took too long)", nil
	}
	if all := failed.FindAllStringSubmatch(text, -1); len(all) > 0 {
		return true, all[len(all)-1][1], nil
	}
	if strings.Contains(text, "panic") || strings.Contains(text, "fatal error") {
		return true, s.pkg + " (panic)", nil
	}
	return false, "", fmt.Errorf("the tests of %s ended with %w and said nothing of it:\n%s", s.pkg, err, text)
}

func (r *runner) progress(m *mutant, total int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done++
	switch {
	case m.result == alive:
		fmt.Fprintf(r.out, "ALIVE  %s (%s)\n", m.name, m.place())
	case m.result == invalid:
		fmt.Fprintf(r.out, "ERROR  %s (%s): %s\n", m.name, m.place(), m.by)
	case m.result == killed && r.verbose:
		fmt.Fprintf(r.out, "killed %s by %s\n", m.name, m.by)
	case m.result == equivalent && r.verbose:
		fmt.Fprintf(r.out, "equal  %s: %s\n", m.name, m.equivalent)
	}
	if r.done%100 == 0 {
		fmt.Fprintf(r.out, "%d of %d\n", r.done, total)
	}
}

// place is where the change is made.
func (m *mutant) place() string {
	f := m.fn.file
	return fmt.Sprintf("%s:%d", f.path, 1+strings.Count(f.text[:m.start], "\n"))
}
