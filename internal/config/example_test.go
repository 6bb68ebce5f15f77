package config_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"jitaudit/internal/config"
)

const example = "../../examples/jitaudit.yaml"

// switchedOn is the example with the keys that it comments out. They begin with
// # and no space.
func switchedOn(text string) string {
	return regexp.MustCompile(`(?m)^(\s*)#([a-z_]+: )`).ReplaceAllString(text, "$1$2")
}

// exampleEnv has what the example refers to.
func exampleEnv() config.Environment {
	env := testEnv()
	lookup := env.Lookup
	env.Lookup = func(name string) (string, bool) {
		if name == "OKTA_TOKEN" {
			return secrets()[0], true
		}
		return lookup(name)
	}
	return env
}

// leaf is a scalar, or a list of scalars, of a YAML tree.
type leaf struct {
	text string
	line int
}

// leavesOf flattens a YAML tree; elements of lists of mappings are one: [].
func leavesOf(t *testing.T, text string) map[string]leaf {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Load([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	out := map[string]leaf{}
	var walk func(path string, n *yaml.Node)
	walk = func(path string, n *yaml.Node) {
		switch {
		case n.Kind == yaml.DocumentNode:
			walk(path, n.Content[0])
		case n.Kind == yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				walk(strings.TrimPrefix(path+"."+n.Content[i].Value, "."), n.Content[i+1])
			}
		case n.Kind == yaml.SequenceNode && n.Content[0].Kind == yaml.MappingNode:
			for _, c := range n.Content {
				walk(path+"[]", c)
			}
		case n.Kind == yaml.SequenceNode:
			var texts []string
			for _, c := range n.Content {
				texts = append(texts, c.Value)
			}
			out[path] = leaf{strings.Join(texts, " "), n.Line}
		case n.ShortTag() != "!!null":
			out[path] = leaf{n.Value, n.Line}
		}
	}
	walk("", &doc)
	return out
}

func TestExampleIsValidForRun(t *testing.T) {
	text := string(read(t, example))
	c, err := config.Parse("jitaudit.yaml", []byte(text), exampleEnv())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(config.RoleRun); err != nil {
		t.Error(err)
	}
}

func TestExampleHasEveryKey(t *testing.T) {
	var got []string
	for path := range leavesOf(t, switchedOn(string(read(t, example)))) {
		got = append(got, path)
	}
	for _, key := range config.Keys() {
		if !slices.Contains(got, key) {
			t.Errorf("the example does not show %s", key)
		}
	}
	for _, key := range got {
		if !slices.Contains(config.Keys(), key) {
			t.Errorf("the example shows %s, which is no key", key)
		}
	}
}

// Switching on keys one by one, as a reader does, gives nothing but messages
// about what else they need.
func TestExampleHasRightValues(t *testing.T) {
	lines := strings.Split(string(read(t, example)), "\n")
	env := exampleEnv()
	env.Lookup = func(string) (string, bool) { return "a-value-of-a-secret", true }
	env.ReadFile = func(string) ([]byte, error) { return []byte("a-value-of-a-secret"), nil }
	needs := regexp.MustCompile(`belong together|beside|is missing|needs user|are for|is not https|not true|given|keeps one copy`)
	for i, line := range lines {
		on := switchedOn(line)
		if on == line {
			continue
		}
		changed := slices.Clone(lines)
		changed[i] = on
		if _, err := config.Parse("jitaudit.yaml", []byte(strings.Join(changed, "\n")), env); err != nil {
			for e := range strings.Lines(err.Error()) {
				if !needs.MatchString(e) {
					t.Errorf("%q: %s", strings.TrimSpace(on), e)
				}
			}
		}
	}
}

func TestExampleSaysDefaultOfDefaults(t *testing.T) {
	text := switchedOn(string(read(t, example)))
	lines := strings.Split(text, "\n")
	c := mustParse(t, "okta: [{org: a, url: 'https://a.okta.com', token: '${TOKEN}'}]\naws: {accounts: [{account: 111111111111}]}")
	defaults := leavesOf(t, string(c.Effective()))
	said := 0
	for path, l := range leavesOf(t, text) {
		def, ok := defaults[path]
		if !strings.Contains(lines[l.line-1], "# default") {
			if ok && !slices.Contains([]string{"data_dir", "okta[].org", "okta[].url", "okta[].token", "aws.accounts[].account", "kafka.replication"}, path) {
				t.Errorf("%s has a default, %s, but the example does not say so", path, def.text)
			}
			continue
		}
		said++
		if !ok || def.text != l.text {
			t.Errorf("the example says %s is by default %q, it is %q", path, l.text, def.text)
		}
	}
	if said < 25 {
		t.Errorf("only %d defaults are said", said)
	}
}

func TestReferenceNamesEveryKeyAndItsDefault(t *testing.T) {
	text := string(read(t, "../../docs/configuration.md"))
	c := mustParse(t, "okta: [{org: a, url: 'https://a.okta.com', token: '${TOKEN}'}]")
	defaults := leavesOf(t, string(c.Effective()))
	var got []string
	for _, r := range regexp.MustCompile("(?m)^\\| `([a-z_.\\[\\]]+)` \\| ([^|]*) \\|").FindAllStringSubmatch(text, -1) {
		key, said := r[1], r[2]
		if key == "run" || key == "collect" || key == "correlate" {
			continue // the table of roles
		}
		got = append(got, key)
		if def := strings.Trim(said, "`"); len(said) == len(def)+2 && def != defaults[key].text {
			t.Errorf("docs/configuration.md says %s is by default %q, it is %q", key, def, defaults[key].text)
		}
	}
	if want := config.Keys(); !slices.Equal(got, want) {
		for _, k := range want {
			if !slices.Contains(got, k) {
				t.Errorf("docs/configuration.md does not name %s", k)
			}
		}
		t.Errorf("docs/configuration.md names other keys, or in another order:\n%s", fmt.Sprint(got))
	}
}
