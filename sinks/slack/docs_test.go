package slack

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

func TestGuideSaysWhatErrorsSay(t *testing.T) {
	guide, err := os.ReadFile("../../docs/receivers/slack.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range bytes.Lines(guide) {
		codes, says, ok := strings.Cut(strings.TrimPrefix(string(line), "| "), " | ")
		if !ok || !strings.HasPrefix(codes, "`") {
			continue
		}
		for i, c := range strings.Split(codes, "`") {
			if i%2 == 0 {
				continue
			}
			kind, advice := judge(c)
			if kind != other {
				seen++
			}
			if kind == operator && !strings.HasPrefix(says, advice) {
				t.Errorf("%s: the guide says %q, the error %q", c, says, advice)
			}
			if kind == refused && !strings.Contains(says, "dead letter") || kind == passing && !strings.Contains(says, "by itself") {
				t.Errorf("%s: the guide says %q", c, says)
			}
		}
	}
	if seen < 20 {
		t.Errorf("the guide explains %d codes", seen)
	}
}

// The manifest asks for all that the workspace of the tests does, and for no more.
func TestManifestHasTheScopes(t *testing.T) {
	file, err := os.ReadFile("../../examples/slack/manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		OAuth struct {
			Scopes struct {
				Bot []string `yaml:"bot"`
			} `yaml:"scopes"`
		} `yaml:"oauth_config"`
	}
	if err := yaml.Unmarshal(file, &manifest); err != nil {
		t.Fatal(err)
	}
	// groups:history is channels:history for private channels; users:read.email is
	// not given without users:read.
	want := slices.Concat(newWorkspace(t).scopes, []string{"groups:history", "users:read"})
	got := manifest.OAuth.Scopes.Bot
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the manifest asks for %q, want %q", got, want)
	}
}
