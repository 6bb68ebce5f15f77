// Package governance asks Okta's governance API for the requests for access that
// the System Log names: who approved them, and for how long, is not in the log.
package governance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/okta/okta-sdk-golang/v2/okta/query"
	"github.com/prometheus/client_golang/prometheus"

	"jitaudit/ingest"
	"jitaudit/ingest/okta/api"
	"jitaudit/schemas"
)

const (
	// Scope is what the API asks an app for (Okta: Retrieve a request).
	Scope = "okta.accessRequests.request.read"
	// DefaultInterval is how often is looked for what has been named. Where there is
	// nothing, nothing is asked.
	DefaultInterval = time.Second

	requestsPath = "/governance/api/v2/requests"
	// settling is how long a request is asked for again that Okta does not know
	// yet, or calls open though the log says that it is over; again is how often.
	settling = 10 * time.Minute
	again    = time.Minute
	// saveEvery is after how many requests it is remembered that they are done; a
	// crash asks for as many again.
	saveEvery = 25
)

// Config says of which org requests are asked for.
type Config struct {
	// Org is the org's name in shards and policies; URL where it is asked.
	Org, URL string
	// Auth is an API token or an app; its Scopes are Scope by default.
	Auth api.Auth
	// Interval is the pause between rounds; default one second.
	Interval time.Duration
	// Metrics and Logger may be nil. Rounds are noted as those of the shard with
	// "/governance" behind it, since they say nothing of what the shard covers.
	Metrics *ingest.Metrics
	Logger  *slog.Logger
	// Transport sends the requests; nil for the usual one.
	Transport http.RoundTripper
}

// Collector asks for the requests of one org. Run is for one goroutine; the log
// that Watch returns may be used by another.
type Collector struct {
	cfg        Config
	shard, key string
	log        ingest.Log
	client     *api.Client
	wait       time.Duration
	date       time.Time
	asked      bool // Okta has let us in
	missed     bool // it was said that a request is not to be had

	mu      sync.Mutex
	pending map[string]*pending // nil until it was read
}

