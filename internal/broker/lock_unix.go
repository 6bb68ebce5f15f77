//go:build unix

package broker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// lock keeps other processes away from a data directory: two on one would
// destroy it. The system lets go of it when the process ends, however it ends.
type lock struct {
	file *os.File
}

func takeLock(dir string) (*lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	path := filepath.Join(dir, "lock")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		owner, _ := os.ReadFile(path) // only for the sentence
		file.Close()
		return nil, fmt.Errorf("data directory %s is in use by process %s: stop that, or configure another data_dir", dir, orElse(strings.TrimSpace(string(owner)), "unknown"))
	}
	if err == nil {
		err = errors.Join(file.Truncate(0), write(file, strconv.Itoa(os.Getpid())))
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("lock the data directory %s: %w", dir, err)
	}
	return &lock{file}, nil
}

func write(file *os.File, text string) error {
	_, err := file.WriteAt([]byte(text), 0)
	return err
}

func (l *lock) release() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
