package server

import (
	"errors"
	"io"

	"github.com/ClickHouse/ch-go/compress"
)

// lazily opens a decompressor at the first read, so that a body that cannot be
// decompressed fails where data is expected.
type lazily struct {
	open func() (io.Reader, error)
	to   io.Reader
	err  error
}

func (l *lazily) Read(p []byte) (int, error) {
	if l.to == nil && l.err == nil {
		l.to, l.err = l.open()
	}
	if l.err != nil {
		return 0, fault(codeUnknownCompression, "Cannot decompress the request's body: %s", l.err)
	}
	return l.to.Read(p)
}

// blocks reads a body of ClickHouse's compressed blocks.
type blocks struct {
	counted *counted
	reader  *compress.Reader
}

func newBlocks(from io.Reader) *blocks {
	c := &counted{from: from}
	return &blocks{counted: c, reader: compress.NewReader(c)}
}

// Read ends with io.EOF only between blocks: the library's reader says io.EOF
// too when a body ends right behind a block's header.
func (b *blocks) Read(p []byte) (int, error) {
	before := b.counted.n
	n, err := b.reader.Read(p)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF) && b.counted.n == before:
		return 0, io.EOF
	case errors.Is(err, io.EOF):
		return 0, io.ErrUnexpectedEOF
	case b.counted.err != nil && !errors.Is(b.counted.err, io.EOF):
		return 0, b.counted.err
	}
	return 0, fault(codeChecksum, "Cannot decompress a block of the request's body, nothing was inserted; a block holds at most 128 MiB: %s", err)
}

// counted counts what is read, and keeps the error that ended it.
type counted struct {
	from io.Reader
	n    int64
	err  error
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	if err != nil {
		c.err = err
	}
	return n, err
}
