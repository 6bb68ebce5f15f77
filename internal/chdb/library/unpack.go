package library

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
)

// unpack writes the library out of a packed release to the file at target, and
// reads the package to its end to verify its hash. Only after that does it
// return nil: until then the file is nobody's business.
func (o Options) unpack(ctx context.Context, r release, packed, target string) error {
	f, err := os.Open(packed)
	if err != nil {
		return err
	}
	defer f.Close()
	hashed := sum()
	tee := io.TeeReader(f, hashed)
	extracted := o.extract(ctx, r, tee, target)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, err := io.Copy(io.Discard, tee); err != nil {
		return fmt.Errorf("read %s: %w", packed, err)
	}
	// A wrong package explains whatever went wrong with its contents.
	if err := r.verify(hashed); err != nil {
		return fmt.Errorf("%w; the registry or a proxy altered it", err)
	}
	return extracted
}

func (o Options) extract(ctx context.Context, r release, packed io.Reader, target string) error {
	z, err := gzip.NewReader(packed)
	if err != nil {
		return fmt.Errorf("unpack %s: %w", r.Package, err)
	}
	archive := tar.NewReader(z)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("unpack %s: it has no %s", r.Package, r.File)
		}
		if err != nil {
			return fmt.Errorf("unpack %s: %w", r.Package, err)
		}
		if h.Typeflag == tar.TypeReg && h.Name == path.Join("package", r.File) {
			if h.Size != r.Size {
				return fmt.Errorf("unpack %s: its %s has %d bytes, not %d", r.Package, r.File, h.Size, r.Size)
			}
			return o.write(ctx, r, archive, target)
		}
	}
}

func (o Options) write(ctx context.Context, r release, from io.Reader, target string) error {
	f, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(f, &told{ctx: ctx, from: from, o: o, total: r.Size}, make([]byte, 1<<20))
	if err == nil {
		err = f.Sync() // the rename must not come before the content
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("unpack %s: %w", r.Package, err)
	}
	return nil
}

// told tells progress of what is read, and stops with its context.
type told struct {
	ctx         context.Context
	from        io.Reader
	o           Options
	done, total int64
	next        int64
}

func (t *told) Read(p []byte) (int, error) {
	if err := t.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := t.from.Read(p)
	t.done += int64(n)
	if t.done >= t.next || err != nil {
		t.o.tell("unpack", t.done, t.total)
		t.next = t.done + t.total/50
	}
	return n, err
}
