package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jitaudit/correlate/policy"
	"jitaudit/internal/backtest"
)

// backtestFlags are the flags of backtest as they were given.
type backtestFlags struct {
	config, since, tempDir string
	policies               []string
	format                 choice
}

func (m *Main) backtestCommand() *cobra.Command {
	f := &backtestFlags{format: choice{value: "text", known: []string{"text", "json"}}}
	cmd := &cobra.Command{
		Use:   "backtest --policy NEW … --since 30d --config FILE",
		Short: "Judge what happened under another policy",
		Long: `backtest takes the raw events that ClickHouse keeps (sinks.clickhouse.raw_events, 90
days), judges them by the policies of the configuration and by those given, and
prints which findings would be added, removed or changed. Nothing is written.

The new policies replace those in force altogether; leave effective_from out to have
one judge all of the time.`,
		Example: `  jitaudit backtest --policy new.yaml --since 30d --config jitaudit.yaml
  jitaudit backtest --policy new.yaml --since 2026-01-01 --config jitaudit.yaml --format json |
      jq '.differences[] | select(.change == "added") | .new.why'`,
		Args: noArgs("name the new policy with --policy FILE"),
		RunE: func(cmd *cobra.Command, _ []string) error { return m.backtest(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVarP(&f.policies, "policy", "p", nil, "new policy `FILE`; may be given several times")
	complete(cmd, "policy", completeExt("yaml", "yml"))
	flags.StringVar(&f.since, "since", "30d", "from when on findings are compared: a length of time such as 12h or 30d, a date or an RFC 3339 `TIME`")
	flags.StringVarP(&f.config, "config", "c", "", "configuration `FILE` of the pipeline")
	complete(cmd, "config", completeExt("yaml", "yml"))
	f.format.add(cmd, "format", "how to print it")
	flags.StringVar(&f.tempDir, "temp-dir", "", "`DIR` for the events (default the system's)")
	complete(cmd, "temp-dir", completeDirs())
	return cmd
}

// backtest carries out the verb.
func (m *Main) backtest(ctx context.Context, f *backtestFlags) (err error) {
	since, err := sinceWhen(f.since, time.Now())
	if err != nil {
		return err
	}
	if err := needPolicies(f.policies); err != nil {
		return err
	}
	tried, err := readPolicies(f.policies)
	if err != nil {
		return err
	}
	_, inForce, err := readConfig(f.config, "")
	if err != nil {
		return err
	}
	var old []*policy.Policy
	for _, p := range inForce {
		parsed, err := policy.Parse(p.Name, p.Data)
		if err != nil {
			return err
		}
		old = append(old, parsed)
	}
	set, err := policy.NewSet(old...)
	if err != nil {
		return fmt.Errorf("the policies in force (policy in %s): %w", f.config, err)
	}
	db, err := m.database(f.config)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, db.Close()) }()
	coverage, err := db.Coverage(ctx)
	if err != nil {
		return err
	}
	r, err := backtest.Run(ctx, backtest.Options{
		Events: db.RawEvents, Coverage: coverage, Old: set, New: tried, Since: since, TempDir: f.tempDir,
		Read: func(n int) {
			if isTerminal(m.Stderr) {
				_, _ = fmt.Fprintf(m.Stderr, "\r%d events read", n)
			}
		},
	})
	if isTerminal(m.Stderr) {
		_, _ = fmt.Fprint(m.Stderr, "\r\x1b[K")
	}
	if err != nil {
		return err
	}
	if f.format.value == "json" {
		enc := json.NewEncoder(m.Stdout)
		enc.SetIndent("", "  ")
		return writing(enc.Encode(&r))
	}
	return m.show(differences(&r, since))
}

// sinceWhen reads a length of time before now, a date or a time.
func sinceWhen(s string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.Add(-time.Duration(n) * 24 * time.Hour), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, usagef("--since %q is no time: write 12h, 30d, 2026-01-31 or 2026-01-31T08:00:00Z", s)
}

// differences is a report as text.
func differences(r *backtest.Report, since time.Time) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%d events; findings since %s: %d by the policies in force, %d by the new, %d the same.\n",
		r.Events, since.UTC().Format(time.RFC3339), r.Old, r.New, r.Same)
	for i, d := range r.Differences {
		if i == 0 || r.Differences[i-1].Change != d.Change {
			fmt.Fprintf(&b, "\n%s\n", strings.ToUpper(string(d.Change)[:1])+string(d.Change)[1:])
		}
		switch d.Change {
		case backtest.Changed:
			fmt.Fprintf(&b, "  %-8s → %-8s %s %s\n    %s\n", d.Old.Severity, d.New.Severity, d.New.Rule, d.New.ID, d.New.Why)
			if d.Old.Why != d.New.Why {
				fmt.Fprintf(&b, "    before: %s\n", d.Old.Why)
			}
			if s := d.New.Suppressed; s != nil && d.Old.Suppressed == nil {
				fmt.Fprintf(&b, "    accepted by %s: %s\n", s.Owner, s.Reason)
			}
		case backtest.Added:
			fmt.Fprintf(&b, "  %-8s %s %s\n    %s\n", d.New.Severity, d.New.Rule, d.New.ID, d.New.Why)
		case backtest.Removed:
			fmt.Fprintf(&b, "  %-8s %s %s\n    %s\n", d.Old.Severity, d.Old.Rule, d.Old.ID, d.Old.Why)
		}
	}
	return b.String()
}
