package clickhouse

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// KeepRaw sees to it that raw events, and the bytes of dead letters, go so long
// after they were put here; whole seconds. It alters the tables only where they
// say another time, which takes the right ALTER TTL and ALTER MODIFY COLUMN, and
// the server some work.
func (db *DB) KeepRaw(ctx context.Context, ttl time.Duration) error {
	if ttl < time.Second {
		return fmt.Errorf("keep raw events for %s: want a second or more", ttl)
	}
	interval := " + toIntervalSecond(" + strconv.FormatInt(int64(ttl/time.Second), 10) + ")"
	for _, k := range []struct{ table, from, alter string }{
		{rawLog, "stored", "MODIFY TTL stored"},
		{lettersLog, "toDateTime(observed)", "MODIFY COLUMN raw TTL toDateTime(observed)"},
	} {
		kept, err := db.kept(ctx, k.table, k.from)
		if err != nil {
			return err
		}
		if kept == ttl.Truncate(time.Second) {
			continue
		}
		sql := "ALTER TABLE " + k.table + " " + k.alter + interval
		if db.cfg.Cluster != "" {
			sql = onCluster(sql, db.cfg.Cluster)
		}
		if err := db.exec(ctx, db.cfg.Database, "change for how long "+k.table+" is kept", sql); err != nil {
			return err
		}
		db.log.Info("ClickHouse keeps raw events for another time", "database", db.cfg.Database, "table", k.table, "for", ttl, "before", kept)
	}
	return nil
}

// kept is the TTL of a table, or of a column of it; 0 where there is none, or one
// that we do not write.
func (db *DB) kept(ctx context.Context, table, from string) (time.Duration, error) {
	var definition string
	sql := "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = " + literal(table)
	err := db.query(ctx, db.cfg.Database, "read for how long "+table+" is kept", sql, func(rows driver.Rows) error { return rows.Scan(&definition) })
	if err != nil {
		return 0, err
	}
	m := regexp.MustCompile(` TTL `+regexp.QuoteMeta(from)+` \+ toInterval(Second|Day)\((\d+)\)`).FindAllStringSubmatch(definition, -1)
	if len(m) != 1 || strings.Count(definition, " TTL ") != 1 {
		return 0, nil
	}
	unit := "s"
	if m[0][1] == "Day" {
		unit = "d"
	}
	return lengthOf(m[0][2], unit), nil
}

// lengthOf is so many seconds or days; 0 for more than we write.
func lengthOf(count, unit string) time.Duration {
	n, err := strconv.ParseInt(count, 10, 32)
	if err != nil {
		return 0
	}
	if unit == "d" {
		return time.Duration(n) * 24 * time.Hour
	}
	return time.Duration(n) * time.Second
}
