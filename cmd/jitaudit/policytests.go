package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"jitaudit/correlate/policy"
	"jitaudit/internal/policytest"
	"jitaudit/internal/visible"
)

// checkTests runs the tests of policies. None is run unless all files are valid.
func (m *Main) checkTests(ctx context.Context, files []string, quiet bool) error {
	suites, err := readSuites(files)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	passed, failed := 0, 0
	for _, suite := range suites {
		results, err := suite.Run(ctx)
		if err != nil {
			return fmt.Errorf("run policy tests: %w", err)
		}
		for _, r := range results {
			word := "ok    "
			if len(r.Problems) > 0 {
				word = "FAILED"
				failed++
			} else if passed++; quiet {
				continue
			}
			fmt.Fprintf(&out, "%s  %s:%d: %s\n", word, visible.Text(suite.File), r.Line, visible.Text(r.Test))
			for _, p := range r.Problems {
				fmt.Fprintf(&out, "        %s\n", visible.Text(p))
			}
		}
	}
	if !quiet || failed > 0 {
		fmt.Fprintf(&out, "%d passed, %d failed\n", passed, failed)
	}
	if _, err := m.Stdout.Write(out.Bytes()); err != nil {
		return writing(err)
	}
	if failed > 0 {
		return exitCode(exitError)
	}
	return nil
}

// readSuites reads files of tests, and what they name. All errors of all files are
// reported.
func readSuites(files []string) (suites []*policytest.Suite, err error) {
	var bad, lines []string
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read policy tests: %w", err)
		}
		suite, err := policytest.Load(name, data, readPolicies)
		var at *policy.Error
		switch {
		case errors.As(err, &at):
			bad = append(bad, name)
			lines = append(lines, strings.Split(err.Error(), "\n")...)
		case err != nil:
			return nil, err // of its policies
		default:
			suites = append(suites, suite)
		}
	}
	if len(bad) > 0 {
		return nil, &usageError{err: fmt.Errorf("no valid policy tests: %s", strings.Join(bad, ", ")), lines: lines,
			try: "examples/policy_test.yaml, which shows how tests are written"}
	}
	return suites, nil
}
