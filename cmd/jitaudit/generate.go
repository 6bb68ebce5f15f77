package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jitaudit/internal/organisation"
)

// generateFlags are the flags of demo generate as they were given. 0 means
// none where organisation.Config has a negative number for that.
type generateFlags struct {
	config organisation.Config
	out    string
	start  string
	force  bool
}

func (m *Main) generateCommand() *cobra.Command {
	f := &generateFlags{}
	cmd := &cobra.Command{
		Use:   "generate --out DIR",
		Short: "Write the logs of a made-up organisation, its policy and the truth about it",
		Long: `generate writes to DIR: okta/ and cloudtrail/ with the logs, approvals.ndjson with
what a ticket system approved, snapshots.ndjson with the members of groups as
Okta listed them, policy.yaml, and truth.json with every finding that a scan must
have, the interval in which the logs are complete and the gaps in them. The same
flags give the same bytes. It then prints the command that scans them.`,
		Example: `  jitaudit demo generate --out demo-data
  jitaudit demo generate --out large --records 500000 --okta-events 70000 --people 500 --days 5 --files 200`,
		Args: noArgs("name the folder with --out"),
		RunE: func(cmd *cobra.Command, _ []string) error { return m.generate(cmd.Context(), f) },
	}
	flags, c := cmd.Flags(), &f.config
	flags.SortFlags = false
	flags.StringVarP(&f.out, "out", "o", "", "`DIR` to write to; made if need be")
	flags.BoolVar(&f.force, "force", false, "replace an organisation that is in DIR")
	flags.Uint64Var(&c.Seed, "seed", 1, "what the organisation is derived from")
	flags.IntVar(&c.People, "people", 60, "employees")
	flags.IntVar(&c.Accounts, "accounts", 6, "AWS accounts, 6 to 99")
	flags.IntVar(&c.Groups, "groups", 5, "roles per account that people can ask for, 4 to 12")
	flags.IntVar(&c.Days, "days", 3, "days worked, 1 to 366")
	flags.StringVar(&f.start, "start", "", "first `DAY`, as 2026-03-02 (default derived from the seed)")
	flags.IntVar(&c.CallsPerSession, "calls-per-session", 12, "mean number of AWS calls in a session")
	flags.IntVar(&c.Noise, "noise", 300, "unrelated events per day and log")
	flags.IntVar(&c.Planted, "planted", 40, "least number of planted findings; 0 for none")
	flags.DurationVar(&c.Gap, "gap", 90*time.Minute, "length of the hole in the Okta log, 1h to 4h; 0 for none")
	flags.IntVar(&c.Records, "records", 0, "fill CloudTrail up to so many records; there is then no noise (default as many as come about)")
	flags.IntVar(&c.OktaEvents, "okta-events", 0, "fill the Okta log up to so many events, likewise")
	flags.IntVar(&c.Files, "files", 0, "about how many CloudTrail files (default one per account, region and five minutes)")
	complete(cmd, "out", completeDirs())
	return cmd
}

// generate carries out the verb.
func (m *Main) generate(ctx context.Context, f *generateFlags) error {
	c, err := f.complete()
	if err != nil {
		return err
	}
	if err := checkOut(f.out, f.force); err != nil {
		return err
	}
	h, err := generate(ctx, c)
	if err != nil {
		return err
	}
	if err := write(h, f.out); err != nil {
		return err
	}
	_, err = fmt.Fprint(m.Stdout, described(h, f.out))
	return err
}

// complete checks the flags and gives the configuration.
func (f *generateFlags) complete() (organisation.Config, error) {
	c := f.config
	if f.out == "" {
		return c, usagef("no folder given: name one with --out DIR")
	}
	if err := atLeastOne(map[string]int{
		"people": c.People, "accounts": c.Accounts, "groups": c.Groups, "days": c.Days, "calls-per-session": c.CallsPerSession,
	}); err != nil {
		return c, err
	}
	for name, n := range map[string]int{
		"noise": c.Noise, "planted": c.Planted, "gap": int(c.Gap), "records": c.Records, "okta-events": c.OktaEvents, "files": c.Files,
	} {
		if n < 0 {
			return c, usagef("--%s must not be negative", name)
		}
	}
	none := func(n *int) {
		if *n == 0 {
			*n = -1
		}
	}
	none(&c.Noise)
	none(&c.Planted)
	if c.Gap == 0 {
		c.Gap = -1
	}
	if f.start != "" {
		day, err := time.Parse(time.DateOnly, f.start)
		if err != nil {
			return c, usagef("--start %q is no day: write it as 2026-03-02", f.start)
		}
		c.Start = day
	}
	return c, nil
}

