package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"jitaudit/correlate/policy"
	"jitaudit/internal/organisation"
	"jitaudit/internal/scan"
	"jitaudit/internal/scan/truth"
	"jitaudit/schemas"
)

// demoFlags are the flags of demo as they were given.
type demoFlags struct {
	seed                   uint64
	people, accounts, days int
	keep                   string
	json                   bool
}

func (m *Main) demoCommand() *cobra.Command {
	f := &demoFlags{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Make up an organisation, audit it, and compare with what really happened",
		Long: `demo makes up the logs of an organisation in which breaches are planted beside
deeds that only look like one, scans them as scan does, and compares. The last
line is "demo: sessions=S planted=P found=F missed=M false=X elapsed=…".

Exit codes: 0 exactly what was planted was found, 1 not so, 2 wrong command line.`,
		Example: `  jitaudit demo
  jitaudit demo --seed 7 --people 200 --days 10
  jitaudit demo --keep demo-data && jitaudit check --policy demo-data/policy.yaml`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return m.demo(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.Uint64Var(&f.seed, "seed", 1, "what the organisation is derived from")
	flags.IntVar(&f.people, "people", 60, "employees")
	flags.IntVar(&f.accounts, "accounts", 6, "AWS accounts")
	flags.IntVar(&f.days, "days", 3, "days worked")
	flags.StringVar(&f.keep, "keep", "", "write the organisation to `DIR` and leave it there")
	flags.BoolVar(&f.json, "json", false, `print JSON lines: the ledgers, the demo, and {"kind":"truth","rules":{…}} as the last`)
	complete(cmd, "keep", completeDirs())
	cmd.AddCommand(m.generateCommand())
	return cmd
}

// demo carries out the verb.
func (m *Main) demo(ctx context.Context, f *demoFlags) (err error) {
	started := time.Now()
	if err := atLeastOne(map[string]int{"people": f.people, "accounts": f.accounts, "days": f.days}); err != nil {
		return err
	}
	if f.keep != "" {
		if err := checkOut(f.keep, false); err != nil {
			return err
		}
	}
	h, err := generate(ctx, organisation.Config{Seed: f.seed, People: f.people, Accounts: f.accounts, Days: f.days})
	if err != nil {
		return err
	}
	dir, remove, err := f.dir()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	if err := write(h, dir); err != nil {
		return err
	}
	opts, set, err := demoScan(h, dir)
	if err != nil {
		return err
	}
	a := &audit{check: truth.New(h.Truth)}
	a.out = newTable(m.Stdout, terminalOf(m.Stdout), set, a.check, tableOptions{limit: 8, brief: true})
	if f.json {
		a.out = &ledgerPrinter{newJSON(m.Stdout, nil)}
	}
	if _, err := m.run(ctx, opts, a); err != nil {
		return err
	}
	return m.demoResult(f, a, time.Since(started))
}

// ledgerPrinter prints nothing but the ledgers.
type ledgerPrinter struct{ *jsonPrinter }

// Result implements scan.Sink.
func (ledgerPrinter) Result(*scan.Result) error { return nil }

// demoResult ends the output of demo.
func (m *Main) demoResult(f *demoFlags, a *audit, elapsed time.Duration) error {
	for _, d := range a.check.Differences() {
		m.tell(d)
	}
	elapsed = elapsed.Round(10 * time.Millisecond)
	if f.json {
		if err := m.demoLines(a, elapsed); err != nil {
			return err
		}
	} else if _, err := fmt.Fprintf(m.Stdout, "demo: sessions=%d %s elapsed=%s\n", a.sessions, a.check.Total().Line(), elapsed); err != nil {
		return err
	}
	if !a.check.Right() {
		return exitCode(exitError)
	}
	return nil
}

func (m *Main) demoLines(a *audit, elapsed time.Duration) error {
	line, err := truthLine(a.check)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(m.Stdout).Encode(struct {
		Kind     string  `json:"kind"`
		Sessions int     `json:"sessions"`
		Seconds  float64 `json:"elapsed_seconds"`
	}{"demo", a.sessions, elapsed.Seconds()}); err != nil {
		return err
	}
	_, err = m.Stdout.Write(line)
	return err
}

// dir is where the organisation is written, and what removes it afterwards.
func (f *demoFlags) dir() (dir string, remove func() error, err error) {
	if f.keep != "" {
		return f.keep, func() error { return nil }, nil
	}
	dir, err = os.MkdirTemp("", "jitaudit-demo-")
	if err != nil {
		return "", nil, fmt.Errorf("make a folder for the demo (set TMPDIR to one that can be written to): %w", err)
	}
	return dir, func() error {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove the demo's folder: %w", err)
		}
		return nil
	}, nil
}

// demoScan is the scan that the history's truth speaks of.
func demoScan(h *organisation.History, dir string) (scan.Options, *policy.Set, error) {
	set, err := readPolicies([]string{filepath.Join(dir, "policy.yaml")})
	if err != nil {
		return scan.Options{}, nil, err
	}
	known := orgs(set)
	if len(known) != 1 {
		return scan.Options{}, nil, fmt.Errorf("the made-up policy has %d Okta orgs, not one: this is a bug of jitaudit", len(known))
	}
	opts := scan.Options{
		Policies: set,
		Inputs: []scan.Input{
			{Source: schemas.Okta, Org: known[0], Path: filepath.Join(dir, "okta")},
			{Source: schemas.CloudTrail, Path: filepath.Join(dir, "cloudtrail")},
		},
		Complete: []scan.Complete{{From: h.Truth.Complete.From, To: h.Truth.Complete.To}},
	}
	for _, g := range h.Truth.Gaps {
		opts.Gaps = append(opts.Gaps, scan.Gap{Shard: g.Shard, From: g.From, To: g.To})
	}
	return opts, set, nil
}
