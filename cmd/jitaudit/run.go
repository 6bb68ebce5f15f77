package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jitaudit/correlate/stream/entry"
	"jitaudit/internal/config"
	"jitaudit/internal/pipeline"
)

const aboutConfig = `The configuration is one YAML file; examples/jitaudit.yaml explains every key.
Secrets come from the environment (${NAME}) or from files (…_file).`

func (m *Main) runCommand() *cobra.Command {
	return m.roleCommand(config.RoleRun, &cobra.Command{
		Use:   "run",
		Short: "Run everything in one process: collect, correlate, write to ClickHouse, tell receivers",
		Long: `run collects Okta and CloudTrail, correlates, writes to ClickHouse, and tells the
receivers of alerts, until it is stopped. Where the configuration names no Kafka or ClickHouse it brings its own:
a broker in this process, and ClickHouse as a library (about 180 MB, fetched once
through npm). They are for one machine; their data is in data_dir.

` + aboutConfig,
		Example: `  jitaudit run --config jitaudit.yaml`,
	})
}

func (m *Main) collectCommand() *cobra.Command {
	return m.roleCommand(config.RoleCollect, &cobra.Command{
		Use:   "collect",
		Short: "Collect Okta's System Log and CloudTrail into Kafka",
		Long: `collect reads the sources of the configuration into Kafka until it is stopped. Run
one instance: two would read everything twice, which changes no result.

` + aboutConfig,
		Example: `  jitaudit collect --config jitaudit.yaml`,
	})
}

func (m *Main) correlateCommand() *cobra.Command {
	return m.roleCommand(config.RoleCorrelate, &cobra.Command{
		Use:   "correlate",
		Short: "Turn raw events in Kafka into sessions and findings in Kafka",
		Long: `correlate joins and judges what collectors put into Kafka, until it is stopped.
Any number of instances share the work, up to one per partition. After a restart
it goes on where it was; what it publishes twice is the same.

` + aboutConfig,
		Example: `  jitaudit correlate --config jitaudit.yaml`,
	})
}

// roleCommand gives a command the flag for the configuration, and runs a role.
func (m *Main) roleCommand(role config.Role, cmd *cobra.Command) *cobra.Command {
	var path string
	cmd.Args = noArgs("give the configuration with --config FILE")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return m.role(cmd.Context(), role, path) }
	cmd.Flags().StringVarP(&path, "config", "c", "", "configuration `FILE`")
	complete(cmd, "config", completeExt("yaml", "yml"))
	return cmd
}

// role runs a role until ctx ends.
func (m *Main) role(ctx context.Context, role config.Role, path string) error {
	cfg, policies, err := readConfig(path, role)
	if err != nil {
		return err
	}
	// Unlike a scan it makes much garbage and holds little.
	debug.SetGCPercent(100)
	child, err := engineArgs()
	if err != nil {
		return err
	}
	log := roleLogger(m.Stderr, cfg.Log)
	log.Info("starting", "role", role, "version", thisRelease().Version, "http", cfg.HTTP.Addr)
	err = pipeline.Run(ctx, pipeline.Options{
		Config: cfg, Role: role, Policies: policies, Log: log, Now: time.Now, Child: child, Version: thisRelease().Version,
		Tell: func(s string) { log.Info(s) }, Library: m.libraryProgress(),
		Started: func(*pipeline.Addresses) { log.Info("running", "role", role) },
	})
	if err == nil {
		log.Info("stopped", "role", role)
	}
	return err
}

// readConfig reads a configuration and the policies that it names, and sees that
// both are fit for the role, if one is given.
func readConfig(path string, role config.Role) (*config.Config, []entry.Policy, error) {
	if path == "" {
		return nil, nil, &usageError{err: errors.New("no configuration given: name it with --config FILE"), try: "examples/jitaudit.yaml, which shows and explains every key"}
	}
	cfg, err := config.Load(path, config.Process())
	if err == nil && role != "" {
		err = cfg.Validate(role)
	}
	if err != nil {
		return nil, nil, badConfig(path, err)
	}
	policies, err := configuredPolicies(cfg)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		err = fmt.Errorf("%w; correct policy in %s, which names it", err, path)
	}
	return cfg, policies, err
}

// configuredPolicies reads the policies that a configuration names. It has them
// only if all are valid.
func configuredPolicies(cfg *config.Config) (policies []entry.Policy, err error) {
	if len(cfg.Policy) == 0 {
		return nil, nil
	}
	if _, err := readPolicies(cfg.Policy); err != nil {
		return nil, err
	}
	for _, name := range cfg.Policy {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read policy: %w", err)
		}
		policies = append(policies, entry.Policy{Name: name, Data: data})
	}
	return policies, nil
}

func badConfig(path string, err error) error {
	var one *config.Error
	if !errors.As(err, &one) {
		return err // it could not be read
	}
	return &usageError{
		err: fmt.Errorf("no valid configuration: %s", path), lines: strings.Split(err.Error(), "\n"),
		try: "examples/jitaudit.yaml, which shows and explains every key",
	}
}

// roleLogger logs as the configuration says.
func roleLogger(w io.Writer, c config.Log) *slog.Logger {
	opts := &slog.HandlerOptions{Level: c.Level}
	if c.Format == config.LogJSON {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// libraryProgress shows how fetching the engine goes.
func (m *Main) libraryProgress() func(stage string, done, total int64) {
	var stage string
	var tenth int64
	return func(s string, done, total int64) {
		if total <= 0 {
			return
		}
		if now := done * 10 / total; s != stage || now != tenth {
			stage, tenth = s, now
			m.tell(fmt.Sprintf("libchdb, the embedded ClickHouse: %s %d of %d MB", s, done>>20, total>>20))
		}
	}
}
