package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"jitaudit/ingest"
	"jitaudit/ingest/approvals"
	"jitaudit/ingest/awsapi"
	"jitaudit/ingest/cloudtrail/lookup"
	"jitaudit/ingest/okta/api"
	"jitaudit/ingest/okta/directory"
	"jitaudit/ingest/okta/governance"
	"jitaudit/ingest/okta/systemlog"
	"jitaudit/internal/config"
	"jitaudit/schemas"
)

// collector reads one shard until its context ends.
type collector interface {
	Run(ctx context.Context) error
}

// spared is a collector whose refusal never ends the others.
type spared struct{ collector }

// collect reads all sources into a log, and receives approvals where they may be
// sent. A source that is refused for good ends them all, or is left behind, as the
// configuration says.
func (r *runner) collect(ctx context.Context, log ingest.Log) error {
	all, err := r.collectors(ctx, log)
	if err != nil {
		return err
	}
	var feeds *approvals.Receiver
	if r.approvals != nil {
		if feeds, err = r.receiver(log); err != nil {
			return err
		}
	}
	if err := r.announce(ctx, log); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for shard, c := range all {
		g.Go(func() error { return r.runCollector(ctx, shard, c) })
	}
	if feeds != nil {
		g.Go(func() error { return feeds.Serve(ctx, r.approvals) })
	}
	return g.Wait()
}

// announce says which shards are collected, before any coverage: nothing is final
// before all of them are past it. It stands with the orgs of Okta, whose coverage
// is waited for in any case.
func (r *runner) announce(ctx context.Context, log ingest.Log) error {
	orgs, shards := r.cfg.Shards()
	value, err := json.Marshal(schemas.Shards{Shards: append(slices.Clone(orgs), shards...)})
	if err != nil {
		return fmt.Errorf("announce the shards: %w", err)
	}
	to := orgs
	if len(to) == 0 && len(shards) > 0 {
		to = shards[:1]
	}
	for _, shard := range to {
		source := schemas.Okta
		if len(orgs) == 0 {
			source = schemas.CloudTrail
		}
		if err := log.Append(ctx, shard, []ingest.Message{{Source: source, Kind: schemas.RawShards, Raw: value}}); err != nil {
			return fmt.Errorf("announce the shards: %w", err)
		}
	}
	return nil
}

// deniedPause is how long a source that refuses us is left alone, by default.
const deniedPause = 5 * time.Minute

// runCollector runs a collector until ctx ends. Its error is that asking again
// is of no use as long as nobody changes anything.
func (r *runner) runCollector(ctx context.Context, shard string, c collector) error {
	_, spared := c.(spared)
	for said := ""; ; {
		err := c.Run(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !spared && r.cfg.DeniedSource == config.DeniedExit {
			return fmt.Errorf("%w (with denied_source: wait the other sources go on)", err)
		}
		r.ingest.Round(shard, ingest.State{Err: err})
		level := slog.LevelError
		if err != nil && err.Error() == said {
			level = slog.LevelDebug // it is at /readyz as well
		} else if err != nil {
			said = err.Error()
		}
		r.log(shard).Log(ctx, level, "the source refuses to be read; the others go on", "error", err, "again_in", r.deniedPause)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(r.deniedPause):
		}
	}
}

