package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Statement is SQL with what belongs to it.
type Statement struct {
	SQL string
	// Format is the format of the answer when SQL names none, or of the data of
	// an insert.
	Format string
	// Params are the values of {name:Type} in SQL, as ClickHouse's HTTP interface
	// takes them in param_name.
	Params map[string]string
}

// SessionConfig is how a session differs from a fresh one.
type SessionConfig struct {
	// Database is the current database; empty means "default", in which tables
	// cannot be created.
	Database string
	// Settings are ClickHouse's settings by name.
	Settings map[string]string
	// Wait bounds how long Session waits while there are as many sessions as there
	// may be; 0 means as long as its context.
	Wait time.Duration
}

// ErrBusy is what Session returns when none has ended within Wait.
var ErrBusy = errors.New("all sessions of the embedded ClickHouse are taken")

// Session is a connection to the engine of its own: nothing that is set, used or
// created temporarily in one is seen in another. It runs one statement at a
// time. When its context ends, its statement is killed.
type Session struct {
	engine *Engine
	conn   *connection
	ctx    context.Context
	tag    string

	keep   func() bool   // stops the killing from beginning
	closed chan struct{} // ends the killing
	killed chan struct{} // closed when killing has ended
}

// Session opens a session; it waits while there are as many as there may be.
// The caller closes it.
func (e *Engine) Session(ctx context.Context, c SessionConfig) (*Session, error) {
	if err := e.takeSlot(ctx, c.Wait); err != nil {
		return nil, fmt.Errorf("open a session of the embedded ClickHouse, of %d: %w", cap(e.slots), err)
	}
	tag := e.nextTag()
	conn, err := e.api.open(append(slices.Clip(e.args), "--log_comment="+tag)...)
	if err != nil {
		<-e.slots
		return nil, fmt.Errorf("open a session of the embedded ClickHouse: %w", err)
	}
	s := &Session{engine: e, conn: conn, ctx: ctx, tag: tag, closed: make(chan struct{}), killed: make(chan struct{})}
	s.keep = context.AfterFunc(ctx, s.kill)
	if err := s.configure(c); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (e *Engine) takeSlot(ctx context.Context, wait time.Duration) error {
	var late <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case e.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-late:
		return ErrBusy
	}
}

func (s *Session) configure(c SessionConfig) error {
	if c.Database != "" {
		if err := s.exec("USE " + QuoteName(c.Database)); err != nil {
			return err
		}
	}
	if len(c.Settings) == 0 {
		return nil
	}
	// One statement for all, as readonly would refuse the next.
	var set []string
	for _, name := range slices.Sorted(maps.Keys(c.Settings)) {
		value := c.Settings[name]
		if name == "log_comment" {
			value = s.tag + value // the tag stays in front, or nothing could be cancelled
		}
		set = append(set, name+" = "+Quote(value))
	}
	return s.exec("SET " + strings.Join(set, ", "))
}

func (s *Session) exec(sql string) error {
	r, err := s.Run(Statement{SQL: sql, Format: "Null"})
	if err != nil {
		return err
	}
	r.Close()
	return nil
}

// kill ends the session's statement again and again until the session is closed:
// the first time it may not have begun, and a KILL finds only what runs.
func (s *Session) kill() {
	defer close(s.killed)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		s.engine.kill(s.tag)
		select {
		case <-s.closed:
			return
		case <-tick.C:
		}
	}
}

// Close ends the session and gives its place to the next. Streams and inserts of
// it must be closed before.
func (s *Session) Close() {
	if !s.keep() {
		close(s.closed)
		<-s.killed
	}
	s.conn.close()
	<-s.engine.slots
}

// Run runs a statement to its end and holds the whole answer. The caller closes
// it. A statement that was killed because the context ended returns an Exception
// with code 394, QUERY_WAS_CANCELLED.
func (s *Session) Run(st Statement) (*Result, error) {
	if err := s.ctx.Err(); err != nil {
		return nil, err
	}
	return s.conn.run(st)
}

// Stream starts a SELECT whose answer is fetched in pieces. The caller closes
// it.
func (s *Session) Stream(st Statement) (*Stream, error) {
	if err := s.ctx.Err(); err != nil {
		return nil, err
	}
	ptr := s.conn.call(s.conn.api.streamQuery, st)
	if message := s.conn.api.resultError(ptr); message != "" {
		s.conn.api.destroy(ptr)
		return nil, exception(message)
	}
	return &Stream{conn: s.conn, ctx: s.ctx, ptr: ptr}, nil
}

// Insert starts an INSERT whose data is written in pieces. Its SQL must end
// before FORMAT. The caller commits or aborts it.
func (s *Session) Insert(st Statement) (*Insert, error) {
	if err := s.ctx.Err(); err != nil {
		return nil, err
	}
	api := s.conn.api
	ptr := s.conn.call(api.streamInsert, st)
	if message := api.insertError(ptr); message != "" {
		api.destroyInsert(ptr)
		return nil, exception(message)
	}
	return &Insert{conn: s.conn, ctx: s.ctx, ptr: ptr}, nil
}
