package clickhouse

import (
	"context"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"jitaudit/schemas"
)

// SessionsByID returns those sessions of some ids that exist.
func (db *DB) SessionsByID(ctx context.Context, ids ...string) ([]schemas.Session, error) {
	return readSome(ctx, db, sessionTable(), "id", ids)
}

// FindingsByID returns those findings of some ids that were ever published, the
// retracted ones too.
func (db *DB) FindingsByID(ctx context.Context, ids ...string) ([]schemas.Finding, error) {
	t := findingTable()
	t.view = "findings_all"
	return readSome(ctx, db, t, "id", ids)
}

// FindingsOf returns the findings, open or resolved, that are about a session or
// about one of some grants.
func (db *DB) FindingsOf(ctx context.Context, session string, grants []string) ([]schemas.Finding, error) {
	var about []schemas.Finding
	if session != "" {
		found, err := readSome(ctx, db, findingTable(), "session", []string{session})
		if err != nil {
			return nil, err
		}
		about = found
	}
	found, err := readSome(ctx, db, findingTable(), "grant", grants)
	for _, f := range found {
		if f.Session == "" {
			about = append(about, f)
		}
	}
	return about, err
}

// BecameOf returns the session that another one has become part of; "" where there
// is none.
func (db *DB) BecameOf(ctx context.Context, session string) (became string, err error) {
	sql := "SELECT argMax(superseded_by, version) FROM sessions_log WHERE id = " + literal(session)
	err = db.query(ctx, db.cfg.Database, "read table sessions_log", sql, func(rows driver.Rows) error { return rows.Scan(&became) })
	return became, err
}

// GrantsByID returns those grants of some ids that exist.
func (db *DB) GrantsByID(ctx context.Context, ids ...string) ([]schemas.Grant, error) {
	return readSome(ctx, db, grantTable(), "id", ids)
}

// AssumptionsOf returns the assumptions of a session.
func (db *DB) AssumptionsOf(ctx context.Context, session string) ([]schemas.Assumption, error) {
	return readSome(ctx, db, assumptionTable(), "session", []string{session})
}

// TriageOf returns all decisions about some findings, by finding and time.
func (db *DB) TriageOf(ctx context.Context, findings ...string) ([]schemas.Triage, error) {
	if len(findings) == 0 {
		return nil, nil
	}
	return readRows(ctx, db, triageView, triageColumns(), " WHERE finding IN ("+literals(findings)+") ORDER BY finding, at, id", (*triageRow).restore)
}

// ActivityCountsOf returns the counts of one session; zero where no call is known.
func (db *DB) ActivityCountsOf(ctx context.Context, session string) (schemas.ActivityCounts, error) {
	c := schemas.ActivityCounts{Session: session}
	sql := "SELECT calls, writes, denied, service_driven FROM activity_counts WHERE session = " + literal(session)
	err := db.query(ctx, db.cfg.Database, "read view activity_counts", sql, func(rows driver.Rows) error {
		var n [4]uint64
		if err := rows.Scan(&n[0], &n[1], &n[2], &n[3]); err != nil {
			return err
		}
		c.Calls, c.Writes, c.Denied, c.ServiceDriven = int(n[0]), int(n[1]), int(n[2]), int(n[3])
		return nil
	})
	return c, err
}

// CallsOf returns those calls of a session whose events have some ids, by time.
func (db *DB) CallsOf(ctx context.Context, session string, events []string) ([]schemas.Activity, error) {
	if len(events) == 0 {
		return nil, nil
	}
	where := " WHERE use IN (SELECT key FROM uses WHERE session = " + literal(session) + ") AND event_id IN (" + literals(events) + ") ORDER BY at, event_id"
	return readRows(ctx, db, activityView, activityColumns(), where, (*activityRow).restore)
}

func readSome[T, R any](ctx context.Context, db *DB, t *table[T, R], column string, values []string) ([]T, error) {
	if len(values) == 0 {
		return nil, nil
	}
	return readRows(ctx, db, t.view, t.shown(), " WHERE "+quote(column)+" IN ("+literals(values)+") ORDER BY id", t.restore)
}

func literals(values []string) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = literal(v)
	}
	return strings.Join(out, ", ")
}
