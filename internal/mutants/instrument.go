package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// switchFile is added to each changed package. The answer is settled before the
// package's other variables, which are made with it.
const switchFile = `package %s

import "os"

var mutantChosen = os.Getenv("JITAUDIT_MUTANT")

func mutantRuns(id string) bool { return mutantChosen == id }
`

// lines are where a mutant's body stands in a changed file, the first being 1.
type lines struct {
	first, last int
	m           *mutant
}

// instrument writes a file in which each function asks first whether one of its
// mutants is to run.
func instrument(f *sourceFile, all []*mutant) (string, []lines) {
	var out strings.Builder
	var where []lines
	line := func() int { return 1 + strings.Count(out.String(), "\n") }
	done := 0
	for _, fn := range f.functions() {
		out.WriteString(f.text[done:fn.start])
		done = fn.start
		for _, m := range all {
			if m.fn.file != f || m.fn.start != fn.start || m.result == invalid {
				continue
			}
			first := line()
			fmt.Fprintf(&out, "\nif mutantRuns(\"%d\") {\n%s\n", m.id, m.body())
			if fn.decl.Type.Results.NumFields() == 0 {
				out.WriteString("return\n")
			}
			out.WriteString("}\n")
			where = append(where, lines{first, line(), m})
		}
	}
	out.WriteString(f.text[done:])
	return out.String(), where
}

// overlay writes all changed files to dir and returns the overlay's path and,
// per file, where its mutants stand.
func overlay(root, dir string, files []*sourceFile, all []*mutant) (string, map[string][]lines, error) {
	replace := make(map[string]string)
	where := make(map[string][]lines)
	write := func(name, text string) error {
		to := filepath.Join(dir, name)
		replace[filepath.Join(root, name)] = to
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		return os.WriteFile(to, []byte(text), 0o600)
	}
	for _, f := range files {
		if !slices.ContainsFunc(all, func(m *mutant) bool { return m.fn.file == f && m.result != invalid }) {
			continue
		}
		text, at := instrument(f, all)
		where[f.path] = at
		if err := write(f.path, text); err != nil {
			return "", nil, fmt.Errorf("write a changed source: %w", err)
		}
		if err := write(path.Join(path.Dir(f.path), "zz_mutants.go"), fmt.Sprintf(switchFile, f.ast.Name.Name)); err != nil {
			return "", nil, fmt.Errorf("write a changed source: %w", err)
		}
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", nil, fmt.Errorf("write the overlay: %w", err)
	}
	to := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(to, data, 0o600); err != nil {
		return "", nil, fmt.Errorf("write the overlay: %w", err)
	}
	return to, where, nil
}
