package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// log is what is known of the tests so far.
type log struct {
	out *bufio.Writer
	// said is what tests said that have not ended, and under an empty name their
	// packages.
	said map[test][]string
	// skipped are tests by the reason why.
	skipped map[string][]test
	// running are packages that have not ended.
	running map[string]bool
	ended   int
	failed  bool
}

// test is a test, or, with an empty name, all of a package.
type test struct{ pkg, name string }

// inOrder sorts by package, then by name.
func inOrder(a, b test) int {
	return cmp.Or(strings.Compare(a.pkg, b.pkg), strings.Compare(a.name, b.name))
}

// event is a line of `go test -json` (go doc test2json, go help buildjson).
type event struct {
	Action, Package, Test, Output string
}

func newLog(out *bufio.Writer) *log {
	return &log{out: out, said: map[test][]string{}, skipped: map[string][]test{}, running: map[string]bool{}}
}

// line takes in a line. What is none of go test's is printed as it is.
func (l *log) line(text []byte) {
	var e event
	if err := json.Unmarshal(text, &e); err != nil || e.Action == "" {
		l.print(string(text))
		return
	}
	t := test{e.Package, e.Test}
	switch e.Action {
	case "start":
		l.running[e.Package] = true
	case "output":
		l.said[t] = append(l.said[t], e.Output)
	case "build-output":
		l.print(e.Output)
	case "build-fail":
		l.failed = true
	case "pass", "skip", "fail":
		l.over(t, e.Action)
	}
}

// over notes how a test or package has ended.
func (l *log) over(t test, how string) {
	said := l.said[t]
	delete(l.said, t)
	switch {
	case how == "fail":
		l.failed = true
		if t.name == "" {
			l.unfinished(t.pkg)
		}
		l.print(said...)
	case t.name == "":
		l.print(verdicts(said)...)
	case how == "skip":
		why := reason(said)
		l.skipped[why] = append(l.skipped[why], t)
	}
	if t.name == "" {
		delete(l.running, t.pkg)
		l.ended++
	}
}

// unfinished prints what tests of a package said that were cut off: the one that
// panicked is among them.
func (l *log) unfinished(pkg string) {
	for _, t := range slices.SortedFunc(maps.Keys(l.said), inOrder) {
		if t.pkg == pkg {
			l.print(l.said[t]...)
			delete(l.said, t)
		}
	}
}

// verdicts are the lines of a package that go test shows without -v.
func verdicts(said []string) (lines []string) {
	for _, s := range said {
		if strings.HasPrefix(s, "ok  \t") || strings.HasPrefix(s, "?   \t") {
			lines = append(lines, s)
		}
	}
	return lines
}

// reason is what a test said when it was skipped, without the place: the last
// line that go test gives one.
func reason(said []string) string {
	for _, s := range slices.Backward(said) {
		place, why, ok := strings.Cut(strings.TrimSpace(s), ": ")
		if ok && strings.Contains(place, ".go:") {
			return why
		}
	}
	return "it gives no reason"
}

// end tells what was skipped. Its error says that something failed or is missing.
func (l *log) end() error {
	if len(l.skipped) > 0 {
		l.print("\nSkipped:\n")
	}
	for _, why := range slices.Sorted(maps.Keys(l.skipped)) {
		l.print("  " + why + "\n")
		for _, t := range slices.SortedFunc(slices.Values(l.skipped[why]), inOrder) {
			l.print("    " + t.pkg + " " + t.name + "\n")
		}
	}
	switch {
	case len(l.running) > 0:
		return fmt.Errorf("go test ended before these packages had: %s", strings.Join(slices.Sorted(maps.Keys(l.running)), " "))
	case l.failed:
		return errors.New("tests failed, see above")
	case l.ended == 0:
		return errors.New("there were no tests at all")
	}
	return nil
}

// print writes lines. The writer remembers an error until it is flushed.
func (l *log) print(lines ...string) {
	for _, s := range lines {
		_, _ = l.out.WriteString(s)
	}
}
