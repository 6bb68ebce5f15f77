package main

import (
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const sample = `package p

func within(t, limit time.Time, b *Bounds, n int) bool {
	if n > 1 {
		return false
	}
	return n == 0 || !t.After(limit.Add(b.ClockSkew))
}

func nothing(x *thing) { x.First = x.Last }
`

func sampleFile(t *testing.T) *sourceFile {
	t.Helper()
	f, err := parse(source{path: "p/sample.go", area: "sample"}, sample)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestEachTermAndBoundIsChanged(t *testing.T) {
	var got []string
	for _, fn := range sampleFile(t).functions() {
		for _, m := range distinct(generate(fn)) {
			got = append(got, m.name)
		}
	}
	want := []string{
		"sample/condition/within: n > 1 -> true",
		"sample/condition/within: n > 1 -> false",
		"sample/edge/within: n > 1 -> >=",
		"sample/condition/within: n == 0 || !t.After(limit.Add(b.ClockSkew)) -> true",
		"sample/condition/within: n == 0 || !t.After(limit.Add(b.ClockSkew)) -> false",
		"sample/condition/within: n == 0 -> false",
		"sample/condition/within: !t.After(limit.Add(b.ClockSkew)) -> false",
		"sample/edge/within: t.After(limit.Add(b.ClockSkew)) or equal",
		"sample/bound/within: b.ClockSkew + 1s",
		"sample/bound/within: b.ClockSkew - 1s",
		"sample/bound/within: b.ClockSkew dropped",
		"sample/swap/nothing: x.Last -> First",
	}
	if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTheChangedFileIsGoAndKnowsItsMutants(t *testing.T) {
	f := sampleFile(t)
	var all []*mutant
	for _, fn := range f.functions() {
		all = append(all, generate(fn)...)
	}
	for i, m := range all {
		m.id = i + 1
	}
	text, where := instrument(f, all)
	if _, err := parser.ParseFile(token.NewFileSet(), "sample.go", text, 0); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	rows := strings.Split(text, "\n")
	for _, l := range where {
		if part := strings.Join(rows[l.first-1:l.last], "\n"); !strings.Contains(part, l.m.text) {
			t.Errorf("%s is not in lines %d to %d", l.m.name, l.first, l.last)
		}
	}
	blamed := where[3]
	out := "# jitaudit/p\n/src/x/p/sample.go:" + "99999:1: elsewhere\n"
	if blame(out, map[string][]lines{f.path: where}) {
		t.Error("an error outside all mutants is blamed on one")
	}
	if !blameLine(t, blamed, f.path, where) || blamed.m.result != invalid {
		t.Errorf("an error in %s is not blamed on it", blamed.m.name)
	}
}

func blameLine(t *testing.T, l lines, path string, where []lines) bool {
	t.Helper()
	n := l.first + 2
	return blame("/src/x/"+path+":"+strconv.Itoa(n)+":3: undefined: x\n", map[string][]lines{path: where})
}

func TestAChangeByHandStandsOnce(t *testing.T) {
	files := []*sourceFile{sampleFile(t)}
	for _, test := range []struct{ path, old, err string }{
		{"p/sample.go", "n == 0", ""},
		{"p/sample.go", "return", "stands 2 times"},
		{"p/sample.go", "gone", "stands 0 times"},
		{"p/sample.go", "package p", "is in no function"},
		{"p/other.go", "n", "is not among the sources"},
	} {
		_, err := (&change{path: test.path, old: test.old}).in(files)
		if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: got %v, want %q", test.old, err, test.err)
		}
	}
}
