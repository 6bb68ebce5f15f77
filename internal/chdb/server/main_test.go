package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"go.uber.org/goleak"

	"jitaudit/internal/chdb/chdbtest"
	"jitaudit/internal/chdb/engine"
	"jitaudit/internal/chdb/server"
)

const token = "a-token-of-the-tests"

// shared is the server of all tests of this package: a process has one engine.
var shared struct {
	engine *engine.Engine
	http   *httptest.Server
	why    error // there is none
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	path, err := os.MkdirTemp("", "jitaudit-server-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(path) }()
	stop, err := start(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := errors.Join(stop(), goleak.Find()); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func start(path string) (stop func() error, err error) {
	lib, err := chdbtest.Library()
	if err != nil {
		shared.why = err
		return func() error { return nil }, nil //nolint:nilerr // the tests are skipped and say why
	}
	shared.engine, err = engine.Open(engine.Config{Library: lib, Path: path, Sessions: sessions})
	if err != nil {
		return nil, err
	}
	h, err := server.New(server.Config{Engine: shared.engine, Token: token, Database: "default", Wait: time.Second})
	if err != nil {
		return nil, err
	}
	shared.http = httptest.NewServer(h)
	return func() error {
		shared.http.Close()
		return shared.engine.Close(context.Background())
	}, nil
}

const sessions = 4

var sessionConfig = engine.SessionConfig{}

// address is where the server is, without http://.
func address(t testing.TB) string {
	t.Helper()
	if shared.http == nil {
		t.Skip("no libchdb: ", shared.why)
	}
	return strings.TrimPrefix(shared.http.URL, "http://")
}

// dial connects with clickhouse-go, in a database made for the test.
func dial(t testing.TB, change func(*clickhouse.Options)) driver.Conn {
	t.Helper()
	database := strings.NewReplacer("/", "_", "#", "_", " ", "_").Replace(t.Name())
	o := &clickhouse.Options{
		Protocol: clickhouse.HTTP,
		Addr:     []string{address(t)},
		Auth:     clickhouse.Auth{Username: server.User, Password: token},
	}
	open := func() driver.Conn {
		conn, err := clickhouse.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	admin := open()
	exec(t, admin, "CREATE DATABASE IF NOT EXISTS "+engine.QuoteName(database))
	t.Cleanup(func() { exec(t, admin, "DROP DATABASE IF EXISTS "+engine.QuoteName(database)) })
	o.Auth.Database = database
	if change != nil {
		change(o)
	}
	return open()
}

func exec(t testing.TB, conn driver.Conn, sql string, args ...any) {
	t.Helper()
	if err := conn.Exec(context.Background(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// one is the one value that a query answers with.
func one[T any](t testing.TB, conn driver.Conn, sql string, args ...any) (got T) {
	t.Helper()
	if err := conn.QueryRow(context.Background(), sql, args...).Scan(&got); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return got
}

// post sends a statement by plain HTTP.
func post(t testing.TB, parameters, body string, header http.Header) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, "http://"+address(t)+"/?"+parameters, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-ClickHouse-Key", token)
	for name, values := range header {
		r.Header[name] = values
	}
	return do(t, r)
}

func do(t testing.TB, r *http.Request) (*http.Response, string) {
	t.Helper()
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	answer, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var text strings.Builder
	if _, err := io.Copy(&text, answer.Body); err != nil {
		text.WriteString(" <broken off>")
	}
	return answer, text.String()
}
