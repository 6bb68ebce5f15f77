package pipeline

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"jitaudit/internal/broker"
	"jitaudit/internal/chdb"
	"jitaudit/internal/chdb/chdbtest"
	"jitaudit/internal/config"
	"jitaudit/internal/organisation"
	"jitaudit/internal/reference"
	"jitaudit/internal/simulated/aws"
	"jitaudit/internal/simulated/okta"
	"jitaudit/schemas"
)

// shared is the ClickHouse of all tests of the package.
var shared chdbtest.Shared

const (
	testToken     = "00token-of-the-tests"
	testKey       = "AKIATEST000000000000"
	testSecret    = "secret-of-the-tests"
	oktaLateness  = 5 * time.Minute
	trailLateness = 20 * time.Minute
)

// clock is up to when both sources have passed their bounds on lateness.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = t
}

func (c *clock) plus(d time.Duration) func() time.Time {
	return func() time.Time {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.at.Add(d)
	}
}

// world is an organisation whose Okta and AWS are simulated.
type world struct {
	t       *testing.T
	history *organisation.History
	clock   *clock
	okta    *okta.Server
	aws     *aws.Server
	// denied are the accounts whose role may not look events up; token is the one
	// that we log in to Okta with.
	denied []string
	token  string
	scopes []string
	// What Okta's governance API and the Identity Stores know.
	requests []okta.Request
	stores   []aws.Store

	oktaURL, awsURL string
}

// long skips a test that takes its time.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it runs the whole pipeline for a while")
	}
	t.Parallel()
}

func newWorld(t *testing.T, cfg organisation.Config) *world {
	t.Helper()
	h, err := organisation.Generate(cfg)
	if err != nil {
		t.Fatal(err)
	}
	// These are of no log that the simulated sources serve: see internal/demo.
	h.Approvals, h.Listings = nil, nil
	return &world{t: t, history: h, clock: &clock{at: h.Truth.Complete.To}, token: testToken}
}

// serve starts the sources, once their history is as it shall be.
func (w *world) serve() {
	w.t.Helper()
	var err error
	if w.okta, err = okta.New(okta.Config{
		Org: reference.Org, Events: w.history.Okta, Token: testToken, Raised: true, Retention: -1, Scopes: w.scopes, Requests: w.requests,
		Clock: w.clock.plus(oktaLateness),
	}); err != nil {
		w.t.Fatal(err)
	}
	var roles []aws.Role
	for _, account := range w.accounts() {
		role := aws.Role{ARN: roleOf(account)}
		if slices.Contains(w.denied, account) {
			role.Denied = []string{"cloudtrail:LookupEvents"}
		}
		roles = append(roles, role)
	}
	w.aws = aws.New(aws.Config{
		Events: w.history.CloudTrail, Roles: roles, Stores: w.stores, RequestsPerSecond: 1e4,
		Principals: map[string]aws.Principal{testKey: {Secret: testSecret, Account: "999999999999"}},
		Clock:      w.clock.plus(trailLateness),
	})
	w.oktaURL, w.awsURL = w.listen(w.okta), w.listen(w.aws)
}

func (w *world) listen(h http.Handler) string {
	s := httptest.NewServer(h)
	w.t.Cleanup(s.Close)
	return s.URL
}

func roleOf(account string) string { return "arn:aws:iam::" + account + ":role/collector" }

func (w *world) accounts() (out []string) {
	for _, s := range reference.Shards(w.history) {
		if parts := strings.Split(s, "/"); parts[0] == "aws" && !slices.Contains(out, parts[1]) {
			out = append(out, parts[1])
		}
	}
	return out
}

// config reads the sources fast; where it writes to is left to the caller.
func (w *world) config() *config.Config {
	c := config.Default(config.Environment{Lookup: func(string) (string, bool) { return "", false }})
	since := config.Since{At: w.history.Truth.Complete.From}
	c.DataDir = w.t.TempDir()
	c.HTTP.Addr, c.Kafka.EmbeddedBroker.Addr, c.ClickHouse.EmbeddedEngine.Addr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	c.WaitForServers = 0
	c.Correlate.Tick, c.Sinks.ClickHouse.BatchInterval = 100*time.Millisecond, 100*time.Millisecond
	c.Okta = []config.OktaOrg{{
		Org: reference.Org, URL: w.oktaURL, Token: config.NewSecret(w.token), Since: since,
		Lateness: oktaLateness, PollInterval: 50 * time.Millisecond,
	}}
	c.AWS = config.AWS{
		Endpoint: w.awsURL, AccessKeyID: testKey, SecretAccessKey: config.NewSecret(testSecret), Since: since,
		Lateness: trailLateness, PollInterval: 50 * time.Millisecond, Window: 24 * time.Hour, RequestsPerSecond: 1e4,
	}
	for _, account := range w.accounts() {
		a := config.AWSAccount{Account: account, RoleARN: roleOf(account)}
		for _, s := range reference.Shards(w.history) {
			if region, ok := strings.CutPrefix(s, schemas.AWSShard(account, "")); ok {
				a.Regions = append(a.Regions, region)
			}
		}
		c.AWS.Accounts = append(c.AWS.Accounts, a)
	}
	for _, g := range w.history.Truth.Gaps {
		c.Okta[0].Holes = append(c.Okta[0].Holes, config.Hole{From: g.From, To: g.To, Reason: "planted"})
	}
	return c
}

// onServers lets a configuration use a broker in memory and a database of the
// test's own on the package's server.
func (w *world) onServers(c *config.Config) *config.Config {
	w.t.Helper()
	onBroker(w.t, c)
	return onClickHouse(w.t, c)
}

func onBroker(t *testing.T, c *config.Config) *broker.Broker {
	t.Helper()
	b, err := broker.Start(broker.Config{MinSession: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	c.Kafka.Brokers, c.Kafka.Replication = []string{b.Addr()}, 1
	return b
}

func onClickHouse(t *testing.T, c *config.Config) *config.Config {
	t.Helper()
	s := shared.Server(t)
	c.ClickHouse.URL, c.ClickHouse.User, c.ClickHouse.Password = "http://"+s.Addr(), chdb.User, config.NewSecret(s.Token())
	c.ClickHouse.Database = strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, t.Name())
	return c
}
