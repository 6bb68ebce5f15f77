package library

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// download lets npm put the packed release into the folder work and returns its
// path. npm keeps its cache there too: the package is needed once, and what has
// arrived can be seen.
func (o Options) download(ctx context.Context, r release, work string) (string, error) {
	argv := o.NPM
	if argv == nil {
		argv = []string{"npm"}
	}
	program, err := exec.LookPath(argv[0])
	if err != nil {
		return "", fmt.Errorf("the npm client is needed to fetch it and was not found (%w); install Node.js with npm", err)
	}
	cache := filepath.Join(work, "npm")
	args := append(append([]string{}, argv[1:]...), "pack", r.Package, "--ignore-scripts", "--no-progress", "--cache", cache)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = work
	cmd.WaitDelay = 5 * time.Second
	var said bytes.Buffer
	cmd.Stderr = &said

	stop := o.watch(cache, r)
	err = cmd.Run()
	stop()
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", npmFailed(r, err, said.String())
	}
	packed, err := filepath.Glob(filepath.Join(work, "*.tgz"))
	if err != nil || len(packed) != 1 {
		return "", fmt.Errorf("npm pack %s left %d packages, not one; is %s the npm client?", r.Package, len(packed), program)
	}
	o.tell("download", r.Packed, r.Packed)
	return packed[0], nil
}

// npmFailed puts npm's failure into words of ours, with the last that npm said.
// The codes are those of Node.js and of the registry's answer.
func npmFailed(r release, err error, said string) error {
	has := func(codes ...string) bool {
		for _, code := range codes {
			if strings.Contains(said, code) {
				return true
			}
		}
		return false
	}
	said = lastLines(said, 6)
	switch {
	case has("ENOSPC"):
		return fmt.Errorf("npm pack %s: %w: %s", r.Package, syscall.ENOSPC, said)
	case has("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "EHOSTUNREACH"):
		return fmt.Errorf("npm pack %s: the npm registry cannot be reached; check the network and npm's proxy and registry settings: %w: %s", r.Package, err, said)
	case has("E404", "ETARGET"):
		return fmt.Errorf("npm pack %s: the npm registry that npm is configured for does not have it: %w: %s", r.Package, err, said)
	}
	return fmt.Errorf("npm pack %s: %w: %s", r.Package, err, said)
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// watch tells the size of npm's cache as progress until stop is called.
func (o Options) watch(cache string, r release) (stop func()) {
	if o.Progress == nil {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			o.tell("download", sizeOf(cache), r.Packed)
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	return func() { close(done); <-ended }
}

// sizeOf is the size of the files below a folder, as far as they can be seen:
// npm moves them about meanwhile.
func sizeOf(dir string) (size int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, os.ErrNotExist) {
				return nil
			}
			return err
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		return nil
	})
	return size
}
