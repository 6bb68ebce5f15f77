package config_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"jitaudit/correlate/stream"
	"jitaudit/ingest"
	"jitaudit/internal/config"
	"jitaudit/internal/organisation"
	"jitaudit/sinks"
)

// guides are the texts for people, by their path from the top folder.
func guides(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, pattern := range []string{"/*.md", "/docs/*.md", "/docs/*/*.md"} {
		for _, file := range files(t, root+pattern) {
			name, err := filepath.Rel(root, file)
			if err != nil {
				t.Fatal(err)
			}
			out[filepath.ToSlash(name)] = string(read(t, file))
		}
	}
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "docs/running.md"} {
		if out[name] == "" {
			t.Fatalf("there is no %s", name)
		}
	}
	return out
}

// anchors are what a link may name in a text: its headings, as GitHub makes
// fragments of them.
func anchors(text string) (all []string) {
	text = regexp.MustCompile("(?ms)^```.*?^```").ReplaceAllString(text, "")
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		kept := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		all = append(all, strings.ReplaceAll(kept, " ", "-"))
	}
	return all
}

func TestLinksOfTheGuidesLead(t *testing.T) {
	all := guides(t)
	links := 0
	for name, text := range all {
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(text, -1) {
			path, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			links++
			to := name
			if path != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(name), path))
			}
			if _, err := os.Stat(filepath.Join(root, to)); err != nil {
				t.Errorf("%s links to %s: %v", name, m[1], err)
			} else if anchor != "" && !slices.Contains(anchors(all[to]), anchor) {
				t.Errorf("%s links to %s: no such heading, but %q", name, m[1], anchors(all[to]))
			}
		}
	}
	if links < 35 {
		t.Errorf("only %d links were found", links)
	}
}

// What lies in docs and in the examples for AWS is linked from somewhere.
func TestEveryGuideIsLinked(t *testing.T) {
	linked := map[string]bool{}
	for name, text := range guides(t) {
		for _, m := range regexp.MustCompile(`\]\(([^)#\s]+)`).FindAllStringSubmatch(text, -1) {
			linked[filepath.ToSlash(filepath.Join(filepath.Dir(name), m[1]))] = true
		}
	}
	for _, pattern := range []string{"/docs/*.md", "/docs/images/*", "/examples/aws/*.json", "/examples/*.yaml"} {
		for _, file := range files(t, root+pattern) {
			name, err := filepath.Rel(root, file)
			if err != nil || !linked[filepath.ToSlash(name)] {
				t.Errorf("nothing links to %s (%v)", name, err)
			}
		}
	}
}

// The snippets of the guides are configurations that are read.
func TestSnippetsOfTheGuidesAreValid(t *testing.T) {
	env := exampleEnv()
	lookup := env.Lookup
	env.Lookup = func(name string) (string, bool) {
		if strings.HasSuffix(name, "_PASSWORD") {
			return "a-secret-of-the-guides", true
		}
		return lookup(name)
	}
	env.ReadFile = func(string) ([]byte, error) { return []byte("a-secret-of-the-guides"), nil }
	found := 0
	for name, text := range guides(t) {
		for i, s := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(text, -1) {
			if strings.HasPrefix(name, "docs/correlation") {
				continue // of policies
			}
			found++
			yaml := s[1]
			if !strings.Contains(yaml, "policy:") {
				yaml += "\npolicy: [policy.yaml]\n"
			}
			if !strings.Contains(yaml, "okta:") && !strings.Contains(yaml, "aws:") {
				yaml += "\nokta: [{org: a, url: 'https://a.okta.com', token: '${OKTA_TOKEN}'}]\n"
			}
			c, err := config.Parse(fmt.Sprintf("%s, snippet %d", name, i), []byte(yaml), env)
			if err != nil {
				t.Error(err)
			} else if err := c.Validate(config.RoleRun); err != nil {
				t.Error(err)
			}
		}
	}
	if found < 6 {
		t.Errorf("only %d snippets were found", found)
	}
}

