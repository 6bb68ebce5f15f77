package main

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"jitaudit/internal/policytest"
)

// checkTests runs the tests of policies.
func (m *Main) checkTests(ctx context.Context, f *checkFlags) error {
	if f.config != "" || f.role.value != "" || len(f.policies) > 0 {
		return usagef("--test names its policy in the file; check a configuration or a policy by itself")
	}
	var out bytes.Buffer
	passed, failed := 0, 0
	for _, name := range f.tests {
		data, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("read policy tests: %w", err)
		}
		suite, err := policytest.Parse(name, data)
		if err != nil {
			return &usageError{err: err, try: "examples/policy_test.yaml, which shows how tests are written"}
		}
		set, err := readPolicies(suite.Policies())
		if err != nil {
			return err
		}
		results, err := suite.Run(ctx, set)
		if err != nil {
			return &usageError{err: err, try: "examples/policy_test.yaml, which shows how tests are written"}
		}
		for _, r := range results {
			if len(r.Problems) == 0 {
				passed++
				if !f.quiet {
					fmt.Fprintf(&out, "ok      %s: %s\n", visible(name), visible(r.Test))
				}
				continue
			}
			failed++
			fmt.Fprintf(&out, "FAILED  %s: %s\n", visible(name), visible(r.Test))
			for _, p := range r.Problems {
				fmt.Fprintf(&out, "        %s\n", visible(p))
			}
		}
	}
	if !f.quiet || failed > 0 {
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
