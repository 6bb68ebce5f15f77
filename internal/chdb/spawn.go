package chdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// handover is what the child is told, on its standard input: a token must not be
// seen among the arguments or in the environment. The input stays open while the
// parent lives.
type handover struct {
	Path      string        `json:"path"`
	Library   string        `json:"library"`
	Token     string        `json:"token"`
	Database  string        `json:"database"`
	Sessions  int           `json:"sessions"`
	MaxMemory int64         `json:"max_memory"`
	Drain     time.Duration `json:"drain"`
	LogLevel  slog.Level    `json:"log_level"`
}

// ready is what the child answers once, on its status pipe.
type ready struct {
	Error   string `json:"error,omitempty"`
	Version string `json:"version,omitempty"`
}

// The files a child inherits, by their numbers.
const (
	fdListener = 3
	fdLock     = 4 // not used, only held
	fdStatus   = 5
)

// child is a running child process.
type child struct {
	cmd    *exec.Cmd
	stdin  *os.File      // its other end is the child's
	said   *lastLines    // by the child, on standard output and error
	exited chan struct{} // closed when it has ended
	err    error         // of its end; to be read when exited is closed
}

// spawn starts a child and waits until it answers.
func (s *Server) spawn(ctx context.Context) (*child, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.StartTimeout)
	defer cancel()
	start := time.Now()
	c, status, err := s.fork()
	if err != nil {
		return nil, err
	}
	defer status.Close()
	version, err := s.greet(ctx, c, status)
	if err != nil {
		_ = c.stop(time.Second) // what went wrong is known already
		if said := c.said.String(); said != "" {
			err = fmt.Errorf("%w; it said: %s", err, said)
		}
		return nil, err
	}
	s.pid.Store(int64(c.cmd.Process.Pid))
	s.config.Logger.Info("the embedded ClickHouse answers", "addr", s.Addr(), "version", version, "pid", c.cmd.Process.Pid, "took", time.Since(start))
	return c, nil
}

// fork starts the process with its files and pipes.
func (s *Server) fork() (c *child, status *os.File, err error) {
	var files []*os.File // to be closed when it did not start
	pipe := func() (r, w *os.File) {
		if err == nil {
			if r, w, err = os.Pipe(); err == nil {
				files = append(files, r, w)
			}
		}
		return r, w
	}
	in, stdin := pipe()
	status, told := pipe()
	output, out := pipe()
	c = &child{stdin: stdin, said: &lastLines{}, exited: make(chan struct{})}
	if err == nil {
		c.cmd = exec.Command(s.config.Command[0], s.config.Command[1:]...)
		c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = in, out, out
		c.cmd.ExtraFiles = []*os.File{s.socket, s.lock.File(), told}
		c.cmd.Env = environment()
		detach(c.cmd)
		err = c.cmd.Start()
	}
	if err != nil {
		for _, f := range files {
			_ = f.Close() // the error that matters is there
		}
		return nil, nil, fmt.Errorf("start %s: %w", s.config.Command[0], err)
	}
	for _, f := range []*os.File{in, told, out} {
		_ = f.Close() // the child has its own
	}
	go func() {
		defer close(c.exited)
		forward(output, s.config.Logger, c.said)
		_ = output.Close()
		c.err = c.cmd.Wait()
	}()
	return c, status, nil
}

// greet tells a child what it is to do and waits until it does it.
func (s *Server) greet(ctx context.Context, c *child, status *os.File) (version string, err error) {
	stop := context.AfterFunc(ctx, func() { _ = status.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	level := slog.LevelInfo
	if s.config.Logger.Enabled(ctx, slog.LevelDebug) {
		level = slog.LevelDebug
	}
	if err := json.NewEncoder(c.stdin).Encode(handover{
		Path: filepath.Join(s.config.Path, "engine"), Library: s.config.Library, Token: s.config.Token, Database: s.config.Database,
		Sessions: s.config.Sessions, MaxMemory: s.config.MaxMemory, Drain: s.config.DrainTimeout, LogLevel: level,
	}); err != nil {
		return "", fmt.Errorf("tell the child its configuration: %w", err)
	}
	var r ready
	switch err := json.NewDecoder(status).Decode(&r); {
	case ctx.Err() != nil:
		return "", fmt.Errorf("wait for the child to start: %w", ctx.Err())
	case errors.Is(err, io.EOF):
		return "", fmt.Errorf("the child process ended before it answered; it must call chdb.ServeChild (command %q)", s.config.Command)
	case err != nil:
		return "", fmt.Errorf("wait for the child to start: %w", err)
	case r.Error != "":
		return "", errors.New(r.Error)
	}
	return r.Version, s.ping(ctx)
}

func (s *Server) ping(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr()+"/ping", nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return fmt.Errorf("ask the child whether it is there: %w", err)
	}
	return answer.Body.Close()
}

// environment is what a child needs of this process's environment. The rest may
// hold secrets that an SQL engine has no business with.
func environment() []string {
	env := []string{"TZ=UTC"} // DateTime without a zone is in UTC
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "GODEBUG", "GOTRACEBACK", "GOMAXPROCS", "GOCOVERDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
