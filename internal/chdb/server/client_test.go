package server_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"
)

// row has every type that the results are stored in.
type row struct {
	ID       string            `ch:"id"`
	At       time.Time         `ch:"at"`
	Person   string            `ch:"person"`
	Roles    []string          `ch:"roles"`
	Labels   map[string]string `ch:"labels"`
	Event    string            `ch:"event"`
	Severity string            `ch:"severity"`
	Ended    *time.Time        `ch:"ended"`
	Version  uint64            `ch:"version"`
	Deleted  uint8             `ch:"deleted"`
}

const createRows = `CREATE TABLE rows (
	id       String CODEC(ZSTD(3)),
	at       DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
	person   LowCardinality(String),
	roles    Array(LowCardinality(String)),
	labels   Map(String, String),
	event    UUID,
	severity Enum8('low' = 1, 'medium' = 2, 'high' = 3),
	ended    Nullable(DateTime64(3, 'UTC')),
	version  UInt64 CODEC(T64, LZ4),
	deleted  UInt8,
	INDEX by_event event TYPE bloom_filter GRANULARITY 4
) ENGINE = ReplacingMergeTree(version, deleted)
ORDER BY id PARTITION BY toYYYYMM(at) TTL toDateTime(at) + INTERVAL 20 YEAR`

func makeRows(n int) []row {
	rows := make([]row, n)
	start := time.Date(2026, 3, 29, 0, 59, 59, 0, time.UTC)
	for i := range rows {
		at := start.Add(time.Duration(i) * 137 * time.Millisecond)
		r := row{
			ID: fmt.Sprintf("id-%07d", i), At: at, Person: fmt.Sprintf("person%d@example.com", i%97), Roles: []string{"Admin", fmt.Sprint("Role", i%7)},
			Labels: map[string]string{"account": fmt.Sprint(i % 13), "žluť": "木"}, Event: fmt.Sprintf("%08x-0000-4000-8000-0123456789ab", i),
			Severity: []string{"low", "medium", "high"}[i%3], Version: uint64(i),
		}
		if i%2 == 0 {
			ended := at.Add(time.Hour)
			r.Ended = &ended
		}
		rows[i] = r
	}
	return rows
}

func send(ctx context.Context, conn driver.Conn, rows []row) error {
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO rows")
	if err != nil {
		return err
	}
	for i := range rows {
		if err := batch.AppendStruct(&rows[i]); err != nil {
			return err
		}
	}
	return batch.Send()
}

