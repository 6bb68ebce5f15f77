// Package clickhouse puts the results of jitaudit into ClickHouse and reads
// them back. The tables and views are those of schemas/clickhouse;
// docs/clickhouse.md describes them.
package clickhouse

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	ddl "jitaudit/schemas/clickhouse"
)

// DB is jitaudit's database in a ClickHouse server. It may be used by many
// goroutines. Errors are one sentence, with what to do; those that trying again
// will not mend are marked by sinks.Permanent, and none holds the password.
type DB struct {
	cfg        Config
	log        *slog.Logger
	migrations []ddl.Migration

	mu        sync.Mutex
	open      map[string]driver.Conn // by the database they are for
	transport *http.Transport
}

// New returns the database that cfg names. It connects to nothing and reads no
// file: that happens when it is first used.
func New(cfg Config, log *slog.Logger) (*DB, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	migrations, err := ddl.Migrations()
	if err != nil {
		return nil, err
	}
	return &DB{cfg: cfg, log: log, migrations: migrations, open: map[string]driver.Conn{}}, nil
}

// Ping asks whether the server answers, and lets us in.
func (db *DB) Ping(ctx context.Context) error {
	_, err := db.version(ctx)
	return err
}

// Close closes all connections.
func (db *DB) Close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	var failed error
	for name, c := range db.open {
		if err := c.Close(); err != nil && failed == nil {
			failed = fmt.Errorf("close the connections to ClickHouse at %s: %w", db.cfg.Address(), err)
		}
		delete(db.open, name)
	}
	if db.transport != nil {
		db.transport.CloseIdleConnections()
	}
	return failed
}

// conn is a pool of connections for which database is the current one.
func (db *DB) conn(database string) (driver.Conn, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if c := db.open[database]; c != nil {
		return c, nil
	}
	options, err := db.cfg.options(database)
	if err != nil {
		return nil, err
	}
	options.TransportFunc = db.share
	c, err := clickhouse.Open(options)
	if err != nil {
		return nil, db.explain("connect", err)
	}
	db.open[database] = c
	return c, nil
}

// share gives all connections one transport. clickhouse-go would make one for
// each and, where the server turns it away, forget it with a socket open.
func (db *DB) share(t *http.Transport) (http.RoundTripper, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.transport == nil {
		t.MaxIdleConns, t.MaxIdleConnsPerHost = connections, connections
		db.transport = t
	}
	return roundTripper{db.transport}, nil
}

// roundTripper has nothing but RoundTrip, so that no connection closes what the
// others use.
type roundTripper struct{ http.RoundTripper }

// exec runs a statement that returns nothing.
func (db *DB) exec(ctx context.Context, database, doing, sql string, args ...any) error {
	c, err := db.conn(database)
	if err != nil {
		return err
	}
	return db.explain(doing, c.Exec(ctx, sql, args...))
}

// query calls each for every row of an answer.
func (db *DB) query(ctx context.Context, database, doing, sql string, each func(driver.Rows) error) (err error) {
	c, err := db.conn(database)
	if err != nil {
		return err
	}
	rows, err := c.Query(ctx, sql)
	if err != nil {
		return db.explain(doing, err)
	}
	defer func() {
		if closed := rows.Close(); err == nil {
			err = db.explain(doing, closed)
		}
	}()
	for rows.Next() {
		if err := each(rows); err != nil {
			return db.explain(doing, err)
		}
	}
	return db.explain(doing, rows.Err())
}

// insert adds rows to a table, in one block.
func insert[R any](ctx context.Context, db *DB, table string, columns []column[R], rows []R) error {
	if len(rows) == 0 {
		return nil
	}
	doing := fmt.Sprintf("insert %d rows into %s", len(rows), table)
	c, err := db.conn(db.cfg.Database)
	if err != nil {
		return err
	}
	names := make([]string, len(columns))
	types := make([]clickhouse.ColumnNameAndType, len(columns))
	for i, col := range columns {
		names[i] = quote(col.name)
		types[i] = clickhouse.ColumnNameAndType{Name: col.name, Type: col.wire}
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithColumnNamesAndTypes(types), clickhouse.WithSettings(insertSettings()))
	batch, err := c.PrepareBatch(ctx, "INSERT INTO "+quote(table)+" ("+strings.Join(names, ", ")+")")
	if err != nil {
		return db.explain(doing, err)
	}
	defer batch.Close() // gives the connection back if nothing was sent
	for i, col := range columns {
		if err := batch.Column(i).Append(col.values(rows)); err != nil {
			return db.explain(doing, fmt.Errorf("column %s: %w", col.name, err))
		}
	}
	return db.explain(doing, batch.Send())
}

// insertSettings: an insert is acknowledged when it is stored; and old events
// that come in late may lie in any number of months.
func insertSettings() clickhouse.Settings {
	return clickhouse.Settings{"async_insert": 0, "max_partitions_per_insert_block": 0}
}

func quote(name string) string { return "`" + name + "`" }
