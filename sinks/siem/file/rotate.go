package file

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// aside is a file that was put aside: PATH.00000012, compressed PATH.00000012.gz.
type aside struct {
	number int64
	path   string
	gzip   bool
}

// asides are those there are, in the order in which they were written.
func (r *Receiver) asides() (all []aside, unfinished []string, err error) {
	entries, err := os.ReadDir(filepath.Dir(r.cfg.Path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%w: make the folder, for the user that jitaudit runs as", err)
	}
	if err != nil {
		return nil, nil, err
	}
	name := regexp.MustCompile(`^` + regexp.QuoteMeta(filepath.Base(r.cfg.Path)) + `\.([0-9]{8,18})(\.gz)?(\.tmp)?$`)
	for _, e := range entries {
		m := name.FindStringSubmatch(e.Name())
		if m == nil || !e.Type().IsRegular() {
			continue
		}
		path := filepath.Join(filepath.Dir(r.cfg.Path), e.Name())
		if m[3] != "" {
			unfinished = append(unfinished, path)
			continue
		}
		n, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, aside{n, path, m[2] != ""})
	}
	slices.SortFunc(all, func(a, b aside) int {
		if a.number != b.number {
			return int(min(max(a.number-b.number, -1), 1))
		}
		return len(a.path) - len(b.path)
	})
	return all, unfinished, nil
}

// putAside gives the file the next number. Its lines are on disk.
func (r *Receiver) putAside() error {
	all, _, err := r.asides()
	if err != nil {
		return err
	}
	var next int64 = 1
	if len(all) > 0 {
		next = all[len(all)-1].number + 1
	}
	if err := r.Close(); err != nil {
		return err
	}
	r.untidy = true
	if err := os.Rename(r.cfg.Path, fmt.Sprintf("%s.%08d", r.cfg.Path, next)); err != nil {
		return err
	}
	return syncFolder(r.cfg.Path)
}

// tidy deletes files put aside that are too many, and compresses the others. What a
// crash left half done is begun anew.
func (r *Receiver) tidy(ctx context.Context) error {
	all, unfinished, err := r.asides()
	if err != nil {
		return err
	}
	for _, path := range unfinished {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	// A number stands twice where its compressed file was there and the other not
	// yet deleted.
	var numbers []int64
	for _, a := range all {
		numbers = append(numbers, a.number)
	}
	numbers = slices.Compact(numbers)
	oldest := int64(0)
	if more := len(numbers) - r.cfg.Keep; more > 0 {
		oldest = numbers[more]
	}
	for i, a := range all {
		done := i+1 < len(all) && all[i+1].number == a.number // the next is its .gz
		switch {
		case a.number < oldest || done:
			err = os.Remove(a.path)
		case r.cfg.Gzip && !a.gzip:
			err = compress(ctx, a.path)
		}
		if err != nil {
			return err
		}
	}
	return syncFolder(r.cfg.Path)
}

// compress puts PATH.gz in place of a file. It has that name only when all of it is
// on disk.
func compress(ctx context.Context, path string) error {
	unfinished := path + ".gz.tmp"
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(unfinished, os.O_WRONLY|os.O_CREATE|os.O_EXCL, ours)
	if err != nil {
		return errors.Join(err, in.Close())
	}
	z := gzip.NewWriter(out)
	_, err = io.Copy(z, &within{ctx, in})
	if err = errors.Join(err, z.Close()); err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, in.Close(), out.Close()); err != nil {
		return errors.Join(fmt.Errorf("compress %s: %w", path, err), remove(unfinished))
	}
	if err := os.Rename(unfinished, path+".gz"); err != nil {
		return err
	}
	if err := syncFolder(path); err != nil {
		return err
	}
	return remove(path)
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// within reads until a context ends.
type within struct {
	ctx context.Context
	io.Reader
}

func (w *within) Read(p []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	return w.Reader.Read(p)
}
