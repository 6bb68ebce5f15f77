package clickhouse

import (
	"cmp"
	flags "flag"
	"os"
	"slices"
	"strings"
	"testing"

	ddl "jitaudit/schemas/clickhouse"
	"jitaudit/schemas/topics"
	"jitaudit/sinks"
)

var update = flags.Bool("update", false, "write what the migrations make anew")

// parts is what a database has of ours after each of the migrations.
func parts(t *testing.T, levels []map[[2]string]string) (out []ddl.Part) {
	t.Helper()
	for i, have := range levels {
		number := i + 1
		for name, is := range have {
			p := ddl.Part{Table: name[0], Column: name[1], View: have[[2]string{name[0], ""}] == "View", Is: is, Since: number}
			if p.View {
				p.Is = ""
				if p.Column == "" {
					p.Is = "View"
				}
			}
			same := slices.IndexFunc(out, func(o ddl.Part) bool {
				return o.Table == p.Table && o.Column == p.Column && o.View == p.View && o.Is == p.Is && o.Until == 0
			})
			if same < 0 && p.Table != "schema_migrations" {
				out = append(out, p)
			}
		}
		for j := range out {
			p := &out[j]
			is, found := have[[2]string{p.Table, p.Column}]
			if p.Until == 0 && (!found || !p.View && is != p.Is) {
				p.Until = number - 1
			}
		}
	}
	slices.SortFunc(out, func(a, b ddl.Part) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Column, b.Column), a.Since-b.Since)
	})
	return out
}

