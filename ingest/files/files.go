// Package files finds the log files under a path.
package files

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Skipped is a file or folder that is not read, and why.
type Skipped struct {
	Path   string
	Reason string
}

// Found is what stands under a path, in the order of names.
type Found struct {
	Files   []string
	Skipped []Skipped
}

// Options change what is found.
type Options struct {
	// SkipDir says why a folder of this name is left out; empty when it is read.
	SkipDir func(name string) string
}

// extensions are those of log files. What a file holds is told by its content.
var extensions = []string{".json", ".jsonl", ".ndjson", ".log", ".txt", ".gz"}

// Find lists the log files at path: the file itself, whatever its name, or the
// log files of a folder and all folders in it. Links are followed; what is
// reached twice is listed once. A folder without any log file is an error.
func Find(path string, opts Options) (Found, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Found{}, fmt.Errorf("find log files: %w", err)
	}
	w := walk{opts: opts, seen: map[string]string{}}
	if !info.IsDir() {
		return Found{Files: []string{path}}, nil
	}
	if err := w.dir(path); err != nil {
		return Found{}, err
	}
	if len(w.found.Files) == 0 {
		return w.found, fmt.Errorf("find log files in %s: no file there ends in %s (%d others were left out); check the path",
			path, strings.Join(extensions, ", "), len(w.found.Skipped))
	}
	return w.found, nil
}

type walk struct {
	opts  Options
	found Found
	seen  map[string]string // the path by which each real path was reached
}

func (w *walk) skip(path, reason string) {
	w.found.Skipped = append(w.found.Skipped, Skipped{Path: path, Reason: reason})
}

// again notes where path really is, and skips it when it was reached before.
func (w *walk) again(path string) (bool, error) {
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return false, fmt.Errorf("find log files: %w", err)
	}
	if first, ok := w.seen[real]; ok {
		w.skip(path, "the same as "+first)
		return true, nil
	}
	w.seen[real] = path
	return false, nil
}

func (w *walk) dir(path string) error {
	if again, err := w.again(path); again || err != nil {
		return err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("find log files: %w", err)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		if err := w.entry(filepath.Join(path, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) entry(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		// A link to nowhere is no reason to give up the rest.
		w.skip(path, "cannot be opened: "+err.Error())
		return nil
	}
	name := filepath.Base(path)
	switch {
	case info.IsDir():
		if w.opts.SkipDir != nil {
			if reason := w.opts.SkipDir(name); reason != "" {
				w.skip(path, reason)
				return nil
			}
		}
		return w.dir(path)
	case !info.Mode().IsRegular():
		w.skip(path, "not a regular file")
		return nil
	case strings.HasPrefix(name, "."), !slices.Contains(extensions, strings.ToLower(filepath.Ext(name))):
		w.skip(path, "not named like a log file")
		return nil
	}
	if again, err := w.again(path); again || err != nil {
		return err
	}
	w.found.Files = append(w.found.Files, path)
	return nil
}
