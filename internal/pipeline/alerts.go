package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"jitaudit/internal/config"
	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
)

// dispatchers are what tells the receivers of the configuration, not yet running.
func (r *runner) dispatchers() ([]*alerts.Dispatcher, error) {
	m := Receivers{Version: r.Version, Now: r.Now, Log: r.Log, Kafka: &r.cfg.Kafka, Brokers: r.parts.brokers}
	var out []*alerts.Dispatcher
	told := make(map[string]*alerts.Dispatcher)
	for i := range r.cfg.Alerts.Receivers {
		c := &r.cfg.Alerts.Receivers[i]
		receiver, err := m.Make(c)
		if err != nil {
			return nil, err
		}
		r.parts.closers = append(r.parts.closers, receiver.Close)
		d, err := alerts.New(alertConfig(r.cfg, c, r.alertsNow), receiver, r.metrics, r.Log)
		if err != nil {
			return nil, err
		}
		out, told[c.Name] = append(out, d), d
	}
	r.health.mu.Lock()
	defer r.health.mu.Unlock()
	r.health.receivers = told
	return out, nil
}

// tell runs dispatchers until ctx ends.
func (r *runner) tell(ctx context.Context, dispatchers []*alerts.Dispatcher) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, d := range dispatchers {
		g.Go(func() error { return d.Run(ctx, r.parts.kafka) })
	}
	return g.Wait()
}

func alertConfig(all *config.Config, c *config.AlertReceiver, now func() time.Time) alerts.Config {
	out := alerts.Config{
		Name: c.Name, Prefix: all.Kafka.Prefix, Kinds: kindsOf(c.Kinds),
		Route:     alerts.Route{Match: matchers(c.Match), Except: matchers(c.Except)},
		GroupWait: c.GroupWait, GroupInterval: c.GroupInterval, MaxAlerts: c.MaxAlerts, Rate: c.Rate,
		MaxAge: all.Alerts.MaxAge, DigestWait: all.Alerts.DigestWait, Link: all.Alerts.Link, Now: now,
	}
	for _, l := range c.GroupBy {
		out.GroupBy = append(out.GroupBy, alerts.Label(l))
	}
	return out
}

func matchers(list []config.AlertMatch) (out []alerts.Matcher) {
	for _, m := range list {
		out = append(out, alerts.Matcher{
			Kinds: kindsOf(m.Kinds), Rules: m.Rules, Severity: schemas.Severity(m.Severity), Accounts: m.Accounts, Persons: m.Persons,
		})
	}
	return out
}

// kindsOf are the kinds that the configuration names.
func kindsOf(names []string) (out []alerts.Kind) {
	for _, n := range names {
		out = append(out, map[string]alerts.Kind{"findings": alerts.Findings, "grants": alerts.Grants, "sessions": alerts.Sessions}[n])
	}
	return out
}

// CheckReceivers says what is wrong with receivers that their files or their values
// show, and connects to nobody.
func CheckReceivers(cfg *config.Config, now func() time.Time, log *slog.Logger) error {
	m := receiversOf(cfg, "", now, log)
	var errs []error
	for i := range cfg.Alerts.Receivers {
		c := &cfg.Alerts.Receivers[i]
		receiver, err := m.Make(c)
		if err == nil {
			err = receiver.Close()
		}
		errs = append(errs, err)
		if err := alertConfig(cfg, c, now).Validate(); err != nil {
			errs = append(errs, fmt.Errorf("receiver %s: %w", c.Name, err))
		}
	}
	return errors.Join(errs...)
}

func receiversOf(cfg *config.Config, version string, now func() time.Time, log *slog.Logger) *Receivers {
	brokers := cfg.Kafka.Brokers
	if cfg.Kafka.Embedded() {
		brokers = []string{cfg.Kafka.EmbeddedBroker.Addr}
	}
	return &Receivers{Version: version, Now: now, Log: log, Kafka: &cfg.Kafka, Brokers: brokers}
}

// ErrNoReceiver is that of a name which no receiver has.
var ErrNoReceiver = errors.New("there is no such receiver")

// TestReceiver sends a receiver something that is marked as a test, and returns what
// the other side said against it.
func TestReceiver(ctx context.Context, cfg *config.Config, name, version string, now func() time.Time, log *slog.Logger) (err error) {
	i := slices.IndexFunc(cfg.Alerts.Receivers, func(r config.AlertReceiver) bool { return r.Name == name })
	if i < 0 {
		return ErrNoReceiver
	}
	receiver, err := receiversOf(cfg, version, now, log).Make(&cfg.Alerts.Receivers[i])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, receiver.Close()) }()
	_, err = receiver.Send(ctx, alerts.TestNotice(now()))
	return err
}
