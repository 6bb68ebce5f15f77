// Package demo runs the whole pipeline on a made-up organisation: simulated Okta
// and AWS, the collectors with the vendors' own SDKs, the embedded broker and
// ClickHouse.
package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"jitaudit/correlate/stream/entry"
	kafkalog "jitaudit/ingest/kafka"
	"jitaudit/internal/config"
	"jitaudit/internal/organisation"
	"jitaudit/internal/pipeline"
	"jitaudit/internal/reference"
	"jitaudit/internal/simulated/aws"
	"jitaudit/internal/simulated/okta"
	"jitaudit/schemas"
	"jitaudit/sinks/clickhouse"
)

// Options say what is demonstrated.
type Options struct {
	History *organisation.History
	// Dir is where the embedded parts keep their data.
	Dir string
	// Child, Log, Now, Tell and Library are those of pipeline.Options.
	Child   []string
	Log     *slog.Logger
	Now     func() time.Time
	Tell    func(string)
	Library func(stage string, done, total int64)
}

// Demo is a pipeline that runs.
type Demo struct {
	opts   Options
	shards []string
	where  *pipeline.Addresses
	okta   string
	aws    string
	db     *clickhouse.DB
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // of the pipeline, once ended
	closer []func() error
}

// Start starts everything. The organisation's history lies behind it: the
// simulated clocks stand where all of it has been delivered and the bounds on
// lateness have passed.
func Start(ctx context.Context, o Options) (*Demo, error) {
	d := &Demo{opts: o, shards: shards(o.History), ended: make(chan struct{})}
	if err := d.startSources(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	started := make(chan *pipeline.Addresses, 1)
	run, cancel := context.WithCancel(ctx)
	d.cancel = cancel
	go func() {
		defer close(d.ended)
		d.err = pipeline.Run(run, pipeline.Options{
			Config: d.config(), Role: config.RoleRun, Policies: []entry.Policy{{Name: "policy.yaml", Data: o.History.Policy}},
			Log: o.Log, Now: o.Now, Child: o.Child, Tell: o.Tell, Library: o.Library,
			Started: func(a *pipeline.Addresses) { started <- a },
		})
	}()
	select {
	case d.where = <-started:
	case <-d.ended:
		err := d.Close() // it says why the pipeline ended
		if err == nil {
			err = cmp.Or(ctx.Err(), errors.New("the pipeline ended before it had started"))
		}
		return nil, err
	}
	db, err := clickhouse.New(d.where.ClickHouse, o.Log)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	d.db = db
	d.closer = append(d.closer, db.Close)
	// What the simulated Okta listed in the past, and what another tool approved, is
	// in none of its logs.
	log, err := kafkalog.New(d.where.Kafka)
	if err == nil {
		err = reference.Aside(ctx, log, o.History)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

const (
	token     = "demo"
	accessKey = "AKIADEMO000000000000"
	secret    = "demo"
	// hub is the account from which a role is assumed in each of the others.
	hub = "999999999999"
	// raisedRate replaces the 2 requests a second that AWS allows.
	raisedRate = 10_000
	// tick is how often the stages speak.
	tick = 250 * time.Millisecond
	// oktaLateness and awsLateness are how far the simulated clocks stand behind
	// the end of the history.
	oktaLateness = 5 * time.Minute
	awsLateness  = 20 * time.Minute
)

func (d *Demo) startSources(ctx context.Context) error {
	h := d.opts.History
	to := h.Truth.Complete.To
	org, err := okta.New(okta.Config{
		Org: d.org(), Events: h.Okta, Token: token, Raised: true, Retention: -1,
		Clock: func() time.Time { return to.Add(oktaLateness) },
	})
	if err != nil {
		return fmt.Errorf("simulate okta: %w", err)
	}
	var roles []aws.Role
	for _, account := range d.accounts() {
		roles = append(roles, aws.Role{ARN: roleOf(account)})
	}
	cloud := aws.New(aws.Config{
		Events: h.CloudTrail, Principals: map[string]aws.Principal{accessKey: {Secret: secret, Account: hub}}, Roles: roles,
		RequestsPerSecond: raisedRate, Clock: func() time.Time { return to.Add(awsLateness) },
	})
	if d.okta, err = d.serve(ctx, org); err != nil {
		return err
	}
	d.aws, err = d.serve(ctx, cloud)
	return err
}

// serve answers on a free port of this machine until the demo is closed.
func (d *Demo) serve(ctx context.Context, h http.Handler) (url string, err error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("listen for a simulated source: %w", err)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	d.closer = append(d.closer, func() error {
		err := s.Close()
		if served := <-done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	})
	return "http://" + l.Addr().String(), nil
}

// config is what a user would write, for the simulated sources.
func (d *Demo) config() *config.Config {
	h := d.opts.History
	nobody := func(string) (string, bool) { return "", false }
	c := config.Default(config.Environment{Lookup: nobody})
	c.DataDir = d.opts.Dir
	c.HTTP.Addr = "127.0.0.1:0"
	c.Kafka.EmbeddedBroker.Addr, c.ClickHouse.EmbeddedEngine.Addr = "127.0.0.1:0", "127.0.0.1:0"
	c.Correlate.Tick = tick
	c.Sinks.ClickHouse.BatchInterval = 500 * time.Millisecond
	c.Okta = []config.OktaOrg{{
		Org: d.org(), URL: d.okta, Token: config.NewSecret(token), Since: config.Since{At: h.Truth.Complete.From},
		Lateness: oktaLateness, PollInterval: time.Second,
	}}
	c.AWS = config.AWS{
		Endpoint: d.aws, AccessKeyID: accessKey, SecretAccessKey: config.NewSecret(secret),
		Since: config.Since{At: h.Truth.Complete.From}, Lateness: awsLateness, PollInterval: time.Second,
		Window: 24 * time.Hour, RequestsPerSecond: raisedRate,
	}
	for _, account := range d.accounts() {
		c.AWS.Accounts = append(c.AWS.Accounts, config.AWSAccount{Account: account, RoleARN: roleOf(account), Regions: d.regions(account)})
	}
	for _, g := range h.Truth.Gaps {
		hole := config.Hole{From: g.From, To: g.To, Reason: "the made-up log has a hole here"}
		if account, region, ok := awsShard(g.Shard); ok {
			c.AWS.Holes = append(c.AWS.Holes, config.AWSHole{Account: account, Region: region, Hole: hole})
		} else {
			c.Okta[0].Holes = append(c.Okta[0].Holes, hole)
		}
	}
	return c
}

func roleOf(account string) string { return "arn:aws:iam::" + account + ":role/jitaudit-collector" }

// shards are the shards of a history, sorted.
func shards(h *organisation.History) (out []string) {
	known := make(map[string]bool)
	for _, events := range [][]organisation.Event{h.Okta, h.CloudTrail} {
		for i := range events {
			if s := events[i].Shard; !known[s] {
				known[s] = true
				out = append(out, s)
			}
		}
	}
	slices.Sort(out)
	return out
}

// org is the only org of a made-up history.
func (d *Demo) org() string {
	for _, s := range d.shards {
		if org, ok := strings.CutPrefix(s, schemas.OktaShard("")); ok {
			return org
		}
	}
	return ""
}

func awsShard(shard string) (account, region string, ok bool) {
	parts := strings.Split(shard, "/")
	if len(parts) != 3 {
		return "", "", false
	}
	return parts[1], parts[2], true
}

func (d *Demo) accounts() (out []string) {
	for _, s := range d.shards {
		if account, _, ok := awsShard(s); ok {
			out = append(out, account)
		}
	}
	return slices.Compact(out)
}

func (d *Demo) regions(account string) (out []string) {
	for _, s := range d.shards {
		if a, region, ok := awsShard(s); ok && a == account {
			out = append(out, region)
		}
	}
	return out
}

// Where is where the parts are.
func (d *Demo) Where() *pipeline.Addresses { return d.where }

// Sources are the addresses of the simulated Okta and AWS.
func (d *Demo) Sources() (okta, aws string) { return d.okta, d.aws }

// Close stops everything and returns why the pipeline ended, if by itself.
func (d *Demo) Close() error {
	var errs []error
	if d.db != nil {
		errs = append(errs, d.closer[len(d.closer)-1]())
		d.closer = d.closer[:len(d.closer)-1]
	}
	if d.cancel != nil {
		d.cancel()
		<-d.ended
		errs = append(errs, d.err)
	}
	for _, c := range slices.Backward(d.closer) {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}
