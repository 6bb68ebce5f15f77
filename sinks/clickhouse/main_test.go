package clickhouse

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"jitaudit/internal/chdb/chdbtest"
	"jitaudit/internal/chdb/engine"
	"jitaudit/internal/chdb/server"
)

const (
	// realServer names a ClickHouse to test on instead of the embedded one, as
	// http://user:password@host:8123.
	realServer = "JITAUDIT_TEST_CLICKHOUSE"

	// childPath and childAddress make of this test program an embedded server.
	childPath    = "JITAUDIT_TEST_CHDB_PATH"
	childAddress = "JITAUDIT_TEST_CHDB_ADDRESS"
	childLibrary = "JITAUDIT_TEST_CHDB_LIBRARY"

	token = "a-token-of-the-tests"
)

// shared is the server of all tests of this package.
var shared struct {
	sync.Mutex
	config Config
	child  *child
	why    error // there is none
}

func TestMain(m *testing.M) {
	if os.Getenv(childPath) != "" {
		if err := serve(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if given := os.Getenv(realServer); given != "" {
		u, err := url.Parse(given)
		if err != nil {
			fmt.Fprintln(os.Stderr, realServer, "is no URL")
			return 1
		}
		password, _ := u.User.Password()
		shared.config = Config{URL: u.Scheme + "://" + u.Host, User: u.User.Username(), Password: password}
	} else {
		path, err := os.MkdirTemp("", "jitaudit-sink-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(path) }()
		if shared.child, shared.why = startChild(path, "127.0.0.1:0"); shared.why == nil {
			shared.config = Config{URL: "http://" + shared.child.address, Password: token}
			defer func() { shared.child.stop() }()
		}
	}
	code := m.Run()
	if err := goleak.Find(goleak.IgnoreTopFunction("os/exec.(*Cmd).watchCtx")); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// child is an embedded ClickHouse in a process of its own.
type child struct {
	cmd           *exec.Cmd
	stdin         io.Closer
	path, address string
}

func startChild(path, address string) (*child, error) {
	library, err := chdbtest.Library()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(os.Args[0]), path: path}
	c.cmd.Env = append(os.Environ(), childPath+"="+path, childAddress+"="+address, childLibrary+"="+library)
	c.cmd.Stderr = os.Stderr
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the embedded ClickHouse does not start: %w", err), c.cmd.Wait())
	}
	c.address = strings.TrimSpace(line)
	return c, nil
}

// kill ends the process at once, as a crash would.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait() // says that it was killed
}

func (c *child) stop() {
	c.stdin.Close()
	_ = c.cmd.Wait()
}

// serve is what the child does until its standard input ends.
func serve() error {
	e, err := engine.Open(engine.Config{Library: os.Getenv(childLibrary), Path: os.Getenv(childPath)})
	if err != nil {
		return err
	}
	h, err := server.New(server.Config{Engine: e, Token: token, Database: "default"})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", os.Getenv(childAddress))
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	s := &http.Server{Handler: h}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		s.Close()
	}()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return e.Close(context.Background())
}

// config is that of a database of the test's own, dropped at its end.
func config(t testing.TB) Config {
	t.Helper()
	if shared.why != nil {
		t.Skip("no libchdb: ", shared.why)
	}
	cfg := shared.config
	cfg.Database = "t_" + strings.NewReplacer("/", "_", "#", "_", "-", "_", ",", "_", "'", "_").Replace(t.Name())
	if len(cfg.Database) > 100 {
		cfg.Database = cfg.Database[:100]
	}
	t.Cleanup(func() {
		db := open(t, cfg)
		if err := db.exec(context.Background(), systemDatabase, "drop", "DROP DATABASE IF EXISTS "+quote(cfg.Database)); err != nil {
			t.Error(err)
		}
	})
	return cfg
}

func open(t testing.TB, cfg Config) *DB {
	t.Helper()
	db, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// migrated is a database of the test's own with all tables.
func migrated(t testing.TB) *DB {
	t.Helper()
	db := open(t, config(t))
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}