// collectors makes those that the configuration names, by what they read.
func (r *runner) collectors(ctx context.Context, log ingest.Log) (map[string]collector, error) {
	all := make(map[string]collector)
	for i := range r.cfg.Okta {
		if err := r.oktaCollectors(&r.cfg.Okta[i], log, all); err != nil {
			return nil, err
		}
	}
	for i := range r.cfg.AWS.Accounts {
		if err := r.awsCollectors(ctx, &r.cfg.AWS.Accounts[i], log, all); err != nil {
			return nil, err
		}
	}
	for i := range r.cfg.AWS.IdentityStore {
		if err := r.storeCollector(ctx, &r.cfg.AWS.IdentityStore[i], log, all); err != nil {
			return nil, err
		}
	}
	for i := range r.cfg.Approvals.Feeds {
		if f := &r.cfg.Approvals.Feeds[i]; f.Topic != "" {
			if err := r.topicCollector(f, log, all); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func (r *runner) oktaCollectors(o *config.OktaOrg, log ingest.Log, all map[string]collector) error {
	shard := schemas.OktaShard(o.Org)
	auth := api.Auth{Token: o.Token.Reveal(), ClientID: o.ClientID, KeyID: o.KeyID, PrivateKey: []byte(o.PrivateKey.Reveal())}
	below := log
	if o.Governance {
		requests, err := governance.New(governance.Config{Org: o.Org, URL: o.URL, Auth: auth, Metrics: r.ingest, Logger: r.Log}, log)
		if err != nil {
			return fmt.Errorf("configure the governance of %s: %w", shard, err)
		}
		all[shard+"/governance"] = spared{requests}
		log = requests.Watch(log)
	}
	events, err := systemlog.New(systemlog.Config{
		Org: o.Org, URL: o.URL, Auth: auth, Since: o.Since.Time(r.Now()), Lateness: o.Lateness,
		PollInterval: o.PollInterval, Filter: o.Filter, Holes: holes(o.Holes),
		Metrics: r.ingest, Logger: r.Log,
	}, log)
	if err != nil {
		return fmt.Errorf("configure the collector of %s: %w", shard, err)
	}
	all[shard] = events
	if len(o.Directory.Groups) == 0 {
		return nil
	}
	groups, err := o.Directory.Patterns()
	if err != nil {
		return fmt.Errorf("configure the groups of %s: %w", shard, err)
	}
	members, err := directory.New(directory.Config{
		Org: o.Org, URL: o.URL, Auth: auth, Groups: groups, Interval: o.Directory.Interval,
		Metrics: r.ingest, Logger: r.Log,
	}, below)
	if err != nil {
		return fmt.Errorf("configure the directory of %s: %w", shard, err)
	}
	all[shard+"/directory"] = members
	return nil
}

func (r *runner) awsCollectors(ctx context.Context, a *config.AWSAccount, log ingest.Log, all map[string]collector) error {
	c := &r.cfg.AWS
	regions := c.RegionsOf(a)
	if len(regions) == 0 {
		return fmt.Errorf("aws account %s: no region is given", a.Account)
	}
	aws, err := awsapi.Connect(ctx, awsapi.Connection{
		Region: regions[0], Endpoint: c.Endpoint, Profile: c.Profile,
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey.Reveal(),
		RoleARN: a.RoleARN, ExternalID: a.ExternalID,
	})
	if err != nil {
		return fmt.Errorf("connect to aws account %s: %w", a.Account, err)
	}
	for _, region := range regions {
		shard := schemas.AWSShard(a.Account, region)
		all[shard], err = lookup.New(lookup.Config{
			Account: a.Account, Region: region, AWS: aws, Log: log, Since: c.Since.Time(r.Now()), Lateness: c.Lateness,
			PollInterval: c.PollInterval, Window: c.Window, EventNames: c.EventNames, RequestsPerSecond: c.RequestsPerSecond,
			Holes: awsHoles(c.Holes, a.Account, region), ExcludeRoles: own(a.RoleARN), Metrics: r.ingest, Logger: r.Log,
		})
		if err != nil {
			return fmt.Errorf("configure the collector of %s: %w", shard, err)
		}
	}
	return nil
}

func (r *runner) log(shard string) *slog.Logger { return r.Log.With("shard", shard) }

// own is the collector's own role, whose lookups are no news.
func own(role string) []string {
	if role == "" {
		return nil
	}
	return []string{role}
}

func holes(list []config.Hole) (out []schemas.Interval) {
	for _, h := range list {
		out = append(out, schemas.Interval{From: h.From, To: h.To})
	}
	return out
}

func awsHoles(list []config.AWSHole, account, region string) (out []schemas.Interval) {
	for _, h := range list {
		if (h.Account == "" || h.Account == account) && (h.Region == "" || h.Region == region) {
			out = append(out, schemas.Interval{From: h.From, To: h.To})
		}
	}
	return out
}
