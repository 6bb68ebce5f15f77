package house

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

var rules = map[string]func([]*file) []string{
	"imports":      importsPointDown,
	"functions":    functionsAreUsedWhereTheyMay,
	"declarations": declarationsKeepTheStyle,
	"packages":     packagesIntroduceThemselves,
}

func TestTheTreeKeepsTheRules(t *testing.T) {
	root := os.DirFS("../..")
	files := load(t, root)
	if len(files) == 0 {
		t.Fatal("no Go files below the module's root")
	}
	for name, rule := range rules {
		t.Run(name, func(t *testing.T) {
			for _, b := range rule(files) {
				t.Error(b)
			}
		})
	}
	t.Run("text", func(t *testing.T) {
		broken, err := noPathsOfAMachine(root)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range broken {
			t.Error(b)
		}
	})
	for _, l := range longFiles(files) {
		t.Log(l)
	}
}

// Each case is a tree of one file that keeps or breaks one rule.
func TestRulesFindWhatBreaksThem(t *testing.T) {
	tests := []struct {
		name, rule, file, text string
		want                   string // part of the complaint; empty: none
	}{
		{"core to schemas", "imports", "correlate/join.go", `import "jitaudit/schemas"`, ""},
		{"core to ingest", "imports", "correlate/join.go", `import "jitaudit/ingest/okta"`, "correlate must not import jitaudit/ingest/okta"},
		{"a test of the core to ingest", "imports", "correlate/join_test.go", `import "jitaudit/ingest/okta"`, ""},
		{"core to stream", "imports", "correlate/join.go", `import "jitaudit/correlate/stream"`, "must not import"},
		{"stream to core", "imports", "correlate/stream/stream.go", `import "jitaudit/correlate"`, ""},
		{"core to internal", "imports", "correlate/rules/a.go", `import "jitaudit/internal/scan"`, "must not import"},
		{"schemas to anything", "imports", "schemas/a.go", `import "jitaudit/correlate"`, "schemas must not import"},
		{"ingest to core", "imports", "ingest/okta/a.go", `import "jitaudit/correlate"`, "ingest must not import"},
		{"ingest to sinks", "imports", "ingest/a.go", `import "jitaudit/sinks/slack"`, "ingest must not import"},
		{"sinks to core", "imports", "sinks/slack/a.go", `import "jitaudit/correlate/rules"`, ""},
		{"generator to core", "imports", "internal/organisation/a.go", `import "jitaudit/correlate/policy"`, "internal/organisation must not import"},
		{"scan to generator", "imports", "internal/scan/a.go", `import "jitaudit/internal/organisation"`, ""},
		{"internal to cmd", "imports", "internal/scan/a.go", `import "jitaudit/cmd/jitaudit"`, "must not import"},
		{"a new folder", "imports", "extras/a.go", `import "fmt"`, "in no layer"},
		{"core to a vendor's SDK", "imports", "correlate/a.go", `import "github.com/aws/aws-sdk-go-v2/aws"`, "pure core"},
		{"core to the file system", "imports", "correlate/policy/a.go", `import "os"`, "pure core"},
		{"core to the network", "imports", "correlate/a.go", `import "net/http"`, "pure core"},
		{"core to addresses", "imports", "correlate/a.go", `import "net/netip"`, ""},
		{"core to chance", "imports", "correlate/a.go", `import "math/rand/v2"`, "pure core"},
		{"core to bits", "imports", "correlate/a.go", `import "math/bits"`, ""},
		{"core to YAML", "imports", "correlate/policy/a.go", `import "go.yaml.in/yaml/v4"`, ""},

		{"clock in the core", "functions", "correlate/a.go", `import "time"; var now = time.Now`, "time.Now stands only in"},
		{"clock under another name", "functions", "correlate/a.go", `import clock "time"; var now = clock.Now`, "time.Now stands only in"},
		{"clock in a test", "functions", "correlate/a_test.go", `import "time"; var now = time.Now()`, ""},
		{"clock in a collector", "functions", "ingest/okta/a.go", `import "time"; var now = time.Now`, ""},
		{"timer in the core", "functions", "correlate/a.go", `import "time"; var w = time.After(1)`, "pure core"},
		{"time without a clock", "functions", "correlate/a.go", `import "time"; var u = time.UTC`, ""},
		{"print in a package", "functions", "ingest/a.go", `import "fmt"; func f() { fmt.Println() }`, "fmt.Println stands only in cmd"},
		{"print in a command", "functions", "cmd/jitaudit/a.go", `import "fmt"; func f() { fmt.Println() }`, ""},
		{"exit in a package", "functions", "sinks/a.go", `import "os"; func f() { os.Exit(1) }`, "os.Exit stands only in cmd"},

		{"init", "declarations", "ingest/a.go", `func init() {}`, "no init functions"},
		{"a method named init", "declarations", "ingest/a.go", `type T int; func (T) init() {}`, ""},
		{"dot import", "declarations", "ingest/a_test.go", `import . "fmt"`, "dot import"},
		{"three methods", "declarations", "ingest/a.go", `type I interface{ A(); B(); C() }`, ""},
		{"four methods", "declarations", "ingest/a.go", `type I interface{ A(); B(); C(); D() }`, "4 methods"},

		{"no package comment", "packages", "ingest/a.go", ``, "ingest: no package comment"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree := fstest.MapFS{tt.file: {Data: []byte("package x; " + tt.text)}}
			broken := strings.Join(rules[tt.rule](load(t, tree)), "\n")
			if tt.want == "" && broken != "" || !strings.Contains(broken, tt.want) {
				t.Errorf("got %q, want %q", broken, tt.want)
			}
		})
	}
}

