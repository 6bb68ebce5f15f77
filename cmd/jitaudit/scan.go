package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"jitaudit/correlate/policy"
	"jitaudit/internal/scan"
	"jitaudit/internal/scan/truth"
)

// scanMemory is where a scan begins to collect garbage harder. Small inputs stay
// far below; one of ten million records takes a sixth more time and a third less
// memory.
const scanMemory = 120 << 20

// scanFlags are the flags of scan as they were given.
type scanFlags struct {
	okta, cloudtrail, policies []string
	approvals, snapshots       []string
	complete, gaps             []string
	format, records            choice
	truth, deadLetters         string
	tempDir                    string
	workers, limit             int
	exitZero                   bool
}

func (m *Main) scanCommand() *cobra.Command {
	f := &scanFlags{
		format:  choice{value: "table", known: []string{"table", "json", "csv"}},
		records: choice{value: "sessions", known: []string{"sessions", "findings", "grants", "assumptions"}},
	}
	cmd := &cobra.Command{
		Use:   "scan --okta [ORG=]PATH … --cloudtrail PATH … --policy FILE …",
		Short: "Judge log files",
		Long: `scan reads Okta System Logs and CloudTrail, joins them, and judges every AWS role
session by the policy in force at the time.

A PATH is a file or a folder, which is searched through: Okta events as lines of
JSON, arrays or saved API pages, CloudTrail as files of a trail (an AWSLogs tree
as it is in S3) or the output of LookupEvents; all of them may be gzipped. ORG is
the okta_org of a provider in the policy, and may be left out where there is but
one. Every record is accounted for: read = used + irrelevant + duplicate +
corrected + dead.

Two more sources help where they are at hand. --approvals takes what a ticket or
chat system approved, a record of schemas/json/approval.schema.json per line; FEED is a name
for it. --snapshot takes what collect asks for beside the logs, a record per line and
told apart by content: members and snapshots of Okta groups, so that a member whose
addition is older than the log is known; requests for access as Okta's governance API
answered, so that it is known who approved; and users of an Identity Store, so that it
is known whose an Identity Center user id is. All but these last must be of ORG.

What a log does not hold proves something only where the log is complete. Unless
--complete says from when to when each is, it is taken to be so from its first
event to its last, less the policy's assertion_window at both ends; --gap takes
out what is known to be missing. FROM and TO are dates or RFC 3339 times, TO
excluded.

--format json prints a record per line, {"kind": "grant" | "assumption" |
"session" | "activity_counts" | "finding" | "deadletter" | "coverage" | "ledger",
…}, the ledgers last. --format csv prints the kind of record that --records names, fit to
be opened in a spreadsheet.

With --truth the findings are compared with those planted in a made-up
organisation (see jitaudit demo generate), and the last line of output is
"truth: planted=P found=F missed=M false=X". --complete and --gap are then to be
given as the truth file has them under complete and gaps; demo generate prints
the whole command.

Exit codes: 0 no open finding, 1 error, 2 wrong command line or policy, 3 open
findings (0 with --exit-zero). With --truth: 0 if exactly what was planted was
found, else 1.`,
		Example: `  jitaudit scan --okta okta/ --cloudtrail AWSLogs/ --policy policy.yaml
  jitaudit scan --okta example=example.ndjson --okta labs=labs.ndjson --cloudtrail AWSLogs/ \
      --policy 2025.yaml --policy 2026.yaml --complete 2026-01-01/2026-02-01
  jitaudit scan --okta okta/ --cloudtrail AWSLogs/ --policy policy.yaml \
      --approvals tickets=approvals.ndjson --snapshot snapshots.ndjson
  jitaudit scan --okta okta/ --cloudtrail AWSLogs/ --policy policy.yaml --format json \
      --gap okta/example=2026-01-10T08:00:00Z/2026-01-10T09:30:00Z |
      jq 'select(.kind == "finding" and .severity == "critical")'
  jitaudit scan --okta okta/ --cloudtrail AWSLogs/ --policy policy.yaml \
      --format csv --records findings >findings.csv`,
		Args: noArgs("name each path with --okta or --cloudtrail, or the folder that holds them"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return m.scan(cmd.Context(), f, cmd.Flags().Changed("records"))
		},
	}
	f.register(cmd)
	return cmd
}

// registerInputs registers what is read and by which policy.
func (f *scanFlags) registerInputs(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.okta, "okta", nil, "Okta System Log, `[ORG=]PATH`; may be given several times")
	flags.StringArrayVar(&f.cloudtrail, "cloudtrail", nil, "CloudTrail logs at `PATH`; may be given several times")
	flags.StringArrayVar(&f.approvals, "approvals", nil, "approvals of another system, `[FEED=]PATH`; may be given several times")
	flags.StringArrayVar(&f.snapshots, "snapshot", nil, "what Okta and the Identity Store were asked for beside the logs, `[ORG=]PATH`; may be given several times")
	flags.StringArrayVarP(&f.policies, "policy", "p", nil, "policy `FILE`; of several each judges from its effective_from on")
	flags.StringArrayVar(&f.complete, "complete", nil, "`[SOURCE=]FROM/TO` in which the logs, or those of okta or cloudtrail, hold every event")
	flags.StringArrayVar(&f.gaps, "gap", nil, "`SHARD=FROM/TO` that is missing; a shard is okta/ORG or aws/ACCOUNT/REGION")
	complete(cmd, "policy", completeExt("yaml", "yml"))
	complete(cmd, "complete", cobra.NoFileCompletions)
	complete(cmd, "gap", cobra.NoFileCompletions)
}