func TestTheSchemaIsWhatTheMigrationsMake(t *testing.T) {
	db := open(t, config(t))
	all := db.migrations
	var levels []map[[2]string]string
	for n := range all {
		plan, err := db.plan(deadline(t), all[n:n+1])
		if err != nil {
			t.Fatal(err)
		}
		if err := db.carryOut(deadline(t), plan); err != nil {
			t.Fatal(err)
		}
		have, err := db.objects(deadline(t))
		if err != nil {
			t.Fatal(err)
		}
		levels = append(levels, have)
	}
	var text strings.Builder
	for _, p := range parts(t, levels) {
		text.WriteString(p.Line())
	}
	const file = "../../schemas/clickhouse/schema.tsv"
	if *update {
		if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	was, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(was) != text.String() {
		t.Errorf("schemas/clickhouse/schema.tsv is not what the migrations make: go test ./sinks/clickhouse -run %s -update", t.Name())
	}
}

// TestAlteredTablesAreRefused: whatever of ours somebody has altered is named
// with what to do, and nothing is written.
func TestAlteredTablesAreRefused(t *testing.T) {
	tests := []struct {
		name, sql string
		want      []string
	}{
		{"another type", "ALTER TABLE sessions_log MODIFY COLUMN start DateTime('UTC')",
			[]string{"column sessions_log.start is DateTime('UTC'), our migrations make it DateTime64(3, 'UTC')", "ALTER TABLE sessions_log MODIFY COLUMN `start` DateTime64(3, 'UTC')"}},
		{"a type that holds the same", "ALTER TABLE findings_log MODIFY COLUMN severity String", []string{"column findings_log.severity is String", "make it LowCardinality(String)"}},
		{"a column is gone", "DROP VIEW findings; DROP VIEW findings_all; ALTER TABLE findings_log DROP COLUMN why", []string{"column findings_log.why is missing (String)", "backup", "--repair"}},
		{"a table is gone", "DROP TABLE uses_log", []string{"table uses_log is missing", "backup", "--repair"}},
		{"another engine", "DROP TABLE triage_log; CREATE TABLE triage_log (id String, finding String, status LowCardinality(String), owner String, reason String, by String, at DateTime64(3, 'UTC'), exact String) ENGINE = MergeTree ORDER BY id",
			[]string{"table triage_log is MergeTree ORDER BY (id), our migrations make it ReplacingMergeTree ORDER BY (finding, id)", "rename it"}},
		{"a default is gone", "ALTER TABLE raw_events_log MODIFY COLUMN stored REMOVE DEFAULT", []string{"column raw_events_log.stored is DateTime('UTC'), our migrations make it DateTime('UTC') DEFAULT now()"}},
		{"many", "DROP TABLE uses_log; DROP TABLE coverage_log; DROP TABLE triage_log; DROP TABLE grants_log; DROP TABLE assumptions_log; DROP TABLE activity_log", []string{"and 1 more"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := migrated(t)
			for sql := range strings.SplitSeq(tt.sql, "; ") {
				ask(t, db, sql)
			}
			want := append([]string{"somebody has altered it", "waits in Kafka"}, tt.want...)
			refuses(t, db, want...)
			sentence(t, db.Check(deadline(t)), true, want...)
		})
	}
}

func TestWhatOthersAddHindersNobody(t *testing.T) {
	db := migrated(t)
	for _, sql := range []string{
		"CREATE TABLE theirs (a String) ENGINE = Memory",
		"ALTER TABLE sessions_log ADD COLUMN team String DEFAULT 'ours'",
		"ALTER TABLE activity_log MODIFY TTL toDateTime(at) + INTERVAL 20 YEAR",
		"ALTER TABLE findings_log ADD INDEX by_rule rule TYPE set(100)",
		"ALTER TABLE findings_log MODIFY COLUMN why CODEC(ZSTD(9))",
	} {
		ask(t, db, sql)
	}
	if err := db.Migrate(deadline(t)); err != nil {
		t.Error(err)
	}
	if err := db.Check(deadline(t)); err != nil {
		t.Error(err)
	}
	write(t, db, topics.Sessions, session("a", 1, nil))
	if got := ask(t, db, "SELECT id FROM sessions"); got != "a" {
		t.Errorf("got %q", got)
	}
}

// TestViewsMatterToWhoeverReadsThem: the sink needs none, and may not see any.
func TestViewsMatterToWhoeverReadsThem(t *testing.T) {
	db := migrated(t)
	ask(t, db, "DROP VIEW sessions")
	ask(t, db, "CREATE OR REPLACE VIEW triage AS SELECT finding FROM triage_log FINAL")
	if err := db.Migrate(deadline(t)); err != nil {
		t.Errorf("the sink does not start: %v", err)
	}
	sentence(t, db.Check(deadline(t)), true, "view sessions is missing", "view triage lacks column at", "--repair")
	if err := db.Repair(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if err := db.Check(deadline(t)); err != nil {
		t.Error(err)
	}
}

func TestRepairMakesWhatIsMissingAndLeavesTheRest(t *testing.T) {
	db := migrated(t)
	write(t, db, topics.Sessions, session("a", 1, nil))
	for _, sql := range []string{"DROP TABLE uses_log", "DROP VIEW sessions", "ALTER TABLE sessions_log DROP COLUMN ended_by"} {
		ask(t, db, sql)
	}
	refuses(t, db, "uses_log is missing", "sessions_log.ended_by is missing")
	if err := db.Repair(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(deadline(t)); err != nil {
		t.Error(err)
	}
	if got := ask(t, db, "SELECT id, ended_by FROM sessions"); got != "a " {
		t.Errorf("got %q", got)
	}
	ask(t, db, "ALTER TABLE sessions_log MODIFY COLUMN mfa String")
	sentence(t, db.Repair(deadline(t)), true, "column sessions_log.mfa is String")
}

// TestASinkRefusesAColumnThatIsAlteredMeanwhile: it stops for good, the batch is
// not lost, and once it is mended the batch is there.
func TestASinkRefusesAColumnThatIsAlteredMeanwhile(t *testing.T) {
	for name, sql := range map[string][2]string{
		"dropped":                    {"ALTER TABLE sessions_log DROP COLUMN chained.services", "ALTER TABLE sessions_log ADD COLUMN chained.services Array(Array(String)) CODEC(ZSTD(1))"},
		"a type that cannot hold it": {"ALTER TABLE sessions_log MODIFY COLUMN person_name UInt8", "ALTER TABLE sessions_log MODIFY COLUMN person_name String"},
	} {
		t.Run(name, func(t *testing.T) {
			db := migrated(t)
			ask(t, db, "DROP VIEW sessions")
			ask(t, db, sql[0])
			batch := []sinks.Record{{Topic: topics.Sessions, Value: session("a", 1, nil)}}
			_, err := NewSink(db).Write(deadline(t), batch)
			sentence(t, err, true, "sessions_log", "jitaudit migrate")
			if n := count(t, db, "SELECT count() FROM sessions_log"); n != 0 {
				t.Errorf("%d rows were written", n)
			}
			ask(t, db, sql[1])
			if err := db.Repair(deadline(t)); err != nil {
				t.Fatal(err)
			}
			if refused, err := NewSink(db).Write(deadline(t), batch); err != nil || len(refused) > 0 {
				t.Fatal(err, refused)
			}
			if got := ask(t, db, "SELECT id, person_name FROM sessions"); got != "a ada@example.com" {
				t.Errorf("got %q", got)
			}
		})
	}
}
