// Package directory lists who is in the groups of an Okta org. It is what a
// grant rests on whose beginning is older than the log.
package directory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/okta/okta-sdk-golang/v2/okta/query"
	"github.com/prometheus/client_golang/prometheus"

	"jitaudit/ingest"
	"jitaudit/ingest/okta/api"
	"jitaudit/schemas"
)

const (
	// DefaultInterval is the pause between two listings.
	DefaultInterval = time.Hour
	// pageSize is what Okta recommends for groups and their members.
	pageSize = 200
)

// Config says whose groups are listed, and which.
type Config struct {
	// Org is the org's name in shards and policies; URL where it is asked.
	Org, URL string
	// Auth is an API token or an app; its Scopes are okta.groups.read and
	// okta.users.read by default.
	Auth api.Auth
	// Groups are listed whose name one of these matches; all if there is none.
	Groups []*regexp.Regexp
	// Interval is the pause between two listings; default one hour.
	Interval time.Duration
	// Metrics and Logger may be nil. Rounds are noted as those of the shard with
	// "/directory" behind it, since they say nothing of what the shard covers.
	Metrics *ingest.Metrics
	Logger  *slog.Logger
	// Transport sends the requests; nil for the usual one.
	Transport http.RoundTripper
}

// Collector lists the groups of one org. It is not safe for concurrent use.
type Collector struct {
	cfg    Config
	shard  string
	log    ingest.Log
	client *api.Client

	wait time.Duration
	date time.Time       // of the last answer
	done map[string]bool // groups of a round that is not over yet
}

