package config_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"jitaudit/internal/config"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// secrets are what no output may hold.
func secrets() []string {
	return []string{"from-the-environment-4711", "from-a-file-4711", "00literal", "hunter2", "bm90IGEga2V5", "line-two-4711"}
}

// testEnv is an environment that is the same on every machine.
func testEnv() config.Environment {
	vars := map[string]string{
		"HOME": "/var/empty", "STATE": "/srv/state", "HOST": "inside", "PORT": "9999", "PARTITIONS": "7", "SECRETS": "../secrets",
		"TOKEN": secrets()[0], "PASSWORD": secrets()[0], "SECRET": secrets()[0], "MULTILINE": "line-one\nline-two-4711\n",
		"SHORT": secrets()[3], "EMPTY": "", "BELL": "ding\a",
	}
	return config.Environment{
		Lookup:   func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
		ReadFile: os.ReadFile,
	}
}

func mustParse(t testing.TB, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("jitaudit.yaml", []byte(text), testEnv())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// golden compares with FILE, or rewrites it with -update.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(read(t, file)), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func files(t testing.TB, pattern string) []string {
	t.Helper()
	out, err := filepath.Glob(pattern)
	if err != nil || len(out) == 0 {
		t.Fatalf("glob %s: %v, %d files", pattern, err, len(out))
	}
	return out
}

func noSecrets(t testing.TB, what, text string) {
	t.Helper()
	for _, s := range secrets() {
		if strings.Contains(text, s) {
			t.Errorf("%s shows a secret: %s", what, text)
		}
	}
}

// same compares all that a caller sees.
func same(t testing.TB, want, got *config.Config) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(config.Config{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBadConfigurationIsRefusedWithItsLine(t *testing.T) {
	for _, file := range files(t, "testdata/bad/*.yaml") {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			c, err := config.Load(file, testEnv())
			if err == nil || c != nil {
				t.Fatalf("got configuration %v and error %v", c != nil, err)
			}
			noSecrets(t, "the error", err.Error())
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", []byte(strings.ReplaceAll(err.Error(), "testdata/bad/", "")+"\n"))
		})
	}
}

func TestGoodConfigurationIsPrintedWithItsDefaults(t *testing.T) {
	for _, file := range files(t, "testdata/good/*.yaml") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			c, err := config.Parse(file, read(t, file), testEnv())
			if err != nil {
				t.Fatal(err)
			}
			effective := c.Effective()
			noSecrets(t, "Effective", string(effective))
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", effective)
			// Elsewhere: what Effective prints depends on no folder.
			again, err := config.Parse("effective.yaml", effective, testEnv())
			if err != nil {
				t.Fatal(err)
			}
			same(t, c, again)
			if diff := cmp.Diff(string(effective), string(again.Effective())); diff != "" {
				t.Errorf("printed twice (-first +second):\n%s", diff)
			}
		})
	}
}

func TestEveryErrorIsReportedInOrder(t *testing.T) {
	_, err := config.Parse("c.yaml", []byte("kafka: {partitions: 0}\nlog: {level: loud}\npolcy: [a]\n"), testEnv())
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 3 {
		t.Fatalf("not three errors: %v", err)
	}
	for i, e := range joined.Unwrap() {
		var at *config.Error
		if !errors.As(e, &at) || at.Line != i+1 || at.File != "c.yaml" || strings.Contains(e.Error(), "\n") {
			t.Errorf("error %d: %v", i, e)
		}
	}
}

func TestErrorsBeyondAHundredAreCounted(t *testing.T) {
	_, err := config.Parse("c.yaml", []byte("policy:\n"+strings.Repeat("  - []\n", 130)), testEnv())
	if err == nil || !strings.Contains(err.Error(), "and 30 errors more") || strings.Count(err.Error(), "\n") != 100 {
		t.Errorf("got %v", err)
	}
}

func TestFileOfTwoMebibytesIsRefused(t *testing.T) {
	_, err := config.Parse("c.yaml", []byte(strings.Repeat("# filler\n", 2<<20/9)), testEnv())
	if err == nil || !strings.Contains(err.Error(), "more than 1048576") {
		t.Errorf("got %v", err)
	}
}

func TestAliasesUnfoldWithinBounds(t *testing.T) {
	org := "{org: a, url: 'https://a.okta.com', token: '${TOKEN}', directory: {groups: %s}}"
	groups := make([]string, 500)
	for i := range groups {
		groups[i] = fmt.Sprintf("g%d", i)
	}
	text := "okta:\n  - " + fmt.Sprintf(org, "&g ["+strings.Join(groups, ", ")+"]") + strings.Repeat("\n  - "+fmt.Sprintf(org, "*g"), 50)
	_, err := config.Parse("c.yaml", []byte(text), testEnv())
	if err == nil || strings.Count(err.Error(), "YAML aliases unfold to more than 10000 values") != 1 {
		t.Errorf("got %v", err)
	}
}

func TestMissingFileIsNamed(t *testing.T) {
	_, err := config.Load("nowhere/jitaudit.yaml", config.Process())
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "nowhere/jitaudit.yaml") {
		t.Errorf("got %v", err)
	}
}

func TestDefaultIsThatOfAnEmptyFile(t *testing.T) {
	same(t, mustParse(t, ""), config.Default(testEnv()))
}

