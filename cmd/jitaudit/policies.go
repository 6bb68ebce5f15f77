package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"jitaudit/correlate/policy"
)

// needPolicies refuses a command line without a policy.
func needPolicies(paths []string) error {
	if len(paths) == 0 {
		return &usageError{err: errors.New("no policy given: name at least one with --policy FILE")}
	}
	return nil
}

// readPolicies reads policy files. All errors of all files are reported.
func readPolicies(paths []string) (*policy.Set, error) {
	var all []*policy.Policy
	var bad, lines []string
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read policy: %w", err)
		}
		p, err := policy.Parse(path, data)
		if err != nil {
			bad = append(bad, path)
			lines = append(lines, strings.Split(err.Error(), "\n")...)
			continue
		}
		all = append(all, p)
	}
	if len(bad) > 0 {
		return nil, badPolicy(fmt.Errorf("no valid policy: %s", strings.Join(bad, ", ")), lines)
	}
	set, err := policy.NewSet(all...)
	if err != nil {
		return nil, badPolicy(err, nil)
	}
	return set, nil
}

func badPolicy(err error, lines []string) error {
	return &usageError{err: err, lines: lines, try: "examples/policy.yaml, which shows and explains every key"}
}
