package aws_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"jitaudit/internal/organisation"
	"jitaudit/internal/simulated/aws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	keyID  = "AKIAEXAMPLE000000001"
	secret = "a secret of nobody"
)

// clock is set by tests.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// history is a quiet organisation of one day.
func history(t *testing.T) []organisation.Event {
	t.Helper()
	h, err := organisation.Generate(organisation.Config{Days: 1, People: 12, Noise: 200, Planted: -1})
	if err != nil {
		t.Fatal(err)
	}
	return h.CloudTrail
}

// in returns the events of one shard.
func in(events []organisation.Event, shard string) (out []organisation.Event) {
	for _, ev := range events {
		if ev.Shard == shard {
			out = append(out, ev)
		}
	}
	return out
}

const (
	account = "444783311503"
	region  = "eu-west-1"
	home    = "aws/" + account + "/" + region
)

// start serves cfg with one principal who may do everything.
func start(t *testing.T, cfg aws.Config) (*aws.Server, string) {
	t.Helper()
	if cfg.Principals == nil {
		cfg.Principals = map[string]aws.Principal{keyID: {Secret: secret, Account: account}}
	}
	if cfg.RequestsPerSecond == 0 {
		cfg.RequestsPerSecond = 1e6
	}
	s := aws.New(cfg)
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return s, web.URL
}

// whole hands over each request's body at once. The SDK closes the body when the
// answer's head is there, which net/http takes for a failed write if the server
// is next door and quicker than its goroutine; the SDK then asks again, as it
// should, and requests cannot be counted.
type whole struct{ *http.Transport }

func (h whole) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return h.Transport.RoundTrip(r)
}

// connect makes a configuration of the SDK that does not retry.
func connect(t *testing.T, url, region string, more ...func(*awssdk.Config)) awssdk.Config {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	cfg := awssdk.Config{
		Region: region, BaseEndpoint: &url, HTTPClient: &http.Client{Transport: whole{transport}},
		Credentials: credentials.NewStaticCredentialsProvider(keyID, secret, ""),
		Retryer:     func() awssdk.Retryer { return awssdk.NopRetryer{} },
	}
	for _, f := range more {
		f(&cfg)
	}
	return cfg
}

func patient(c *awssdk.Config) {
	c.Retryer = func() awssdk.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
	}
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// all reads all pages.
func all(t *testing.T, c *cloudtrail.Client, in *cloudtrail.LookupEventsInput) (raw []string) {
	t.Helper()
	for p := cloudtrail.NewLookupEventsPaginator(c, in); p.HasMorePages(); {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range out.Events {
			raw = append(raw, *e.CloudTrailEvent)
		}
	}
	return raw
}

func lookup(ctx context.Context, c awssdk.Config, in *cloudtrail.LookupEventsInput) (*cloudtrail.LookupEventsOutput, error) {
	return cloudtrail.NewFromConfig(c).LookupEvents(ctx, in)
}