// New makes a collector that puts members and snapshots into log. It refuses a
// Config that cannot work, and asks nothing yet.
func New(cfg Config, log ingest.Log) (*Collector, error) {
	if cfg.Org == "" {
		return nil, errors.New("okta directory: the org must have a name")
	}
	if cfg.Interval < 0 {
		return nil, fmt.Errorf("okta directory of %s: interval must not be negative (got %v)", cfg.Org, cfg.Interval)
	}
	if cfg.Interval == 0 {
		cfg.Interval = DefaultInterval
	}
	if cfg.Auth.Scopes == nil {
		cfg.Auth.Scopes = []string{"okta.groups.read", "okta.users.read"}
	}
	if cfg.Metrics == nil {
		cfg.Metrics = ingest.NewMetrics(prometheus.NewRegistry())
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Collector{cfg: cfg, shard: schemas.OktaShard(cfg.Org), log: log, done: map[string]bool{}}
	c.cfg.Logger = cfg.Logger.With("shard", c.shard, "collector", "directory")
	requests := cfg.Metrics.Requests
	var err error
	c.client, err = api.New(api.Config{
		URL: cfg.URL, Auth: cfg.Auth, Transport: cfg.Transport,
		Count: func(outcome string) { requests.WithLabelValues(c.shard, outcome).Inc() },
	})
	if err != nil {
		return nil, fmt.Errorf("directory of %s: %w", cfg.Org, err)
	}
	return c, nil
}

// Run lists until ctx ends, and then returns nil. What may pass by itself is
// tried again for ever; the error it returns does not: api.ErrDenied or
// api.ErrRefused.
func (c *Collector) Run(ctx context.Context) error {
	defer c.client.Close()
	permanent := func(err error) bool { return errors.Is(err, api.ErrDenied) || errors.Is(err, api.ErrRefused) }
	return ingest.Repeat(ctx, c.cfg.Interval, c.cfg.Logger, permanent, c.Once)
}

// Once lists all groups that match, and notes the round in Metrics. After an
// error it goes on with the groups that it has not listed yet.
func (c *Collector) Once(ctx context.Context) error {
	err := c.round(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		err = fmt.Errorf("list the groups of Okta org %s: %w", c.cfg.Org, err)
	}
	c.cfg.Metrics.Round(c.shard+"/directory", ingest.State{At: c.date, Err: err})
	return err
}

func (c *Collector) round(ctx context.Context) error {
	var groups []schemas.Group
	err := c.pages(ctx, "/api/v1/groups", func(page api.Page) error {
		for _, raw := range page.Elements {
			var g struct {
				ID      string                `json:"id"`
				Profile struct{ Name string } `json:"profile"`
			}
			if err := json.Unmarshal(raw, &g); err != nil {
				return fmt.Errorf("a group of the list is none as Okta writes it: %w", err)
			}
			if g.ID == "" {
				return errors.New("a group of the list has no id")
			}
			if c.wanted(g.Profile.Name) {
				groups = append(groups, schemas.Group{ID: g.ID, Name: g.Profile.Name})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, g := range groups {
		if c.done[g.ID] {
			continue
		}
		err := c.list(ctx, g)
		if errors.Is(err, api.ErrNotFound) {
			c.cfg.Logger.Info("group has been deleted in the meantime", "group", g.Name)
		} else if err != nil {
			return fmt.Errorf("group %s: %w", g.Name, err)
		}
		c.done[g.ID] = true
	}
	clear(c.done)
	return nil
}

func (c *Collector) wanted(name string) bool {
	return len(c.cfg.Groups) == 0 ||
		slices.ContainsFunc(c.cfg.Groups, func(r *regexp.Regexp) bool { return r.MatchString(name) })
}

// list puts the members of a group into the log, and behind them the snapshot
// that says that these are all.
func (c *Collector) list(ctx context.Context, g schemas.Group) error {
	snapshot := schemas.Snapshot{Org: c.cfg.Org, Group: g, From: c.date}
	err := c.pages(ctx, "/api/v1/groups/"+url.PathEscape(g.ID)+"/users", func(page api.Page) error {
		var members []ingest.Message
		for _, user := range page.Elements {
			raw, err := encodeMember(schemas.Member{Org: c.cfg.Org, Group: g, At: page.Date, User: user})
			if err != nil {
				return err
			}
			members = append(members, ingest.Message{Source: schemas.Okta, Kind: schemas.RawMember, Time: page.Date, Raw: raw})
		}
		snapshot.Members += len(members)
		return c.append(ctx, members)
	})
	if err != nil {
		return err
	}
	// A Date is cut to the second; the answer was made before the next one.
	snapshot.To = c.date.Add(time.Second)
	raw, err := json.Marshal(snapshot)
	if err != nil {
		return fmt.Errorf("encode snapshot: %w", err)
	}
	return c.append(ctx, []ingest.Message{{Source: schemas.Okta, Kind: schemas.RawSnapshot, Time: snapshot.To, Raw: raw}})
}

// encodeMember keeps the user's bytes, which encoding/json would compact.
func encodeMember(m schemas.Member) ([]byte, error) {
	user := m.User
	m.User = json.RawMessage("0")
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode member: %w", err)
	}
	raw = append(raw[:len(raw)-len("0}")], user...)
	return append(raw, '}'), nil
}

// pages reads a list to its end, which here is a page without a next one.
func (c *Collector) pages(ctx context.Context, path string, fn func(api.Page) error) error {
	q := query.Params{Limit: pageSize}
	for {
		if err := ingest.Sleep(ctx, c.wait); err != nil {
			return err
		}
		c.wait = 0
		page, err := c.client.Get(ctx, path, q)
		if err != nil {
			return err
		}
		c.wait, c.date = page.Wait, page.Date
		if err := fn(page); err != nil {
			return err
		}
		switch page.After {
		case "":
			if page.Next != "" {
				return fmt.Errorf("the next page of %s has no cursor", path)
			}
			return nil
		case q.After:
			return fmt.Errorf("the next page of %s is the same page again", path)
		}
		q.After = page.After
	}
}

func (c *Collector) append(ctx context.Context, messages []ingest.Message) error {
	if len(messages) == 0 {
		return nil
	}
	if err := c.log.Append(ctx, c.shard, messages); err != nil {
		return fmt.Errorf("append %d records: %w", len(messages), err)
	}
	c.cfg.Metrics.Records.WithLabelValues(c.shard, string(messages[0].Kind)).Add(float64(len(messages)))
	return nil
}