func receive(t testing.TB, conn driver.Conn, sql string) (rows []row) {
	t.Helper()
	got, err := conn.Query(context.Background(), sql)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	for got.Next() {
		var r row
		if err := got.ScanStruct(&r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	if err := got.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestABatchComesBackEqual(t *testing.T) {
	want := makeRows(100_000)
	for _, method := range []clickhouse.CompressionMethod{clickhouse.CompressionNone, clickhouse.CompressionLZ4, clickhouse.CompressionZSTD, clickhouse.CompressionGZIP} {
		t.Run(method.String(), func(t *testing.T) {
			conn := dial(t, func(o *clickhouse.Options) {
				o.Compression = &clickhouse.Compression{Method: method}
				if method == clickhouse.CompressionGZIP {
					o.Settings = clickhouse.Settings{"enable_http_compression": 1}
				}
			})
			rows := want
			if method != clickhouse.CompressionNone {
				rows = rows[:20_000]
			}
			exec(t, conn, createRows)
			if err := send(context.Background(), conn, rows); err != nil {
				t.Fatal(err)
			}
			got := receive(t, conn, "SELECT * FROM rows ORDER BY id")
			if len(got) != len(rows) {
				t.Fatalf("%d rows came back, want %d", len(got), len(rows))
			}
			for i := range rows {
				if !reflect.DeepEqual(got[i], rows[i]) {
					t.Fatalf("row %d differs:\n%s", i, cmp.Diff(rows[i], got[i]))
				}
			}
		})
	}
}

func TestTheLatestVersionReplacesAndDeletes(t *testing.T) {
	conn := dial(t, nil)
	exec(t, conn, createRows)
	rows := makeRows(3)
	for version := range 3 {
		for i := range rows {
			rows[i].Version = uint64(version)
			rows[i].Person = fmt.Sprint("version ", version)
			rows[i].Deleted = uint8(min(version/2, i%2)) // the second goes with the last version
		}
		if err := send(context.Background(), conn, rows); err != nil {
			t.Fatal(err)
		}
	}
	want := []row{rows[0], rows[2]}
	if diff := cmp.Diff(want, receive(t, conn, "SELECT * FROM rows FINAL ORDER BY id")); diff != "" {
		t.Errorf("with FINAL:\n%s", diff)
	}
}

func TestParametersAreBound(t *testing.T) {
	conn := dial(t, nil)
	hostile := `x'); DROP TABLE rows --\`
	var who string
	var n uint64
	var ids []string
	err := conn.QueryRow(context.Background(), "SELECT {who:String}, {n:UInt64} + 1, {ids:Array(String)}",
		clickhouse.Named("who", hostile), clickhouse.Named("n", "41"), clickhouse.Named("ids", []string{"a", "b'"})).Scan(&who, &n, &ids)
	if err != nil || who != hostile || n != 42 || !cmp.Equal(ids, []string{"a", "b'"}) {
		t.Errorf("got %q, %d, %q, %v", who, n, ids, err)
	}
	if got := one[string](t, conn, "SELECT ?", hostile); got != hostile {
		t.Errorf("got %q, want %q", got, hostile)
	}
	exec(t, conn, "CREATE TABLE p (s String) ENGINE = MergeTree ORDER BY s")
	exec(t, conn, "INSERT INTO p VALUES ({who:String}), (concat({who:String}, '!'))", clickhouse.Named("who", "ada"))
	if got := one[string](t, conn, "SELECT arrayStringConcat(arraySort(groupArray(s)), ' ') FROM p"); got != "ada ada!" {
		t.Errorf("inserted %q, want ada and ada!", got)
	}
}

func TestAsyncInsertsAreThereWhenTheyAreAcknowledged(t *testing.T) {
	conn := dial(t, nil)
	exec(t, conn, createRows)
	exec(t, conn, "CREATE TABLE numbers (n UInt64) ENGINE = MergeTree ORDER BY n")
	ctx := clickhouse.Context(context.Background(), clickhouse.WithAsync(true))
	if err := send(ctx, conn, makeRows(10)); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := conn.Exec(ctx, "INSERT INTO numbers VALUES (?)", i); err != nil {
			t.Fatal(err)
		}
	}
	if got := one[uint64](t, conn, "SELECT (SELECT count() FROM rows) * 100 + (SELECT count() FROM numbers)"); got != 1003 {
		t.Errorf("got %d, want 10 rows and 3 numbers", got)
	}
}

// brokenLate is a query that fails when much of its answer is out.
const brokenLate = "SELECT number, throwIf(number = 5000000, 'too many') FROM numbers(10000000) SETTINGS max_threads = 1"

func TestAnErrorCarriesItsCode(t *testing.T) {
	conn := dial(t, nil)
	exec(t, conn, createRows)
	tests := []struct {
		name string
		code int32
		run  func() error
	}{
		{"syntax", 62, func() error { return conn.Exec(context.Background(), "SELEC 1") }},
		{"unknown table", 60, func() error { return conn.Exec(context.Background(), "SELECT * FROM nothing") }},
		{"unknown setting", 115, func() error {
			return conn.Exec(clickhouse.Context(context.Background(), clickhouse.WithSettings(clickhouse.Settings{"no_such": 1})), "SELECT 1")
		}},
		{"two statements", 62, func() error { return conn.Exec(context.Background(), "SELECT 1; SELECT 2") }},
		{"while it is streamed", 395, func() error {
			rows, err := conn.Query(context.Background(), brokenLate)
			if err != nil {
				return err
			}
			defer rows.Close()
			n := 0
			for rows.Next() {
				n++
			}
			if n == 0 {
				t.Error("no row came before the error")
			}
			return rows.Err()
		}},
		{"while it is streamed in LZ4", 395, func() error {
			conn := dial(t, func(o *clickhouse.Options) {
				o.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
			})
			rows, err := conn.Query(context.Background(), brokenLate)
			if err != nil {
				return err
			}
			defer rows.Close()
			n := 0
			for rows.Next() {
				n++
			}
			if n == 0 {
				t.Error("no row came before the error")
			}
			return rows.Err()
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.run()
			var e *clickhouse.Exception
			if !errors.As(err, &e) || e.Code != tt.code {
				t.Errorf("got %v, want code %d", err, tt.code)
			}
		})
	}
}

func TestSettingsOfOneRequestAreNotSeenInTheNext(t *testing.T) {
	conn := dial(t, nil)
	const ask = "SELECT toUInt64(getSetting('max_block_size'))"
	ctx := clickhouse.Context(context.Background(), clickhouse.WithSettings(clickhouse.Settings{"max_block_size": 4711, "log_comment": "it's ours"}))
	var during uint64
	if err := conn.QueryRow(ctx, ask).Scan(&during); err != nil || during != 4711 {
		t.Errorf("got %d, %v, want 4711", during, err)
	}
	exec(t, conn, "SET max_block_size = 4712")
	exec(t, conn, "USE system")
	exec(t, conn, "CREATE TEMPORARY TABLE secret (a UInt8)")
	for range sessions * 2 {
		if got := one[uint64](t, conn, ask); got == 4711 || got == 4712 {
			t.Errorf("a later request has max_block_size %d", got)
		}
		if got := one[string](t, conn, "SELECT currentDatabase()"); got != t.Name() {
			t.Errorf("a later request is in database %s", got)
		}
		if err := conn.Exec(context.Background(), "SELECT * FROM secret"); err == nil {
			t.Error("a later request sees a temporary table")
		}
	}
}

func TestACancelledQueryFreesItsSessionInTime(t *testing.T) {
	conn := dial(t, nil)
	exec(t, conn, "CREATE TABLE sink (n UInt64) ENGINE = Null")
	const long = "SELECT number FROM numbers(1000000000000) WHERE sipHash64(number) = 1"
	for name, sql := range map[string]string{"streamed": long, "not streamed": "INSERT INTO sink " + long} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			go func() {
				awaitCount(t, conn, "SELECT count() FROM system.processes WHERE query LIKE '%sipHash64%' AND query NOT LIKE '%processes%'", 1)
				cancel()
			}()
			if err := conn.Exec(ctx, sql); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want the context's error", err)
			}
			start := time.Now()
			awaitCount(t, conn, "SELECT count() FROM system.processes WHERE query LIKE '%sipHash64%' AND query NOT LIKE '%processes%'", 0)
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("it ended %s after it was cancelled", took)
			}
		})
	}
}

func awaitCount(t testing.TB, conn driver.Conn, sql string, want uint64) {
	deadline := time.Now().Add(10 * time.Second)
	for {
		var got uint64
		if err := conn.QueryRow(context.Background(), sql).Scan(&got); err != nil {
			t.Error(err)
			return
		}
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("%s is %d, want %d", sql, got, want)
			return
		}
	}
}

func TestAnAnswerWithoutRowsIsNoError(t *testing.T) {
	conn := dial(t, nil)
	if got := receive(t, conn, "SELECT 'x' AS id FROM numbers(3) WHERE number > 5"); len(got) != 0 {
		t.Errorf("got %d rows, want none", len(got))
	}
}

func TestManyClientsShareFewSessions(t *testing.T) {
	conn := dial(t, func(o *clickhouse.Options) { o.MaxOpenConns = 4 * sessions })
	errs := make(chan error, 8*sessions)
	for i := range cap(errs) {
		go func() {
			var got uint64
			err := conn.QueryRow(context.Background(), "SELECT sum(number) + ? FROM numbers(100000)", i).Scan(&got)
			if want := uint64(4999950000 + i); err == nil && got != want {
				err = fmt.Errorf("got %d, want %d", got, want)
			}
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestTheWrongTokenIsRefused(t *testing.T) {
	address := address(t)
	for _, password := range []string{"", "wrong", token + "x"} {
		conn, err := clickhouse.Open(&clickhouse.Options{Protocol: clickhouse.HTTP, Addr: []string{address}, Auth: clickhouse.Auth{Username: "default", Password: password}})
		if err != nil {
			t.Fatal(err)
		}
		err = conn.Ping(context.Background())
		if err == nil || !strings.Contains(err.Error(), "516") && !strings.Contains(err.Error(), "194") {
			t.Errorf("password %q: got %v, want code 516 or 194", password, err)
		}
		conn.Close()
	}
}
