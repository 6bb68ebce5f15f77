// Package spill keeps streams of records that are larger than memory: in memory
// up to a budget, beyond it in one temporary file.
package spill

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"sync"
)

// Store holds a fixed number of streams. Any number of goroutines may append,
// each by a Writer of its own, and load different streams at the same time. The
// order of records that different writers append to one stream is not defined.
type Store struct {
	dir       string
	budget    int64
	chunkSize int

	mu      sync.Mutex
	streams []stream
	held    int64    // bytes of chunks in memory
	free    [][]byte // chunks that were loaded, to be used again
	file    *os.File
	end     int64 // of the file
}

type stream struct {
	chunks []chunk
	size   int64
}

// chunk is a run of whole records; data is nil when it is in the file.
type chunk struct {
	data   []byte
	offset int64
	size   int
}

// Options bound a store.
type Options struct {
	// Dir is where the temporary file is made; "" means os.TempDir().
	Dir string
	// Budget is how many bytes of records are kept in memory.
	Budget int64
	// Streams is how many streams there are.
	Streams int
	// Open is about how many streams all writers together append to at a time.
	// It decides how much a writer gathers before it hands over.
	Open int
}

const (
	smallestChunk = 2 << 10
	largestChunk  = 32 << 10
	// gathered bounds what all writers hold back together.
	gathered = 4 << 20
)

// New returns an empty store. It makes no file before the budget is used up.
func New(opts Options) *Store {
	size := gathered / max(1, opts.Open)
	return &Store{
		dir:       opts.Dir,
		budget:    opts.Budget,
		chunkSize: min(max(size, smallestChunk), largestChunk),
		streams:   make([]stream, opts.Streams),
	}
}

// Size is the number of bytes in a stream, without what writers hold back.
func (s *Store) Size(n int) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams[n].size
}

// add takes over a full chunk and returns an empty one in its stead.
func (s *Store) add(n int, data []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.streams[n]
	if s.held+int64(cap(data)) > s.budget {
		if err := s.write(data); err != nil {
			return nil, err
		}
		st.chunks = append(st.chunks, chunk{offset: s.end, size: len(data)})
		st.size += int64(len(data))
		s.end += int64(len(data))
		return data[:0], nil
	}
	s.held += int64(cap(data))
	st.chunks = append(st.chunks, chunk{data: data, size: len(data)})
	st.size += int64(len(data))
	return s.empty(), nil
}

func (s *Store) empty() []byte {
	if last := len(s.free) - 1; last >= 0 {
		c := s.free[last]
		s.free = s.free[:last]
		return c[:0]
	}
	return make([]byte, 0, s.chunkSize)
}

func (s *Store) write(data []byte) error {
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, "jitaudit-*.spill")
		if err != nil {
			return fmt.Errorf("make a temporary file for what does not fit into memory (set TMPDIR to a folder with room): %w", err)
		}
		s.file = f
		// Without a name the file goes away whatever ends the program. Where the
		// system does not allow that, Close removes it.
		_ = os.Remove(f.Name())
	}
	if _, err := s.file.WriteAt(data, s.end); err != nil {
		return fmt.Errorf("write to the temporary file after %d bytes (set TMPDIR to a folder with room): %w", s.end, err)
	}
	return nil
}

// Load returns the records of a stream and forgets them. Strings cut from the
// result stay valid.
func (s *Store) Load(n int) (string, error) {
	records, err := s.Read(n)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	chunks := s.streams[n].chunks
	s.streams[n] = stream{}
	s.mu.Unlock()
	s.release(chunks)
	return records, nil
}

// Read is Load, but keeps the records.
func (s *Store) Read(n int) (string, error) {
	s.mu.Lock()
	st, file := s.streams[n], s.file
	s.mu.Unlock()

	var b strings.Builder
	b.Grow(int(st.size))
	var scratch []byte
	for _, c := range st.chunks {
		data := c.data
		if data == nil {
			if cap(scratch) < c.size {
				scratch = make([]byte, max(c.size, s.chunkSize))
			}
			data = scratch[:c.size]
			if _, err := file.ReadAt(data, c.offset); err != nil {
				return "", fmt.Errorf("read back the temporary file at offset %d: %w", c.offset, err)
			}
		}
		b.Write(data)
	}
	return b.String(), nil
}

func (s *Store) release(chunks []chunk) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range chunks {
		if c.data != nil {
			s.held -= int64(cap(c.data))
			if cap(c.data) == s.chunkSize {
				s.free = append(s.free, c.data)
			}
		}
	}
}

// Close removes the temporary file.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	name := s.file.Name()
	err := s.file.Close()
	s.file = nil
	if rm := os.Remove(name); err == nil && rm != nil && !os.IsNotExist(rm) {
		err = rm
	}
	if err != nil {
		return fmt.Errorf("remove the temporary file %s: %w", name, err)
	}
	return nil
}

// Writer appends to the streams of a store. It is not safe for concurrent use.
type Writer struct {
	store *Store
	open  [][]byte
}

// NewWriter returns a writer that holds nothing yet.
func (s *Store) NewWriter() *Writer {
	return &Writer{store: s, open: make([][]byte, len(s.streams))}
}

// Append adds a record to stream n.
func (w *Writer) Append(n int, record []byte) error {
	c := w.open[n]
	need := len(record) + binary.MaxVarintLen64
	if len(c) > 0 && len(c)+need > cap(c) {
		var err error
		if c, err = w.store.add(n, c); err != nil {
			return err
		}
	}
	if need > cap(c) {
		c = w.room(need)
	}
	c = binary.AppendUvarint(c, uint64(len(record)))
	w.open[n] = append(c, record...)
	return nil
}

func (w *Writer) room(need int) []byte {
	if need > w.store.chunkSize {
		return make([]byte, 0, need)
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	return w.store.empty()
}

// Flush hands over what the writer holds back.
func (w *Writer) Flush() error {
	for n, c := range w.open {
		if len(c) == 0 {
			continue
		}
		if _, err := w.store.add(n, c); err != nil {
			return err
		}
		w.open[n] = nil
	}
	return nil
}

// Next cuts the first record off what Load returned; ok is false at its end.
func Next(records string) (record, rest string, ok bool) {
	var size uint64
	for i := 0; i < len(records) && i < binary.MaxVarintLen64; i++ {
		b := records[i]
		size |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			body := records[i+1:]
			if size > uint64(len(body)) {
				return "", "", false
			}
			return body[:size], body[size:], true
		}
	}
	return "", "", false
}
