// Package server answers HTTP as ClickHouse's HTTP interface does, over the
// engine in this process, so that ClickHouse's own clients can speak to it:
// https://clickhouse.com/docs/interfaces/http.
//
// What it does not have says so: sessions over several requests, roles, and
// external tables. Asynchronous inserts are written at once, which is safer and
// slower for many small ones. Answers in the Native format are of protocol
// revision 0, which clickhouse-go is told when it connects.
package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"jitaudit/internal/chdb/engine"
)

// User is the only user there is.
const User = "default"

// Config says what a Handler serves and to whom.
type Config struct {
	Engine *engine.Engine
	// Token is the password of User. It must not be empty: SQL reads any file
	// that this process can read.
	Token string
	// Database is the current database of requests that name none.
	Database string
	// Wait is how long a request waits for a session; 0 means a minute.
	Wait time.Duration
	// Stall is how long a client may take to accept a piece of an answer; 0 means
	// ten minutes. Who stalls longer loses the session.
	Stall time.Duration
	// Log gets what no client can be told; nil discards it.
	Log *slog.Logger
}

// Handler is the HTTP interface of a ClickHouse engine.
type Handler struct {
	Config
	token   [sha256.Size]byte
	mu      sync.Mutex
	running map[string]bool // ids of queries
}

var _ http.Handler = (*Handler)(nil)

// New makes the handler. It returns an error when there is no token.
func New(c Config) (*Handler, error) {
	if c.Token == "" {
		return nil, errors.New("serve ClickHouse: a token is required, as SQL can read any file")
	}
	if c.Wait == 0 {
		c.Wait = time.Minute
	}
	if c.Stall == 0 {
		c.Stall = 10 * time.Minute
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Handler{Config: c, token: sha256.Sum256([]byte(c.Token)), running: map[string]bool{}}, nil
}

// ServeHTTP answers /ping, which needs no password, and statements at /.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/ping", r.URL.Path == "/" && r.Method == http.MethodGet && r.URL.RawQuery == "":
		_, _ = io.WriteString(w, "Ok.\n") // a client that is gone needs no answer
	case r.URL.Path != "/":
		http.Error(w, "There is no handle "+r.URL.Path+"; statements go to /", http.StatusNotFound)
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "statements are sent by GET or POST", http.StatusMethodNotAllowed)
	default:
		h.serve(w, r)
	}
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) {
	a := &answer{w: w, control: http.NewResponseController(w), stall: h.Stall}
	// The next request of the connection must not inherit a deadline.
	defer func() { _ = a.control.SetWriteDeadline(time.Time{}) }()
	if err := h.authenticate(r); err != nil {
		w.Header().Set("WWW-Authenticate", `Basic realm="ClickHouse server HTTP API"`)
		a.fail(err)
		return
	}
	if err := h.answer(r, a); err != nil {
		if r.Context().Err() == nil {
			h.Log.Debug("statement failed", "query_id", w.Header().Get("X-ClickHouse-Query-Id"), "error", err)
		}
		a.fail(err)
	}
}

// authenticate looks for user and password where clients send them: in basic
// authentication, in the headers X-ClickHouse-User and -Key, or in the URL.
func (h *Handler) authenticate(r *http.Request) error {
	user, password, ok := r.BasicAuth()
	if !ok {
		user, password = r.Header.Get("X-ClickHouse-User"), r.Header.Get("X-ClickHouse-Key")
	}
	if user == "" && password == "" {
		user, password = r.URL.Query().Get("user"), r.URL.Query().Get("password")
	}
	if user == "" {
		user = User
	}
	if password == "" {
		return fault(codeRequiredPassword, "the embedded ClickHouse asks for the token as password of user %s", User)
	}
	got := sha256.Sum256([]byte(password))
	if subtle.ConstantTimeCompare(got[:], h.token[:]) != 1 || user != User {
		return fault(codeAuthenticationFailed, "%s: Authentication failed: password is incorrect, or there is no user with such name", user)
	}
	return nil
}

func (h *Handler) answer(r *http.Request, a *answer) error {
	q, err := parseRequest(r)
	if err != nil {
		return err
	}
	done, err := h.begin(q.queryID)
	if err != nil {
		return err
	}
	defer done()
	st, data, err := q.statement()
	if err != nil {
		return err
	}
	if st.format == "" {
		st.format = q.format
	}
	if err := a.begin(q, st.format); err != nil {
		return err
	}
	if q.isHello(st) {
		return h.hello(q, a)
	}
	s, err := h.session(r.Context(), q)
	if err != nil {
		return err
	}
	defer s.Close()
	switch {
	case st.kind == insertData:
		return insert(s, q, st, data, a)
	case st.kind == query && streamed(st.format) && !q.waitEnd:
		return stream(s, q, st, a)
	}
	return run(s, q, st, a)
}

// begin notes that a query runs and refuses a second one of the same id, as
// ClickHouse does.
func (h *Handler) begin(id string) (done func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running[id] {
		return nil, fault(codeSameQueryID, "Query with id = %s is already running.", id)
	}
	h.running[id] = true
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.running, id)
	}, nil
}

func (h *Handler) session(ctx context.Context, q *request) (*engine.Session, error) {
	c := engine.SessionConfig{Database: q.database, Settings: q.settings, Wait: h.Wait}
	if c.Database == "" {
		c.Database = h.Database
	}
	s, err := h.Engine.Session(ctx, c)
	if errors.Is(err, engine.ErrBusy) {
		return nil, fault(codeTooManyQueries, "Too many simultaneous queries. Maximum: %d; none ended within %s", h.Engine.Sessions(), h.Wait)
	}
	return s, err
}

// run answers with the whole result at once.
func run(s *engine.Session, q *request, st statement, a *answer) error {
	r, err := s.Run(engine.Statement{SQL: st.text, Format: st.format, Params: q.params})
	if err != nil {
		return err
	}
	defer r.Close()
	a.summary(r.Stats())
	if _, err := a.Write(r.Bytes()); err != nil {
		return err
	}
	return a.end()
}

// streamed reports whether the pieces of a streamed answer, one after another,
// are the whole answer. Formats with a header or an end are not like that.
func streamed(format string) bool { return format == "Native" || format == "RowBinary" }

// stream answers piece by piece.
func stream(s *engine.Session, q *request, st statement, a *answer) error {
	pieces, err := s.Stream(engine.Statement{SQL: st.text, Format: st.format, Params: q.params})
	if err != nil {
		return err
	}
	defer pieces.Close()
	for {
		piece, err := pieces.Next()
		if errors.Is(err, io.EOF) {
			return a.end()
		}
		if err != nil {
			return err
		}
		if _, err := a.Write(piece); err != nil {
			return fmt.Errorf("send the answer: %w", err)
		}
	}
}

// insert feeds the data of an INSERT to the engine. Data that does not arrive
// whole is not committed.
func insert(s *engine.Session, q *request, st statement, data io.Reader, a *answer) error {
	in, err := s.Insert(engine.Statement{SQL: st.text, Format: st.format, Params: q.params})
	if err != nil {
		return err
	}
	piece := make([]byte, 1<<20)
	for {
		n, err := data.Read(piece)
		if _, werr := in.Write(piece[:n]); werr != nil {
			break // Commit has the engine's reason
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			in.Abort()
			return badData(err)
		}
	}
	stats, err := in.Commit()
	if err != nil {
		return err
	}
	a.summary(stats)
	return a.end()
}
