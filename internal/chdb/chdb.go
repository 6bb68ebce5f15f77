// Package chdb runs ClickHouse as a part of this program: a child process with
// the engine (libchdb) that answers ClickHouse's HTTP protocol on a port of this
// machine, and is started again when it crashes.
//
// It is one machine and one copy. Rows that an insert acknowledged are there
// after the process was killed; whether they are after a power cut, nobody has
// tested.
package chdb

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"jitaudit/internal/chdb/engine"
	"jitaudit/internal/chdb/filelock"
	"jitaudit/internal/chdb/server"
)

// Verb is the hidden verb of the program that calls ServeChild.
const Verb = "serve-clickhouse"

// User is the user that clients name; the password is the server's token.
const User = server.User

// Built returns why this program has no ClickHouse in it; nil if it has.
func Built() error { return engine.Built() }

// Config says where the server's data is and how it is reached.
type Config struct {
	// Path is the data directory. It is created for this user alone.
	Path string
	// Library is the path of libchdb, as library.Fetch returns it.
	Library string
	// Addr is the address to listen on, of this machine's loopback: SQL can read
	// any file of this user. Empty means 127.0.0.1 and any free port.
	Addr string
	// Token is the password; empty means a random one.
	Token string
	// Database is created at the start and is the one of requests that name none;
	// empty means "jitaudit". In ClickHouse's own, "default", the embedded engine
	// has no tables.
	Database string
	// Sessions is how many statements may run at once; 0 means 8. Further ones
	// wait up to a minute.
	Sessions int
	// MaxMemory bounds the engine, in bytes; 0 means nine tenths of the machine.
	MaxMemory int64
	// Command starts a process that calls ServeChild; nil means this program with
	// Verb.
	Command []string
	// Logger gets the life of the child and what it says; nil discards it.
	Logger *slog.Logger
	// StartTimeout bounds the wait for the child's first answer; 0 means a minute.
	StartTimeout time.Duration
	// DrainTimeout is what running statements have to end when the server is
	// closed, before they are killed; 0 means 10 seconds.
	DrainTimeout time.Duration
	// CloseTimeout bounds the child's orderly end, DrainTimeout included, after
	// which it is killed; 0 means 10 seconds more than DrainTimeout.
	CloseTimeout time.Duration
}

// Server is a running embedded ClickHouse.
type Server struct {
	config   Config
	lock     *filelock.Lock
	listener *net.TCPListener
	socket   *os.File // the listener, as the child inherits it

	pid      atomic.Int64
	restarts atomic.Int64
	stop     context.CancelFunc
	done     chan struct{}
	err      error // of the end; to be read when done is closed
}

// Start starts the server and returns when it answers. It runs until ctx ends or
// Close is called; give it a context that outlives its clients. Start fails when
// the address is not of this machine's loopback, another process holds the data
// directory, or the engine does not come up.
func Start(ctx context.Context, c Config) (*Server, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("start the embedded ClickHouse: %w", err)
	}
	s := &Server{config: c, done: make(chan struct{})}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start the embedded ClickHouse in %s: %w", c.Path, err), s.release())
	}
	return s, nil
}

func (c Config) withDefaults() (Config, error) {
	if c.Path == "" {
		return c, errors.New("a data directory is required")
	}
	if c.Library == "" {
		return c, errors.New("the path of libchdb is required")
	}
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	if err := loopback(c.Addr); err != nil {
		return c, err
	}
	if c.Token == "" {
		c.Token = rand.Text()
	}
	if c.Database == "" {
		c.Database = "jitaudit"
	}
	if c.Command == nil {
		program, err := os.Executable()
		if err != nil {
			return c, fmt.Errorf("find this program: %w", err)
		}
		c.Command = []string{program, Verb}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.StartTimeout == 0 {
		c.StartTimeout = time.Minute
	}
	if c.DrainTimeout == 0 {
		c.DrainTimeout = 10 * time.Second
	}
	if c.CloseTimeout == 0 {
		c.CloseTimeout = c.DrainTimeout + 10*time.Second
	}
	return c, nil
}

// loopback says why an address is not of this machine's loopback.
func loopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("address %q: %w", addr, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("address %q is not of this machine's loopback, such as 127.0.0.1:8123; "+
			"whoever may ask the embedded ClickHouse can read any file of this user", addr)
	}
	return nil
}

func (s *Server) start(ctx context.Context) error {
	if err := os.MkdirAll(s.config.Path, 0o700); err != nil {
		return err
	}
	var err error
	if s.lock, err = takeLock(ctx, filepath.Join(s.config.Path, "lock")); err != nil {
		return err
	}
	l, err := net.Listen("tcp", s.config.Addr)
	if err != nil {
		return err
	}
	s.listener = l.(*net.TCPListener)
	if s.socket, err = s.listener.File(); err != nil {
		return err
	}
	c, err := s.spawn(ctx)
	if err != nil {
		return err
	}
	ctx, s.stop = context.WithCancel(ctx)
	go s.supervise(ctx, c)
	return nil
}

// takeLock locks the data directory. The child shares the lock, so that a parent
// that was killed cannot be followed by another one before its child has ended.
func takeLock(ctx context.Context, path string) (*filelock.Lock, error) {
	lock, err := filelock.Try(path)
	if !errors.Is(err, filelock.ErrHeld) {
		return lock, err
	}
	holder := filelock.Holder(path)
	inUse := fmt.Errorf("the data directory is in use by process %d (%w); stop that one, or choose another directory", holder, err)
	if holder == os.Getpid() || alive(holder) {
		return nil, inUse
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	lock, err = filelock.Wait(ctx, path)
	if err != nil {
		return nil, errors.Join(inUse, err)
	}
	return lock, nil
}

// release gives up what the server holds of this machine.
func (s *Server) release() error {
	var errs []error
	if s.socket != nil {
		errs = append(errs, s.socket.Close())
	}
	if s.listener != nil {
		errs = append(errs, s.listener.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// Addr is the host and port the server answers on. It stays the same over
// restarts; meanwhile connections wait.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Token is the password of User. It must not be logged.
func (s *Server) Token() string { return s.config.Token }

// Database is the database of requests that name none.
func (s *Server) Database() string { return s.config.Database }

// PID is the process id of the child, 0 while there is none.
func (s *Server) PID() int { return int(s.pid.Load()) }

// Restarts is how often the child was started again after a crash.
func (s *Server) Restarts() int { return int(s.restarts.Load()) }

// Close ends the server: statements that run get DrainTimeout. It returns an
// error when the child had to be killed. It may be called again.
func (s *Server) Close() error {
	s.stop()
	<-s.done
	return s.err
}
