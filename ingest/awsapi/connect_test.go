package awsapi_test

import (
	"fmt"
	"strings"
	"testing"

	"jitaudit/ingest/awsapi"
)

func TestConnectRefusesHalfOfAKey(t *testing.T) {
	for name, c := range map[string]awsapi.Connection{
		"a region": {AccessKeyID: keyID, SecretAccessKey: secret},
		"both":     {Region: region, AccessKeyID: keyID},
		"both an":  {Region: region, SecretAccessKey: secret},
	} {
		_, err := awsapi.Connect(t.Context(), c)
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), secret) {
			t.Errorf("got %v, want something about %q and no secret", err, name)
		}
	}
}

func TestAConnectionDoesNotPrintItsSecrets(t *testing.T) {
	c := awsapi.Connection{Region: region, AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: "a token", ExternalID: "jitaudit-7"}
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
	cfg, err := awsapi.Connect(t.Context(), awsapi.Connection{Region: region})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := cfg.Credentials.Retrieve(t.Context()); err != nil || found.AccessKeyID != keyID || found.SecretAccessKey != secret {
		t.Errorf("found the key %q, %v", found.AccessKeyID, err)
	}
}
