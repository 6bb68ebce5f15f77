package policytest

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"jitaudit/correlate/policy"
)

func text(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The suites in the guide run; where one fails, it is with what the guide shows below.
func TestSnippetsOfTheGuide(t *testing.T) {
	guide := text(t, "../../docs/policy.md")
	suites := 0
	for _, m := range regexp.MustCompile("(?s)```yml\n(.*?)```\n(```\n(.*?)```)?").FindAllStringSubmatch(guide, -1) {
		if !strings.HasPrefix(m[1], "policy:") {
			if _, err := policy.Parse("policy.md", []byte(m[1])); err != nil {
				t.Error(err)
			}
			continue
		}
		suites++
		s, err := Load("../../examples/policy_test.yaml", []byte(m[1]), policies)
		if err != nil {
			t.Error(err)
			continue
		}
		results, err := s.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var told string
		for _, r := range results {
			for i, p := range r.Problems {
				if i == 0 {
					told += fmt.Sprintf("FAILED  policy_test.yaml:%d: %s\n", r.Line, r.Test)
				}
				told += "        " + p + "\n"
			}
		}
		if shown, _, _ := strings.Cut(m[3], "0 passed"); told != shown {
			t.Errorf("told:\n%sthe guide shows:\n%s", told, shown)
		}
	}
	if suites < 2 {
		t.Errorf("%d suites in the guide", suites)
	}
}

func TestTheGuideNamesEveryKey(t *testing.T) {
	rows := map[string]int{}
	guide := text(t, "../../docs/policy.md")
	for i, m := range regexp.MustCompile("(?m)^\\| (`[^|]*) \\|").FindAllStringSubmatch(guide, -1) {
		for _, key := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(m[1], -1) {
			rows[key[1]] = i + 1
		}
	}
	var example yaml.Node
	if err := yaml.Load([]byte(text(t, "../../examples/policy.yaml")), &example); err != nil {
		t.Fatal(err)
	}
	top := example.Content[0].Content
	for i := 0; i < len(top); i += 2 {
		if rows[top[i].Value] == 0 {
			t.Errorf("docs/policy.md has no row for %s", top[i].Value)
		}
	}
	for _, part := range slices.Concat(keysOf[Fact](), keysOf[Expect](), keysOf[Finding](), keysOf[Session](), keysOf[Test](), keysOf[Assume](), keysOf[SignOn]()) {
		if !strings.Contains(guide, part) {
			t.Errorf("docs/policy.md does not say %s", part)
		}
	}
}

func keysOf[T any]() []string {
	_, keys := fields(reflect.TypeFor[T]())
	return keys
}
