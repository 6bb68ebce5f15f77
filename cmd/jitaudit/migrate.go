package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"jitaudit/internal/config"
	"jitaudit/internal/pipeline"
	"jitaudit/internal/visible"
	"jitaudit/sinks/clickhouse"
)

// migrateFlags are the flags of migrate as they were given.
type migrateFlags struct {
	config         string
	dryRun, repair bool
}

func (m *Main) migrateCommand() *cobra.Command {
	f := &migrateFlags{}
	cmd := &cobra.Command{
		Use:   "migrate [--dry-run] --config FILE",
		Short: "Bring the tables in ClickHouse up to date, or show what that would do",
		Long: `migrate makes the database, tables and views that this release needs and are not
there yet, and prints what it did. Then it compares them with what they should be.

run and sink clickhouse do the same when they start. It is for those who let another
user do it, with more rights than the sink has (examples/clickhouse), or want to see
before what is done: --dry-run changes nothing and prints the pending statements as SQL.
What somebody runs by hand counts as done, since the last of each migration notes it.

It refuses a database that a newer release has migrated, and one whose tables somebody
has altered: it names each table and column that differs, and what to do. --repair
makes again what is missing; what was in it is lost but for a backup.

The embedded ClickHouse answers as long as jitaudit run does.`,
		Example: `  jitaudit migrate --dry-run --config jitaudit.yaml
  jitaudit migrate --config jitaudit.yaml
  jitaudit migrate --dry-run --config jitaudit.yaml | clickhouse-client --host ch.example.com --user admin`,
		Args: noArgs("give the configuration with --config FILE"),
		RunE: func(cmd *cobra.Command, _ []string) error { return m.migrate(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.dryRun, "dry-run", false, "print what is pending, and change nothing")
	flags.BoolVar(&f.repair, "repair", false, "make again what somebody dropped, empty")
	flags.StringVarP(&f.config, "config", "c", "", "configuration `FILE` of the pipeline")
	complete(cmd, "config", completeExt("yaml", "yml"))
	return cmd
}

// migrate carries out the verb.
func (m *Main) migrate(ctx context.Context, f *migrateFlags) (err error) {
	if f.dryRun && f.repair {
		return usagef("--dry-run changes nothing, --repair does: give one of them")
	}
	cfg, _, err := readConfig(f.config, "")
	if err != nil {
		return err
	}
	where, err := pipeline.Database(cfg)
	if err != nil {
		return err
	}
	db, err := clickhouse.New(where, m.logger())
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, db.Close()) }()
	if f.repair {
		if err := db.Repair(ctx); err != nil {
			return err
		}
		return m.show(place(cfg, where) + " is as it should be\n")
	}
	plan, err := db.Plan(ctx)
	if err != nil {
		return err
	}
	if f.dryRun {
		return m.show(planned(cfg, where, plan))
	}
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	if err := db.Check(ctx); err != nil {
		return err
	}
	return m.show(migrated(cfg, where, plan))
}

// place names a database without secrets.
func place(cfg *config.Config, where clickhouse.Config) string {
	return visible.Text(fmt.Sprintf("database %s of ClickHouse at %s", cfg.ClickHouse.Database, where.Address()))
}

// planned is the plan as SQL that a client can run.
func planned(cfg *config.Config, where clickhouse.Config, plan []clickhouse.Statement) string {
	if len(plan) == 0 {
		return "-- " + place(cfg, where) + " is up to date\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "-- pending in %s\n", place(cfg, where))
	used := false
	before := ""
	for _, s := range plan {
		if s.Migration != before {
			fmt.Fprintf(&b, "\n-- %s\n", s.Migration)
			before = s.Migration
		}
		if !used && !strings.HasPrefix(s.SQL, "CREATE DATABASE") {
			fmt.Fprintf(&b, "USE `%s`;\n", cfg.ClickHouse.Database)
			used = true
		}
		b.WriteString(s.SQL + ";\n")
	}
	return b.String()
}

// migrated tells what was done.
func migrated(cfg *config.Config, where clickhouse.Config, plan []clickhouse.Statement) string {
	if len(plan) == 0 {
		return place(cfg, where) + " is up to date\n"
	}
	var b strings.Builder
	before := ""
	for _, s := range plan {
		if s.Migration != before {
			fmt.Fprintf(&b, "applied %s\n", s.Migration)
			before = s.Migration
		}
	}
	return b.String() + place(cfg, where) + " is up to date now\n"
}