func TestDefaultsFollowFromOtherKeys(t *testing.T) {
	for _, tt := range []struct {
		name, text  string
		replication int
		embedded    bool
	}{
		{"embedded broker", "", 1, true},
		{"cluster", "kafka: {brokers: ['a:1', 'b:1', 'c:1']}", 3, false},
		{"one broker, told so", "kafka: {brokers: ['a:1'], replication: 1}", 1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := mustParse(t, tt.text).Kafka
			if k.Replication != tt.replication || k.Embedded() != tt.embedded {
				t.Errorf("replication %d, embedded %t", k.Replication, k.Embedded())
			}
		})
	}
}

func TestStateFolder(t *testing.T) {
	for _, tt := range []struct {
		name string
		vars map[string]string
		want string
	}{
		{"of XDG", map[string]string{"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/jitaudit"},
		{"relative is ignored", map[string]string{"XDG_STATE_HOME": "s", "HOME": "/h"}, "/h/.local/state/jitaudit"},
		{"of the user", map[string]string{"HOME": "/h"}, "/h/.local/state/jitaudit"},
		{"none", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := config.Environment{Lookup: func(n string) (string, bool) { v, ok := tt.vars[n]; return v, ok }}
			if got := config.Default(env).DataDir; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPathsAreRelativeToTheConfiguration(t *testing.T) {
	c, err := config.Parse("/etc/jitaudit/jitaudit.yaml", []byte("policy: [policies/a.yaml, /b.yaml]\ndata_dir: ../state\n"), testEnv())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"/etc/jitaudit/policies/a.yaml", "/b.yaml"}, c.Policy); diff != "" || c.DataDir != "/etc/state" {
		t.Errorf("data_dir %s, policy (-want +got):\n%s", c.DataDir, diff)
	}
}

func TestEffectiveOfALoadedFileMayLieAnywhere(t *testing.T) {
	for _, file := range files(t, "testdata/good/*.yaml") {
		c, err := config.Load(file, testEnv())
		if err != nil {
			t.Fatal(err)
		}
		again, err := config.Parse("/some/where/else.yaml", c.Effective(), testEnv())
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		same(t, c, again)
	}
}

func TestGroupsAreMatchedByTheirWholeNames(t *testing.T) {
	c := mustParse(t, "okta: [{org: a, url: 'https://a.okta.com', token: '${TOKEN}', directory: {groups: ['AWS-.*|ops', 'x']}}]")
	patterns, err := c.Okta[0].Directory.Patterns()
	if err != nil || len(patterns) != 2 {
		t.Fatalf("%v, %v", patterns, err)
	}
	for name, want := range map[string]bool{"AWS-prod-Admin": true, "ops": true, "devops": false, "My-AWS-prod": false, "opsx": false} {
		if got := patterns[0].MatchString(name); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if _, err := (&config.Directory{Groups: []string{"("}}).Patterns(); err == nil {
		t.Error("a wrong expression is compiled")
	}
}

func TestURLsOfClickHouse(t *testing.T) {
	for url, valid := range map[string]bool{
		"http://c:8123": true, "https://c": true, "https://c.example.com/clickhouse/": true, "clickhouse://c:9000": true,
		"clickhouses://c:9440": true, "clickhouse://c:9000/db": false, "https://c?database=x": false, "https://c/#x": false,
		"https://u:p@c": false, "clickhouse://u:p@c": false, "tcp://c:9000": false, "c:8123": false, "https://": false, "http:///x": false,
	} {
		_, err := config.Parse("c.yaml", []byte("clickhouse: {url: '"+url+"'}"), testEnv())
		if (err == nil) != valid {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestSinceCountsFromTheStart(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"36h":                       now.Add(-36 * time.Hour),
		"1d":                        now.Add(-24 * time.Hour),
		"0s":                        now,
		"2026-02-01":                time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC),
		"2026-02-01T00:00:00+02:00": time.Date(2026, 1, 31, 22, 0, 0, 0, time.UTC),
	} {
		if got := mustParse(t, "aws: {since: '"+text+"'}").AWS.Since.Time(now); !got.Equal(want) {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}

func TestWaitForServers(t *testing.T) {
	for text, want := range map[string]time.Duration{"0s": 0, "0": 0, "90s": 90 * time.Second, "forever": config.Forever} {
		if got := mustParse(t, "wait_for_servers: "+text).WaitForServers; got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*/*.yaml", "../../examples/jitaudit.yaml"} {
		for _, file := range files(f, pattern) {
			f.Add(read(f, file))
		}
	}
	env := testEnv()
	env.ReadFile = func(path string) ([]byte, error) {
		if strings.Contains(path, "missing") {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		}
		return []byte(secrets()[1] + "\n"), nil
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse("c.yaml", data, env)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error that says nothing")
			}
			return
		}
		effective := c.Effective()
		again, err := config.Parse("c.yaml", effective, env)
		if err != nil {
			t.Fatalf("the printed configuration is refused: %v\n%s", err, effective)
		}
		same(t, c, again)
		if twice := again.Effective(); string(twice) != string(effective) {
			t.Fatalf("printed twice:\n%s\n%s", effective, twice)
		}
		for _, role := range config.Roles() {
			a, b := c.Validate(role), again.Validate(role)
			if (a == nil) != (b == nil) {
				t.Fatalf("%s: %v and, printed, %v", role, a, b)
			}
		}
	})
}
