package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"jitaudit/internal/chdb/chdbtest"
	"jitaudit/internal/chdb/engine"
)

// shared is the engine of all tests of this package: a process has only one.
var shared struct {
	engine *engine.Engine
	path   string
	why    error // there is none
}

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == openVerb {
		os.Exit(openOnly(os.Args[2]))
	}
	os.Exit(run(m))
}

// openVerb makes this test's program another process that opens a directory and
// says what came of it.
const openVerb = "open-a-directory"

func openOnly(path string) int {
	lib, err := chdbtest.Library()
	if err == nil {
		_, err = engine.Open(engine.Config{Library: lib, Path: path})
	}
	fmt.Println(errors.Is(err, engine.ErrInUse), err)
	return 0
}

func TestASecondProcessOnADirectoryIsRefused(t *testing.T) {
	session(context.Background(), t, engine.SessionConfig{}) // skips without a library
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, openVerb, shared.path).Output()
	want := fmt.Sprintf("true open ClickHouse data directory %s: Code: 76. ", shared.path)
	if err != nil || !strings.Contains(string(out), want) || !strings.Contains(string(out), fmt.Sprintf("in use by another process (PID: %d)", os.Getpid())) {
		t.Errorf("got %s, %v, want %q and the process", out, err, want)
	}
}