func (f *scanFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	f.registerInputs(cmd)
	f.format.add(cmd, "format", "how to print the results")
	f.records.add(cmd, "records", "what --format csv prints")
	flags.IntVar(&f.limit, "limit", 500, "most findings, sessions and dead letters in a table; 0 for all")
	flags.StringVar(&f.deadLetters, "dead-letters", "", "write what could not be read to `FILE`, a JSON object per line")
	flags.StringVar(&f.truth, "truth", "", "compare with the truth in `FILE`")
	flags.StringVar(&f.tempDir, "temp-dir", "", "`DIR` for what does not fit into memory (default the system's)")
	flags.IntVar(&f.workers, "workers", 0, "files read at a time (default one per core)")
	flags.BoolVar(&f.exitZero, "exit-zero", false, "exit with 0 in spite of open findings")
	complete(cmd, "truth", completeExt("json"))
	complete(cmd, "temp-dir", completeDirs())
	for _, name := range []string{"limit", "workers"} {
		complete(cmd, name, cobra.NoFileCompletions)
	}
}

// scan carries out the verb.
func (m *Main) scan(ctx context.Context, f *scanFlags, recordsGiven bool) error {
	if recordsGiven && f.format.value != "csv" {
		return usagef("--records goes with --format csv only; json prints every kind, and each line says which it is")
	}
	if f.limit < 0 || f.workers < 0 {
		return usagef("--limit and --workers must not be negative (got %d and %d)", f.limit, f.workers)
	}
	if err := needPolicies(f.policies); err != nil {
		return err
	}
	set, err := readPolicies(f.policies)
	if err != nil {
		return err
	}
	opts, err := f.options(set)
	if err != nil {
		return err
	}
	a := &audit{}
	if f.truth != "" {
		if a.check, err = truth.Read(f.truth); err != nil {
			return err
		}
	}
	a.out = m.printer(f, set, a.check)
	if f.deadLetters != "" {
		if a.dead, err = createDeadLetters(f.deadLetters); err != nil {
			return err
		}
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(scanMemory))
	}
	sum, err := m.run(ctx, opts, a)
	if err != nil {
		return err
	}
	m.remark(f, a, sum)
	if a.check != nil {
		return m.compare(f, a)
	}
	if a.open > 0 && !f.exitZero {
		return exitCode(exitFindings)
	}
	return nil
}

// printer returns what writes the results in the format asked for.
func (m *Main) printer(f *scanFlags, set *policy.Set, check *truth.Check) printer {
	switch f.format.value {
	case "json":
		return newJSON(m.Stdout, check)
	case "csv":
		return newCSV(m.Stdout, f.records.value, set)
	}
	return newTable(m.Stdout, terminalOf(m.Stdout), set, check, tableOptions{limit: f.limit})
}

// run scans, with progress on a terminal, and finishes what takes the results.
func (m *Main) run(ctx context.Context, opts scan.Options, a *audit) (scan.Summary, error) {
	bars := newProgress(m.Stderr)
	a.first = bars.close // before anything is printed
	opts.Progress = bars.reports()
	sum, err := scan.Run(ctx, opts, a)
	bars.close()
	if errors.Is(err, syscall.ENOSPC) && !a.failed {
		err = fmt.Errorf("%w; make room, or name another folder with --temp-dir", err)
	}
	if err == nil {
		err = writing(a.out.Finish(&sum))
	}
	return sum, errors.Join(err, a.close())
}

// remark logs what the output as such does not tell.
func (m *Main) remark(f *scanFlags, a *audit, sum scan.Summary) {
	log := m.logger()
	if len(f.okta) == 0 {
		log.Warn("no Okta log is given: grants and sign-ons cannot be judged")
	}
	if len(f.cloudtrail) == 0 {
		log.Warn("no CloudTrail is given: there are no sessions to judge")
	}
	if a.deadLetters > 0 {
		log.Warn("records could not be read; a grant or sign-on among them counts as absent", "records", a.deadLetters)
	}
	if f.format.value == "table" {
		return
	}
	for _, s := range sum.Skipped {
		log.Warn("skipped", "path", s.Path, "reason", s.Reason)
	}
	if f.format.value == "csv" {
		for _, l := range sum.Ledgers {
			log.Info("ledger", "source", l.Source, "read", l.Read, "used", l.Used, "irrelevant", l.Irrelevant,
				"duplicate", l.Duplicate, "corrected", l.Corrected, "dead", l.Dead)
		}
		if a.deadLetters > 0 && f.deadLetters == "" {
			log.Info("--dead-letters FILE keeps what could not be read")
		}
	}
}
