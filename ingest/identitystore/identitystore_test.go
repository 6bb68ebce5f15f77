package identitystore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"jitaudit/ingest"
	"jitaudit/ingest/awsapi"
	"jitaudit/internal/simulated/aws"
	"jitaudit/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	account = "333333333333"
	region  = "eu-central-1"
	store   = "d-1234567890"
	keyID   = "AKIAEXAMPLE000000001"
	secret  = "a secret of nobody"
)

// memory is a log.
type memory struct {
	mu    sync.Mutex
	facts []schemas.Fact
	err   error
}

func (m *memory) Append(_ context.Context, shard string, messages []ingest.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	for _, one := range messages {
		f, err := DecodeUser(one.Raw)
		if err != nil || one.Kind != schemas.RawUser || one.Source != schemas.CloudTrail || f.Shard != shard || !f.At.Equal(one.Time) {
			return fmt.Errorf("%+v: %w", one, err)
		}
		m.facts = append(m.facts, f)
	}
	return nil
}

func (m *memory) Checkpoint(context.Context, string) ([]byte, error)  { return nil, nil }
func (m *memory) SetCheckpoint(context.Context, string, []byte) error { return nil }

type world struct {
	t   *testing.T
	now time.Time
	aws *aws.Server
	cfg Config
	log *memory
}

func newWorld(t *testing.T, users []aws.User, change func(*aws.Config)) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 5, 4, 6, 0, 0, 0, time.UTC), log: &memory{}}
	cfg := aws.Config{
		Stores: []aws.Store{{ID: store, Account: account, Region: region, Users: users}}, Clock: func() time.Time { return w.now },
		Principals: map[string]aws.Principal{keyID: {Secret: secret, Account: account}},
	}
	if change != nil {
		change(&cfg)
	}
	w.aws = aws.New(cfg)
	s := httptest.NewServer(w.aws)
	t.Cleanup(s.Close)
	transport := &http.Transport{DisableKeepAlives: true}
	connected, err := awsapi.Connect(t.Context(), awsapi.Connection{Region: region, Endpoint: s.URL, AccessKeyID: keyID, SecretAccessKey: secret})
	if err != nil {
		t.Fatal(err)
	}
	connected.HTTPClient = &http.Client{Transport: transport}
	w.cfg = Config{ID: store, Account: account, Region: region, AWS: connected, Log: w.log, RequestsPerSecond: 1000}
	return w
}

