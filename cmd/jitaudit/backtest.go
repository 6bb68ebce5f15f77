package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jitaudit/internal/backtest"
	"jitaudit/internal/scan"
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
		Long: `backtest judges what has happened by the policies of the configuration and by those
given, and prints which findings would be added, changed or removed. Nothing is
written, and nothing that was published changes.

It takes the raw events that ClickHouse keeps for sinks.clickhouse.raw_events_ttl (by
default 90 days) after they were collected, unless sinks.clickhouse.raw_events is
false. They go to a temporary folder meanwhile, compressed; memory does not grow with
them.

The new policies replace those in force altogether. The first of them judges what
was before it, too, whatever its effective_from says.`,
		Example: `  jitaudit backtest --policy new.yaml --config jitaudit.yaml
  jitaudit backtest --policy new.yaml --since 2026-01-01 --config jitaudit.yaml --format json |
      jq -r '.differences[] | select(.change == "added") | .new.why'`,
		Args: noArgs("name the new policy with --policy FILE"),
		RunE: func(cmd *cobra.Command, _ []string) error { return m.backtest(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVarP(&f.policies, "policy", "p", nil, "new policy `FILE`; may be given several times")
	complete(cmd, "policy", completeExt("yaml", "yml"))
	flags.StringVar(&f.since, "since", "30d", "from when on findings are compared: a length of time such as 12h or 30d, a date or an RFC 3339 `TIME`")
	complete(cmd, "since", cobra.NoFileCompletions)
	flags.StringVarP(&f.config, "config", "c", "", "configuration `FILE` of the pipeline")
	complete(cmd, "config", completeExt("yaml", "yml"))
	f.format.add(cmd, "format", "how to print it")
	flags.StringVar(&f.tempDir, "temp-dir", "", "`DIR` for the events (default the system's)")
	complete(cmd, "temp-dir", completeDirs())
	return cmd
}

// firstRead is taken off the time for which raw events are kept: a first read says
// what is covered but at its end, some time after its events.
const firstRead = 7 * 24 * time.Hour

// backtest carries out the verb.
func (m *Main) backtest(ctx context.Context, f *backtestFlags) (err error) {
	now := time.Now().UTC()
	since, err := sinceWhen(f.since, now)
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
	cfg, named, err := readConfig(f.config, "")
	if err != nil {
		return err
	}
	old, err := inForce(f.config, named)
	if err != nil {
		return err
	}
	if old == nil {
		return usagef("%s names no policy to compare with: add the one in force under policy", f.config)
	}
	if err := checkTempDir(f.tempDir); err != nil {
		return err
	}
	db, err := m.database(cfg)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, db.Close()) }()
	bars := &backtestProgress{main: m}
	r, err := backtest.Run(ctx, backtest.Options{
		Events: db.RawEvents, Old: old, New: tried, Since: since, Kept: now.Add(firstRead - cfg.Sinks.ClickHouse.RawEventsTTL), TempDir: f.tempDir, Progress: bars,
	})
	bars.close()
	if err != nil {
		return err
	}
	if r.Unread > 0 {
		m.logger().Warn("raw events could not be read; a grant or sign-on among them counts as absent, for both policies", "events", r.Unread)
	}
	if f.format.value == "json" {
		return m.printJSON(&r)
	}
	_, err = m.Stdout.Write([]byte(backtestText(&r, terminalOf(m.Stdout))))
	return writing(err)
}

// sinceWhen reads a length of time before now, a date or a time.
func sinceWhen(s string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.AddDate(0, 0, -int(n)), nil
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

// backtestProgress shows how a backtest goes, on a terminal.
type backtestProgress struct {
	main *Main
	bars *progress
	line bool // a line of ours is on the screen
}

// Read implements backtest.Progress.
func (p *backtestProgress) Read(events int) {
	if isTerminal(p.main.Stderr) {
		_, _ = fmt.Fprintf(p.main.Stderr, "\rreading raw events: %s", thousands(int64(events)))
		p.line = true
	}
}

// Judge implements backtest.Progress.
func (p *backtestProgress) Judge(policies string) scan.Progress {
	p.close()
	if p.bars = newProgress(p.main.Stderr); p.bars != nil {
		_, _ = fmt.Fprintf(p.main.Stderr, "by the policies that are %s\n", policies)
	}
	return p.bars.reports()
}

// close takes what there is off the screen.
func (p *backtestProgress) close() {
	if p.line {
		_, _ = fmt.Fprint(p.main.Stderr, "\r\x1b[K")
		p.line = false
	}
	p.bars.close()
	p.bars = nil
}
