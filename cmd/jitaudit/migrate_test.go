package main

import (
	"strings"
	"testing"
)

// aDatabase is a site whose configuration names a database that is not there yet.
func aDatabase(t *testing.T) (config, database string) {
	t.Helper()
	s := newSite(t)
	database = s.onClickHouse()
	t.Cleanup(func() { ask(t, "DROP DATABASE IF EXISTS "+database) })
	return s.config(), database
}

func TestMigrateShowsAndDoesWhatIsPending(t *testing.T) {
	config, database := aDatabase(t)
	code, plan, stderr := run(t, "migrate", "--dry-run", "--config", config)
	if code != exitFine {
		t.Fatal(code, stderr)
	}
	contains(t, plan, "-- pending in database "+database+" of ClickHouse at http://127.0.0.1:", "CREATE DATABASE IF NOT EXISTS `"+database+"`;\nUSE `"+database+"`;",
		"-- 0001_tables", "CREATE TABLE IF NOT EXISTS sessions_log", "INSERT INTO schema_migrations (number, name, sha256) SELECT 1, '0001_tables'")
	if got := ask(t, "EXISTS DATABASE "+database); got != "0\n" {
		t.Errorf("a dry run has made the database: %s", got)
	}
	code, out, stderr := run(t, "migrate", "--config", config)
	if code != exitFine {
		t.Fatal(code, stderr)
	}
	contains(t, out, "applied 0001_tables\n", "applied 0004_history\n", "database "+database+" of ClickHouse", "is up to date now\n")
	for _, args := range [][]string{{"migrate"}, {"migrate", "--dry-run"}} {
		code, out, stderr = run(t, append(args, "--config", config)...)
		if code != exitFine || !strings.HasSuffix(out, "is up to date\n") {
			t.Errorf("%v: %d %s%s", args, code, out, stderr)
		}
	}
}

// TestWhatDryRunPrintsMayBeRunByHand by somebody with more rights.
func TestWhatDryRunPrintsMayBeRunByHand(t *testing.T) {
	config, database := aDatabase(t)
	code, plan, stderr := run(t, "migrate", "--dry-run", "--config", config)
	if code != exitFine {
		t.Fatal(code, stderr)
	}
	for statement := range strings.SplitSeq(plan, ";\n") {
		in := database
		switch {
		case strings.TrimSpace(statement) == "" || strings.Contains(statement, "USE `"):
			continue
		case strings.Contains(statement, "CREATE DATABASE"):
			in = "system"
		}
		askIn(t, in, statement)
	}
	code, out, stderr := run(t, "migrate", "--config", config)
	if code != exitFine || !strings.HasSuffix(out, "is up to date\n") {
		t.Errorf("%d %s%s", code, out, stderr)
	}
}

func TestMigrateRefusesWhatIsNewerOrAltered(t *testing.T) {
	tests := []struct {
		name, sql string
		want      []string
	}{
		{"newer", "INSERT INTO schema_migrations (number, name, sha256) VALUES (9999, '9999_next', '')", []string{"it is at migration 9999_next", "update jitaudit"}},
		{"altered", "ALTER TABLE sessions_log MODIFY COLUMN mfa String", []string{"column sessions_log.mfa is String, our migrations make it LowCardinality(String)", "MODIFY COLUMN `mfa` LowCardinality(String)"}},
		{"a view that is gone", "DROP VIEW who_had_access", []string{"view who_had_access is missing", "--repair"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			config, database := aDatabase(t)
			if code, _, stderr := run(t, "migrate", "--config", config); code != exitFine {
				t.Fatal(stderr)
			}
			askIn(t, database, tt.sql)
			code, out, stderr := run(t, "migrate", "--config", config)
			if code != exitError || out != "" {
				t.Errorf("exit code %d, %q; want %d", code, out, exitError)
			}
			contains(t, stderr, append(tt.want, "Error: ", database)...)
		})
	}
}

func TestMigrateRepairs(t *testing.T) {
	config, database := aDatabase(t)
	if code, _, stderr := run(t, "migrate", "--config", config); code != exitFine {
		t.Fatal(stderr)
	}
	askIn(t, database, "DROP TABLE uses_log")
	code, out, stderr := run(t, "migrate", "--repair", "--config", config)
	if code != exitFine || !strings.HasSuffix(out, "is as it should be\n") {
		t.Fatal(code, out, stderr)
	}
	if got := askIn(t, database, "SELECT count() FROM uses"); got != "0\n" {
		t.Errorf("uses has %s", got)
	}
	code, _, stderr = run(t, "migrate", "--repair", "--dry-run", "--config", config)
	if code != exitUsage || !strings.Contains(stderr, "give one of them") {
		t.Error(code, stderr)
	}
}
