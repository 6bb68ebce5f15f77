package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"jitaudit/correlate/policy"
	"jitaudit/internal/scan"
	"jitaudit/schemas"
)

// options are those of the scan that the flags ask for.
func (f *scanFlags) options(set *policy.Set) (scan.Options, error) {
	opts := scan.Options{Policies: set, TempDir: f.tempDir, Workers: f.workers}
	if len(f.okta)+len(f.cloudtrail) == 0 {
		return opts, usagef("no logs given: name them with --okta PATH and --cloudtrail PATH")
	}
	known := orgs(set)
	for _, arg := range f.okta {
		org, path, err := oktaInput(arg, known)
		if err != nil {
			return opts, err
		}
		if err := checkLogs("--okta", path); err != nil {
			return opts, err
		}
		opts.Inputs = append(opts.Inputs, scan.Input{Source: schemas.Okta, Org: org, Path: path})
	}
	for _, path := range f.cloudtrail {
		if err := checkLogs("--cloudtrail", path); err != nil {
			return opts, err
		}
		opts.Inputs = append(opts.Inputs, scan.Input{Source: schemas.CloudTrail, Path: path})
	}
	for _, s := range f.complete {
		c, err := scan.ParseComplete(s)
		if err != nil {
			return opts, usagef("--complete: %w", err)
		}
		opts.Complete = append(opts.Complete, c)
	}
	for _, s := range f.gaps {
		g, err := scan.ParseGap(s)
		if err != nil {
			return opts, usagef("--gap: %w", err)
		}
		opts.Gaps = append(opts.Gaps, g)
	}
	return opts, checkTempDir(f.tempDir)
}

// checkLogs tells by which flag a path was given that is not there.
func checkLogs(flag, path string) error {
	_, err := os.Stat(path)
	var cause *fs.PathError
	if errors.As(err, &cause) {
		return fmt.Errorf("find the logs of %s %q: %w; check the path", flag, path, cause.Err)
	}
	return err
}

// checkTempDir refuses at once what would only fail once memory is full.
func checkTempDir(dir string) error {
	if dir == "" {
		return nil
	}
	info, err := os.Stat(dir)
	var cause *fs.PathError
	switch {
	case errors.As(err, &cause):
		return fmt.Errorf("use %s for temporary files: %w; name a folder that is there with --temp-dir", dir, cause.Err)
	case err == nil && !info.IsDir():
		return fmt.Errorf("use %s for temporary files: it is no folder; name one with --temp-dir", dir)
	}
	return err
}

// orgs are the Okta orgs of all policies, sorted.
func orgs(set *policy.Set) []string {
	var all []string
	for _, p := range set.All() {
		all = append(all, p.Orgs()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// oktaInput splits [ORG=]PATH. What stands before the first = is an org unless
// it holds a slash, so that ./a=b is a path.
func oktaInput(arg string, known []string) (org, path string, err error) {
	org, path, named := strings.Cut(arg, "=")
	if !named || strings.ContainsAny(org, `/\`) {
		org, path, named = "", arg, false
	}
	switch {
	case path == "":
		return "", "", usagef("--okta %q names no path: write PATH or ORG=PATH", arg)
	case named && org == "":
		return "", "", usagef("--okta %q names no org before the =: write PATH or ORG=PATH", arg)
	case named && len(known) > 0 && !slices.Contains(known, org):
		return "", "", usagef("--okta %s: no provider of the policy has okta_org %q, only %s; write a path that holds = as ./%s",
			arg, org, strings.Join(known, ", "), arg)
	case named:
		return org, path, nil
	case len(known) == 1:
		return known[0], path, nil
	case len(known) == 0:
		return "", "", usagef("--okta %s: the policy has no provider with an okta_org; write ORG=%s", arg, arg)
	}
	return "", "", usagef("--okta %s: the policy knows the Okta orgs %s; say which one it is of by ORG=%s",
		arg, strings.Join(known, ", "), arg)
}
