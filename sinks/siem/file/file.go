// Package file appends alerts as OCSF events to a file, one a line, for an agent that
// ships it on. A notice is acknowledged when its lines are on disk. The file is put
// aside when it is large or old, under a number that only grows, and a number of
// those are kept.
//
// No library for rotation is used: those that are known acknowledge before a sync, or
// do not say in which order files follow each other.
package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"jitaudit/sinks/alerts"
	"jitaudit/sinks/siem/ocsf"
)

// Config says where events go. One file belongs to one receiver of one process.
type Config struct {
	// Path is the file. Its folder must be there, and be for these files to be
	// renamed and deleted in.
	Path string
	// MaxBytes bounds the file. Default 100 MiB, from 1 MiB to 1 TiB.
	MaxBytes int64
	// MaxAge bounds the time of which events are in one file, by when they were
	// written: a file is put aside by the first write that is in another period of
	// this length, counted from midnight UTC. Default 24 h, from 1 min to 1 year.
	MaxAge time.Duration
	// Keep is how many files that were put aside are kept, the latest. Default 10,
	// from 1 to 100000.
	Keep int
	// Gzip compresses files that were put aside.
	Gzip bool
	// Version is that of this program, as events name it.
	Version string
	// Now is the clock of periods; nil for the machine's.
	Now func() time.Time
}

const (
	defaultMaxBytes, minMaxBytes, maxMaxBytes = 100 << 20, 1 << 20, 1 << 40
	defaultMaxAge, minMaxAge, maxMaxAge       = 24 * time.Hour, time.Minute, 366 * 24 * time.Hour
	defaultKeep, maxKeep                      = 10, 100_000

	// ours is who may read the files: what is in them is for few.
	ours fs.FileMode = 0o600
)

// Receiver appends to one file.
type Receiver struct {
	cfg    Config
	mapper *ocsf.Mapper
	// file is open; nil before the first notice and after an error.
	file *os.File
	// wrote is when the file was last written to.
	wrote time.Time
	// untidy is that files put aside may have to be compressed or deleted.
	untidy bool
}

var _ alerts.Receiver = (*Receiver)(nil)

// New checks the configuration; it opens nothing.
func New(cfg Config) (*Receiver, error) {
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = defaultMaxBytes
	}
	if cfg.MaxAge == 0 {
		cfg.MaxAge = defaultMaxAge
	}
	if cfg.Keep == 0 {
		cfg.Keep = defaultKeep
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	base := filepath.Base(cfg.Path)
	switch {
	case cfg.Path == "" || base == "." || base == ".." || os.IsPathSeparator(cfg.Path[len(cfg.Path)-1]):
		return nil, fmt.Errorf("path: want a file, such as /var/log/jitaudit/ocsf.ndjson (got %q)", cfg.Path)
	case cfg.MaxBytes < minMaxBytes || cfg.MaxBytes > maxMaxBytes:
		return nil, fmt.Errorf("max_bytes: want %d to %d (got %d)", minMaxBytes, int64(maxMaxBytes), cfg.MaxBytes)
	case cfg.MaxAge < minMaxAge || cfg.MaxAge > maxMaxAge:
		return nil, fmt.Errorf("max_age: want %s to %s (got %s)", minMaxAge, maxMaxAge, cfg.MaxAge)
	case cfg.Keep < 1 || cfg.Keep > maxKeep:
		return nil, fmt.Errorf("keep: want 1 to %d (got %d)", maxKeep, cfg.Keep)
	}
	return &Receiver{cfg: cfg, mapper: ocsf.NewMapper(cfg.Version), untidy: true}, nil
}

// Close closes the file.
func (r *Receiver) Close() error {
	if r.file == nil {
		return nil
	}
	f := r.file
	r.file = nil
	return f.Close()
}

