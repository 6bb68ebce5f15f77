package library

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindTakesTheFirstThatIsThere(t *testing.T) {
	r := published(t, "the library")
	root := t.TempDir()
	lib := func(dir string) string {
		path := filepath.Join(root, dir, "libchdb.so")
		write(t, path, "any format but ELF")
		return path
	}
	o := Options{SystemDirs: []string{filepath.Join(root, "lib"), filepath.Join(root, "lib64")}, CacheDir: filepath.Join(root, "cache")}
	if _, err := o.find(r); !errors.Is(err, ErrNotFound) {
		t.Fatalf("nothing is there: got %v, want ErrNotFound", err)
	}
	cached := filepath.Join(o.CacheDir, Version, r.Platform, r.File)
	write(t, cached, "half a lib")
	if _, err := o.find(r); !errors.Is(err, ErrNotFound) {
		t.Fatalf("a cached library of the wrong size: got %v, want ErrNotFound", err)
	}
	write(t, cached, "the library")
	wantFound(t, o, r, cached)
	wantFound(t, o, r, lib("lib64"))
	wantFound(t, o, r, lib("lib"))
	o.Path = lib("named")
	wantFound(t, o, r, o.Path)
}

func wantFound(t *testing.T, o Options, r release, want string) {
	t.Helper()
	if got, err := o.find(r); err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestANamedLibraryThatCannotBeUsedIsAnError(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "script")
	write(t, script, "#!/bin/sh\n")
	short := filepath.Join(dir, "short")
	write(t, short, "x")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, path, want string }{
		{"missing", filepath.Join(dir, "none"), "there is no such file"},
		{"a folder", dir, "it is not a file"},
		{"a script", script, "it is a script"},
		{"too short", short, "it is not a shared library"},
		{"another ELF file", exe, "libchdb"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Find(Options{Path: tt.path})
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "unset CHDB_LIB_PATH") {
				t.Errorf("got %v, want %q and what to do", err, tt.want)
			}
		})
	}
}

func TestOnlyPublishedPlatformsHaveARelease(t *testing.T) {
	for _, tt := range []struct {
		goos, goarch string
		want         bool
	}{{"linux", "amd64", true}, {"linux", "arm64", false}, {"darwin", "arm64", false}, {"windows", "amd64", false}} {
		if _, got := releaseFor(tt.goos, tt.goarch); got != tt.want {
			t.Errorf("%s/%s: got %t, want %t", tt.goos, tt.goarch, got, tt.want)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
