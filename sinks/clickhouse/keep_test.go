package clickhouse

import (
	"strings"
	"testing"
	"time"

	"jitaudit/schemas"
	"jitaudit/schemas/topics"
	"jitaudit/sinks"
)

const aDay = 24 * time.Hour

func definitions(t *testing.T, db *DB) string {
	t.Helper()
	return ask(t, db, "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name IN ('raw_events_log', 'dead_letters_log') ORDER BY name")
}

func TestRawEventsAreKeptForAsLongAsItIsSaid(t *testing.T) {
	db := migrated(t)
	keep := func(ttl time.Duration) {
		t.Helper()
		if err := db.KeepRaw(deadline(t), ttl); err != nil {
			t.Fatal(err)
		}
	}
	before := definitions(t, db)
	keep(90 * aDay) // as the migrations make it
	if got := definitions(t, db); got != before {
		t.Errorf("altered without need:\n%s", got)
	}
	// What is 60 days old goes when 45 are kept, and what is 30 days old stays.
	row := rawRow{source: "okta", shard: "okta/example", kind: "event", at: someDay(), value: "{}"}
	stored := instant("stored", func(r *rawRow) *time.Time { return &r.at })
	for i, age := range []int{60, 30} {
		row.id, row.at = string(rune('a'+i)), time.Now().UTC().AddDate(0, 0, -age).Truncate(time.Second)
		stored.wire = "DateTime('UTC')"
		if err := insert(deadline(t), db, rawLog, append(rawColumns(), stored), []rawRow{row}); err != nil {
			t.Fatal(err)
		}
		l := letter(schemas.Okta, "raw.okta/0", int64(i), "no JSON", "{")
		if _, err := NewSink(db).Write(deadline(t), []sinks.Record{{Topic: topics.DeadLetters, Value: encode(t, &l), Time: row.at}}); err != nil {
			t.Fatal(err)
		}
	}
	keep(45 * aDay)
	now := definitions(t, db)
	if strings.Count(now, "toIntervalSecond(3888000)") != 2 || strings.Contains(now, "toIntervalDay(90)") {
		t.Errorf("got\n%s", now)
	}
	keep(45 * aDay)
	if got := definitions(t, db); got != now {
		t.Errorf("altered again:\n%s", got)
	}
	for _, table := range []string{rawLog, lettersLog} {
		ask(t, db, "OPTIMIZE TABLE "+table+" FINAL")
	}
	if got := ask(t, db, "SELECT groupArray(id) FROM raw_events"); got != "[b]" {
		t.Errorf("raw events %s are kept", got)
	}
	if got := ask(t, db, "SELECT record, raw FROM dead_letters ORDER BY record"); got != "0 \n1 {" {
		t.Errorf("letters:\n%s", got)
	}
	if err := db.Check(deadline(t)); err != nil {
		t.Errorf("our own change looks like somebody's: %v", err)
	}
	ask(t, db, "ALTER TABLE raw_events_log MODIFY TTL stored + INTERVAL 7 WEEK")
	keep(90 * aDay)
	if got := definitions(t, db); strings.Count(got, "toIntervalSecond(7776000)") != 2 {
		t.Errorf("got\n%s", got)
	}
	if err := db.KeepRaw(deadline(t), 0); err == nil {
		t.Error("it keeps nothing")
	}
}
