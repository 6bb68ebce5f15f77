package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	ddl "jitaudit/schemas/clickhouse"
	"jitaudit/sinks"
)

// errAltered marks what Repair may mend.
var errAltered = errors.New("altered")

// scope is what is compared. Who may only insert does not see the views.
type scope int

const (
	tablesOnly scope = iota
	tablesAndViews
)

// Check compares tables and views with what the migrations make that the database
// has seen, and says exactly what differs. What was added by hand it leaves be:
// columns, indexes, TTLs and tables of others do not hinder us.
func (db *DB) Check(ctx context.Context) error {
	applied, err := db.applied(ctx)
	if err != nil {
		return err
	}
	pending, err := db.pending(applied)
	if err != nil {
		return err
	}
	return db.unaltered(ctx, len(db.migrations)-len(pending), tablesAndViews)
}

// unaltered is permanent, and errAltered, where something differs from what
// migrations up to one make.
func (db *DB) unaltered(ctx context.Context, migration int, what scope) error {
	if migration == 0 {
		return nil
	}
	want, err := ddl.Schema()
	if err != nil {
		return err
	}
	have, err := db.objects(ctx)
	if err != nil {
		return err
	}
	wrong := differences(want, have, migration, what)
	if len(wrong) == 0 {
		return nil
	}
	const most = 5
	more := ""
	if n := len(wrong) - most; n > 0 {
		wrong, more = wrong[:most], fmt.Sprintf("; and %d more", n)
	}
	return sinks.Permanent(&altered{fmt.Sprintf(
		"compare database %s of ClickHouse at %s with what our migrations make: somebody has altered it: %s%s; mend that and start again; nothing was written, what is new waits in Kafka",
		db.cfg.Database, db.cfg.Address(), strings.Join(wrong, "; "), more)})
}

type altered struct{ text string }

func (a *altered) Error() string { return a.text }

// Is makes errors.Is find errAltered.
func (a *altered) Is(target error) bool { return target == errAltered }

// objects is what the server says of tables, views and columns, by both names.
func (db *DB) objects(ctx context.Context) (map[[2]string]string, error) {
	out := map[[2]string]string{}
	read := func(sql string, each func(rows driver.Rows) error) error {
		return db.query(ctx, db.cfg.Database, "read what tables it has", sql, each)
	}
	err := read("SELECT name, engine, partition_key, sorting_key FROM system.tables WHERE database = currentDatabase()", func(rows driver.Rows) error {
		var name, engine, partition, sorting string
		if err := rows.Scan(&name, &engine, &partition, &sorting); err != nil {
			return err
		}
		out[[2]string{name, ""}] = tableIs(engine, partition, sorting)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, read("SELECT table, name, type || if(default_kind = '', '', ' ' || default_kind || ' ' || default_expression) FROM system.columns WHERE database = currentDatabase()", func(rows driver.Rows) error {
		var table, name, typ string
		if err := rows.Scan(&table, &name, &typ); err != nil {
			return err
		}
		out[[2]string{table, name}] = typ
		return nil
	})
}

// tableIs sums a table up. Whether a server replicates it does not matter.
func tableIs(engine, partition, sorting string) string {
	engine = regexp.MustCompile(`^(Replicated|Shared)`).ReplaceAllString(engine, "")
	if engine == "View" {
		return engine
	}
	out := engine + " ORDER BY (" + sorting + ")"
	if partition != "" {
		out += " PARTITION BY " + partition
	}
	return out
}

// differences says what is missing or other than it was after a migration. What a
// later one makes of it is right, too: one may have been stopped within.
func differences(want []ddl.Part, have map[[2]string]string, migration int, what scope) (wrong []string) {
	later := map[[3]string]bool{}
	for _, p := range want {
		if p.Since > migration {
			later[[3]string{p.Table, p.Column, p.Is}] = true
		}
	}
	missing := map[string]bool{}
	for _, p := range want {
		if !p.Holds(migration) || p.View && what == tablesOnly || missing[p.Table] {
			continue
		}
		is, found := have[[2]string{p.Table, p.Column}]
		if found && (is == p.Is || later[[3]string{p.Table, p.Column, is}] || p.View && p.Column != "") {
			continue
		}
		if p.Column == "" {
			missing[p.Table] = !found
		}
		wrong = append(wrong, difference(&p, is, found))
	}
	return wrong
}

// difference says what is wrong with a part, and what to do.
func difference(p *ddl.Part, is string, found bool) string {
	const repair = "`jitaudit migrate --repair`"
	switch {
	case p.View && found && p.Column == "":
		return fmt.Sprintf("%s is %s, not a view: rename it, then run %s", p.Table, is, repair)
	case p.View && p.Column == "":
		return fmt.Sprintf("view %s is missing: run %s, which makes it", p.Table, repair)
	case p.View:
		return fmt.Sprintf("view %s lacks column %s: run %s, which makes it anew", p.Table, p.Column, repair)
	case p.Column == "" && !found:
		return fmt.Sprintf("table %s is missing: restore it from a backup, or run %s, which makes it anew and empty", p.Table, repair)
	case p.Column == "":
		return fmt.Sprintf("table %s is %s, our migrations make it %s: rename it, run %s, and copy the rows into the new one", p.Table, is, p.Is, repair)
	case !found:
		return fmt.Sprintf("column %s.%s is missing (%s): restore the table from a backup, or run %s, which adds it, empty in the rows that are there", p.Table, p.Column, p.Is, repair)
	}
	return fmt.Sprintf("column %s.%s is %s, our migrations make it %s: run ALTER TABLE %s MODIFY COLUMN %s %s", p.Table, p.Column, is, p.Is, p.Table, quote(p.Column), p.Is)
}
