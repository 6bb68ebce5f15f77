package chdb_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"go.uber.org/goleak"

	"jitaudit/internal/chdb"
	"jitaudit/internal/chdb/chdbtest"
)

var shared chdbtest.Shared

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == parentVerb {
		os.Exit(parent(os.Args[2]))
	}
	os.Exit(shared.Run(m, func() error { return goleak.Find() }))
}

// parentVerb makes this test's program a parent that a test can kill.
const parentVerb = "parent-of-a-test"

// family is what a parent tells of itself.
type family struct {
	Child int
	Addr  string
	Token string
	Error string
}

func parent(dir string) int {
	lib, err := chdbtest.Library()
	var f family
	if err == nil {
		var s *chdb.Server
		if s, err = chdb.Start(context.Background(), chdb.Config{Path: dir, Library: lib}); err == nil {
			defer s.Close()
			f = family{Child: s.PID(), Addr: s.Addr(), Token: s.Token()}
		}
	}
	if err != nil {
		f.Error = err.Error()
	}
	if err := json.NewEncoder(os.Stdout).Encode(f); err != nil {
		return 1
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// start starts a server of its own for a test, with what change makes of its
// configuration.
func start(t testing.TB, dir string, change func(*chdb.Config)) *chdb.Server {
	t.Helper()
	s, err := chdb.Start(context.Background(), config(t, dir, change))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func config(t testing.TB, dir string, change func(*chdb.Config)) chdb.Config {
	t.Helper()
	lib, err := chdbtest.Library()
	if err != nil {
		t.Skip("no libchdb: ", err)
	}
	c := chdb.Config{Path: dir, Library: lib}
	if change != nil {
		change(&c)
	}
	return c
}

func dial(t testing.TB, addr, token string) driver.Conn {
	t.Helper()
	conn, err := clickhouse.Open(&clickhouse.Options{
		Protocol: clickhouse.HTTP, Addr: []string{addr}, Auth: clickhouse.Auth{Username: chdb.User, Password: token},
		Compression: &clickhouse.Compression{Method: clickhouse.CompressionLZ4}, DialTimeout: 5 * time.Second, ReadTimeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func run(t testing.TB, conn driver.Conn, sql string) {
	t.Helper()
	if err := conn.Exec(context.Background(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func number(t testing.TB, conn driver.Conn, sql string) (n uint64) {
	t.Helper()
	if err := conn.QueryRow(context.Background(), sql).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

func insert(conn driver.Conn, from, n int) error {
	batch, err := conn.PrepareBatch(context.Background(), "INSERT INTO acknowledged")
	if err != nil {
		return err
	}
	for i := range n {
		if err := batch.Append(uint64(from+i), fmt.Sprintf("row %d of somebody@example.com", from+i)); err != nil {
			return err
		}
	}
	return batch.Send()
}

const createAcknowledged = "CREATE TABLE IF NOT EXISTS acknowledged (n UInt64, s String) ENGINE = ReplacingMergeTree ORDER BY n"
