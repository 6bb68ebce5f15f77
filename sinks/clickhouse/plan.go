package clickhouse

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	ddl "jitaudit/schemas/clickhouse"
)

// Statement is one that Migrate runs.
type Statement struct {
	// Migration is the name of the one that it belongs to, empty for what goes
	// before; Doing says what it does.
	Migration, Doing string
	// SQL is without a semicolon, and for a client whose database is ours.
	SQL string

	outside bool   // the database is not there yet
	last    string // the migration that is done with it
}

// ledgerTable remembers which migrations a database has seen. Two that start
// at once may both write a line, and they are equal.
const ledgerTable = "CREATE TABLE IF NOT EXISTS schema_migrations (" +
	"number UInt32, name String, sha256 String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))\n" +
	"ENGINE = MergeTree\nORDER BY number"

// Plan returns what Migrate would run, in order, and runs nothing; it is empty
// where nothing is pending. It fails as Migrate does.
func (db *DB) Plan(ctx context.Context) ([]Statement, error) {
	pending, err := db.Pending(ctx)
	if err != nil || len(pending) == 0 {
		return nil, err
	}
	return db.plan(ctx, pending)
}

// plan notes a migration after its last statement. Whoever is stopped in between
// does it again: no statement minds.
func (db *DB) plan(ctx context.Context, migrations []ddl.Migration) ([]Statement, error) {
	var out []Statement
	exists, err := db.exists(ctx)
	if err != nil {
		return nil, err
	}
	if !exists { // who may not make it, may have it made by somebody else
		out = append(out, Statement{Doing: "make the database", SQL: "CREATE DATABASE IF NOT EXISTS " + quote(db.cfg.Database), outside: true})
	}
	out = append(out, Statement{Doing: "make table schema_migrations", SQL: ledgerTable})
	for _, m := range migrations {
		for _, sql := range m.Statements() {
			first, _, _ := strings.Cut(sql, "\n")
			out = append(out, Statement{Migration: m.Name, Doing: "migrate by " + m.Name + " (" + first + ")", SQL: sql})
		}
		out = append(out, Statement{
			Migration: m.Name, Doing: "note migration " + m.Name, last: m.Name,
			SQL: fmt.Sprintf("INSERT INTO schema_migrations (number, name, sha256) SELECT %s, %s, %s", strconv.Itoa(m.Number), literal(m.Name), literal(m.Checksum())),
		})
	}
	if db.cfg.Cluster != "" {
		for i := range out {
			out[i].SQL = onCluster(out[i].SQL, db.cfg.Cluster)
		}
	}
	return out, nil
}

// What statements begin with that make or change something, and their engines.
func objects() *regexp.Regexp {
	return regexp.MustCompile("^(CREATE DATABASE IF NOT EXISTS `[^`]+`|(?:CREATE (?:TABLE|VIEW) IF NOT EXISTS|CREATE OR REPLACE VIEW|ALTER TABLE|DROP (?:TABLE|VIEW) IF EXISTS) [A-Za-z0-9_]+)")
}

func engines() *regexp.Regexp { return regexp.MustCompile(`(?m)^ENGINE = ([A-Za-z]*MergeTree)`) }

// onCluster is a statement for all servers of a cluster, with tables that they
// replicate. Where in Keeper that is, the server's default_replica_path says.
func onCluster(sql, cluster string) string {
	sql = objects().ReplaceAllString(sql, "${1} ON CLUSTER "+strings.ReplaceAll(literal(cluster), "$", "$$"))
	return engines().ReplaceAllString(sql, "ENGINE = Replicated${1}")
}
