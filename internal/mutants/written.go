package main

import (
	"fmt"
	"strings"
)

// change is a mutant that is written by hand: old must stand exactly once in
// the file.
type change struct {
	path, kind, what string
	old, new         string
}

// handWritten finds the place of each change.
func handWritten(files []*sourceFile) (all []*mutant, broken []error) {
	for _, c := range changes {
		m, err := c.in(files)
		if err != nil {
			broken = append(broken, fmt.Errorf("changes.go: %s/%s: %w", c.kind, c.what, err))
			continue
		}
		all = append(all, m)
	}
	return all, broken
}

func (c *change) in(files []*sourceFile) (*mutant, error) {
	for _, f := range files {
		if f.path != c.path {
			continue
		}
		if n := strings.Count(f.text, c.old); n != 1 {
			return nil, fmt.Errorf("%q stands %d times in %s, want once: write it anew", c.old, n, c.path)
		}
		start := strings.Index(f.text, c.old)
		end := start + len(c.old)
		for _, fn := range f.functions() {
			if fn.start <= start && end <= fn.end {
				return &mutant{name: f.area + "/" + c.kind + "/" + c.what, fn: fn, start: start, end: end, text: c.new}, nil
			}
		}
		return nil, fmt.Errorf("%q is in no function of %s that is changed", c.old, c.path)
	}
	return nil, fmt.Errorf("%s is not among the sources", c.path)
}
