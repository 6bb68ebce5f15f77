// Package pipeline runs the roles of the program: collectors, resolve and
// rebuild, the sink, and, where no servers are configured, the embedded broker
// and ClickHouse beside them.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"jitaudit/correlate/stream"
	"jitaudit/correlate/stream/entry"
	"jitaudit/ingest"
	kafkalog "jitaudit/ingest/kafka"
	"jitaudit/internal/config"
	"jitaudit/internal/kafka"
	"jitaudit/schemas/topics"
	"jitaudit/sinks"
	"jitaudit/sinks/clickhouse"
)

// Options say what is run.
type Options struct {
	Config *config.Config
	Role   config.Role
	// Policies are the files that the configuration names.
	Policies []entry.Policy
	Log      *slog.Logger
	Now      func() time.Time
	// Child is the command line by which this program runs the embedded
	// ClickHouse, in a process of its own.
	Child []string
	// Version is the program's, as receivers of alerts are told.
	Version string
	// Tell says to the person who started the program what it is doing.
	Tell func(string)
	// Library is told how fetching libchdb goes; may be nil.
	Library func(stage string, done, total int64)
	// Started, if set, is called once all parts run, with where they are.
	Started func(*Addresses)

	// deniedPause is how long a source that refuses us is left alone; tests
	// shorten it.
	deniedPause time.Duration
	// alertsNow is the clock of alerts, for tests whose events are of long ago.
	alertsNow func() time.Time
}

// Addresses are where the parts are.
type Addresses struct {
	Kafka      *kafka.Client
	Brokers    []string
	ClickHouse clickhouse.Config
	HTTP       string
	// Approvals is where feeds are received; empty for nowhere.
	Approvals string

	prefix string
}

// runner is one run.
type runner struct {
	Options
	cfg     *config.Config
	metrics *prometheus.Registry
	ingest  *ingest.Metrics
	health  *health
	parts   parts
	// approvals is where feeds are received; nil for nowhere.
	approvals net.Listener
}

// Run runs a role until ctx ends, or a part of it fails for good.
func Run(ctx context.Context, o Options) (err error) {
	r := &runner{Options: o, cfg: o.Config, metrics: prometheus.NewRegistry(), health: newHealth(o.Config.HTTP.ReadyLag, o.Now)}
	r.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if r.alertsNow == nil {
		r.alertsNow = r.Now
	}
	if r.deniedPause == 0 {
		r.deniedPause = deniedPause
	}
	l, err := listen(ctx, r.cfg.HTTP.Addr)
	if err != nil {
		return err
	}
	r.parts.http = l.Addr().String()
	asked := ctx // ends when we are asked to stop
	g, ctx := errgroup.WithContext(ctx)
	defer func() { err = errors.Join(err, r.parts.close()) }()
	g.Go(func() error { return r.health.serve(ctx, l, r.metrics) })
	g.Go(func() error {
		if err := r.start(ctx); err != nil {
			return err
		}
		return r.work(ctx)
	})
	err = g.Wait()
	if asked.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil
	}
	return err
}

// start brings up what the roles need: servers, topics, tables, policies.
func (r *runner) start(ctx context.Context) error {
	if r.collects() {
		if err := r.listenForApprovals(ctx); err != nil {
			return err
		}
	}
	if err := r.startKafka(ctx); err != nil {
		return err
	}
	if r.sinks() {
		if err := r.startClickHouse(ctx); err != nil {
			return err
		}
	}
	if r.correlates() {
		if err := r.wait(ctx, unreachable, func(ctx context.Context) error {
			return stream.PublishPolicies(ctx, r.stream(nil), r.Policies)
		}); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) collects() bool {
	return r.Role == config.RoleRun || r.Role == config.RoleCollect
}

func (r *runner) correlates() bool {
	return r.Role == config.RoleRun || r.Role == config.RoleCorrelate
}

func (r *runner) sinks() bool {
	return r.Role == config.RoleRun || r.Role == config.RoleSinkClickHouse
}

func (r *runner) alerts() bool {
	return (r.Role == config.RoleRun || r.Role == config.RoleSinkAlerts) && len(r.cfg.Alerts.Receivers) > 0
}

// wait does something that needs a server, again and again for as long as the
// configuration says to wait for servers, while its error is one that passes.
func (r *runner) wait(ctx context.Context, passes func(error) bool, do func(context.Context) error) error {
	limit := r.cfg.WaitForServers
	began, told, pause := r.Now(), false, 250*time.Millisecond
	for {
		err := do(ctx)
		r.health.waitFor(err)
		if err == nil || ctx.Err() != nil || !passes(err) {
			return err
		}
		if waited := r.Now().Sub(began); limit != config.Forever && waited+pause > limit {
			if limit > 0 {
				err = fmt.Errorf("%w (given up after %s; wait_for_servers says how long to wait)", err, limit)
			}
			return err
		}
		if !told {
			r.Log.Warn("waiting for a server", "error", err)
			told = true
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, 5*time.Second)
	}
}

// unreachable reports whether Kafka may come back.
func unreachable(err error) bool { return errors.Is(err, kafka.ErrUnreachable) }

// passing reports whether ClickHouse may come back.
func passing(err error) bool { return !sinks.IsPermanent(err) }

// work runs the roles.
func (r *runner) work(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	if r.correlates() {
		cfg := r.stream(stream.NewMetrics(r.metrics))
		r.health.stages["resolve"] = &stage{group: cfg.Prefix + stream.ResolveGroup, topics: topics.Raw()}
		r.health.stages["rebuild"] = &stage{group: cfg.Prefix + stream.RebuildGroup, topics: []string{topics.Facts}}
		g.Go(func() error { return stream.Resolve(ctx, cfg, decoder) })
		g.Go(func() error { return stream.Rebuild(ctx, cfg) })
	}
	if r.sinks() {
		loops := sinkLoops(r.cfg.Sinks.ClickHouse.RawEvents)
		for _, l := range loops {
			r.health.stages[l.stage] = &stage{group: r.cfg.Kafka.Prefix + l.group, topics: l.topics}
		}
		g.Go(func() error { return r.runLoops(ctx, loops) })
	}
	if r.alerts() {
		told, err := r.dispatchers()
		if err != nil {
			return err
		}
		g.Go(func() error { return r.tell(ctx, told) })
	}
	if r.collects() {
		r.ingest = ingest.NewMetrics(r.metrics)
		r.health.ingest = r.ingest
		r.health.expect(r.cfg)
		log, err := kafkalog.New(r.parts.kafka)
		if err != nil {
			return err
		}
		g.Go(func() error { return r.collect(ctx, log) })
	}
	r.health.begin()
	g.Go(func() error { r.health.watch(ctx, r.parts.kafka); return nil })
	if r.Started != nil {
		r.Started(&Addresses{Kafka: r.parts.kafka, Brokers: r.parts.brokers, ClickHouse: r.parts.database, HTTP: r.parts.http, Approvals: r.parts.approvals, prefix: r.cfg.Kafka.Prefix})
	}
	return g.Wait()
}

func (r *runner) stream(m *stream.Metrics) stream.Config {
	return stream.Config{
		Client: r.parts.kafka, Prefix: r.cfg.Kafka.Prefix, Partitions: r.cfg.Kafka.Partitions,
		Horizon: r.cfg.Correlate.Horizon, Tick: r.cfg.Correlate.Tick, Now: r.Now, Metrics: m, Log: r.Log,
	}
}
