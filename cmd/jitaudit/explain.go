package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"jitaudit/internal/explain"
	"jitaudit/internal/pipeline"
	"jitaudit/internal/scan"
	"jitaudit/schemas"
	"jitaudit/sinks/clickhouse"
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
		Long: `explain tells of one session (ses_…) or finding (fnd_…): who, where, on what grant,
approved by whom, with which second factor; a timeline of what was seen, with the
ids of the events; which rule was broken, what it expects and how sure that is; what
could not be judged, and where the logs are complete.

With --config it asks the ClickHouse of a pipeline (the embedded one answers while
jitaudit run does); with --okta, --cloudtrail and --policy it scans log files as scan
does.`,
		Example: `  jitaudit explain fnd_0bb6ed4cd1e71dbf8d51f3c1f3a5d3aa --config jitaudit.yaml
  jitaudit explain ses_efee2b78d3f714d87236f97ba0abe192 --okta okta/ --cloudtrail AWSLogs/ --policy policy.yaml
  jitaudit explain fnd_0bb6ed4cd1e71dbf8d51f3c1f3a5d3aa --config jitaudit.yaml --format json | jq .timeline`,
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
	files := len(f.scan.okta)+len(f.scan.cloudtrail) > 0
	var s *explain.Subject
	var err error
	switch {
	case files && f.config != "":
		return usagef("--config asks a pipeline, --okta and --cloudtrail files: give one or the other")
	case files:
		s, err = m.fromFiles(ctx, &f.scan, id)
	case f.config != "":
		s, err = m.fromDatabase(ctx, f.config, id)
	default:
		return usagef("where is it? Name the pipeline's configuration with --config FILE, or log files with --okta, --cloudtrail and --policy")
	}
	if err != nil {
		return err
	}
	e := explain.Of(s)
	if f.format.value == "json" {
		enc := json.NewEncoder(m.Stdout)
		enc.SetIndent("", "  ")
		return writing(enc.Encode(&e))
	}
	var b bytes.Buffer
	if err := e.Write(&b); err != nil {
		return err
	}
	return m.show(b.String())
}

// show writes text that may hold what logs say, line by line.
func (m *Main) show(text string) error {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(visible(strings.TrimSuffix(line, "\n")))
		b.WriteByte('\n')
	}
	_, err := m.Stdout.Write([]byte(b.String()))
	return writing(err)
}

// database opens the ClickHouse of a configuration.
func (m *Main) database(path string) (*clickhouse.DB, error) {
	cfg, _, err := readConfig(path, "")
	if err != nil {
		return nil, err
	}
	where, err := pipeline.Database(cfg)
	if err != nil {
		return nil, err
	}
	return clickhouse.New(where, m.logger())
}

// fromDatabase reads what is published about a session or finding.
func (m *Main) fromDatabase(ctx context.Context, path, id string) (s *explain.Subject, err error) {
	db, err := m.database(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = firstError(err, db.Close()) }()
	s = &explain.Subject{}
	session := id
	if strings.HasPrefix(id, "fnd_") {
		found, err := db.FindingsByID(ctx, id)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, unknownID(id)
		}
		s.Finding, session = &found[0], found[0].Session
	}
	if session != "" {
		found, err := db.SessionsByID(ctx, session)
		switch {
		case err != nil:
			return nil, err
		case len(found) > 0:
			s.Session = &found[0]
		case s.Finding == nil:
			return nil, unknownID(id)
		}
	}
	return s, surround(ctx, db, s)
}

// surround reads what belongs to a session and a finding.
func surround(ctx context.Context, db *clickhouse.DB, s *explain.Subject) (err error) {
	var grants []string
	session := ""
	if s.Session != nil {
		session, grants = s.Session.ID, s.Session.Grants
		if s.Assumptions, err = db.AssumptionsOf(ctx, session); err != nil {
			return err
		}
		if s.Counts, err = db.ActivityCountsOf(ctx, session); err != nil {
			return err
		}
	}
	if s.Finding != nil && s.Finding.Grant != "" && !slices.Contains(grants, s.Finding.Grant) {
		grants = append(slices.Clone(grants), s.Finding.Grant)
	}
	if s.Grants, err = db.GrantsByID(ctx, grants...); err != nil {
		return err
	}
	if s.Findings, err = db.FindingsOf(ctx, session, grants); err != nil {
		return err
	}
	ids := make([]string, 0, len(s.Findings)+1)
	for _, f := range s.Findings {
		ids = append(ids, f.ID)
	}
	if s.Finding != nil {
		ids = append(ids, s.Finding.ID)
	}
	if s.Triage, err = db.TriageOf(ctx, ids...); err != nil {
		return err
	}
	s.Coverage, err = db.Coverage(ctx)
	return err
}

func unknownID(id string) error {
	return fmt.Errorf("nothing is known of %s: ids are in the views sessions and findings, and in what scan --format json prints", id)
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

// wanted keeps of a scan what concerns one id.
type wanted struct {
	id      string
	subject *explain.Subject
}

// Result implements scan.Sink.
func (w *wanted) Result(r *scan.Result) error {
	finding := slices.IndexFunc(r.Findings, func(f schemas.Finding) bool { return f.ID == w.id })
	session := slices.IndexFunc(r.Sessions, func(s schemas.Session) bool { return s.ID == w.id })
	if finding < 0 && session < 0 {
		return nil
	}
	s := &explain.Subject{}
	if finding >= 0 {
		s.Finding = &r.Findings[finding]
		session = slices.IndexFunc(r.Sessions, func(o schemas.Session) bool { return o.ID == s.Finding.Session })
	}
	var grants []string
	if session >= 0 {
		s.Session, s.Counts = &r.Sessions[session], r.Activity[session]
		grants = s.Session.Grants
	}
	if s.Finding != nil && s.Finding.Grant != "" {
		grants = append(slices.Clone(grants), s.Finding.Grant)
	}
	for _, a := range r.Assumptions {
		if s.Session != nil && a.Session == s.Session.ID {
			s.Assumptions = append(s.Assumptions, a)
		}
	}
	for _, g := range r.Grants {
		if slices.Contains(grants, g.ID) {
			s.Grants = append(s.Grants, g)
		}
	}
	for _, f := range r.Findings {
		if s.Session != nil && f.Session == s.Session.ID || f.Session == "" && f.Grant != "" && slices.Contains(grants, f.Grant) {
			s.Findings = append(s.Findings, f)
		}
	}
	w.subject = s
	return nil
}

// DeadLetter implements scan.Sink.
func (w *wanted) DeadLetter(*schemas.DeadLetter) error { return nil }

// fromFiles finds a session or finding by scanning.
func (m *Main) fromFiles(ctx context.Context, f *scanFlags, id string) (*explain.Subject, error) {
	if err := needPolicies(f.policies); err != nil {
		return nil, err
	}
	set, err := readPolicies(f.policies)
	if err != nil {
		return nil, err
	}
	opts, err := f.options(set)
	if err != nil {
		return nil, err
	}
	bars := newProgress(m.Stderr)
	opts.Progress = bars.reports()
	w := &wanted{id: id}
	sum, err := scan.Run(ctx, opts, w)
	bars.close()
	if err != nil {
		return nil, err
	}
	if w.subject == nil {
		return nil, unknownID(id)
	}
	w.subject.Coverage = sum.Coverage
	return w.subject, nil
}
