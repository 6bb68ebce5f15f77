// Package filelock holds a file for one process at a time. The lock ends with
// the last process that has the file open, however that process ends, so no
// lock is ever left behind by a crash.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// ErrHeld is what Try returns when another process, or another Lock of this
// one, holds the file.
var ErrHeld = errors.New("held by another process")

// Lock is a file that this process holds. A process that inherits File holds it
// too: the lock is free when both have closed it or ended.
type Lock struct {
	file *os.File
}

// Try takes the lock on the file at path, which it creates when it is missing,
// and writes the id of this process into it. It returns ErrHeld at once when
// the file is held.
func Try(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	if err := flock(f); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	l := &Lock{file: f}
	if err := l.sign(); err != nil {
		return nil, errors.Join(fmt.Errorf("write to lock file %s: %w", path, err), f.Close())
	}
	return l, nil
}

// Wait takes the lock as soon as it is free, or returns the error of ctx. It
// asks ten times a second, because a blocked flock(2) cannot be given up.
func Wait(ctx context.Context, path string) (*Lock, error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		l, err := Try(path)
		if !errors.Is(err, ErrHeld) {
			return l, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for lock %s: %w", path, ctx.Err())
		case <-tick.C:
		}
	}
}

func (l *Lock) sign() error {
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err := l.file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// File is the open file, to be handed to a child process that shares the lock.
func (l *Lock) File() *os.File { return l.file }

// Close gives up this process's share of the lock. The file stays: to remove it
// would let two processes hold two files of one name.
func (l *Lock) Close() error { return l.file.Close() }

// Holder is the id of the process that last took the lock on path, 0 when the
// file says nothing. That process need not live any more.
func Holder(path string) int {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 32))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}

// Probe reports whether another process holds the file at path, which it leaves
// as it is, and what stands in it on the first line. A file that is missing is
// not held.
func Probe(path string) (text string, held bool) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return "", false
	}
	defer f.Close() // gives up the lock, if it was free
	held = errors.Is(flock(f), ErrHeld)
	line, err := io.ReadAll(io.LimitReader(f, 200))
	if err != nil {
		return "", held
	}
	text, _, _ = strings.Cut(string(line), "\n")
	return text, held
}
