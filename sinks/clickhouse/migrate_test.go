package clickhouse

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	ddl "jitaudit/schemas/clickhouse"
	"jitaudit/sinks"
)

func names(list []ddl.Migration) []string {
	out := []string{}
	for _, m := range list {
		out = append(out, m.Name)
	}
	return out
}

func TestMigrations(t *testing.T) {
	ctx := deadline(t)
	cfg := config(t)
	db := open(t, cfg)
	all := names(db.migrations)

	pending, err := db.Pending(ctx)
	if err != nil || !slices.Equal(names(pending), all) {
		t.Fatalf("before there is a database %v, %v are pending; want all", names(pending), err)
	}
	if exists, err := db.exists(ctx); err != nil || exists {
		t.Fatalf("Pending has made the database (%t, %v)", exists, err)
	}

	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	if pending, err = db.Pending(ctx); err != nil || len(pending) > 0 {
		t.Fatalf("after all were applied %v, %v are pending", names(pending), err)
	}
	tables := ask(t, db, "SHOW TABLES")
	for _, name := range []string{
		"schema_migrations", "grants_log", "assumptions_log", "sessions_log", "findings_log", "uses_log", "coverage_log", "activity_log",
		"grants", "assumptions", "sessions", "findings", "findings_all", "uses", "coverage", "coverage_partitions", "activity", "session_activity", "activity_counts",
	} {
		if !slices.Contains(strings.Fields(tables), name) {
			t.Errorf("%s is missing", name)
		}
	}

	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, db, "SELECT groupArray(name) FROM (SELECT name FROM schema_migrations ORDER BY number)"); got != "["+strings.Join(all, " ")+"]" {
		t.Errorf("after a second run it remembers %s", got)
	}

	t.Run("whoever was stopped before it was noted does it again", func(t *testing.T) {
		ask(t, db, "DELETE FROM schema_migrations WHERE number > 1 SETTINGS mutations_sync = 1")
		if err := db.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
	})

	t.Run("a new one is applied to what is there", func(t *testing.T) {
		newer := open(t, cfg)
		newer.migrations = append(slices.Clone(newer.migrations), ddl.Migration{
			Number: len(all) + 1, Name: "9999_more",
			SQL: "-- A comment; with a semicolon\nALTER TABLE grants_log ADD COLUMN IF NOT EXISTS colour String;\n\n-- Another\nCREATE VIEW IF NOT EXISTS colours AS\n-- within\nSELECT colour FROM grants_log FINAL;\n",
		})
		if pending, err := newer.Pending(ctx); err != nil || !slices.Equal(names(pending), []string{"9999_more"}) {
			t.Fatalf("%v, %v are pending, want the new one", names(pending), err)
		}
		if err := newer.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
		if got := ask(t, newer, "SELECT count() FROM colours"); got != "0" {
			t.Errorf("the new view says %s", got)
		}
	})

	t.Run("an older program refuses a newer database", func(t *testing.T) {
		refuses(t, db, "it is at migration 9999_more", "update jitaudit")
	})

	t.Run("an altered migration is refused", func(t *testing.T) {
		altered := open(t, cfg)
		altered.migrations = slices.Clone(altered.migrations)
		altered.migrations[0].SQL += "\n"
		altered.migrations = append(altered.migrations, ddl.Migration{Number: len(all) + 1, Name: "9999_more"})
		refuses(t, altered, "0001_tables", "edited after it was released")
	})

	t.Run("a gap is refused", func(t *testing.T) {
		ask(t, db, fmt.Sprintf("DELETE FROM schema_migrations WHERE number IN (1, %d) SETTINGS mutations_sync = 1", len(all)+1))
		refuses(t, db, "remembers later migrations but not 0001_tables")
	})
}

// refuses wants one permanent sentence with all parts, of Pending and Migrate.
func refuses(t *testing.T, db *DB, parts ...string) {
	t.Helper()
	_, pendingErr := db.Pending(deadline(t))
	for _, err := range []error{pendingErr, db.Migrate(deadline(t))} {
		if err == nil {
			t.Fatal("it was not refused")
		}
		if !sinks.IsPermanent(err) {
			t.Errorf("%v is not permanent", err)
		}
		for _, p := range append(parts, db.cfg.Database) {
			if !strings.Contains(err.Error(), p) {
				t.Errorf("%q does not say %q", err, p)
			}
		}
	}
}

func TestTwoMigrateAtOnce(t *testing.T) {
	cfg := config(t)
	var g errgroup.Group
	for range 4 {
		db := open(t, cfg)
		g.Go(func() error { return db.Migrate(deadline(t)) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	db := open(t, cfg)
	if err := db.Migrate(deadline(t)); err != nil {
		t.Fatal(err)
	}
	write(t, db, "sessions", session("a", 1, nil))
	if got := ask(t, db, "SELECT id FROM sessions"); got != "a" {
		t.Errorf("got %q", got)
	}
}
