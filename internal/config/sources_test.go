package config_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"jitaudit/internal/config"
)

// iamPolicy is an IAM policy document.
type iamPolicy struct {
	Version   string
	Statement []struct {
		Sid, Effect, Action string
		Resource            string
		Principal           map[string]any
		Condition           map[string]map[string]any
	}
}

func decode(t *testing.T, data []byte, to any) {
	t.Helper()
	if err := json.Unmarshal(data, to); err != nil {
		t.Fatal(err)
	}
}

func TestIAMPoliciesGiveTheLeastRights(t *testing.T) {
	var stack struct {
		Resources map[string]struct {
			Properties struct {
				RoleName                 string
				AssumeRolePolicyDocument iamPolicy
				Policies                 []struct{ PolicyDocument iamPolicy }
			}
		}
	}
	decode(t, read(t, root+"/examples/aws/reader-stackset.json"), &stack)
	reader := stack.Resources["Reader"].Properties
	if reader.RoleName != "jitaudit-reader" || len(reader.Policies) != 1 || len(stack.Resources) != 1 {
		t.Fatalf("the stack makes %+v", stack.Resources)
	}
	policies := map[string]iamPolicy{
		"stackset":       reader.Policies[0].PolicyDocument,
		"stackset trust": reader.AssumeRolePolicyDocument,
	}
	for _, name := range []string{"reader-permissions", "reader-trust", "collector-permissions"} {
		var p iamPolicy
		decode(t, read(t, root+"/examples/aws/"+name+".json"), &p)
		policies[name] = p
	}
	want := map[string]string{
		"reader-permissions":    "cloudtrail:LookupEvents on *",
		"stackset":              "cloudtrail:LookupEvents on *",
		"collector-permissions": "sts:AssumeRole on arn:aws:iam::*:role/jitaudit-reader",
		"reader-trust":          "sts:AssumeRole on ",
		"stackset trust":        "sts:AssumeRole on ",
	}
	for name, p := range policies {
		if p.Version != "2012-10-17" || len(p.Statement) != 1 || p.Statement[0].Effect != "Allow" {
			t.Errorf("%s: %+v", name, p)
			continue
		}
		s := p.Statement[0]
		if got := s.Action + " on " + s.Resource; got != want[name] {
			t.Errorf("%s allows %s, want %s", name, got, want[name])
		}
		if strings.Contains(name, "trust") && (s.Condition["StringEquals"]["sts:ExternalId"] == nil || s.Principal["AWS"] == nil) {
			t.Errorf("%s lets in %v if %v", name, s.Principal, s.Condition)
		}
	}
}

// Every message that the guide to the configuration shows is one of ours.
func TestMessagesOfTheGuideAreReal(t *testing.T) {
	text := string(read(t, root+"/docs/configuration.md"))
	shown := regexp.MustCompile(`(?m)^jitaudit\.yaml:\d+: (.*)$`).FindAllStringSubmatch(text, -1)
	_, err := config.Parse("jitaudit.yaml", []byte("kafka: {tls: {enabeld: true}}\nokta: [{org: a, url: 'https://a.okta.com', token: '${OKTA_TOKEN}'}]\naws: {lateness: 20}\n"), testEnv())
	if err == nil || len(shown) != 3 {
		t.Fatalf("error %v, %d messages", err, len(shown))
	}
	got := strings.Split(err.Error(), "\n")
	for _, m := range shown {
		if !slices.ContainsFunc(got, func(line string) bool { return strings.HasSuffix(line, ": "+m[1]) }) {
			t.Errorf("the guide shows %q, got %q", m[1], got)
		}
	}
}

// The examples are YAML that says nothing twice, which the program's own reader
// would refuse, but Docker and Grafana might not.
func TestYAMLOfTheExamplesIsSound(t *testing.T) {
	for _, pattern := range []string{"/docker-compose.yml", "/examples/compose/*.yaml", "/examples/compose/*/*/*.yaml"} {
		for _, file := range files(t, root+pattern) {
			var v map[string]any
			if err := yaml.Load(read(t, file), &v, yaml.WithUniqueKeys()); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}
