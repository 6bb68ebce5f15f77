// Package engine runs ClickHouse inside this process, by libchdb: statements
// with bound parameters, results and inserts as streams, and their cancellation.
//
// An error of the engine that ClickHouse would die of ends this process too,
// and a library once loaded is never unloaded. Run it in a process of its own.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"jitaudit/internal/chdb/filelock"
)

// ErrInUse is what Open returns when another process has the data directory
// open.
var ErrInUse = errors.New("the data directory is in use by another process")

// codeCannotOpen is what ClickHouse calls CANNOT_OPEN_FILE: a data directory
// that another process holds.
const codeCannotOpen = 76

// Config says where the engine and its data are.
type Config struct {
	// Library is the path of libchdb.
	Library string
	// Path is the data directory; it is created when it is missing.
	Path string
	// Sessions is how many sessions there may be at once; 0 means 8.
	Sessions int
	// MaxMemory bounds what the engine allocates, in bytes; 0 leaves ClickHouse's
	// own bound, nine tenths of the machine.
	MaxMemory int64
	// Log gets what goes wrong where no caller can be told; nil discards it.
	Log *slog.Logger
}

// Engine is a running ClickHouse. Its methods may be called at once from many
// goroutines. There can be one in a process at a time.
type Engine struct {
	api     *api
	args    []string
	log     *slog.Logger
	slots   chan struct{} // a token for each session there may be
	tags    atomic.Uint64
	version string

	mu    sync.Mutex
	admin *connection // for what is not done in any session
}

// Open loads libchdb and opens the data directory. It returns ErrInUse when
// another process has it open.
func Open(c Config) (*Engine, error) {
	if c.Sessions == 0 {
		c.Sessions = 8
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	path, err := filepath.Abs(c.Path)
	if err != nil {
		return nil, fmt.Errorf("open ClickHouse data directory %s: %w", c.Path, err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("open ClickHouse data directory: %w", err)
	}
	api, err := load(c.Library)
	if err != nil {
		return nil, fmt.Errorf("load libchdb %s: %w", c.Library, err)
	}
	// Before the first connection: the engine's own handlers would take the
	// signals that Go's runtime lives on.
	api.setSignalHandlers(0)

	e := &Engine{api: api, log: c.Log, args: []string{"chdb", "--path=" + path}, slots: make(chan struct{}, c.Sessions)}
	if c.MaxMemory > 0 {
		e.args = append(e.args, "--max_server_memory_usage="+strconv.FormatInt(c.MaxMemory, 10))
	}
	// While one connection is open the engine stays up, so that others come and
	// go in a fraction of a millisecond.
	if e.admin, err = api.open(e.args...); err != nil {
		return nil, fmt.Errorf("open ClickHouse data directory %s: %w", path, whyNot(path, err))
	}
	if e.version, err = e.ask("SELECT version()"); err != nil {
		e.admin.close()
		return nil, fmt.Errorf("ask the engine for its version: %w", err)
	}
	return e, nil
}

// whyNot looks for the reason of a failed connect, of which libchdb says
// nothing. ClickHouse locks the file named status as flock(2) does.
func whyNot(path string, err error) error {
	status := filepath.Join(path, "status")
	if lock, held := filelock.Probe(status); held {
		return &Exception{Code: codeCannotOpen, Message: fmt.Sprintf("Code: %d. %s (%s); stop that one, or choose another directory", codeCannotOpen, ErrInUse, lock), cause: ErrInUse}
	}
	return err
}

// Version is ClickHouse's version, such as "26.7.2.1".
func (e *Engine) Version() string { return e.version }

// Sessions is how many sessions there may be at once.
func (e *Engine) Sessions() int { return cap(e.slots) }

// ask runs a statement on the administration connection and returns its answer
// as text.
func (e *Engine) ask(sql string) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.admin == nil {
		return "", errors.New("the engine is closed")
	}
	r, err := e.admin.run(Statement{SQL: sql, Format: "TabSeparated"})
	if err != nil {
		return "", err
	}
	defer r.Close()
	return strings.TrimSuffix(string(r.Bytes()), "\n"), nil
}

// kill ends the statement of the session with that tag, if there is one. It must
// not say SYNC: with it the engine waits without end.
func (e *Engine) kill(tag string) {
	if _, err := e.ask("KILL QUERY WHERE startsWith(Settings['log_comment'], " + Quote(tag) + ")"); err != nil {
		e.log.Warn("cancel a statement of the embedded ClickHouse", "tag", tag, "error", err)
	}
}

// Close waits until every session has ended, or ctx has, and closes the data
// directory. Sessions asked for later fail. When ctx ends first the directory
// stays open until the process ends.
func (e *Engine) Close(ctx context.Context) error {
	for range cap(e.slots) {
		select {
		case e.slots <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("close ClickHouse: statements still run: %w", ctx.Err())
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.admin != nil {
		e.admin.close()
		e.admin = nil
	}
	return nil
}

// nextTag is a name for a session that no statement of another one carries. It
// ends in a space, so that none begins another.
func (e *Engine) nextTag() string {
	return fmt.Sprintf("jitaudit:%d:%d:%d ", os.Getpid(), time.Now().UnixNano(), e.tags.Add(1))
}

// Quote writes a string as a literal of ClickHouse's SQL.
func Quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`, "\n", `\n`).Replace(s) + "'"
}

// QuoteName writes a name as an identifier of ClickHouse's SQL.
func QuoteName(s string) string {
	return "`" + strings.NewReplacer(`\`, `\\`, "`", "\\`").Replace(s) + "`"
}
