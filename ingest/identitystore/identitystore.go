// Package identitystore lists the users of IAM Identity Center: by which name an
// Identity Center user id goes. CloudTrail often gives the id alone.
package identitystore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/cespare/xxhash/v2"
	"github.com/prometheus/client_golang/prometheus"

	"jitaudit/ingest"
	"jitaudit/ingest/awsapi"
	"jitaudit/schemas"
)

// Defaults.
const (
	DefaultInterval = time.Hour
	// DefaultRate is a tenth of what AWS allows of all its Identity Store APIs
	// together, 20 requests a second (IAM Identity Center quotas).
	DefaultRate = 2
)

const (
	// pageSize is the most that AWS lists at once (API reference: ListUsers).
	pageSize = 100
	// attemptTimeout bounds one request.
	attemptTimeout = 30 * time.Second
	// repeated is how long a user who has not changed stands in the log before they
	// are put there again. ClickHouse keeps what is in it for 90 days, and what has
	// gone from there no backtest knows.
	repeated = 30 * 24 * time.Hour
)

// Config says which store is listed, and how.
type Config struct {
	// ID is the store's ("d-…"); Account (12 digits) and Region are where it is:
	// those of IAM Identity Center.
	ID, Account, Region string
	// AWS is how to reach AWS; see awsapi.Connect. Its region does not matter.
	AWS aws.Config
	Log ingest.Log
	// Interval is the pause between two listings; default one hour.
	Interval time.Duration
	// RequestsPerSecond is the limit that the collector keeps; default 2.
	RequestsPerSecond float64
	// Metrics and Logger may be nil. Rounds are noted as those of the shard with
	// "/users/" and the id behind it, since they say nothing of what the shard covers.
	Metrics *ingest.Metrics
	Logger  *slog.Logger
}

// Collector lists one store. It is not safe for concurrent use.
type Collector struct {
	cfg        Config
	shard, key string
	client     *identitystore.Client
	// known are the users that stand in the log, by id.
	known map[string]listed
	date  time.Time
}

// listed is a hash of what stands in the log of a user, and since when.
type listed struct {
	hash uint64
	at   time.Time
}

