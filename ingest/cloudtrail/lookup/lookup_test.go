package lookup_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"jitaudit/ingest/awsapi"
	"jitaudit/ingest/cloudtrail/lookup"
	"jitaudit/internal/simulated/aws"
	"jitaudit/schemas"
)

func name(t *testing.T, raw []byte) string {
	t.Helper()
	var e struct {
		EventName string `json:"eventName"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	return e.EventName
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	role := func(name string) string { return "arn:aws:iam::" + account + ":role/" + name }
	server := func(cfg *aws.Config) {
		cfg.DisabledRegions = []string{"me-south-1"}
		cfg.Principals["AKIAEXAMPLE000000002"] = aws.Principal{Secret: secret, Account: account, Denied: []string{"cloudtrail:LookupEvents"}}
		cfg.Principals["AKIAEXAMPLE000000003"] = aws.Principal{Secret: secret, Account: account, Denied: []string{"sts:AssumeRole"}}
		cfg.Roles = []aws.Role{{ARN: role("external"), ExternalID: "jitaudit-7"}, {ARN: role("blind"), Denied: []string{"cloudtrail:LookupEvents"}}}
	}
	tests := []struct {
		name   string
		to     awsapi.Connection
		region string
		want   []string
	}{
		{"no right to look up", awsapi.Connection{AccessKeyID: "AKIAEXAMPLE000000002", SecretAccessKey: secret}, region,
			[]string{"AccessDenied", "allow cloudtrail:LookupEvents"}},
		{"a wrong secret", awsapi.Connection{AccessKeyID: keyID, SecretAccessKey: "another secret"}, region,
			[]string{"InvalidSignature", "check the secret access key"}},
		{"an unknown key", awsapi.Connection{AccessKeyID: "AKIAEXAMPLE000000009", SecretAccessKey: secret}, region,
			[]string{"UnrecognizedClient", "check the access key"}},
		{"a region without opt-in", awsapi.Connection{AccessKeyID: keyID, SecretAccessKey: secret}, "me-south-1",
			[]string{"UnrecognizedClient", "opted into the region"}},
		{"a role without the right", awsapi.Connection{AccessKeyID: keyID, SecretAccessKey: secret, RoleARN: role("blind")}, region,
			[]string{"AccessDenied", "assumed-role/blind/jitaudit", "allow cloudtrail:LookupEvents"}},
		{"a role without its external id", awsapi.Connection{AccessKeyID: keyID, SecretAccessKey: secret, RoleARN: role("external")}, region,
			[]string{"AccessDenied", "sts:AssumeRole", "trust policy", role("external")}},
		{"no right to assume", awsapi.Connection{AccessKeyID: "AKIAEXAMPLE000000003", SecretAccessKey: secret, RoleARN: role("blind")}, region,
			[]string{"AccessDenied", "sts:AssumeRole"}},
		{"a role with a wrong secret", awsapi.Connection{AccessKeyID: keyID, SecretAccessKey: "another secret", RoleARN: role("blind")}, region,
			[]string{"SignatureDoesNotMatch", "check the secret access key"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, nil, server)
			w.clock.Add(time.Hour)
			tt.to.Endpoint, tt.to.Region = w.url, region
			c := w.collector(t, func(cfg *lookup.Config) { cfg.AWS, cfg.Region = connect(t, tt.to), tt.region })
			err := c.Run(t.Context())
			if !errors.Is(err, awsapi.ErrPermanent) {
				t.Fatalf("got %v, want something permanent", err)
			}
			for _, part := range append(tt.want, account, tt.region, "cloudtrail:LookupEvents") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not name %q", err, part)
				}
			}
			if strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), tt.to.SecretAccessKey) {
				t.Errorf("%q is more than a sentence, or tells a secret", err)
			}
			if got := w.metrics.States()[schemas.AWSShard(account, tt.region)].Err; got == nil {
				t.Error("the metrics do not know of the error")
			}
		})
	}
}

func TestARoleOpensAllRegionsOfAnotherAccountWithOneSession(t *testing.T) {
	const hub = "111122223333"
	role := "arn:aws:iam::" + account + ":role/security/jitaudit"
	events := some(t, 3)
	w := newWorld(t, events, func(cfg *aws.Config) {
		cfg.Principals = map[string]aws.Principal{keyID: {Secret: secret, Account: hub}}
		cfg.Roles = []aws.Role{{ARN: role, ExternalID: "jitaudit-7", Trusts: []string{hub}}}
	})
	shared := connect(t, awsapi.Connection{
		Region: "us-east-1", Endpoint: w.url, AccessKeyID: keyID, SecretAccessKey: secret, RoleARN: role, ExternalID: "jitaudit-7",
	})
	here := w.collector(t, func(cfg *lookup.Config) { cfg.AWS = shared })
	there := w.collector(t, func(cfg *lookup.Config) { cfg.AWS, cfg.Region = shared, "us-east-1" })
	w.clock.Add(time.Minute)
	round(t, here)
	round(t, there)
	if got := w.events(); !same(got, raws(events)) {
		t.Errorf("%d events came, want %d", len(got), len(events))
	}
	if n := w.Count(aws.AssumeRole, ""); n != 1 {
		t.Errorf("the role was assumed %d times, want once", n)
	}

	// A session that ends too early is renewed.
	w.ExpireSessions()
	round(t, here)
	if n := w.Count(aws.AssumeRole, ""); n != 2 {
		t.Errorf("the role was assumed %d times, want twice", n)
	}
}

func TestASessionThatCannotBeRenewedIsPermanent(t *testing.T) {
	w := newWorld(t, nil, func(cfg *aws.Config) { cfg.Roles = []aws.Role{{ARN: "arn:aws:iam::" + account + ":role/x"}} })
	session, err := connect(t, awsapi.Connection{
		Region: region, Endpoint: w.url, AccessKeyID: keyID, SecretAccessKey: secret, RoleARN: "arn:aws:iam::" + account + ":role/x",
	}).Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.ExpireSessions()
	c := w.collector(t, func(cfg *lookup.Config) {
		cfg.AWS = connect(t, awsapi.Connection{
			Region: region, Endpoint: w.url, AccessKeyID: session.AccessKeyID, SecretAccessKey: session.SecretAccessKey, SessionToken: session.SessionToken,
		})
	})
	if err := c.Run(t.Context()); !errors.Is(err, awsapi.ErrPermanent) || !strings.Contains(err.Error(), "renew the credentials") {
		t.Errorf("got %v", err)
	}
}

func TestCredentialsOfAnotherAccountAreFoundOut(t *testing.T) {
	w := newWorld(t, some(t, 1), nil)
	w.clock.Add(time.Hour)
	c := w.collector(t, func(cfg *lookup.Config) { cfg.Account = "111122223333" })
	err := c.Run(t.Context())
	if !errors.Is(err, awsapi.ErrPermanent) || !strings.Contains(err.Error(), account) || !strings.Contains(err.Error(), "111122223333") {
		t.Errorf("got %v, want a sentence with both accounts", err)
	}
	if len(w.records) != 0 {
		t.Error("events of one account went into the shard of another")
	}
}

func TestACheckpointOfAnotherVersionStopsTheCollector(t *testing.T) {
	for name, text := range map[string]string{"a later version": `{"version":2,"covered_to":"2026-03-03T12:00:00Z"}`, "no JSON": `covered`, "no time": `{"version":1}`} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil, nil)
			w.checkpoints[shard] = []byte(text)
			if err := w.collector(t, nil).Run(t.Context()); !errors.Is(err, awsapi.ErrPermanent) || !strings.Contains(err.Error(), shard) {
				t.Errorf("got %v", err)
			}
			if n := w.Count(aws.LookupEvents, ""); n != 0 {
				t.Errorf("%d lookups were made", n)
			}
		})
	}
}

func TestAFailedRoundIsReportedUntilOneSucceeds(t *testing.T) {
	w := newWorld(t, some(t, 1), nil)
	w.clock.Add(time.Hour)
	c := w.collector(t, nil)
	// Five times as often as the SDK tries by itself.
	w.Fail(15, aws.Failed)
	err := c.Round(t.Context())
	if err == nil || errors.Is(err, awsapi.ErrPermanent) || !strings.Contains(err.Error(), account) {
		t.Fatalf("got %v, want a passing error that names the account", err)
	}
	if w.metrics.States()[shard].Err == nil {
		t.Error("the metrics do not know of the error")
	}
	round(t, c)
	if s := w.metrics.States()[shard]; s.Err != nil || !s.CoveredTo.Equal(noon().Add(40*time.Minute)) {
		t.Errorf("afterwards the state is %+v", s)
	}
}

func TestRunGoesOnThroughFailuresAndEndsWithItsContext(t *testing.T) {
	events := some(t, 1)
	w := newWorld(t, events, nil)
	w.clock.Add(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	w.Fail(40, aws.Failed)
	w.left = 1 // the second write fails, too
	answered := 0
	w.onLookup = func(r aws.Request) {
		if r.Code != "" {
			return
		}
		if answered++; answered == 10 {
			cancel()
		}
	}
	if err := w.collector(t, func(cfg *lookup.Config) { cfg.PollInterval = time.Millisecond }).Run(ctx); err != nil {
		t.Errorf("Run ended with %v, want nothing", err)
	}
	if got := w.events(); !same(got, raws(events)) {
		t.Errorf("%d events came, want one", len(got))
	}
	if !strings.Contains(w.logged.String(), errLost.Error()) {
		t.Error("that the log failed was not told")
	}
	if len(w.checkpoints) != 1 {
		t.Error("there is no checkpoint")
	}
}

func TestConfigurationsThatCannotWorkAreRefused(t *testing.T) {
	w := newWorld(t, nil, nil)
	good := lookup.Config{
		Account: account, Region: region, Log: w.recorder,
		AWS: connect(t, awsapi.Connection{Region: region, AccessKeyID: keyID, SecretAccessKey: secret}),
	}
	tests := []struct {
		want   string
		change func(*lookup.Config)
	}{
		{"", func(*lookup.Config) {}},
		{"Account must be 12 digits", func(c *lookup.Config) { c.Account = "1234" }},
		{"Region must be", func(c *lookup.Config) { c.Region = "Frankfurt" }},
		{"Log is missing", func(c *lookup.Config) { c.Log = nil }},
		{"no credentials", func(c *lookup.Config) { c.AWS.Credentials = nil }},
		{"Lateness must not be negative", func(c *lookup.Config) { c.Lateness = -time.Second }},
		{"Window must be at least 1s", func(c *lookup.Config) { c.Window = time.Millisecond }},
		{"RequestsPerSecond must be positive", func(c *lookup.Config) { c.RequestsPerSecond = -1 }},
		{"EventNames has an empty name", func(c *lookup.Config) { c.EventNames = []string{""} }},
		{"Holes has an interval", func(c *lookup.Config) { c.Holes = []schemas.Interval{{From: noon(), To: noon()}} }},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			cfg := good
			tt.change(&cfg)
			_, err := lookup.New(cfg)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