func run(m *testing.M) int {
	path, err := os.MkdirTemp("", "jitaudit-engine-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(path) }()
	shared.path = path
	lib, err := chdbtest.Library()
	if err != nil {
		shared.why = err
	} else if shared.engine, err = engine.Open(engine.Config{Library: lib, Path: path, Sessions: 4}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if shared.engine != nil {
		if err := shared.engine.Close(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func session(ctx context.Context, t testing.TB, c engine.SessionConfig) *engine.Session {
	t.Helper()
	if shared.engine == nil {
		t.Skip("no libchdb: ", shared.why)
	}
	s, err := shared.engine.Session(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// table creates a database for the test with a table t(n UInt64, s String).
func table(t testing.TB) (database string) {
	t.Helper()
	database = strings.NewReplacer("/", "_", "#", "_").Replace(t.Name())
	s := session(context.Background(), t, engine.SessionConfig{})
	text(t, s, "CREATE DATABASE "+engine.QuoteName(database), nil)
	t.Cleanup(func() { text(t, s, "DROP DATABASE "+engine.QuoteName(database), nil) })
	text(t, s, "CREATE TABLE "+engine.QuoteName(database)+".t (n UInt64, s String) ENGINE = MergeTree ORDER BY n", nil)
	return database
}

func text(t testing.TB, s *engine.Session, sql string, params map[string]string) string {
	t.Helper()
	r, err := s.Run(engine.Statement{SQL: sql, Format: "TabSeparated", Params: params})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer r.Close()
	return strings.TrimSuffix(string(r.Bytes()), "\n")
}

func TestParametersAreBoundNotPasted(t *testing.T) {
	s := session(context.Background(), t, engine.SessionConfig{})
	tests := []struct{ name, value, want string }{
		{"plain", "ada", "ada"},
		{"empty", "", ""},
		{"a quote", "x' OR '1'='1", "x\\' OR \\'1\\'=\\'1"},
		{"not ASCII", "žluť 木", "žluť 木"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := text(t, s, "SELECT {who:String}, {n:UInt8} + 1", map[string]string{"who": tt.value, "n": "41"})
			if want := tt.want + "\t42"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestAnErrorHasItsCode(t *testing.T) {
	s := session(context.Background(), t, engine.SessionConfig{})
	for sql, code := range map[string]int{
		"SELEC 1":                      62,
		"SELECT * FROM system.nothing": 60,
		"SELECT throwIf(number = 3) FROM numbers(10)": 395,
	} {
		_, err := s.Run(engine.Statement{SQL: sql, Format: "Null"})
		var e *engine.Exception
		if !errors.As(err, &e) || e.Code != code {
			t.Errorf("%s: got %v, want code %d", sql, err, code)
		}
	}
	if _, err := shared.engine.Session(context.Background(), engine.SessionConfig{Settings: map[string]string{"no_such_setting": "1"}}); err == nil || !strings.Contains(err.Error(), "115") {
		t.Errorf("an unknown setting: got %v, want code 115", err)
	}
}

func TestNothingOfASessionIsSeenInTheNext(t *testing.T) {
	database := table(t)
	dirty := session(context.Background(), t, engine.SessionConfig{
		Database: database, Settings: map[string]string{"max_threads": "7", "log_comment": "ours"},
	})
	if got, want := text(t, dirty, "SELECT currentDatabase(), getSetting('max_threads')", nil), database+"\t7"; got != want {
		t.Errorf("in the session: got %q, want %q", got, want)
	}
	if got := text(t, dirty, "SELECT getSetting('log_comment')", nil); !strings.HasSuffix(got, " ours") {
		t.Errorf("log_comment is %q, want it to end in what was set", got)
	}
	text(t, dirty, "SET max_block_size = 11", nil)
	text(t, dirty, "CREATE TEMPORARY TABLE secret (a UInt8)", nil)

	next := session(context.Background(), t, engine.SessionConfig{})
	if got := text(t, next, "SELECT currentDatabase(), getSetting('max_threads') = 7, getSetting('max_block_size') = 11", nil); got != "default\t0\t0" {
		t.Errorf("in the next: got %q", got)
	}
	if _, err := next.Run(engine.Statement{SQL: "SELECT * FROM secret"}); err == nil {
		t.Error("a temporary table is seen in another session")
	}
}

func TestASelectIsStreamedWhole(t *testing.T) {
	tests := []struct {
		name, sql string
		pieces    int // at least
		numbers   int
	}{
		{"many blocks", "SELECT number FROM numbers(1000000)", 5, 1_000_000},
		{"nothing", "SELECT number FROM numbers(10) WHERE number > 10", 0, 0},
		{"blocks without a row in between", "SELECT number FROM numbers(3000000) WHERE number % 1000000 = 7", 1, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := session(context.Background(), t, engine.SessionConfig{Settings: map[string]string{"max_block_size": "65536"}})
			stream, err := s.Stream(engine.Statement{SQL: tt.sql, Format: "RowBinary"})
			if err != nil {
				t.Fatal(err)
			}
			defer stream.Close()
			pieces, size := 0, 0
			for {
				data, err := stream.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				pieces, size = pieces+1, size+len(data)
			}
			if size != 8*tt.numbers || pieces < tt.pieces {
				t.Errorf("got %d numbers in %d pieces, want %d in %d or more", size/8, pieces, tt.numbers, tt.pieces)
			}
		})
	}
}

func TestAnErrorInMidStreamIsReturned(t *testing.T) {
	s := session(context.Background(), t, engine.SessionConfig{Settings: map[string]string{"max_block_size": "1000", "max_threads": "1"}})
	stream, err := s.Stream(engine.Statement{SQL: "SELECT throwIf(number = 500000) FROM numbers(1000000)", Format: "RowBinary"})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	for {
		_, err := stream.Next()
		if errors.Is(err, io.EOF) {
			t.Fatal("the stream ended as if it were whole")
		}
		var e *engine.Exception
		if errors.As(err, &e) {
			if e.Code != 395 {
				t.Errorf("got code %d, want 395", e.Code)
			}
			return
		}
	}
}

func TestAnAbandonedStreamLeavesItsSessionUsable(t *testing.T) {
	s := session(context.Background(), t, engine.SessionConfig{})
	stream, err := s.Stream(engine.Statement{SQL: "SELECT number FROM numbers(1000000000000)", Format: "RowBinary"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Next(); err != nil {
		t.Fatal(err)
	}
	stream.Close()
	if got := text(t, s, "SELECT 1", nil); got != "1" {
		t.Errorf("got %q, want 1", got)
	}
}

func TestAnInsertComesWholeOrNotAtAll(t *testing.T) {
	tests := []struct {
		name string
		data []string
		end  func(*engine.Insert) error
		want string // rows
		fail bool
	}{
		{"in one piece", []string{"1,a\n2,b\n"}, commit, "2", false},
		{"cut anywhere", []string{"1", ",a\n2,", "b\n3,c"}, commit, "3", false},
		{"nothing", nil, commit, "0", false},
		{"broken", []string{"1,a\n", "two,b\n"}, commit, "0", true},
		{"aborted", []string{"1,a\n2,b\n"}, func(i *engine.Insert) error { i.Abort(); return nil }, "0", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			database := table(t)
			s := session(context.Background(), t, engine.SessionConfig{Database: database})
			insert, err := s.Insert(engine.Statement{SQL: "INSERT INTO t", Format: "CSV"})
			if err != nil {
				t.Fatal(err)
			}
			for _, piece := range tt.data {
				if _, err := io.WriteString(insert, piece); err != nil {
					break // Commit says why
				}
			}
			if err := tt.end(insert); (err != nil) != tt.fail {
				t.Errorf("got %v, want an error: %t", err, tt.fail)
			}
			if got := text(t, s, "SELECT count() FROM t", nil); got != tt.want {
				t.Errorf("%s rows, want %s", got, tt.want)
			}
		})
	}
}

func commit(i *engine.Insert) error { _, err := i.Commit(); return err }

func TestAnInsertIntoNothingFailsAtOnce(t *testing.T) {
	s := session(context.Background(), t, engine.SessionConfig{})
	if _, err := s.Insert(engine.Statement{SQL: "INSERT INTO nowhere", Format: "CSV"}); err == nil {
		t.Error("no error")
	}
	if got := text(t, s, "SELECT 1", nil); got != "1" {
		t.Errorf("then: got %q, want 1", got)
	}
}

func TestEndingItsContextKillsAStatement(t *testing.T) {
	long := "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1"
	tests := []struct {
		name string
		run  func(*engine.Session) error
	}{
		{"materialised", func(s *engine.Session) error {
			_, err := s.Run(engine.Statement{SQL: long, Format: "Null"})
			return err
		}},
		{"streamed", func(s *engine.Session) error {
			stream, err := s.Stream(engine.Statement{SQL: long, Format: "RowBinary"})
			if err != nil {
				return err
			}
			defer stream.Close()
			_, err = stream.Next()
			return err
		}},
		{"sleeping", func(s *engine.Session) error {
			_, err := s.Run(engine.Statement{SQL: "SELECT sum(sleepEachRow(1)) FROM numbers(60) SETTINGS function_sleep_max_microseconds_per_block = 60000000", Format: "Null"})
			return err
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			s := session(ctx, t, engine.SessionConfig{})
			watcher := session(context.Background(), t, engine.SessionConfig{})
			go func() {
				for text(t, watcher, "SELECT count() FROM system.processes WHERE Settings['log_comment'] LIKE 'jitaudit:%'", nil) != "2" {
					time.Sleep(time.Millisecond)
				}
				cancel()
			}()
			err := tt.run(s)
			var e *engine.Exception
			if !errors.As(err, &e) || e.Code != 394 {
				t.Errorf("got %v, want code 394", err)
			}
		})
	}
}

func TestSessionsAreBounded(t *testing.T) {
	for range 4 {
		session(context.Background(), t, engine.SessionConfig{})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := shared.engine.Session(ctx, engine.SessionConfig{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a fifth of four sessions: got %v, want the context's error", err)
	}
}
