package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// suite is a package's tests, built once with all mutants.
type suite struct {
	pkg  string
	args []string
	slow bool // mutants that are known to be equivalent are spared it
	bin  string
}

// suites are run one after the other until a mutant is noticed. The scenarios
// come first: they are what the contract is held by; what they do not see of
// copies is how many were counted. Properties are checked on
// few histories, and always the same, so that a run can be repeated.
func suites() []*suite {
	few := []string{"-test.failfast", "-rapid.checks=40", "-rapid.seed=1", "-rapid.nofailfile"}
	return []*suite{
		{pkg: "internal/scan", args: []string{"-test.failfast", "-test.run=^Test(Scenarios|Copies)"}},
		{pkg: "internal/mutants", args: []string{"-test.failfast"}},
		{pkg: "correlate", args: few, slow: true},
		{pkg: "correlate/rules", args: []string{"-test.failfast"}},
		{pkg: "correlate/identity", args: few, slow: true},
		{pkg: "correlate/policy", args: []string{"-test.failfast"}},
	}
}

// build compiles the tests with all mutants in them. A mutant that does not
// compile is taken out and counts as invalid.
func (r *runner) build(ctx context.Context, all []*mutant) error {
	r.suites = suites()
	for i, s := range r.suites {
		s.bin = filepath.Join(r.dir, fmt.Sprintf("suite%d.test", i))
	}
	// Each round finds the errors of the packages that others do not wait for.
	const rounds = 8
	for range rounds {
		file, where, err := overlay(r.root, r.dir, r.files, all)
		if err != nil {
			return err
		}
		again := false
		for _, s := range r.suites {
			out, err := r.compile(ctx, s, file)
			if err == nil {
				continue
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if !blame(out, where) {
				return fmt.Errorf("build the tests of %s: %w\n%s", s.pkg, err, out)
			}
			again = true
			break
		}
		if !again {
			return nil
		}
	}
	return fmt.Errorf("mutants that do not compile were found %d times over; see those reported so far", rounds)
}

func (r *runner) compile(ctx context.Context, s *suite, overlay string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-gcflags=jitaudit/...=-e",
		"-overlay", overlay, "-o", s.bin, "./"+s.pkg)
	cmd.Dir = r.root
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

var position = regexp.MustCompile(`(?m)^(?:\./)?(\S+\.go):(\d+):\d+: (.*)$`)

// blame marks the mutants in whose lines the compiler found errors; false when
// there are none.
func blame(out string, where map[string][]lines) bool {
	found := false
	for _, p := range position.FindAllStringSubmatch(out, -1) {
		n, err := strconv.Atoi(p[2])
		if err != nil {
			continue
		}
		for file, list := range where {
			if !strings.HasSuffix(p[1], file) {
				continue
			}
			for _, l := range list {
				if l.first <= n && n <= l.last {
					l.m.result, l.m.by = invalid, "does not compile: "+p[3]
					found = true
				}
			}
		}
	}
	return found
}