func TestProgramsMayExitWhereverTheyAre(t *testing.T) {
	tree := fstest.MapFS{"internal/tool/main.go": {Data: []byte(`package main; import "os"; func main() { os.Exit(1) }`)}}
	if broken := functionsAreUsedWhereTheyMay(load(t, tree)); len(broken) != 0 {
		t.Errorf("got %q, want nothing", broken)
	}
}

func TestPackagesAreToldByNameAndComment(t *testing.T) {
	tree := fstest.MapFS{
		"ingest/a.go":      {Data: []byte("// Package ingest reads.\npackage ingest")},
		"ingest/b.go":      {Data: []byte("package ingest")},
		"ingest/util/a.go": {Data: []byte("// Package util does things.\npackage util")},
	}
	broken := packagesIntroduceThemselves(load(t, tree))
	if len(broken) != 1 || !strings.Contains(broken[0], "the name util") {
		t.Errorf("got %q, want only a complaint about util", broken)
	}
}

func TestNestedModulesAndTestdataAreLeftOut(t *testing.T) {
	broken := []byte("package x; func init() {}")
	tree := fstest.MapFS{
		"a/testdata/a.go":           {Data: broken},
		"dashboards/plugin/go.mod":  {Data: []byte("module plugin")},
		"dashboards/plugin/main.go": {Data: broken},
		"bin/a.go":                  {Data: broken},
	}
	if files := load(t, tree); len(files) != 0 {
		t.Errorf("%d files were read, want none", len(files))
	}
}

func TestLongFilesAreNamed(t *testing.T) {
	tree := fstest.MapFS{
		"a/short.go": {Data: []byte("package a\n")},
		"a/long.go":  {Data: []byte("package a\n" + strings.Repeat("\n", longest))},
	}
	if long := longFiles(load(t, tree)); len(long) != 1 || !strings.HasPrefix(long[0], "a/long.go") {
		t.Errorf("got %q, want a/long.go", long)
	}
}

func TestPathsOfAMachineAreFound(t *testing.T) {
	home := "/" + "home" // split, so that this file keeps the rule
	tests := []struct {
		name, text string
		found      bool
	}{
		{"in a sentence", "see " + home + "/ada/notes", true},
		{"quoted", `path = "` + home + `/ada"`, true},
		{"at the start of a line", "a\n" + home + "/ada", true},
		{"part of a URL", "https://example.com" + home + "/ada", false},
		{"the folder alone", home + "/", false},
		{"relative", "testdata/work/a", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var tree fs.FS = fstest.MapFS{"docs/a.md": {Data: []byte(tt.text)}}
			broken, err := noPathsOfAMachine(tree)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(broken) > 0; got != tt.found {
				t.Errorf("found %q, want found = %t", broken, tt.found)
			}
		})
	}
}
