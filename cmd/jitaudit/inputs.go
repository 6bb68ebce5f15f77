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
	var err error
	if opts.Inputs, err = f.inputs(orgs(set)); err != nil {
		return opts, err
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

// any reports whether anything is said about log files.
func (f *scanFlags) any() bool {
	return len(f.okta)+len(f.cloudtrail)+len(f.approvals)+len(f.snapshots)+len(f.policies)+len(f.complete)+len(f.gaps) > 0
}

// inputs are the files and folders that are read. known are the Okta orgs of the
// policies.
func (f *scanFlags) inputs(known []string) (all []scan.Input, err error) {
	add := func(flag string, in scan.Input) error {
		all = append(all, in)
		return checkLogs(flag, in.Path)
	}
	for _, arg := range f.okta {
		org, path, err := oktaInput("--okta", arg, known)
		if err != nil {
			return nil, err
		}
		if err := add("--okta", scan.Input{Source: schemas.Okta, Org: org, Path: path}); err != nil {
			return nil, err
		}
	}
	for _, arg := range f.snapshots {
		org, path, err := oktaInput("--snapshot", arg, known)
		if err != nil {
			return nil, err
		}
		if err := add("--snapshot", scan.Input{Source: schemas.Okta, Org: org, Path: path, Snapshot: true}); err != nil {
			return nil, err
		}
	}
	for _, path := range f.cloudtrail {
		if err := add("--cloudtrail", scan.Input{Source: schemas.CloudTrail, Path: path}); err != nil {
			return nil, err
		}
	}
	for _, arg := range f.approvals {
		feed, path, err := feedInput(arg)
		if err != nil {
			return nil, err
		}
		if err := add("--approvals", scan.Input{Source: schemas.Approvals, Org: feed, Path: path}); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// defaultFeed is the name of an approvals feed that is given none.
const defaultFeed = "approvals"

// feedInput splits [FEED=]PATH, as oktaInput does.
func feedInput(arg string) (feed, path string, err error) {
	feed, path, named := splitInput(arg)
	switch {
	case path == "":
		return "", "", usagef("--approvals %q names no path: write PATH or FEED=PATH", arg)
	case named && feed == "":
		return "", "", usagef("--approvals %q names no feed before the =: write PATH or FEED=PATH", arg)
	case named:
		return feed, path, nil
	}
	return defaultFeed, path, nil
}

// splitInput splits [NAME=]PATH. What stands before the first = is a name unless
// it holds a slash, so that ./a=b is a path.
func splitInput(arg string) (name, path string, named bool) {
	name, path, named = strings.Cut(arg, "=")
	if !named || strings.ContainsAny(name, `/\`) {
		return "", arg, false
	}
	return name, path, true
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

// oktaInput splits the [ORG=]PATH of a flag.
func oktaInput(flag, arg string, known []string) (org, path string, err error) {
	org, path, named := splitInput(arg)
	switch {
	case path == "":
		return "", "", usagef("%s %q names no path: write PATH or ORG=PATH", flag, arg)
	case named && org == "":
		return "", "", usagef("%s %q names no org before the =: write PATH or ORG=PATH", flag, arg)
	case named && len(known) > 0 && !slices.Contains(known, org):
		return "", "", usagef("%s %s: no provider of the policy has okta_org %q, only %s; write a path that holds = as ./%s",
			flag, arg, org, strings.Join(known, ", "), arg)
	case named:
		return org, path, nil
	case len(known) == 1:
		return known[0], path, nil
	case len(known) == 0:
		return "", "", usagef("%s %s: the policy has no provider with an okta_org; write ORG=%s", flag, arg, arg)
	}
	return "", "", usagef("%s %s: the policy knows the Okta orgs %s; say which one it is of by ORG=%s",
		flag, arg, strings.Join(known, ", "), arg)
}
