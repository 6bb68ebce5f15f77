// Package library finds libchdb, the ClickHouse engine as a shared library, on
// this machine, and fetches it once through the npm client when it is not there.
package library

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Env is the environment variable that names the library by its path. The
// program reads it and passes it as Options.Path.
const Env = "CHDB_LIB_PATH"

// Version is the version of libchdb that is fetched. It is pinned, as the
// versions before 26.7 have no streamed insert and take over Go's signals.
const Version = "26.7.3-stable.1"

// ErrNotFound is what Find returns when no library is on this machine. Fetch
// brings one.
var ErrNotFound = errors.New("libchdb was not found")

// ErrUnsupported is what Fetch returns on a platform for which nobody publishes
// the pinned version.
var ErrUnsupported = errors.New("no libchdb is published for this platform")

// Options say where to look and how to fetch. The zero value looks in the
// system's folders and the user's cache, and fetches with npm.
type Options struct {
	// Path is the library the user named, usually by CHDB_LIB_PATH. When it is
	// set nothing else is looked at.
	Path string
	// SystemDirs are the folders to look in before the cache; nil means the
	// system's usual ones.
	SystemDirs []string
	// CacheDir is the folder the library is kept in; empty means a folder of
	// ours in the user's cache.
	CacheDir string
	// NPM is the command line of the npm client; nil means npm on the PATH.
	NPM []string
	// Progress is called during Fetch, from one goroutine at a time, a few times
	// a second. It may be nil.
	Progress func(Progress)
}

// Progress tells how far Fetch has come.
type Progress struct {
	// Stage is "download", then "unpack".
	Stage string
	// Done and Total are bytes of this stage.
	Done, Total int64
}

// Find returns the path of a usable libchdb: the one that was named, else the
// first in the system's folders, else the one in the cache. It returns
// ErrNotFound when there is none, and another error when the one that was named
// cannot be used. Find reads files only.
func Find(o Options) (string, error) {
	r, _ := releaseFor(runtime.GOOS, runtime.GOARCH)
	return o.find(r)
}

func (o Options) find(r release) (string, error) {
	if o.Path != "" {
		if err := usable(o.Path); err != nil {
			return "", fmt.Errorf("use the libchdb that %s names, %s: %w; correct or unset %s", Env, o.Path, err, Env)
		}
		return o.Path, nil
	}
	dirs := o.SystemDirs
	if dirs == nil {
		dirs = systemDirs()
	}
	for _, dir := range dirs {
		for _, name := range []string{"libchdb.so", "libchdb.dylib"} {
			if path := filepath.Join(dir, name); usable(path) == nil {
				return path, nil
			}
		}
	}
	if r.Package != "" {
		path, err := o.cached(r)
		if err != nil {
			return "", err
		}
		if r.complete(path) {
			return path, nil
		}
	}
	return "", ErrNotFound
}

// cached is where the library of a release is kept.
func (o Options) cached(r release) (string, error) {
	dir := o.CacheDir
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find the user's cache folder for libchdb: %w; set XDG_CACHE_HOME, or %s to a libchdb", err, Env)
		}
		dir = filepath.Join(base, "jitaudit", "libchdb")
	}
	return filepath.Join(dir, Version, r.Platform, r.File), nil
}

// systemDirs are where packages and installers put the library.
func systemDirs() []string {
	dirs := []string{"/usr/local/lib", "/usr/lib", "/usr/lib64"}
	switch {
	case runtime.GOOS == "darwin":
		return []string{"/usr/local/lib", "/opt/homebrew/lib"}
	case runtime.GOARCH == "amd64":
		return append(dirs, "/usr/lib/x86_64-linux-gnu")
	case runtime.GOARCH == "arm64":
		return append(dirs, "/usr/lib/aarch64-linux-gnu")
	}
	return dirs
}

// complete reports whether path holds the whole library of the release. It is
// renamed into place only after its hash was verified, so the size is enough.
func (r release) complete(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() == r.Size
}

// Advice are the ways to come to a ClickHouse when the library cannot be
// fetched, in words for the user.
func Advice() string {
	return fmt.Sprintf("set %s to a libchdb of version 26.7 or later, install libchdb into /usr/local/lib, or point clickhouse.url at a ClickHouse server", Env)
}

// usable says why a file cannot be used as libchdb, or nil.
func usable(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("there is no such file")
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("it is not a file")
	}
	return exports(path, "chdb_stream_insert_with_params_n")
}
