// Package systemlog collects the System Log of an Okta org by polling, so that
// every event is in the ingest.Log at least once, and says up to when.
//
// Polling hands out events in the order in which Okta persisted them, which is
// not the order of their published (System Log query guide). An event may thus
// turn up after later ones; Lateness bounds by how much. Once a poll has reached
// the end at the server's time D, all that was published before D − Lateness is
// held, and only then is it claimed as covered.
package systemlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"jitaudit/ingest"
	"jitaudit/ingest/jsonscan"
	"jitaudit/ingest/okta/api"
	"jitaudit/schemas"
)

// Defaults and limits.
const (
	DefaultLateness     = 5 * time.Minute
	DefaultPollInterval = 10 * time.Second
	// MaxLimit is the largest page that Okta hands out (System Log API).
	MaxLimit = 1000
)

// Config says which org is collected, and from when.
type Config struct {
	// Org is the org's name in shards and policies; URL where it is asked.
	Org, URL string
	// Auth is an API token or an app; its Scopes are okta.logs.read by default.
	Auth api.Auth
	// Since is from when on events are wanted, by published. It counts until
	// there is a checkpoint. Okta keeps 90 days.
	Since time.Time
	// Lateness is by how much an event may turn up after its published; default
	// 5 minutes.
	Lateness time.Duration
	// PollInterval is the pause after a poll that reached the end; default 10
	// seconds.
	PollInterval time.Duration
	// Limit is the size of a page, up to 1000, which is the default.
	Limit int
	// Filter, in Okta's filter language, leaves events out. Coverage then holds
	// for what is not left out.
	Filter string
	// Holes are known to be missing in Okta's log; they are never claimed.
	Holes []schemas.Interval
	// Metrics and Logger may be nil.
	Metrics *ingest.Metrics
	Logger  *slog.Logger
	// Transport sends the requests; nil for the usual one.
	Transport http.RoundTripper
}

// Collector polls one org. It is not safe for concurrent use.
type Collector struct {
	cfg    Config
	shard  string
	log    ingest.Log
	client *api.Client

	doc    jsonscan.Document
	at     *checkpoint // nil until it was read; always what was last saved
	first  bool        // the next page is the round's first
	wait   time.Duration
	seen   recent
	state  ingest.State
	failed bool
}

// New makes a collector that puts events into log. It refuses a Config that
// cannot work, and asks nothing yet.
func New(cfg Config, log ingest.Log) (*Collector, error) {
	switch {
	case cfg.Org == "":
		return nil, errors.New("okta system log: the org must have a name")
	case cfg.Since.IsZero():
		return nil, fmt.Errorf("okta system log of %s: since must be set; Okta keeps 90 days", cfg.Org)
	case cfg.Limit < 0 || cfg.Limit > MaxLimit:
		return nil, fmt.Errorf("okta system log of %s: limit must be 1 to %d (got %d)", cfg.Org, MaxLimit, cfg.Limit)
	case cfg.Lateness < 0 || cfg.PollInterval < 0:
		return nil, fmt.Errorf("okta system log of %s: lateness and poll interval must not be negative (got %v, %v)", cfg.Org, cfg.Lateness, cfg.PollInterval)
	}
	cfg.fillIn()
	c := &Collector{cfg: cfg, shard: schemas.OktaShard(cfg.Org), log: log}
	requests := cfg.Metrics.Requests
	var err error
	c.client, err = api.New(api.Config{
		URL: cfg.URL, Auth: cfg.Auth, Transport: cfg.Transport,
		Count: func(outcome string) { requests.WithLabelValues(c.shard, outcome).Inc() },
	})
	if err != nil {
		return nil, fmt.Errorf("system log of %s: %w", cfg.Org, err)
	}
	return c, nil
}

func (cfg *Config) fillIn() {
	if cfg.Lateness == 0 {
		cfg.Lateness = DefaultLateness
	}
	if cfg.PollInterval == 0 {
		cfg.PollInterval = DefaultPollInterval
	}
	if cfg.Limit == 0 {
		cfg.Limit = MaxLimit
	}
	if cfg.Auth.Scopes == nil {
		cfg.Auth.Scopes = []string{"okta.logs.read"}
	}
	if cfg.Metrics == nil {
		cfg.Metrics = ingest.NewMetrics(prometheus.NewRegistry())
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Logger = cfg.Logger.With("shard", schemas.OktaShard(cfg.Org))
}

// Run polls until ctx ends, and then returns nil. What may pass by itself (the
// network, Okta's limits, the log) is tried again for ever and told through
// Metrics.Round; the error it returns does not: api.ErrDenied, api.ErrRefused
// when Okta refuses the filter, ErrCheckpoint.
func (c *Collector) Run(ctx context.Context) error {
	defer c.client.Close()
	return ingest.Repeat(ctx, c.cfg.PollInterval, c.cfg.Logger, permanent, c.Once)
}

func permanent(err error) bool {
	return errors.Is(err, api.ErrDenied) || errors.Is(err, api.ErrRefused) || errors.Is(err, ErrCheckpoint)
}

// Once polls until there is nothing new, claims what is covered by that, and
// notes the round in Metrics. After an error it goes on from what it has saved.
func (c *Collector) Once(ctx context.Context) error {
	err := c.round(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		err = fmt.Errorf("collect the system log of Okta org %s: %w", c.cfg.Org, err)
		c.failed = true
		c.cfg.Metrics.Round(c.shard, ingest.State{Err: err})
		return err
	}
	c.failed = false
	c.cfg.Metrics.Round(c.shard, c.state)
	return nil
}
