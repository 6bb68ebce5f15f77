package clickhouse

import (
	"regexp"
	"strings"
	"testing"

	ddl "jitaudit/schemas/clickhouse"
)

func TestOnCluster(t *testing.T) {
	tests := []struct{ name, sql, want string }{
		{"database", "CREATE DATABASE IF NOT EXISTS `audit`", "CREATE DATABASE IF NOT EXISTS `audit` ON CLUSTER 'c'"},
		{"table", "CREATE TABLE IF NOT EXISTS a\n(\n    id String\n)\nENGINE = ReplacingMergeTree(version, deleted)\nORDER BY id",
			"CREATE TABLE IF NOT EXISTS a ON CLUSTER 'c'\n(\n    id String\n)\nENGINE = ReplicatedReplacingMergeTree(version, deleted)\nORDER BY id"},
		{"table without parameters", "CREATE TABLE IF NOT EXISTS a (id String)\nENGINE = MergeTree\nORDER BY id",
			"CREATE TABLE IF NOT EXISTS a ON CLUSTER 'c' (id String)\nENGINE = ReplicatedMergeTree\nORDER BY id"},
		{"view", "CREATE OR REPLACE VIEW a AS\nSELECT 1", "CREATE OR REPLACE VIEW a ON CLUSTER 'c' AS\nSELECT 1"},
		{"view if there is none", "CREATE VIEW IF NOT EXISTS a AS SELECT 1", "CREATE VIEW IF NOT EXISTS a ON CLUSTER 'c' AS SELECT 1"},
		{"alter", "ALTER TABLE a\n    ADD COLUMN IF NOT EXISTS b String", "ALTER TABLE a ON CLUSTER 'c'\n    ADD COLUMN IF NOT EXISTS b String"},
		{"drop", "DROP TABLE IF EXISTS a", "DROP TABLE IF EXISTS a ON CLUSTER 'c'"},
		{"rows go to all by themselves", "INSERT INTO a SELECT * FROM b", "INSERT INTO a SELECT * FROM b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := onCluster(tt.sql, "c"); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	if got := onCluster("ALTER TABLE a DROP COLUMN b", "{cluster}"); got != "ALTER TABLE a ON CLUSTER '{cluster}' DROP COLUMN b" {
		t.Errorf("by a macro: %s", got)
	}
}

// TestTheMigrationsOfAClusterAreThoseOfAServer but for where they run and that
// tables are replicated, in the eyes of ClickHouse's own parser.
func TestTheMigrationsOfAClusterAreThoseOfAServer(t *testing.T) {
	cfg := config(t)
	db := open(t, cfg)
	alone, err := db.plan(deadline(t), db.migrations)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Cluster = "{cluster}"
	together := open(t, cfg)
	all, err := together.plan(deadline(t), db.migrations)
	if err != nil || len(all) != len(alone) || len(all) < 40 {
		t.Fatal(len(all), len(alone), err)
	}
	parser := migrated(t)
	format := func(sql string) string { return ask(t, parser, "SELECT formatQuery("+literal(sql)+")") }
	replicated, onAll := 0, 0
	for i, s := range all {
		if strings.HasPrefix(s.SQL, "INSERT") {
			if s.SQL != alone[i].SQL {
				t.Errorf("%s is altered", s.Doing)
			}
			continue
		}
		got, want := format(s.SQL), format(alone[i].SQL)
		if !strings.Contains(got, "ON CLUSTER `{cluster}`") {
			t.Errorf("%s does not run on the cluster: %s", s.Doing, got)
		}
		onAll++
		if strings.HasPrefix(got, "CREATE TABLE") {
			if !regexp.MustCompile(`(?m)^ENGINE = Replicated(Replacing)?MergeTree`).MatchString(got) {
				t.Errorf("%s is not replicated", s.Doing)
			}
			replicated++
		}
		got = strings.Replace(strings.ReplaceAll(got, " ON CLUSTER `{cluster}`", ""), "ENGINE = Replicated", "ENGINE = ", 1)
		if got != want {
			t.Errorf("%s:\n%s\nwithout cluster\n%s", s.Doing, got, want)
		}
	}
	if replicated < 12 || onAll < 40 {
		t.Errorf("%d tables are replicated, %d statements run on all servers", replicated, onAll)
	}
}

// TestReplicatedTablesAreOurs: what a cluster, or ClickHouse Cloud, makes of them is
// no alteration.
func TestReplicatedTablesAreOurs(t *testing.T) {
	want, err := ddl.Schema()
	if err != nil {
		t.Fatal(err)
	}
	have := map[[2]string]string{}
	for _, p := range want {
		have[[2]string{p.Table, p.Column}] = p.Is
	}
	last := 0
	for _, p := range want {
		last = max(last, p.Since)
	}
	for _, engine := range []string{"ReplacingMergeTree", "ReplicatedReplacingMergeTree", "SharedReplacingMergeTree"} {
		have[[2]string{"sessions_log", ""}] = tableIs(engine, "", "id")
		if wrong := differences(want, have, last, tablesAndViews); len(wrong) > 0 {
			t.Errorf("%s: %v", engine, wrong)
		}
	}
	have[[2]string{"sessions_log", ""}] = tableIs("ReplicatedMergeTree", "", "id")
	if wrong := differences(want, have, last, tablesOnly); len(wrong) != 1 {
		t.Errorf("an engine that replaces nothing: %v", wrong)
	}
}

func TestClustersHaveNames(t *testing.T) {
	for name, ok := range map[string]bool{"": true, "audit": true, "prod-eu.1": true, "{cluster}": true, "a b": false, "a'": false, "{": false, "a;": false} {
		if err := (Config{URL: "http://localhost", Cluster: name}).Validate(); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}
