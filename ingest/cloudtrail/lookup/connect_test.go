package lookup_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"

	"jitaudit/ingest/cloudtrail/lookup"
	"jitaudit/internal/simulated/aws"
)

// connect does not look at the machine's own configuration.
func connect(t *testing.T, c lookup.Connection) awssdk.Config {
	t.Helper()
	cfg, err := lookup.Connect(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestConnectRefusesHalfOfAKey(t *testing.T) {
	for name, c := range map[string]lookup.Connection{
		"a region": {AccessKeyID: keyID, SecretAccessKey: secret},
		"both":     {Region: region, AccessKeyID: keyID},
		"both an":  {Region: region, SecretAccessKey: secret},
	} {
		_, err := lookup.Connect(t.Context(), c)
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), secret) {
			t.Errorf("got %v, want something about %q and no secret", err, name)
		}
	}
}

func TestAConnectionDoesNotPrintItsSecrets(t *testing.T) {
	c := lookup.Connection{Region: region, AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: "a token", ExternalID: "jitaudit-7"}
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%v", &c)} {
		if !strings.Contains(text, keyID) || strings.Contains(text, secret) || strings.Contains(text, "a token") || strings.Contains(text, "jitaudit-7") {
			t.Error(text)
		}
	}
}

func TestTheDefaultChainReadsTheEnvironment(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", keyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	t.Setenv("AWS_SESSION_TOKEN", "")
	w := newWorld(t, nil, nil)
	c := w.collector(t, func(cfg *lookup.Config) {
		cfg.AWS = connect(t, lookup.Connection{Region: region, Endpoint: w.url})
	})
	round(t, c)
}

func TestARoleOpensAllRegionsOfAnotherAccountWithOneSession(t *testing.T) {
	const hub = "111122223333"
	role := "arn:aws:iam::" + account + ":role/security/jitaudit"
	events := some(t, 3)
	w := newWorld(t, events, func(cfg *aws.Config) {
		cfg.Principals = map[string]aws.Principal{keyID: {Secret: secret, Account: hub}}
		cfg.Roles = []aws.Role{{ARN: role, ExternalID: "jitaudit-7", Trusts: []string{hub}}}
	})
	shared := connect(t, lookup.Connection{
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