// atLeastOne refuses what would silently stand for the default.
func atLeastOne(flags map[string]int) error {
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		if flags[name] < 1 {
			return usagef("--%s must be at least 1 (got %d)", name, flags[name])
		}
	}
	return nil
}

func generate(ctx context.Context, c organisation.Config) (*organisation.History, error) {
	h, err := organisation.Generate(c)
	if err != nil {
		return nil, &usageError{err: err}
	}
	return h, ctx.Err()
}

// checkOut refuses a folder that cannot be written to, before the work begins.
// With force it may hold what an earlier generate left there.
func checkOut(dir string, force bool) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look into the folder for the organisation: %w", err)
	case len(entries) == 0:
		return nil
	case !force:
		return usagef("%s is not empty: name another folder, or replace the organisation in it with jitaudit demo generate --force", dir)
	}
	if _, err := os.Stat(filepath.Join(dir, "truth.json")); err != nil {
		return usagef("%s is not empty and holds no organisation (there is no truth.json): name another folder", dir)
	}
	return nil
}

// write replaces the organisation in dir, and nothing else that is there.
func write(h *organisation.History, dir string) error {
	for _, name := range []string{"okta", "cloudtrail", "approvals.ndjson", "snapshots.ndjson", "policy.yaml", "truth.json"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("replace the organisation: %w", err)
		}
	}
	if err := h.Write(dir); err != nil {
		return fmt.Errorf("write the organisation to %s: %w", dir, err)
	}
	return nil
}

// described tells what was written, and the command that scans it.
func described(h *organisation.History, dir string) string {
	var b strings.Builder
	t := &h.Truth
	for _, log := range []struct {
		name string
		n    organisation.LogRecords
	}{{"okta", t.Records.Okta}, {"cloudtrail", t.Records.CloudTrail}} {
		fmt.Fprintf(&b, "%-11s %d records (%d duplicates, %d corrected)\n", log.name, log.n.Read, log.n.Duplicates, log.n.Corrected)
	}
	fmt.Fprintf(&b, "%-11s %d records\n%-11s %d records\n", "approvals", len(h.Approvals), "snapshots", len(h.Listings))
	fmt.Fprintf(&b, "%-11s %d planted findings, %d near misses, %s\n", "truth", len(t.Planted), len(t.NearMisses), count(len(t.Gaps), "gap", "gaps"))
	path := func(name string) string { return quoted(filepath.Join(dir, name)) }
	fmt.Fprintf(&b, "\nNow scan it:\n\n  jitaudit scan --okta %s --cloudtrail %s --policy %s \\\n", path("okta"), path("cloudtrail"), path("policy.yaml"))
	if len(h.Approvals) > 0 {
		fmt.Fprintf(&b, "    --approvals %s=%s \\\n", organisation.Feed, path("approvals.ndjson"))
	}
	if len(h.Listings) > 0 {
		fmt.Fprintf(&b, "    --snapshot %s \\\n", path("snapshots.ndjson"))
	}
	fmt.Fprintf(&b, "    --complete %s/%s \\\n", t.Complete.From.Format(time.RFC3339Nano), t.Complete.To.Format(time.RFC3339Nano))
	for _, g := range t.Gaps {
		fmt.Fprintf(&b, "    --gap %s=%s/%s \\\n", quoted(g.Shard), g.From.Format(time.RFC3339Nano), g.To.Format(time.RFC3339Nano))
	}
	fmt.Fprintf(&b, "    --truth %s\n", path("truth.json"))
	return b.String()
}

// quoted is a word for a POSIX shell.
func quoted(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%,", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