// New makes a collector. It refuses a Config that cannot work, and asks nothing
// yet.
func New(cfg Config) (*Collector, error) {
	switch {
	case !regexp.MustCompile(`^d-[0-9a-f]{10}$|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(cfg.ID):
		return nil, fmt.Errorf("identity store %q: the id must be one of an Identity Store, such as d-1234567890", cfg.ID)
	case !regexp.MustCompile(`^\d{12}$`).MatchString(cfg.Account) || cfg.Region == "":
		return nil, fmt.Errorf("identity store %s: account and region must be those of IAM Identity Center (got %q, %q)", cfg.ID, cfg.Account, cfg.Region)
	case cfg.AWS.Credentials == nil || cfg.Log == nil:
		return nil, fmt.Errorf("identity store %s: credentials and a log are needed", cfg.ID)
	case cfg.Interval < 0 || cfg.RequestsPerSecond < 0:
		return nil, fmt.Errorf("identity store %s: interval and rate must not be negative (got %v, %v)", cfg.ID, cfg.Interval, cfg.RequestsPerSecond)
	}
	if cfg.Interval == 0 {
		cfg.Interval = DefaultInterval
	}
	if cfg.RequestsPerSecond == 0 {
		cfg.RequestsPerSecond = DefaultRate
	}
	if cfg.Metrics == nil {
		cfg.Metrics = ingest.NewMetrics(prometheus.NewRegistry())
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Collector{cfg: cfg, shard: schemas.AWSShard(cfg.Account, cfg.Region), known: make(map[string]listed)}
	c.key = c.shard + "/users/" + cfg.ID
	c.cfg.Logger = cfg.Logger.With("shard", c.shard, "collector", "identity store "+cfg.ID)
	c.client = identitystore.NewFromConfig(awsapi.Paced(cfg.AWS, cfg.Region, awsapi.Pace{
		PerSecond: cfg.RequestsPerSecond, Timeout: attemptTimeout,
		Count: func(outcome string) { cfg.Metrics.Requests.WithLabelValues(c.key, outcome).Inc() },
	}))
	return c, nil
}

// Run lists until ctx ends, and then returns nil. What may pass by itself is tried
// again for ever; the error it returns, an awsapi.ErrPermanent, does not.
func (c *Collector) Run(ctx context.Context) error {
	permanent := func(err error) bool { return errors.Is(err, awsapi.ErrPermanent) }
	return ingest.Repeat(ctx, c.cfg.Interval, c.cfg.Logger, permanent, c.Once)
}

// Once lists all users, puts those into the log that are new or have changed since
// this collector was made, or have stood there for a month, and notes the round in
// Metrics.
func (c *Collector) Once(ctx context.Context) error {
	err := c.list(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.cfg.Metrics.Round(c.key, ingest.State{At: c.date, Err: err})
	return err
}

func (c *Collector) list(ctx context.Context) error {
	pages := identitystore.NewListUsersPaginator(c.client, &identitystore.ListUsersInput{
		IdentityStoreId: &c.cfg.ID, MaxResults: aws.Int32(pageSize),
	}, func(o *identitystore.ListUsersPaginatorOptions) { o.StopOnDuplicateToken = true })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return c.explain(err)
		}
		at, ok := awsmiddleware.GetServerTime(page.ResultMetadata)
		if !ok {
			return fmt.Errorf("list the users of identity store %s: the answer has no Date; something between here and AWS removes it", c.cfg.ID)
		}
		if err := c.keep(ctx, page, at.UTC()); err != nil {
			return err
		}
		c.date = at.UTC()
	}
	return nil
}

// explain says which store an error is about, and of one that does not pass by
// itself what to do.
func (c *Collector) explain(err error) error {
	store := "check the store's id, and that the region is that of IAM Identity Center"
	return awsapi.Request{
		Doing:  fmt.Sprintf("list the users of identity store %s in %s of account %s", c.cfg.ID, c.cfg.Region, c.cfg.Account),
		Action: "identitystore:ListUsers",
		Allow:  "in the account of IAM Identity Center or one that it has delegated to",
		// API reference: ListUsers.
		Advice: map[string]string{"ResourceNotFound": store, "Validation": store},
	}.Explain(err)
}

// keep puts what is news of a page into the log.
func (c *Collector) keep(ctx context.Context, page *identitystore.ListUsersOutput, at time.Time) error {
	var messages []ingest.Message
	news := make(map[string]listed)
	for i := range page.Users {
		u := userOf(&page.Users[i])
		said, err := json.Marshal(u)
		if err != nil {
			return fmt.Errorf("encode a user: %w", err)
		}
		hash := xxhash.Sum64(said)
		if before, known := c.known[u.UserID]; known && before.hash == hash && at.Before(before.at.Add(repeated)) {
			continue
		}
		raw, err := json.Marshal(Record{Store: c.cfg.ID, Account: c.cfg.Account, Region: c.cfg.Region, At: at, User: u})
		if err != nil {
			return fmt.Errorf("encode a user: %w", err)
		}
		news[u.UserID] = listed{hash, at}
		messages = append(messages, ingest.Message{Source: schemas.CloudTrail, Kind: schemas.RawUser, Time: at, Raw: raw})
	}
	if len(messages) == 0 {
		return nil
	}
	if err := c.cfg.Log.Append(ctx, c.shard, messages); err != nil {
		return fmt.Errorf("append %d users of identity store %s: %w", len(messages), c.cfg.ID, err)
	}
	maps.Copy(c.known, news)
	c.cfg.Metrics.Records.WithLabelValues(c.shard, string(schemas.RawUser)).Add(float64(len(messages)))
	return nil
}
