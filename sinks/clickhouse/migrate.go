package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	ddl "jitaudit/schemas/clickhouse"
	"jitaudit/sinks"
)

// The oldest server that we are for.
const oldestYear, oldestRelease = 24, 8

// Pending returns the migrations that the database lacks, in order, and changes
// nothing. It fails as Migrate does where the database is not to be migrated.
func (db *DB) Pending(ctx context.Context) ([]ddl.Migration, error) {
	version, err := db.version(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkVersion(db.cfg.Address(), version); err != nil {
		return nil, err
	}
	applied, err := db.applied(ctx)
	if err != nil {
		return nil, err
	}
	pending, err := db.pending(applied)
	if err != nil {
		return nil, err
	}
	return pending, db.unaltered(ctx, len(db.migrations)-len(pending), tablesOnly)
}

// Migrate makes the database if it is missing and applies the migrations that
// it lacks. Several may do so at once. It refuses, and changes nothing, if the
// database was migrated by a newer program, or by one whose migrations of the
// same number say something else, or if somebody has altered a table.
func (db *DB) Migrate(ctx context.Context) error {
	pending, err := db.Pending(ctx)
	if err != nil || len(pending) == 0 {
		return err
	}
	plan, err := db.plan(ctx, pending)
	if err != nil {
		return err
	}
	if err := db.carryOut(ctx, plan); err != nil {
		return err
	}
	return db.unaltered(ctx, len(db.migrations), tablesOnly)
}

// Repair runs all migrations again, which makes what is missing, empty: no
// statement minds what is there. It then fails where something differs still.
func (db *DB) Repair(ctx context.Context) error {
	if _, err := db.Pending(ctx); err != nil && !errors.Is(err, errAltered) {
		return err
	}
	plan, err := db.plan(ctx, db.migrations)
	if err != nil {
		return err
	}
	if err := db.carryOut(ctx, plan); err != nil {
		return err
	}
	return db.Check(ctx)
}

func (db *DB) carryOut(ctx context.Context, plan []Statement) error {
	for _, s := range plan {
		database := db.cfg.Database
		if s.outside {
			database = systemDatabase
		}
		if err := db.exec(ctx, database, s.Doing, s.SQL); err != nil {
			return err
		}
		if s.last != "" {
			db.log.Info("the schema of ClickHouse was changed", "database", db.cfg.Database, "migration", s.last)
		}
	}
	return nil
}

// systemDatabase is on every server; connections that do not need ours use it.
const systemDatabase = "system"

func (db *DB) exists(ctx context.Context) (bool, error) {
	c, err := db.conn(db.cfg.Database)
	if err != nil {
		return false, err
	}
	err = c.Exec(ctx, "SELECT 1")
	if hasCode(err, codeUnknownDatabase) {
		return false, nil
	}
	return err == nil, db.explain("look for the database", err)
}

// line is what the database remembers of a migration.
type line struct {
	number int
	name   string
	sha256 string
}

// applied returns what the database remembers, by number; nothing where it does
// not exist yet.
func (db *DB) applied(ctx context.Context) ([]line, error) {
	var out []line
	const sql = "SELECT toUInt32(number), name, sha256 FROM schema_migrations GROUP BY number, name, sha256 ORDER BY number"
	err := db.query(ctx, db.cfg.Database, "read which migrations it has seen", sql, func(rows driver.Rows) error {
		var n uint32
		var l line
		if err := rows.Scan(&n, &l.name, &l.sha256); err != nil {
			return err
		}
		l.number = int(n)
		out = append(out, l)
		return nil
	})
	if hasCode(err, codeUnknownDatabase) || hasCode(err, codeUnknownTable) {
		return nil, nil
	}
	return out, err
}

// pending compares what we have with what the database remembers.
func (db *DB) pending(applied []line) ([]ddl.Migration, error) {
	refuse := func(format string, args ...any) error {
		return sinks.Permanent(fmt.Errorf("migrate database %s of ClickHouse at %s: "+format,
			append([]any{db.cfg.Database, db.cfg.Address()}, args...)...))
	}
	seen := map[int]bool{}
	for _, l := range applied {
		if l.number > len(db.migrations) {
			return nil, refuse("it is at migration %s, this program ends at %04d: update jitaudit, or use another database",
				l.name, len(db.migrations))
		}
		m := db.migrations[l.number-1]
		if l.sha256 != m.Checksum() || l.name != m.Name {
			return nil, refuse("its migration %s (SHA-256 %.12s…) is another one than ours, %s (%.12s…): one of the two was edited after it was released; use the program that made the database, or another database",
				l.name, l.sha256, m.Name, m.Checksum())
		}
		seen[l.number] = true
	}
	for n := 1; n <= len(seen); n++ {
		if !seen[n] {
			return nil, refuse("it remembers later migrations but not %s: somebody deleted from schema_migrations; restore it, or use another database", db.migrations[n-1].Name)
		}
	}
	return db.migrations[len(seen):], nil
}

func (db *DB) version(ctx context.Context) (string, error) {
	var version string
	err := db.query(ctx, systemDatabase, "ask for the version", "SELECT version()", func(rows driver.Rows) error { return rows.Scan(&version) })
	return version, err
}

func checkVersion(address, version string) error {
	var year, release int
	if _, err := fmt.Sscanf(version, "%d.%d", &year, &release); err != nil {
		return sinks.Permanent(fmt.Errorf("read the version of ClickHouse at %s: %q is none", address, version))
	}
	if year < oldestYear || year == oldestYear && release < oldestRelease {
		return sinks.Permanent(fmt.Errorf("use ClickHouse at %s: it is version %s, and jitaudit needs %d.%d or later: update the server",
			address, version, oldestYear, oldestRelease))
	}
	return nil
}

func hasCode(err error, code int32) bool {
	var e *clickhouse.Exception
	return errors.As(err, &e) && e.Code == code
}

// literal is a string in SQL.
func literal(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