// Send returns nil when the lines of the notice are on disk. After an error some may
// be there; they are written again. All that can go wrong is with the disk, and may
// be mended.
func (r *Receiver) Send(ctx context.Context, n *alerts.Notice) (retry bool, err error) {
	lines, err := r.mapper.Lines(n, r.cfg.Now())
	if err != nil {
		return false, err
	}
	for len(lines) > 0 {
		room, err := r.room(ctx, int64(len(lines[0])+1))
		if err != nil {
			return true, fmt.Errorf("write events to %s: %w", r.cfg.Path, err)
		}
		var chunk []byte
		for len(lines) > 0 && int64(len(chunk)+len(lines[0])+1) <= room {
			chunk = append(append(chunk, lines[0]...), '\n')
			lines = lines[1:]
		}
		if err := r.append(chunk); err != nil {
			return true, fmt.Errorf("write events to %s: %w", r.cfg.Path, err)
		}
	}
	return false, nil
}

// room returns how many bytes may be appended to the file: no less than need, and
// than that no less once it has been put aside.
func (r *Receiver) room(ctx context.Context, need int64) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, context.Cause(ctx)
	}
	if r.untidy {
		if err := r.tidy(ctx); err != nil {
			return 0, err
		}
		r.untidy = false
	}
	size, err := r.open()
	if err != nil {
		return 0, err
	}
	if size > 0 && (size+need > r.cfg.MaxBytes || r.period(r.wrote) != r.period(r.cfg.Now())) {
		if err := r.putAside(); err != nil {
			return 0, err
		}
		return r.room(ctx, need)
	}
	return r.cfg.MaxBytes - size, nil
}

// period numbers the time in which a file is written.
func (r *Receiver) period(t time.Time) int64 { return t.Unix() / int64(r.cfg.MaxAge/time.Second) }

// open makes sure that the file is open, whole, and the one at the path, and returns
// its size.
func (r *Receiver) open() (int64, error) {
	if r.file != nil {
		size, err := r.still()
		if err != nil || size >= 0 {
			return size, err
		}
	}
	f, err := os.OpenFile(r.cfg.Path, os.O_RDWR|os.O_CREATE|os.O_APPEND, ours)
	if err != nil {
		return 0, err
	}
	size, wrote, err := prepare(f, r.cfg.Path)
	if err != nil {
		return 0, errors.Join(err, f.Close())
	}
	r.file, r.wrote = f, wrote
	return size, nil
}

// still returns the size of the open file, -1 if it is no longer the one at the path.
func (r *Receiver) still() (int64, error) {
	info, err := r.file.Stat()
	if err != nil {
		return 0, errors.Join(err, r.Close())
	}
	at, err := os.Stat(r.cfg.Path)
	if err == nil && os.SameFile(info, at) {
		return info.Size(), nil
	}
	return -1, r.Close() // moved away or deleted
}

// prepare makes a file that has just been opened fit to be appended to, and says how
// large it is and when it was last written to.
func prepare(f *os.File, path string) (size int64, wrote time.Time, err error) {
	info, err := os.Lstat(path) // a link could not be put aside
	if err != nil {
		return 0, wrote, err
	}
	if !info.Mode().IsRegular() {
		return 0, wrote, fmt.Errorf("it is no file (%s): name one itself", info.Mode().Type())
	}
	if info.Mode().Perm()&^ours != 0 {
		if err := f.Chmod(ours); err != nil {
			return 0, wrote, err
		}
	}
	if info.Size() == 0 {
		return 0, info.ModTime(), syncFolder(path) // it may be new
	}
	wrote = info.ModTime()
	if err := repair(f, info.Size()); err != nil {
		return 0, wrote, err
	}
	info, err = f.Stat()
	if err != nil {
		return 0, wrote, err
	}
	return info.Size(), wrote, nil
}

// append writes lines and waits until they are on disk. After an error the file ends
// where it ended before, and is closed, to be looked at again.
func (r *Receiver) append(lines []byte) error {
	info, err := r.file.Stat()
	if err != nil {
		return errors.Join(err, r.Close())
	}
	_, err = r.file.Write(lines)
	if err == nil {
		err = r.file.Sync()
	}
	if err != nil {
		return errors.Join(err, r.file.Truncate(info.Size()), r.file.Sync(), r.Close())
	}
	r.wrote = r.cfg.Now()
	return nil
}

// syncFolder makes names in the folder of a file durable.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // it has no such call, and needs none
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
