package files_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"jitaudit/ingest/files"
)

func tree(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func link(t *testing.T, dir, target, name string) {
	t.Helper()
	if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
		t.Skipf("no links here: %v", err)
	}
}

func relative(t *testing.T, dir string, found files.Found) (names, skipped []string) {
	t.Helper()
	for _, path := range found.Files {
		name, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	for _, s := range found.Skipped {
		name, err := filepath.Rel(dir, s.Path)
		if err != nil || s.Reason == "" {
			t.Fatal(s, err)
		}
		skipped = append(skipped, name)
	}
	return names, skipped
}

func TestFindListsLogFilesInOrder(t *testing.T) {
	dir := tree(t, "b.json", "a.json.gz", "sub/d.NDJSON", "sub/c.jsonl", "sub/deep/e.log", "f.txt", "notes.md", "table.csv", ".hidden.json", "skipped/x.json")
	found, err := files.Find(dir, files.Options{SkipDir: func(name string) string {
		if name == "skipped" {
			return "not wanted"
		}
		return ""
	}})
	if err != nil {
		t.Fatal(err)
	}
	names, skipped := relative(t, dir, found)
	if diff := cmp.Diff([]string{"a.json.gz", "b.json", "f.txt", "sub/c.jsonl", "sub/d.NDJSON", "sub/deep/e.log"}, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{".hidden.json", "notes.md", "skipped", "table.csv"}, skipped); diff != "" {
		t.Error(diff)
	}
}

func TestFindTakesAFileWhateverItsName(t *testing.T) {
	path := filepath.Join(tree(t, "export.csv"), "export.csv")
	found, err := files.Find(path, files.Options{})
	if diff := cmp.Diff(files.Found{Files: []string{path}}, found); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestFindFollowsLinksOnce(t *testing.T) {
	dir := tree(t, "logs/a.json", "logs/b.json")
	link(t, dir, dir, "logs/loop")
	link(t, dir, filepath.Join(dir, "logs/a.json"), "logs/c.json")
	link(t, dir, filepath.Join(dir, "nowhere"), "logs/d.json")
	other := tree(t, "e.json")
	link(t, dir, other, "more")
	found, err := files.Find(dir, files.Options{})
	if err != nil {
		t.Fatal(err)
	}
	names, skipped := relative(t, dir, found)
	if diff := cmp.Diff([]string{"logs/a.json", "logs/b.json", "more/e.json"}, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"logs/c.json", "logs/d.json", "logs/loop"}, skipped); diff != "" {
		t.Error(diff)
	}
}

func TestFindRefusesWhatHoldsNoLog(t *testing.T) {
	for _, path := range []string{t.TempDir(), tree(t, "notes.md"), filepath.Join(t.TempDir(), "missing")} {
		_, err := files.Find(path, files.Options{})
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
