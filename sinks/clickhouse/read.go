package clickhouse

import (
	"context"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"jitaudit/schemas"
)

// Grants returns the grants that exist, by id. All that is read comes from the
// views: the latest version of each record, without those that were deleted,
// equal to what was published.
func (db *DB) Grants(ctx context.Context) ([]schemas.Grant, error) {
	return read(ctx, db, grantTable())
}

// Assumptions returns the assumptions that exist, by id.
func (db *DB) Assumptions(ctx context.Context) ([]schemas.Assumption, error) {
	return read(ctx, db, assumptionTable())
}

// Sessions returns the sessions that exist, by id.
func (db *DB) Sessions(ctx context.Context) ([]schemas.Session, error) {
	return read(ctx, db, sessionTable())
}

// Findings returns the findings that are open or resolved, by id.
func (db *DB) Findings(ctx context.Context) ([]schemas.Finding, error) {
	return read(ctx, db, findingTable())
}

// AllFindings returns all findings, those that were retracted too, by id.
func (db *DB) AllFindings(ctx context.Context) ([]schemas.Finding, error) {
	t := findingTable()
	t.view = "findings_all"
	return read(ctx, db, t)
}

// Uses returns the uses that exist, by id.
func (db *DB) Uses(ctx context.Context) ([]schemas.Use, error) { return read(ctx, db, useTable()) }

// Covered returns what each partition of the results has taken into account.
func (db *DB) Covered(ctx context.Context) ([]schemas.Covered, error) {
	return read(ctx, db, coveredTable())
}

// Coverage returns what all partitions have taken into account, by shard and
// time: outside of it the results do not know.
func (db *DB) Coverage(ctx context.Context) ([]schemas.Coverage, error) {
	var out []schemas.Coverage
	const sql = "SELECT shard, intervals.from, intervals.to, intervals.basis FROM coverage ARRAY JOIN intervals ORDER BY shard, intervals.from"
	err := db.query(ctx, db.cfg.Database, "read view coverage", sql, func(rows driver.Rows) error {
		var c schemas.Coverage
		var basis string
		if err := rows.Scan(&c.Shard, &c.From, &c.To, &basis); err != nil {
			return err
		}
		c.Basis = schemas.CoverageBasis(basis)
		out = append(out, c)
		return nil
	})
	return out, err
}

// ActivityCounts returns the counts of each session of which calls are known, by
// session.
func (db *DB) ActivityCounts(ctx context.Context) ([]schemas.ActivityCounts, error) {
	var out []schemas.ActivityCounts
	const sql = "SELECT session, calls, writes, denied, service_driven FROM activity_counts ORDER BY session"
	err := db.query(ctx, db.cfg.Database, "read view activity_counts", sql, func(rows driver.Rows) error {
		var c schemas.ActivityCounts
		var n [4]uint64
		if err := rows.Scan(&c.Session, &n[0], &n[1], &n[2], &n[3]); err != nil {
			return err
		}
		c.Calls, c.Writes, c.Denied, c.ServiceDriven = int(n[0]), int(n[1]), int(n[2]), int(n[3])
		out = append(out, c)
		return nil
	})
	return out, err
}

// Activity returns the calls of one session, by time and event id.
func (db *DB) Activity(ctx context.Context, session string) ([]schemas.Activity, error) {
	where := " WHERE use IN (SELECT key FROM uses WHERE session = " + literal(session) + ") ORDER BY at, event_id"
	return readRows(ctx, db, activityView, activityColumns(), where, (*activityRow).restore)
}

func read[T, R any](ctx context.Context, db *DB, t *table[T, R]) ([]T, error) {
	return readRows(ctx, db, t.view, t.shown(), " ORDER BY id", t.restore)
}

func readRows[T, R any](ctx context.Context, db *DB, view string, columns []column[R], rest string, restore func(*R) (T, error)) ([]T, error) {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = quote(c.name)
	}
	out := []T{}
	sql := "SELECT " + strings.Join(names, ", ") + " FROM " + view + rest
	dest := make([]any, len(columns))
	err := db.query(ctx, db.cfg.Database, "read view "+view, sql, func(rows driver.Rows) error {
		var r R
		for i, c := range columns {
			dest[i] = c.dest(&r)
		}
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		record, err := restore(&r)
		if err != nil {
			return err
		}
		out = append(out, record)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
