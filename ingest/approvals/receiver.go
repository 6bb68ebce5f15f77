package approvals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"jitaudit/ingest"
	"jitaudit/internal/signature"
	"jitaudit/schemas"
)

// Defaults.
const (
	DefaultMaxBody = 1 << 20
	DefaultWindow  = 5 * time.Minute
	DefaultTimeout = 30 * time.Second
)

const (
	// busy is how many requests are taken in at once; more are asked to wait.
	busy = 32
	// told bounds how many refused records an answer names.
	told = 50
)

// Feed is a feed that is received by HTTP. Of Token and Secret at least one is
// needed; of a feed with both, requests must have both.
type Feed struct {
	// Name is the feed's name in shards.
	Name string
	// Token is what Authorization: Bearer must carry.
	Token string
	// Secret is what requests are signed with; see signature.Header.
	Secret []byte
}

// Config says what is received, and where it goes.
type Config struct {
	Feeds []Feed
	Log   ingest.Log
	// MaxBody bounds a request, in bytes; 1 MiB by default.
	MaxBody int64
	// Window is how far the time of a signature may be from ours; 5 minutes by
	// default.
	Window time.Duration
	// Timeout bounds how long the log may take to acknowledge records; 30 seconds
	// by default.
	Timeout time.Duration
	// Now is the clock that signatures are held against; nil for the machine's.
	Now func() time.Time
	// Metrics and Logger may be nil.
	Metrics *ingest.Metrics
	Logger  *slog.Logger
}

// Receiver answers POST /approvals/FEED, and POST /approvals where there is only
// one feed. It takes in all records of a request or none: 202 says that the log has
// acknowledged them.
type Receiver struct {
	cfg   Config
	slots chan struct{}
	mux   *http.ServeMux
}

// NewReceiver makes a receiver. It refuses a Config that cannot work.
func NewReceiver(cfg Config) (*Receiver, error) {
	if cfg.Log == nil || len(cfg.Feeds) == 0 {
		return nil, errors.New("receive approvals: a log and at least one feed are needed")
	}
	cfg.fillIn()
	r := &Receiver{cfg: cfg, slots: make(chan struct{}, busy), mux: http.NewServeMux()}
	seen := make(map[string]bool)
	for i := range cfg.Feeds {
		f := &cfg.Feeds[i]
		switch {
		case f.Name == "" || seen[f.Name]:
			return nil, fmt.Errorf("receive approvals: feed %q has no name of its own", f.Name)
		case f.Token == "" && len(f.Secret) == 0:
			return nil, fmt.Errorf("receive approvals of %s: anybody could send them; give a token, a secret, or both", f.Name)
		}
		seen[f.Name] = true
		h := func(w http.ResponseWriter, req *http.Request) { r.receive(w, req, f) }
		r.mux.HandleFunc("POST /approvals/"+f.Name, h)
		if len(cfg.Feeds) == 1 {
			r.mux.HandleFunc("POST /approvals", h)
		}
	}
	return r, nil
}

func (cfg *Config) fillIn() {
	if cfg.MaxBody == 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	if cfg.Window == 0 {
		cfg.Window = DefaultWindow
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Metrics == nil {
		cfg.Metrics = ingest.NewMetrics(prometheus.NewRegistry())
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
}

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.mux.ServeHTTP(w, req) }

// Serve answers on a listener until ctx ends, and closes it. Requests that are
// under way then have a moment to be finished.
func (r *Receiver) Serve(ctx context.Context, l net.Listener) error {
	s := &http.Server{
		Handler: r, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 20 * time.Second,
		WriteTimeout: 30*time.Second + r.cfg.Timeout, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(r.cfg.Logger.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		err := s.Shutdown(last)
		if err != nil {
			err = s.Close()
		}
		ended <- err
	}()
	err := s.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		return <-ended
	}
	return fmt.Errorf("receive approvals on %s: %w", l.Addr(), err)
}

// answer is the body of every answer.
type answer struct {
	// Accepted is how many records the log has acknowledged: all, or none.
	Accepted int    `json:"accepted"`
	Error    string `json:"error,omitempty"`
	// Refused are the records for which none was accepted.
	Refused []refusal `json:"refused,omitempty"`
}

func (r *Receiver) receive(w http.ResponseWriter, req *http.Request, f *Feed) {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	default:
		w.Header().Set("Retry-After", "1")
		r.send(w, f, http.StatusTooManyRequests, answer{Error: "too much is being sent at once: send it again in a moment"})
		return
	}
	status, a := r.take(w, req, f)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	r.send(w, f, status, a)
}

// take takes in a request and says how it is to be answered.
func (r *Receiver) take(w http.ResponseWriter, req *http.Request, f *Feed) (status int, a answer) {
	if f.Token != "" {
		if err := bearer(req, f.Token); err != nil {
			w.Header().Set("WWW-Authenticate", `Bearer realm="approvals"`)
			return http.StatusUnauthorized, answer{Error: err.Error()}
		}
	}
	if req.Header.Get("Content-Encoding") != "" {
		return http.StatusUnsupportedMediaType, answer{Error: "the body is compressed: send it as it is"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, r.cfg.MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge, answer{Error: fmt.Sprintf("the body has more than %d bytes: send fewer records at once", large.Limit)}
	case err != nil:
		return http.StatusBadRequest, answer{Error: "the body breaks off: " + err.Error()}
	}
	if len(f.Secret) > 0 {
		if err := signature.Verify(req.Header.Get(signature.Header), body, r.cfg.Now(), r.cfg.Window, f.Secret); err != nil {
			return http.StatusUnauthorized, answer{Error: err.Error()}
		}
	}
	if len(body) > 1 && body[0] == 0x1f && body[1] == 0x8b {
		return http.StatusUnsupportedMediaType, answer{Error: "the body is compressed: send it as it is"}
	}
	return r.keep(req.Context(), f, body)
}

// keep puts the records of a body into the log.
func (r *Receiver) keep(ctx context.Context, f *Feed, body []byte) (status int, a answer) {
	messages, refused, err := Decoder{Feed: f.Name}.split(body)
	if err != nil {
		return http.StatusBadRequest, answer{Error: err.Error()}
	}
	if len(refused) > 0 {
		why := fmt.Sprintf("none of the records was accepted, because of %d: mend them and send all again", len(refused))
		return http.StatusBadRequest, answer{Error: why, Refused: refused[:min(len(refused), told)]}
	}
	shard := schemas.ApprovalsShard(f.Name)
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	if err := r.cfg.Log.Append(ctx, shard, messages); err != nil {
		r.cfg.Logger.Warn("approvals could not be put into the log; their sender was told so", "shard", shard, "records", len(messages), "error", err)
		return http.StatusServiceUnavailable, answer{Error: "the log does not acknowledge records at the moment: send all again; what comes twice counts once"}
	}
	r.cfg.Metrics.Records.WithLabelValues(shard, string(schemas.RawEvent)).Add(float64(len(messages)))
	return http.StatusAccepted, answer{Accepted: len(messages)}
}

func (r *Receiver) send(w http.ResponseWriter, f *Feed, status int, a answer) {
	outcome := "ok"
	switch {
	case status == http.StatusTooManyRequests:
		outcome = "throttled"
	case status != http.StatusAccepted:
		outcome = "failed"
	}
	r.cfg.Metrics.Requests.WithLabelValues(schemas.ApprovalsShard(f.Name), outcome).Inc()
	b, err := json.Marshal(a)
	if err != nil { // texts and numbers only: it can be
		b = []byte(strconv.Quote(a.Error))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // whoever asked may be gone
}
