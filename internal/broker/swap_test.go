package broker

import (
	"os"
	"path/filepath"
	"testing"
)

// Each case is what a crash may leave.
func TestSwapIsFinishedAfterACrash(t *testing.T) {
	tests := []struct {
		name             string
		data, fresh, old string // what is in them; empty: not there
		want             string
	}{
		{"nothing yet", "", "", "", ""},
		{"before the copy", "before", "", "", "before"},
		{"while it is copied", "before", "half", "", "before"},
		{"between the renames", "", "after", "before", "after"},
		{"before the original is removed", "after", "", "before", "after"},
		{"the copy never took its place", "", "", "before", "before"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			s := swap{data: filepath.Join(dir, "data"), fresh: filepath.Join(dir, "fresh"), old: filepath.Join(dir, "old")}
			for path, content := range map[string]string{s.data: tt.data, s.fresh: tt.fresh, s.old: tt.old} {
				if content != "" {
					fill(t, path, content)
				}
			}
			if err := s.recover(); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(s.data, "content"))
			if err != nil && tt.want != "" || string(got) != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
			for _, path := range []string{s.fresh, s.old} {
				if has, err := exists(path); has || err != nil {
					t.Errorf("%s is left", filepath.Base(path))
				}
			}
		})
	}
}

func fill(t *testing.T, folder, content string) {
	t.Helper()
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "content"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCopyDoesNotChangeTheOriginal(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	part := filepath.Join(from, "partitions", "a-0")
	if err := os.MkdirAll(part, 0o700); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{filepath.Join(from, "groups.log"): "commits", filepath.Join(part, "0.dat"): "records"}
	for path, content := range files {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := copyData(from, to); err != nil {
		t.Fatal(err)
	}
	// As kfake does: it appends to logs, and replaces segments.
	f, err := os.OpenFile(filepath.Join(to, "groups.log"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(" and more")
	f.Close()
	segment := filepath.Join(to, "partitions", "a-0", "0.dat")
	if got, err := os.ReadFile(segment); err != nil || string(got) != "records" {
		t.Fatalf("the copy of the segment is %q, %v", got, err)
	}
	if err := os.Remove(segment); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(segment, []byte("compacted"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, content := range files {
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("%s is %q, %v; was %q", filepath.Base(path), got, err, content)
		}
	}
}
