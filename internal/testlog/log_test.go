package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// module is a module of tests, as go test runs it.
func module(t *testing.T, files map[string]string) (printed string, err error) {
	t.Helper()
	dir := t.TempDir()
	files["go.mod"] = "module example\n\ngo 1.26\n"
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "test", "-json", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-buildvcs=false")
	out, ran := cmd.Output()
	if len(out) == 0 {
		t.Fatalf("go test: %v", ran)
	}
	return follow(t, string(out))
}

func follow(t *testing.T, text string) (printed string, err error) {
	t.Helper()
	var b strings.Builder
	out := bufio.NewWriter(&b)
	err = run(strings.NewReader(text), out)
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`\d+\.\d+s`).ReplaceAllString(b.String(), "TIME"), err
}

func TestGreenRunsAreALinePerPackageAndWhatWasSkipped(t *testing.T) {
	got, err := module(t, map[string]string{
		"a/a_test.go": "package a\nimport \"testing\"\nfunc TestA(t *testing.T) { t.Log(\"chatter\") }\n" +
			"func TestB(t *testing.T) { t.Run(\"sub\", func(t *testing.T) { t.Skip(\"no moon: none at all\") }) }\n" +
			"func TestC(t *testing.T) { t.SkipNow() }\n",
		"b/b.go":      "package b\n",
		"c/c_test.go": "package c\nimport \"testing\"\nfunc TestD(t *testing.T) { t.Skip(\"no moon: none at all\") }\n",
	})
	packages, skipped, _ := strings.Cut(got, "\n\n")
	lines := strings.Split(packages, "\n") // as they end
	slices.Sort(lines)
	got = strings.Join(lines, "\n") + "\n\n" + skipped
	want := "?   \texample/b\t[no test files]\nok  \texample/a\tTIME\nok  \texample/c\tTIME\n\n" +
		"Skipped:\n  it gives no reason\n    example/a TestC\n  no moon: none at all\n    example/a TestB/sub\n    example/c TestD\n"
	if got != want || err != nil {
		t.Errorf("got %q, %v\nwant %q", got, err, want)
	}
}

func TestWhatFailsIsShownAndFails(t *testing.T) {
	test := func(body string) string {
		return "package a\nimport \"testing\"\nfunc TestGood(t *testing.T) { t.Log(\"chatter\") }\nfunc TestBad(t *testing.T) { " + body + " }\n"
	}
	tests := []struct {
		name, body string
		want       []string
	}{
		{"an error", `t.Error("the reason")`, []string{"--- FAIL: TestBad", "a_test.go:4: the reason", "FAIL\texample\t"}},
		{"a panic", `panic("the reason")`, []string{"panic: the reason", "a_test.go:4", "FAIL\texample\t"}},
		{"an exit", `println("the reason"); exit(3)`, []string{"the reason", "FAIL\texample\t"}},
		{"no build", `unknown()`, []string{"undefined: unknown", "FAIL\texample [build failed]"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := module(t, map[string]string{"a_test.go": test(tt.body), "b.go": "package a\n\nimport \"os\"\n\nvar exit = os.Exit\n"})
			for _, w := range tt.want {
				if !strings.Contains(got, w) {
					t.Errorf("%q is not in\n%s", w, got)
				}
			}
			if err == nil || strings.Contains(got, "chatter") {
				t.Errorf("error %v, printed\n%s", err, got)
			}
		})
	}
}

func TestLogsThatBreakOffFail(t *testing.T) {
	const start = `{"Action":"start","Package":"example"}` + "\n"
	tests := []struct{ name, text, want string }{
		{"nothing", "", "no tests at all"},
		{"no log", "go: command not found\n", "no tests at all"},
		{"cut off", start + `{"Action":"run","Package":"example","Test":"TestA"}`, "before these packages had: example"},
		{"whole", start + `{"Action":"pass","Package":"example"}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := follow(t, tt.text)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
