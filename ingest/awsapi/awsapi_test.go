package awsapi_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/smithy-go/middleware"
	"go.uber.org/goleak"

	"jitaudit/ingest/awsapi"
	"jitaudit/internal/simulated/aws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	account = "333333333333"
	region  = "eu-central-1"
	store   = "d-1234567890"
	keyID   = "AKIAEXAMPLE000000001"
	secret  = "a secret of nobody"
	role    = "arn:aws:iam::" + account + ":role/reader"
)

// connect simulates an AWS and reaches it, by the role where one is given.
func connect(t *testing.T, role string) (*aws.Server, awssdk.Config) {
	t.Helper()
	server := aws.New(aws.Config{
		Principals: map[string]aws.Principal{keyID: {Secret: secret, Account: account}}, Roles: []aws.Role{{ARN: role}},
		Stores: []aws.Store{{ID: store, Account: account, Region: region}},
	})
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	cfg, err := awsapi.Connect(t.Context(), awsapi.Connection{Region: "us-east-1", Endpoint: web.URL, AccessKeyID: keyID, SecretAccessKey: secret, RoleARN: role})
	if err != nil {
		t.Fatal(err)
	}
	cfg.HTTPClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return server, cfg
}

// asker makes a request of a paced client.
func asker(t *testing.T, cfg awssdk.Config, p awsapi.Pace) func() error {
	t.Helper()
	client := identitystore.NewFromConfig(awsapi.Paced(cfg, region, p))
	return func() error {
		_, err := client.ListUsers(t.Context(), &identitystore.ListUsersInput{IdentityStoreId: awssdk.String(store)})
		return err
	}
}

// quick is a pace at which tests do not wait; it counts into outcomes.
func quick(outcomes *[]string) awsapi.Pace {
	return awsapi.Pace{PerSecond: 1e6, Timeout: 10 * time.Second, MaxBackoff: time.Millisecond, Count: func(o string) { *outcomes = append(*outcomes, o) }}
}

func TestEachAttemptIsCounted(t *testing.T) {
	for _, tt := range []struct {
		fault   aws.Fault
		timeout time.Duration
		told    bool // the SDK does not repeat it
		want    []string
	}{
		{aws.Throttled, 10 * time.Second, false, []string{"throttled", "ok", "ok"}},
		{aws.Failed, 10 * time.Second, false, []string{"failed", "ok", "ok"}},
		{aws.Cut, 10 * time.Second, true, []string{"failed", "ok"}},
		{aws.Slow, 300 * time.Millisecond, true, []string{"failed", "ok"}},
	} {
		t.Run(string(tt.fault), func(t *testing.T) {
			server, cfg := connect(t, "")
			var outcomes []string
			pace := quick(&outcomes)
			pace.Timeout = tt.timeout
			server.Fail(1, tt.fault)
			ask := asker(t, cfg, pace)
			if err := ask(); (err != nil) != tt.told {
				t.Fatal(err)
			}
			if err := ask(); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(outcomes, tt.want) {
				t.Errorf("got %v, want %v", outcomes, tt.want)
			}
		})
	}
}

func TestRepetitionsKeepThePaceToo(t *testing.T) {
	server, cfg := connect(t, "")
	var outcomes []string
	pace := quick(&outcomes)
	pace.PerSecond = 10
	server.Fail(2, aws.Failed)
	begun := time.Now()
	if err := asker(t, cfg, pace)(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); len(outcomes) != 3 || took < 190*time.Millisecond {
		t.Errorf("%d attempts took %v, want 3 in 200ms", len(outcomes), took)
	}
}

func TestASessionThatEndsTooEarlyIsRenewed(t *testing.T) {
	server, cfg := connect(t, role)
	var outcomes []string
	ask := asker(t, cfg, quick(&outcomes))
	for range 2 {
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		server.ExpireSessions()
	}
	if n := server.Count(aws.AssumeRole, ""); n != 2 {
		t.Errorf("the role was assumed %d times, want twice", n)
	}
	if want := []string{"ok", "failed", "ok"}; !slices.Equal(outcomes, want) {
		t.Errorf("got %v, want %v", outcomes, want)
	}
}

func TestClientsOfOneConfigurationCountEachTheirOwn(t *testing.T) {
	_, cfg := connect(t, "")
	cfg.APIOptions = make([]func(*middleware.Stack) error, 0, 4)
	var here, there []string
	first, second := asker(t, cfg, quick(&here)), asker(t, cfg, quick(&there))
	for _, ask := range []func() error{first, first, second} {
		if err := ask(); err != nil {
			t.Fatal(err)
		}
	}
	if len(here) != 2 || len(there) != 1 {
		t.Errorf("counted %d and %d, want 2 and 1", len(here), len(there))
	}
}
