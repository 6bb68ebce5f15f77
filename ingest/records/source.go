package records

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

const (
	// bombFloor is the uncompressed size below which no ratio is suspicious, and
	// bombRatio the expansion that no honest log reaches (they reach about 20).
	bombFloor = 64 << 20
	bombRatio = 1000
)

var errBomb = errors.New("the gzip file expands more than 1000-fold and looks like a gzip bomb")

// counter counts what it reads, and keeps the error of the reader below, so that
// a failing disk is not taken for a damaged file.
type counter struct {
	r    io.Reader
	n    int64
	err  error
	idle int
}

const maxIdle = 100

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if n > 0 || err != nil {
		c.idle = 0
	} else if c.idle++; c.idle > maxIdle {
		err = io.ErrNoProgress
	}
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// source is the uncompressed stream of a file, told by content to be gzip or
// plain.
type source struct {
	in     counter
	head   *bufio.Reader
	gz     *gzip.Reader
	zipped bool
	out    int64
}

// open looks at the first bytes of r. Its error is one of the gzip header or of
// reading r; an empty file is none.
func (s *source) open(r io.Reader) error {
	s.in = counter{r: r}
	s.zipped, s.out = false, 0
	if s.head == nil {
		s.head = bufio.NewReaderSize(nil, 32<<10)
	}
	s.head.Reset(&s.in)
	magic, err := s.head.Peek(2)
	if err != nil && err != io.EOF {
		return err
	}
	if len(magic) < 2 || magic[0] != 0x1f || magic[1] != 0x8b {
		return nil
	}
	s.zipped = true
	if s.gz == nil {
		s.gz, err = gzip.NewReader(s.head)
		return err
	}
	return s.gz.Reset(s.head)
}

func (s *source) Read(p []byte) (int, error) {
	if !s.zipped {
		return s.head.Read(p)
	}
	n, err := s.gz.Read(p)
	s.out += int64(n)
	if s.out > bombFloor && s.out/bombRatio > s.in.n {
		return 0, errBomb
	}
	return n, err
}
