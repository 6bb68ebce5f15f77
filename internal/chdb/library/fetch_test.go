package library

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pack is an npm package with the library among other files.
func pack(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	archive := tar.NewWriter(z)
	for _, name := range []string{"package/index.js", "package/libchdb.so"} {
		text, ok := files[name]
		if !ok {
			continue
		}
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(text)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(archive, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func releaseOf(packed []byte, library string) release {
	sum := sha512.Sum512(packed)
	return release{
		Platform: "test", Package: "@example/lib@1", Integrity: "sha512-" + base64.StdEncoding.EncodeToString(sum[:]),
		Packed: int64(len(packed)), File: "libchdb.so", Size: int64(len(library)),
	}
}

func published(t *testing.T, library string) release {
	return releaseOf(pack(t, map[string]string{"package/index.js": "//", "package/libchdb.so": library}), library)
}

// fakeNPM is an npm client that runs a line of shell in the folder it is called
// in. The line may copy $PACKED there. It notes each call in the file calls.
func fakeNPM(t *testing.T, packed []byte, line string) (npm []string, calls string) {
	t.Helper()
	dir := t.TempDir()
	tgz, script := filepath.Join(dir, "packed"), filepath.Join(dir, "npm")
	calls = filepath.Join(dir, "calls")
	write(t, tgz, string(packed))
	write(t, calls, "")
	write(t, script, fmt.Sprintf("#!/bin/sh\nPACKED=%s\necho \"$@\" >> %s\n%s\n", tgz, calls, line))
	return []string{"/bin/sh", script}, calls
}

func TestFetchPutsTheVerifiedLibraryIntoTheCache(t *testing.T) {
	library := strings.Repeat("engine ", 1000)
	packed := pack(t, map[string]string{"package/index.js": "//", "package/libchdb.so": library})
	npm, calls := fakeNPM(t, packed, `cp $PACKED example-lib-1.tgz`)
	stages := map[string]Progress{}
	o := Options{SystemDirs: []string{}, CacheDir: t.TempDir(), NPM: npm, Progress: func(p Progress) { stages[p.Stage] = p }}
	r := releaseOf(packed, library)

	path, err := o.fetch(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != library {
		t.Errorf("the library has %d bytes (%v), want %d", len(got), err, len(library))
	}
	wantFound(t, o, r, path)
	if got := stages["download"]; got.Done != r.Packed || got.Total != r.Packed {
		t.Errorf("last progress of the download: %+v, want all of %d", got, r.Packed)
	}
	if got := stages["unpack"]; got.Done != r.Size || got.Total != r.Size {
		t.Errorf("last progress of unpacking: %+v, want all of %d", got, r.Size)
	}
	if got, err := os.ReadFile(calls); err != nil || !strings.HasPrefix(string(got), "pack @example/lib@1 ") {
		t.Errorf("npm was called as %q (%v)", got, err)
	}
	wantOnly(t, filepath.Dir(path), "libchdb.so", "lock")
}

func TestAFetchThatFailsLeavesNothingAndSaysWhatToDo(t *testing.T) {
	const library = "the engine"
	good := pack(t, map[string]string{"package/libchdb.so": library})
	empty := pack(t, map[string]string{"package/index.js": "//"})
	tests := []struct {
		name    string
		packed  []byte
		release release
		line    string
		want    string
	}{
		{"another package", pack(t, map[string]string{"package/libchdb.so": "the angine"}), releaseOf(good, library), `cp $PACKED a.tgz`, "is not what was published"},
		{"cut short", good[:len(good)/2], releaseOf(good, library), `cp $PACKED a.tgz`, "is not what was published"},
		{"not an archive", []byte("<html>"), releaseOf([]byte("<html>"), library), `cp $PACKED a.tgz`, "unpack @example/lib@1: "},
		{"no library in it", empty, releaseOf(empty, library), `cp $PACKED a.tgz`, "it has no libchdb.so"},
		{"a library of another size", good, releaseOf(good, library+"!"), `cp $PACKED a.tgz`, "has 10 bytes, not 11"},
		{"nothing", good, releaseOf(good, library), `true`, "left 0 packages"},
		{"offline", good, releaseOf(good, library), `echo "npm error code ENOTFOUND" >&2; exit 1`, "cannot be reached"},
		{"not in the registry", good, releaseOf(good, library), `echo "npm error code E404" >&2; exit 1`, "does not have it"},
		{"disk full", good, releaseOf(good, library), `echo "npm error code ENOSPC" >&2; exit 1`, "free 750 MB"},
		{"another failure", good, releaseOf(good, library), `echo "npm error oh dear" >&2; exit 1`, "oh dear"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			npm, _ := fakeNPM(t, tt.packed, tt.line)
			o := Options{SystemDirs: []string{}, CacheDir: t.TempDir(), NPM: npm}
			_, err := o.fetch(context.Background(), tt.release)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "clickhouse.url") {
				t.Errorf("got %v, want %q and what to do", err, tt.want)
			}
			wantOnly(t, filepath.Join(o.CacheDir, Version, "test"), "lock")
		})
	}
}

func TestWithoutNPMTheErrorNamesTheAlternatives(t *testing.T) {
	o := Options{SystemDirs: []string{}, CacheDir: t.TempDir(), NPM: []string{filepath.Join(t.TempDir(), "npm")}}
	_, err := o.fetch(context.Background(), published(t, "x"))
	for _, want := range []string{"install Node.js", "CHDB_LIB_PATH", "/usr/local/lib", "clickhouse.url"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

func TestFetchesAtOnceCallNPMOnce(t *testing.T) {
	const library = "the engine"
	packed := pack(t, map[string]string{"package/libchdb.so": library})
	npm, calls := fakeNPM(t, packed, `cp $PACKED a.tgz`)
	o := Options{SystemDirs: []string{}, CacheDir: t.TempDir(), NPM: npm}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if _, err := o.fetch(context.Background(), releaseOf(packed, library)); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	got, err := os.ReadFile(calls)
	if n := strings.Count(string(got), "\n"); err != nil || n != 1 {
		t.Errorf("npm was called %d times (%v), want once", n, err)
	}
}

func TestAnInterruptedFetchEndsNPMAndTheNextOneRemovesWhatIsLeft(t *testing.T) {
	const library = "the engine"
	packed := pack(t, map[string]string{"package/libchdb.so": library})
	r := releaseOf(packed, library)
	started := filepath.Join(t.TempDir(), "started")
	if err := mkfifo(started); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	npm, _ := fakeNPM(t, packed, `echo > `+started+`; exec sleep 600`)
	o := Options{SystemDirs: []string{}, CacheDir: t.TempDir(), NPM: npm}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = os.ReadFile(started)
		cancel()
	}()
	if _, err := o.fetch(ctx, r); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}

	dir := filepath.Join(o.CacheDir, Version, "test")
	write(t, filepath.Join(dir, leftover+"killed", "half"), "x")
	o.NPM, _ = fakeNPM(t, packed, `cp $PACKED a.tgz`)
	if _, err := o.fetch(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, dir, "libchdb.so", "lock")
}

func wantOnly(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%s holds %q, want %q", dir, got, want)
	}
}
