package chdb

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"jitaudit/internal/chdb/engine"
	"jitaudit/internal/chdb/server"
)

// ServeChild is the child's whole work: it reads from in what Start hands over,
// serves on the listener it inherits, and ends in order when in or ctx ends.
// Logs go to out as JSON. The program's hidden verb calls it with its standard
// input and error and exits when it returns; nobody else can.
func ServeChild(ctx context.Context, in io.Reader, out io.Writer) error {
	input := bufio.NewReader(in)
	line, err := input.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read the configuration of the embedded ClickHouse: %w; this verb is called by jitaudit itself", err)
	}
	var h handover
	if err := json.Unmarshal(line, &h); err != nil {
		return errors.New("the configuration of the embedded ClickHouse is not what jitaudit sends; this verb is called by jitaudit itself")
	}
	status := os.NewFile(fdStatus, "status")
	if status == nil {
		return errors.New("the embedded ClickHouse was started without its pipes; this verb is called by jitaudit itself")
	}
	log := slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: h.LogLevel}))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		// Ends with the parent, however that ends.
		_, _ = io.Copy(io.Discard, input)
		cancel()
	}()
	c := &childServer{handover: h, log: log}
	if err := c.open(); err != nil {
		// The parent has the error from here, and it from nowhere else.
		return errors.Join(json.NewEncoder(status).Encode(ready{Error: err.Error()}), status.Close())
	}
	if err := errors.Join(json.NewEncoder(status).Encode(ready{Version: c.engine.Version()}), status.Close()); err != nil {
		return fmt.Errorf("tell the parent that the embedded ClickHouse is ready: %w", err)
	}
	return c.serve(ctx)
}

// childServer is the engine with its HTTP server.
type childServer struct {
	handover
	log      *slog.Logger
	engine   *engine.Engine
	listener net.Listener
	handler  http.Handler
}

func (c *childServer) open() error {
	f := os.NewFile(fdListener, "listener")
	if f == nil {
		return errors.New("no listener was inherited")
	}
	l, err := net.FileListener(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("use the inherited listener: %w", err)
	}
	c.listener = l
	if c.engine, err = engine.Open(engine.Config{Library: c.Library, Path: c.Path, Sessions: c.Sessions, MaxMemory: c.MaxMemory, Log: c.log}); err != nil {
		return err
	}
	if err := c.createDatabase(); err != nil {
		return err
	}
	c.handler, err = server.New(server.Config{Engine: c.engine, Token: c.Token, Database: c.Database, Log: c.log})
	return err
}

func (c *childServer) createDatabase() error {
	s, err := c.engine.Session(context.Background(), engine.SessionConfig{})
	if err != nil {
		return err
	}
	defer s.Close()
	r, err := s.Run(engine.Statement{SQL: "CREATE DATABASE IF NOT EXISTS " + engine.QuoteName(c.Database), Format: "Null"})
	if err != nil {
		return fmt.Errorf("create database %s: %w", c.Database, err)
	}
	r.Close()
	return nil
}

// serve answers until ctx ends; then statements have the time Drain to end, and
// are killed.
func (c *childServer) serve(ctx context.Context) error {
	statements, kill := context.WithCancel(context.Background())
	defer kill()
	srv := &http.Server{
		Handler:           c.handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       5 * time.Minute,
		MaxHeaderBytes:    2 << 20, // parameters come in the URL; ClickHouse takes 1 MiB
		BaseContext:       func(net.Listener) context.Context { return statements },
		ErrorLog:          slog.NewLogLogger(c.log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(c.listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve the embedded ClickHouse: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), c.Drain)
	defer cancel()
	if err := srv.Shutdown(drain); err != nil {
		c.log.Warn("statements still run and are killed", "after", c.Drain)
		kill()
		_ = srv.Close() // what it closes is going to be closed anyway
	}
	closing, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return c.engine.Close(closing)
}
