package main

import (
	"fmt"
	"strings"
)

// mutant is one change of one function.
type mutant struct {
	id int
	// name is area/kind/what: which rule, what sort of change, where and how.
	name       string
	fn         *function
	start, end int    // what is replaced
	text       string // what by
	// equivalent is why no test can notice it; empty where one must.
	equivalent string

	result result
	by     string // the test that noticed it, or what went wrong
}

type result int

const (
	pending result = iota
	killed
	alive
	equivalent
	invalid
)

// area is the rule, or part of the engine, that a mutant belongs to.
func (m *mutant) area() string { area, _, _ := strings.Cut(m.name, "/"); return area }

// body is the changed body of the function.
func (m *mutant) body() string {
	t := m.fn.file.text
	return t[m.fn.start:m.start] + m.text + t[m.end:m.fn.end]
}

// plan makes all mutants of the files, each with a name of its own.
func plan(files []*sourceFile) (all []*mutant, broken []error) {
	for _, f := range files {
		for _, fn := range f.functions() {
			all = append(all, generate(fn)...)
		}
	}
	written, broken := handWritten(files)
	all = distinct(append(all, written...))
	for i, m := range all {
		m.id = i + 1
	}
	for _, e := range equivalents {
		found := false
		for _, m := range all {
			if e.matches(m.name) {
				m.equivalent, found = e.why, true
			}
		}
		if !found {
			broken = append(broken, fmt.Errorf("equivalent.go: no mutant is called %s any more; take it off", e.name))
		}
	}
	return all, broken
}

// distinct drops changes that are made twice and numbers equal names.
func distinct(all []*mutant) []*mutant {
	type change struct {
		file       *sourceFile
		start, end int
		text       string
	}
	seen := make(map[change]bool)
	count := make(map[string]int)
	out := all[:0]
	for _, m := range all {
		c := change{m.fn.file, m.start, m.end, m.text}
		if seen[c] {
			continue
		}
		seen[c] = true
		count[m.name]++
		if n := count[m.name]; n > 1 {
			m.name = fmt.Sprintf("%s #%d", m.name, n)
		}
		out = append(out, m)
	}
	return out
}