// metrics are the names of all that the roles register.
func metrics(t *testing.T) (names []string) {
	t.Helper()
	r := prometheus.NewRegistry()
	ingest.NewMetrics(r)
	stream.NewMetrics(r)
	if _, err := sinks.NewLoop(sinks.Config{Name: "clickhouse"}, nil, nil, r, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	described := make(chan *prometheus.Desc, 100)
	r.Describe(described)
	close(described)
	for d := range described {
		names = append(names, regexp.MustCompile(`fqName: "([a-z_]+)"`).FindStringSubmatch(d.String())[1])
	}
	return names
}

func TestGuidesNameTheMetricsThatThereAre(t *testing.T) {
	real := metrics(t)
	running := guides(t)["docs/running.md"]
	for _, name := range real {
		if !strings.Contains(running, "`"+name+"`") {
			t.Errorf("docs/running.md does not name %s", name)
		}
	}
	for guide, text := range guides(t) {
		for _, name := range regexp.MustCompile(`jitaudit_(?:collect|correlate|sink)_[a-z_]+`).FindAllString(text, -1) {
			if !slices.Contains(real, name) {
				t.Errorf("%s names %s, which there is not", guide, name)
			}
		}
	}
}

// The variables that CONTRIBUTING.md names for tests are read by tests.
func TestVariablesOfTheTestsAreReal(t *testing.T) {
	tests := sources(t, true) + sources(t, false)
	named := regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|").FindAllStringSubmatch(guides(t)["CONTRIBUTING.md"], -1)
	if len(named) < 5 {
		t.Fatalf("%d variables are named", len(named))
	}
	for _, m := range named {
		if !strings.Contains(tests, `"`+m[1]+`"`) {
			t.Errorf("nothing reads %s", m[1])
		}
	}
}

// sources are the texts of all programs, or of their tests.
func sources(t *testing.T, tests bool) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata" || d.Name() == "node_modules"):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".go") && strings.HasSuffix(path, "_test.go") == tests:
			b.Write(read(t, path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The messages that the guide to running it explains are messages of ours. An
// ellipsis stands for what differs.
func TestMessagesOfTheRunningGuideAreReal(t *testing.T) {
	text := guides(t)["docs/running.md"]
	source := sources(t, false)
	seen := 0
	for _, table := range regexp.MustCompile(`(?m)^\| it says \|.*\n\|-.*\n((?:\|.*\n)+)`).FindAllStringSubmatch(text, -1) {
		for row := range strings.Lines(table[1]) {
			cell, _, _ := strings.Cut(strings.TrimPrefix(row, "| "), " | ")
			for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
				for _, part := range strings.Split(m[1], "…") {
					part = strings.TrimPrefix(strings.TrimSpace(part), "okta/example")
					seen++
					if !strings.Contains(source, part) && !strings.Contains(source, strings.TrimSuffix(part, ":")) {
						t.Errorf("no program says %q, of %q", part, m[1])
					}
				}
			}
		}
	}
	if seen < 30 {
		t.Errorf("only %d parts of messages were found", seen)
	}
}

// The README's picture is of the demo's output: its numbers are those of the
// organisation that the demo makes up.
func TestThePictureShowsTheDemo(t *testing.T) {
	h, err := organisation.Generate(organisation.Config{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	planted := map[string]int{}
	for _, p := range h.Truth.Planted {
		planted[p.Rule]++
	}
	lines := drawn(t, root+"/docs/images/demo.svg")
	total := strconv.Itoa(len(h.Truth.Planted))
	if last := lines[len(lines)-1]; !strings.Contains(last, "planted="+total+" found="+total+" missed=0 false=0 ") {
		t.Errorf("the last line is %q; %s breaches are planted", last, total)
	}
	rows := 0
	for _, line := range lines {
		f := strings.Fields(line)
		if len(f) == 5 && planted[f[0]] > 0 {
			rows++
			if n := strconv.Itoa(planted[f[0]]); f[1] != n || f[2] != n || f[3]+f[4] != "00" {
				t.Errorf("the picture says %q, but %s are planted", line, n)
			}
		}
	}
	if rows < 5 {
		t.Errorf("the picture has %d rules with their numbers", rows)
	}
	if readme := guides(t)["README.md"]; !strings.Contains(readme, total+" planted breaches") {
		t.Errorf("README.md does not say that %s breaches are planted", total)
	}
}

// drawn are the lines of text of a picture, from top to bottom.
func drawn(t *testing.T, path string) (lines []string) {
	t.Helper()
	var at string
	d := xml.NewDecoder(strings.NewReader(string(read(t, path))))
	inText := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return lines
		} else if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			if inText = e.Name.Local == "text"; inText {
				for _, a := range e.Attr {
					if a.Name.Local == "y" && a.Value != at {
						at = a.Value
						lines = append(lines, "")
					}
				}
			}
		case xml.EndElement:
			inText = false
		case xml.CharData:
			if inText {
				lines[len(lines)-1] += string(e) + "  "
			}
		}
	}
}
