package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"jitaudit/correlate/policy"
	"jitaudit/internal/explain"
	"jitaudit/internal/visible"
)

// explainFlags are the flags of explain as they were given.
type explainFlags struct {
	config string
	format choice
	scan   scanFlags
}

func (m *Main) explainCommand() *cobra.Command {
	f := &explainFlags{format: choice{value: "text", known: []string{"text", "json"}}}
	cmd := &cobra.Command{
		Use:   "explain SESSION|FINDING (--config FILE | --okta PATH --cloudtrail PATH --policy FILE)",
		Short: "Tell of one session or finding in plain words",
		Long: `explain tells of one session (ses_…) or finding (fnd_…) what an auditor asks: who it
was, in which account and role, for how long, on what grant, approved by whom, with
which second factor, what was done, and whether it was allowed. Of a finding it says
what was seen and what was expected, which rule says so, by which events, how sure
that is, what it does not prove and what people decided about it. What could not be
judged, and where the logs are not complete, is said as well.

With --config it asks the ClickHouse of a pipeline; the embedded one answers while
jitaudit run does. With --okta, --cloudtrail and --policy it scans log files as scan
does, with the same flags.

Ids are in the views sessions and findings, and in what scan --format json prints.`,
		Example: `  jitaudit explain fnd_0bb6ed4cd1e71dbf8d51f3c1f3a5d3aa --config jitaudit.yaml
  jitaudit explain ses_efee2b78d3f714d87236f97ba0abe192 \
      --okta okta/ --cloudtrail AWSLogs/ --approvals approvals.ndjson --policy policy.yaml
  jitaudit explain fnd_0bb6ed4cd1e71dbf8d51f3c1f3a5d3aa --config jitaudit.yaml --format json |
      jq '.timeline[] | select(.proves)'`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("name one session (ses_…) or finding (fnd_…)")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return m.explain(cmd.Context(), f, args[0]) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.config, "config", "c", "", "configuration `FILE` of the pipeline")
	complete(cmd, "config", completeExt("yaml", "yml"))
	f.format.add(cmd, "format", "how to print it")
	f.scan.registerInputs(cmd)
	return cmd
}

// explain carries out the verb.
func (m *Main) explain(ctx context.Context, f *explainFlags, id string) error {
	if !strings.HasPrefix(id, "ses_") && !strings.HasPrefix(id, "fnd_") {
		return usagef("%q is no id of a session (ses_…) or finding (fnd_…)", id)
	}
	var s *explain.Subject
	var err error
	switch {
	case f.scan.any() && f.config != "":
		return usagef("--config asks a pipeline, the other flags are about log files: give one or the other")
	case f.scan.any():
		s, err = m.subjectInFiles(ctx, &f.scan, id)
	case f.config != "":
		s, err = m.subjectInDatabase(ctx, f.config, id)
	default:
		return usagef("where is it? Name the pipeline's configuration with --config FILE, or log files with --okta, --cloudtrail and --policy")
	}
	if err != nil {
		return err
	}
	e := explain.Of(s)
	if f.format.value == "json" {
		return m.printJSON(&e)
	}
	var b bytes.Buffer
	if err := e.Write(&b, explain.Layout{Width: terminalOf(m.Stdout).width, Visible: visible.Text}); err != nil {
		return err
	}
	_, err = m.Stdout.Write(b.Bytes())
	return writing(err)
}

// show writes text that may hold what logs say, line by line.
func (m *Main) show(text string) error {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(visible.Text(strings.TrimSuffix(line, "\n")))
		b.WriteByte('\n')
	}
	_, err := m.Stdout.Write([]byte(b.String()))
	return writing(err)
}

// printJSON writes one indented object.
func (m *Main) printJSON(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	_, err := m.Stdout.Write(visible.JSON(nil, b.Bytes()))
	return writing(err)
}

// nameAccounts gives a subject the names that policies give to its accounts; the
// latest policy counts.
func nameAccounts(s *explain.Subject, set *policy.Set) {
	if set == nil {
		return
	}
	s.AccountNames = make(map[string]string)
	name := func(account string) {
		for _, p := range set.All() {
			if n := p.AccountName(account); n != "" {
				s.AccountNames[account] = n
			}
		}
	}
	if s.Finding != nil {
		name(s.Finding.Account)
	}
	if s.Session != nil {
		name(s.Session.Account)
		for i := range s.Session.Chained {
			name(s.Session.Chained[i].Account)
		}
	}
}

func unknownID(id string) error {
	return fmt.Errorf("nothing is known of %s: look for ids in the views sessions and findings_all, or in what scan --format json prints", id)
}

// firstError is the first that is one.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