// New makes a collector that puts requests into log. It refuses a Config that
// cannot work, and asks nothing yet.
func New(cfg Config, log ingest.Log) (*Collector, error) {
	if cfg.Org == "" || cfg.Interval < 0 {
		return nil, fmt.Errorf("okta governance of %q: the org must have a name, and the interval must not be negative (got %v)", cfg.Org, cfg.Interval)
	}
	if cfg.Interval == 0 {
		cfg.Interval = DefaultInterval
	}
	if cfg.Auth.Scopes == nil {
		cfg.Auth.Scopes = []string{Scope}
	}
	if cfg.Metrics == nil {
		cfg.Metrics = ingest.NewMetrics(prometheus.NewRegistry())
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Collector{cfg: cfg, shard: schemas.OktaShard(cfg.Org), log: log}
	c.key = c.shard + "/governance"
	c.cfg.Logger = cfg.Logger.With("shard", c.shard, "collector", "governance")
	requests := cfg.Metrics.Requests
	var err error
	c.client, err = api.New(api.Config{
		URL: cfg.URL, Auth: cfg.Auth, Transport: cfg.Transport,
		Count: func(outcome string) { requests.WithLabelValues(c.key, outcome).Inc() },
	})
	if err != nil {
		return nil, fmt.Errorf("governance of %s: %w", cfg.Org, err)
	}
	return c, nil
}

// Watch returns a log for the org's System Log: what is put into it goes into the
// log below, and the requests that it names are asked for. They are remembered
// before the events stand in the log, so that none is forgotten.
func (c *Collector) Watch(log ingest.Log) ingest.Log { return &watched{log, c} }

type watched struct {
	ingest.Log
	c *Collector
}

// Append implements ingest.Log.
func (w *watched) Append(ctx context.Context, shard string, messages []ingest.Message) error {
	var named []pending
	for i := range messages {
		if messages[i].Kind != schemas.RawEvent {
			continue
		}
		if id, ends := requestOf(messages[i].Raw); id != "" {
			named = append(named, pending{ID: id, Since: time.Now().UTC(), Ends: ends})
		}
	}
	if len(named) > 0 {
		if err := w.c.note(ctx, named); err != nil {
			return err
		}
	}
	return w.Log.Append(ctx, shard, messages)
}

// Run asks for what is named until ctx ends, and then returns nil. What may pass by
// itself is tried again for ever; api.ErrDenied, which it returns, does not.
func (c *Collector) Run(ctx context.Context) error {
	defer c.client.Close()
	return ingest.Repeat(ctx, c.cfg.Interval, c.cfg.Logger, func(err error) bool { return errors.Is(err, api.ErrDenied) }, c.Once)
}

// Once asks for all that was named and is due, and notes the round in Metrics.
func (c *Collector) Once(ctx context.Context) error {
	err := c.round(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch {
	case errors.Is(err, api.ErrDenied):
		err = fmt.Errorf("ask for the access requests of Okta org %s: %w (the scope is %s, the role Access Requests Administrator; or leave governance out)", c.cfg.Org, err, Scope)
	case err != nil:
		err = fmt.Errorf("ask for the access requests of Okta org %s: %w", c.cfg.Org, err)
	}
	c.cfg.Metrics.Round(c.key, ingest.State{At: c.date, Err: err})
	return err
}

func (c *Collector) round(ctx context.Context) (err error) {
	due, err := c.due(ctx, time.Now())
	if err != nil {
		return err
	}
	if !c.asked {
		if err := c.knock(ctx); err != nil {
			return err
		}
	}
	defer func() {
		if len(due) > 0 && ctx.Err() == nil {
			err = errors.Join(err, c.remember(ctx))
		}
	}()
	for i := range due {
		if err := c.fetch(ctx, &due[i]); err != nil {
			return err
		}
		if i%saveEvery == saveEvery-1 {
			if err := c.remember(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// knock sees whether Okta lets us in, before there is anything to ask for, and
// again after a refusal.
func (c *Collector) knock(ctx context.Context) error {
	_, err := c.ask(ctx, requestsPath, query.Params{Limit: 1})
	if errors.Is(err, api.ErrNotFound) || errors.Is(err, api.ErrRefused) {
		c.asked = true // it is not this that we need
		return nil
	}
	return err
}

func (c *Collector) ask(ctx context.Context, path string, q query.Params) (api.Object, error) {
	if err := ingest.Sleep(ctx, c.wait); err != nil {
		return api.Object{}, err
	}
	c.wait = 0
	o, err := c.client.GetOne(ctx, path, q)
	switch {
	case err == nil:
		c.wait, c.date, c.asked = o.Wait, o.Date, true
	case errors.Is(err, api.ErrDenied):
		c.asked = false
	}
	return o, err
}

// fetch asks for one request and puts it into the log.
func (c *Collector) fetch(ctx context.Context, p *pending) error {
	o, err := c.ask(ctx, requestsPath+"/"+p.ID, query.Params{})
	settled := time.Since(p.Since) > settling
	if errors.Is(err, api.ErrNotFound) || errors.Is(err, api.ErrRefused) {
		if !settled {
			c.later(p, time.Now().Add(again))
			return nil
		}
		c.miss(p, err)
		c.done(p)
		return nil
	}
	if err != nil {
		return err
	}
	raw, err := Record{Org: c.cfg.Org, At: o.Date, Request: o.Raw}.encode()
	if err != nil {
		return err
	}
	if err := c.log.Append(ctx, c.shard, []ingest.Message{{Source: schemas.Okta, Kind: schemas.RawRequest, Time: o.Date, Raw: raw}}); err != nil {
		return fmt.Errorf("append request %s: %w", p.ID, err)
	}
	c.cfg.Metrics.Records.WithLabelValues(c.shard, string(schemas.RawRequest)).Inc()
	var q request
	if p.Ends && !settled && json.Unmarshal(o.Raw, &q) == nil && q.open() {
		c.later(p, time.Now().Add(again))
		return nil
	}
	c.done(p)
	return nil
}

// miss says once that requests are not to be had; those of request types, the
// older kind, are not (Okta: Retrieve a request).
func (c *Collector) miss(p *pending, err error) {
	level := slog.LevelDebug
	if !c.missed {
		level = slog.LevelWarn
	}
	c.missed = true
	c.cfg.Logger.Log(context.Background(), level, "Okta does not give a request that its log names; of it only the log will tell, as of any further one", "request", p.ID, "error", err)
}