func (w *world) collector() *Collector {
	w.t.Helper()
	c, err := New(w.cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func TestUsersAreListed(t *testing.T) {
	w := newWorld(t, []aws.User{
		{ID: "a0b1c2d3-4455-6677-8899-aabbccddeeff", Name: "ada", Display: "Ada Example", Email: "ada@example.com", ExternalID: "00u1"},
		{ID: "a0b1c2d3-4455-6677-8899-aabbccddee00", Name: "bob"},
	}, nil)
	c := w.collector()
	if err := c.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range w.log.facts {
		if f := &w.log.facts[i]; !strings.HasPrefix(f.ID, "sha256:") || len(f.Hash) != 16 {
			t.Errorf("id %s, hash %s", f.ID, f.Hash)
		} else {
			f.ID, f.Hash = "", ""
		}
	}
	want := func(who schemas.Identity) schemas.Fact {
		return schemas.Fact{Kind: schemas.UserObserved, Source: schemas.CloudTrail, Shard: "aws/333333333333/eu-central-1", At: w.now, Who: who}
	}
	if diff := cmp.Diff([]schemas.Fact{
		want(schemas.Identity{PortalUserID: "a0b1c2d3-4455-6677-8899-aabbccddeeff", NameID: "ada", Email: "ada@example.com", Name: "Ada Example"}),
		want(schemas.Identity{PortalUserID: "a0b1c2d3-4455-6677-8899-aabbccddee00", NameID: "bob"}),
	}, w.log.facts); diff != "" {
		t.Error(diff)
	}
	if s := c.cfg.Metrics.States()["aws/333333333333/eu-central-1/users/d-1234567890"]; s.Err != nil || !s.At.Equal(w.now) {
		t.Errorf("state %+v", s)
	}
}

func TestOnlyWhatIsNewIsPutIntoTheLog(t *testing.T) {
	users := make([]aws.User, 230)
	for i := range users {
		users[i] = aws.User{ID: fmt.Sprintf("a0b1c2d3-0000-0000-0000-%012d", i), Name: fmt.Sprintf("user%d", i)}
	}
	users[7].Seen = time.Date(2026, 5, 4, 7, 0, 0, 0, time.UTC)
	w := newWorld(t, users, nil)
	c := w.collector()
	for i, want := range []int{229, 229, 230} {
		if i == 2 {
			w.now = users[7].Seen
		}
		if err := c.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(w.log.facts) != want {
			t.Errorf("after listing %d there are %d users, want %d", i+1, len(w.log.facts), want)
		}
	}
	if n := w.aws.Count(aws.ListUsers, ""); n != 9 {
		t.Errorf("%d requests, want 9", n)
	}
}

func TestWhoHasStoodInTheLogForAMonthIsPutThereAgain(t *testing.T) {
	w := newWorld(t, []aws.User{{ID: "u1", Name: "ada"}}, nil)
	c := w.collector()
	first := w.now
	for _, tt := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {repeated - time.Second, 1}, {repeated, 2}, {2*repeated - time.Second, 2}, {2 * repeated, 3}} {
		w.now = first.Add(tt.after)
		if err := c.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(w.log.facts) != tt.want {
			t.Errorf("after %s the log has %d users, want %d", tt.after, len(w.log.facts), tt.want)
		}
	}
}

func TestALogThatFailsLosesNobody(t *testing.T) {
	w := newWorld(t, []aws.User{{ID: "u1", Name: "ada"}}, nil)
	c := w.collector()
	w.log.err = errors.New("no broker")
	if err := c.Once(t.Context()); err == nil || !strings.Contains(err.Error(), "append 1 users of identity store d-1234567890: no broker") {
		t.Fatal(err)
	}
	w.log.err = nil
	if err := c.Once(t.Context()); err != nil || len(w.log.facts) != 1 {
		t.Error(err, w.log.facts)
	}
}

func TestWhatPassesIsTriedAgain(t *testing.T) {
	w := newWorld(t, []aws.User{{ID: "u1", Name: "ada"}}, nil)
	w.aws.Fail(1, aws.Throttled)
	if err := w.collector().Once(t.Context()); err != nil || len(w.log.facts) != 1 {
		t.Error(err, w.log.facts)
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name   string
		aws    func(*aws.Config)
		change func(*world)
		want   string
	}{
		{"no right", func(c *aws.Config) {
			c.Principals[keyID] = aws.Principal{Secret: secret, Account: account, Denied: []string{"identitystore:ListUsers"}}
		}, nil, "allow identitystore:ListUsers to the collector's principal"},
		{"another secret", func(c *aws.Config) { c.Principals[keyID] = aws.Principal{Secret: "x", Account: account} }, nil, "check the secret access key"},
		{"another store", nil, func(w *world) { w.cfg.ID = "d-0000000000" }, "check the store's id, and that the region is that of IAM Identity Center"},
		{"a role that does not trust", nil, func(w *world) {
			cfg, err := awsapi.Connect(w.t.Context(), awsapi.Connection{Region: region, Endpoint: *w.cfg.AWS.BaseEndpoint, AccessKeyID: keyID, SecretAccessKey: secret, RoleARN: "arn:aws:iam::333333333333:role/reader"})
			if err != nil {
				w.t.Fatal(err)
			}
			w.cfg.AWS.Credentials = cfg.Credentials
		}, "let the role's trust policy name the collector's principal"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, nil, tt.aws)
			if tt.change != nil {
				tt.change(w)
			}
			err := w.collector().Run(t.Context())
			if !errors.Is(err, awsapi.ErrPermanent) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), secret) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	w := newWorld(t, []aws.User{{ID: "u1", Name: "ada"}}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.collector().Run(ctx) }()
	for deadline := time.Now().Add(5 * time.Second); w.aws.Count(aws.ListUsers, "") == 0 && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAConfigThatCannotWorkIsRefused(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no store": func(c *Config) { c.ID = "" }, "a name as id": func(c *Config) { c.ID = "store" }, "no account": func(c *Config) { c.Account = "1" },
		"no region": func(c *Config) { c.Region = "" }, "no log": func(c *Config) { c.Log = nil }, "no credentials": func(c *Config) { c.AWS.Credentials = nil },
		"a negative interval": func(c *Config) { c.Interval = -1 },
	} {
		w := newWorld(t, nil, nil)
		change(&w.cfg)
		if _, err := New(w.cfg); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
}

func TestWhatIsNoUserIsADeadLetter(t *testing.T) {
	for _, raw := range []string{`{`, `{}`, `{"account":"1","region":"r","at":"2026-05-04T06:00:00Z","user":{}}`} {
		if _, err := DecodeUser([]byte(raw)); err == nil || !strings.Contains(err.Error(), "list the store again") {
			t.Errorf("%s: %v", raw, err)
		}
	}
}
