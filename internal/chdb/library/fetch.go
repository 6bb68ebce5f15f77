package library

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"jitaudit/internal/chdb/filelock"
)

// Fetch returns the path of a usable libchdb as Find does, and brings the pinned
// one into the cache when there is none: about 180 MB through the npm client,
// whose own configuration says from where, 750 MB of disk while it works and 570
// after. The package's SHA-512 is verified before the library can be found by
// anybody.
//
// Processes that fetch at once wait for the first. What an interrupted fetch
// leaves is removed by the next. Errors say what else the user can do.
func Fetch(ctx context.Context, o Options) (string, error) {
	path, err := Find(o)
	if !errors.Is(err, ErrNotFound) {
		return path, err
	}
	r, ok := releaseFor(runtime.GOOS, runtime.GOARCH)
	if !ok {
		return "", fmt.Errorf("fetch libchdb %s for %s/%s: %w; %s", Version, runtime.GOOS, runtime.GOARCH, ErrUnsupported, Advice())
	}
	return o.fetch(ctx, r)
}

func (o Options) fetch(ctx context.Context, r release) (string, error) {
	target, err := o.cached(r)
	if err != nil {
		return "", err
	}
	if err := o.fetchInto(ctx, r, target); err != nil {
		if errors.Is(err, syscall.ENOSPC) {
			err = fmt.Errorf("%w; free 750 MB there", err)
		}
		return "", fmt.Errorf("fetch libchdb into %s: %w; or else %s", filepath.Dir(target), err, Advice())
	}
	return target, nil
}

func (o Options) fetchInto(ctx context.Context, r release, target string) error {
	dir := filepath.Dir(target)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	lock, err := filelock.Wait(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return err
	}
	defer lock.Close()
	if r.complete(target) {
		return nil // by another process, while this one waited
	}
	if err := removeLeftovers(dir); err != nil {
		return err
	}
	work, err := os.MkdirTemp(dir, leftover)
	if err != nil {
		return err
	}
	err = o.fetchAt(ctx, r, work, target)
	return errors.Join(err, os.RemoveAll(work))
}

func (o Options) fetchAt(ctx context.Context, r release, work, target string) error {
	packed, err := o.download(ctx, r, work)
	if err != nil {
		return err
	}
	library := filepath.Join(work, r.File)
	if err := o.unpack(ctx, r, packed, library); err != nil {
		return err
	}
	return os.Rename(library, target)
}

// leftover begins the names of temporary folders.
const leftover = ".fetch-"

// removeLeftovers removes the folders of fetches that were killed. It is called
// with the lock held, so none of them is in use.
func removeLeftovers(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), leftover) {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o Options) tell(stage string, done, total int64) {
	if o.Progress != nil {
		o.Progress(Progress{Stage: stage, Done: min(done, total), Total: total})
	}
}
