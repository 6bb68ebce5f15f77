package chdbtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"

	"jitaudit/internal/chdb"
)

// Shared is an embedded ClickHouse that all tests of a package use. It is
// started by the first test that asks for it.
//
//	var shared chdbtest.Shared
//
//	func TestMain(m *testing.M) { os.Exit(shared.Run(m, nil)) }
type Shared struct {
	once   sync.Once
	dir    string
	server *chdb.Server
	none   error // there is no library
	err    error
}

// Run runs the tests and returns the exit code. In the child process that the
// server starts, it is the server. After the tests it calls after, which may be
// nil, say to look for goroutines that were left.
func (s *Shared) Run(m *testing.M, after func() error) int {
	if len(os.Args) > 1 && os.Args[1] == chdb.Verb {
		return report(os.Stderr, chdb.ServeChild(context.Background(), os.Stdin, os.Stderr), 0)
	}
	code := m.Run()
	code = report(os.Stderr, s.close(), code)
	if after != nil && code == 0 {
		code = report(os.Stderr, after(), code)
	}
	return code
}

func report(w io.Writer, err error, code int) int {
	if err != nil {
		_, _ = fmt.Fprintln(w, err)
		return 1
	}
	return code
}

// Server is the server. The test is skipped when there is no libchdb and none
// can be fetched.
func (s *Shared) Server(t testing.TB) *chdb.Server {
	t.Helper()
	s.once.Do(s.start)
	if s.none != nil {
		t.Skip("no embedded ClickHouse: ", s.none)
	}
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.server
}

func (s *Shared) start() {
	lib, err := Library()
	if err != nil {
		s.none = err
		return
	}
	if s.dir, s.err = os.MkdirTemp("", "jitaudit-clickhouse-"); s.err == nil {
		s.server, s.err = chdb.Start(context.Background(), chdb.Config{Path: s.dir, Library: lib})
	}
}

func (s *Shared) close() error {
	var err error
	if s.server != nil {
		err = s.server.Close()
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}
