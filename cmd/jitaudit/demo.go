package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"jitaudit/correlate/policy"
	"jitaudit/internal/demo"
	"jitaudit/internal/organisation"
	"jitaudit/internal/scan"
	"jitaudit/internal/scan/truth"
)

// demoFlags are the flags of demo as they were given.
type demoFlags struct {
	seed                   uint64
	people, accounts, days int
	dir                    string
	keep, json, verbose    bool
}

func (m *Main) demoCommand() *cobra.Command {
	f := &demoFlags{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run the whole pipeline on a made-up organisation, and compare with what really happened",
		Long: `demo makes up an organisation in which breaches are planted beside deeds that only
look like one. It serves the organisation's logs as Okta and AWS would, collects
them with the vendors' own SDKs, correlates over the embedded Kafka broker, writes
to the embedded ClickHouse, reads back from there, and compares. No server is
needed; libchdb, the embedded ClickHouse (about 180 MB), is fetched once through
npm. The last line is
"demo: sessions=S planted=P found=F missed=M false=X elapsed=…".

Exit codes: 0 exactly what was planted was found, 1 not so, 2 wrong command line.`,
		Example: `  jitaudit demo
  jitaudit demo --seed 7 --people 200 --days 10
  jitaudit demo --keep`,
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
	flags.BoolVar(&f.keep, "keep", false, "leave it running until Ctrl-C, and print where its parts are")
	flags.StringVar(&f.dir, "dir", "", "keep the data of broker and database in `DIR`, which must be empty; by default in a temporary folder that is removed")
	flags.BoolVar(&f.json, "json", false, `print JSON lines: the demo, and {"kind":"truth","rules":{…}} as the last`)
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show the log of the pipeline")
	complete(cmd, "dir", completeDirs())
	cmd.AddCommand(m.generateCommand())
	return cmd
}

// demo carries out the verb.
func (m *Main) demo(ctx context.Context, f *demoFlags) (err error) {
	started := time.Now()
	if err := atLeastOne(map[string]int{"people": f.people, "accounts": f.accounts, "days": f.days}); err != nil {
		return err
	}
	debug.SetGCPercent(100)
	dir, remove, err := f.data()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	h, err := generate(ctx, organisation.Config{Seed: f.seed, People: f.people, Accounts: f.accounts, Days: f.days})
	if err != nil {
		return err
	}
	d, err := m.startDemo(ctx, f, h, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	bars := newStages(m.Stderr)
	err = d.Wait(ctx, bars.show)
	bars.close()
	if err != nil {
		return err
	}
	a, err := m.demoResults(ctx, f, h, d)
	if err != nil {
		return err
	}
	err = m.demoResult(f, a, time.Since(started))
	if f.keep {
		err = errors.Join(err, m.keepDemo(ctx, d, h, dir))
	}
	return err
}

func (m *Main) startDemo(ctx context.Context, f *demoFlags, h *organisation.History, dir string) (*demo.Demo, error) {
	child, err := engineArgs()
	if err != nil {
		return nil, err
	}
	m.tell(fmt.Sprintf("An organisation of %d people: %d events of Okta, %d of CloudTrail, %d breaches planted.",
		h.Config.People, len(h.Okta), len(h.CloudTrail), len(h.Truth.Planted)))
	m.tell("They are served as Okta and AWS do, but with the limits on requests raised: at the 2 requests a second that CloudTrail allows, this would take minutes.")
	log := slog.New(slog.DiscardHandler)
	if f.verbose {
		log = m.logger()
	}
	return demo.Start(ctx, demo.Options{
		History: h, Dir: dir, Child: child, Log: log, Now: time.Now, Tell: m.tell, Library: m.libraryProgress(),
	})
}

// demoResults prints what ClickHouse holds, and holds it against the truth.
func (m *Main) demoResults(ctx context.Context, f *demoFlags, h *organisation.History, d *demo.Demo) (*audit, error) {
	p, err := policy.Parse("policy.yaml", h.Policy)
	if err != nil {
		return nil, err
	}
	set, err := policy.NewSet(p)
	if err != nil {
		return nil, err
	}
	results, sum, err := d.Read(ctx)
	if err != nil {
		return nil, err
	}
	a := &audit{check: truth.New(h.Truth)}
	a.out = newTable(m.Stdout, terminalOf(m.Stdout), set, a.check, tableOptions{limit: 8, brief: true})
	if f.json {
		a.out = silentPrinter{newJSON(m.Stdout, nil)}
	}
	for i := range results {
		if err := a.Result(&results[i]); err != nil {
			return nil, err
		}
	}
	return a, writing(a.out.Finish(&sum))
}

// silentPrinter prints nothing.
type silentPrinter struct{ *jsonPrinter }

// Result implements scan.Sink.
func (silentPrinter) Result(*scan.Result) error { return nil }

// Finish implements printer.
func (silentPrinter) Finish(*scan.Summary) error { return nil }

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

// keepDemo leaves everything running until somebody stops it, and says how to
// get at it.
func (m *Main) keepDemo(ctx context.Context, d *demo.Demo, h *organisation.History, dir string) error {
	where := d.Where()
	okta, aws := d.Sources()
	verbs, err := demoVerbs(ctx, d, h, dir)
	if err != nil {
		return err
	}
	m.tell(fmt.Sprintf(`
Everything goes on until Ctrl-C.
  ClickHouse  %s   database %s, user %s, password %s
              curl '%s/?database=%s&user=%s&password=%s' -d 'SELECT * FROM findings LIMIT 5 FORMAT Vertical'
  Kafka       %s
  health      http://%s/readyz, http://%s/metrics
  Okta, AWS   %s, %s (simulated)
  data        %s

%s`,
		where.ClickHouse.URL, where.ClickHouse.Database, where.ClickHouse.User, where.ClickHouse.Password,
		where.ClickHouse.URL, where.ClickHouse.Database, where.ClickHouse.User, where.ClickHouse.Password,
		where.Brokers[0], where.HTTP, where.HTTP, okta, aws, dir, verbs))
	<-ctx.Done()
	return nil
}

// data is where broker and database keep theirs, and what removes it afterwards.
func (f *demoFlags) data() (dir string, remove func() error, err error) {
	if f.dir != "" {
		return f.dir, func() error { return nil }, checkOut(f.dir, false)
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
