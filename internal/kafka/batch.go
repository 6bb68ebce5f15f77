package kafka

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	kafkago "github.com/segmentio/kafka-go"
)

// batcher makes record batches of messages: format 2, which all brokers take
// since 0.11 (https://kafka.apache.org/documentation/#recordbatch). kafka-go
// makes them too, at twice the cost: it copies each message through pages and a
// compressing stream, and compresses harder than is worth it here.
type batcher struct {
	codec kafkago.Compression
	zstd  *zstd.Encoder // for the codec zstd
	crc   *crc32.Table
	// spare are buffers of *scratch.
	spare sync.Pool
}

// scratch is what it takes to make one batch.
type scratch struct {
	records []byte
	batch   []byte
}

func (c *Client) batcher(codec kafkago.Compression) *batcher {
	b := &batcher{codec: codec, crc: crc32.MakeTable(crc32.Castagnoli)}
	b.spare.New = func() any { return new(scratch) }
	if codec == kafkago.Zstd {
		b.zstd = c.zstd
	}
	return b
}

// newEncoder makes what all writers of a client share: it takes some megabytes
// for each processor, from its first use on.
func newEncoder() (*zstd.Encoder, error) {
	// The batch has a checksum of its own.
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20), zstd.WithEncoderCRC(false), zstd.WithZeroFrames(true))
	if err != nil {
		return nil, fmt.Errorf("make a zstd encoder: %w", err)
	}
	return e, nil
}

// The places in a batch of what is known last; before all stands the length of
// the whole in a request.
const (
	batchAt      = 4
	lengthAt     = batchAt + 8
	crcAt        = batchAt + 17
	attributesAt = batchAt + 21
	recordsAt    = batchAt + 61
)

// make makes one batch of some messages, in s. Those without a time are of now.
func (b *batcher) make(s *scratch, messages []Message, indexes []int, now time.Time) error {
	first := timestamp(&messages[indexes[0]], now)
	latest := first
	s.records = s.records[:0]
	for i, index := range indexes {
		m := &messages[index]
		t := timestamp(m, now)
		latest = max(latest, t)
		s.records = appendRecord(s.records, m, i, t-first)
	}
	h := append(s.batch[:0], 0, 0, 0, 0)
	h = binary.BigEndian.AppendUint64(h, 0)       // base offset
	h = append(h, 0, 0, 0, 0)                     // length
	h = binary.BigEndian.AppendUint32(h, 1<<32-1) // leader epoch: unknown
	h = append(h, 2, 0, 0, 0, 0)                  // format, checksum
	h = binary.BigEndian.AppendUint16(h, uint16(b.codec))
	h = binary.BigEndian.AppendUint32(h, uint32(len(indexes)-1))
	h = binary.BigEndian.AppendUint64(h, uint64(first))
	h = binary.BigEndian.AppendUint64(h, uint64(latest))
	h = binary.BigEndian.AppendUint64(h, 1<<64-1) // producer id: none
	h = binary.BigEndian.AppendUint16(h, 1<<16-1) // its epoch
	h = binary.BigEndian.AppendUint32(h, 1<<32-1) // its sequence
	h = binary.BigEndian.AppendUint32(h, uint32(len(indexes)))
	h, err := b.compress(h, s.records)
	if err != nil {
		return err
	}
	s.batch = h
	binary.BigEndian.PutUint32(h, uint32(len(h)-batchAt))
	binary.BigEndian.PutUint32(h[lengthAt:], uint32(len(h)-lengthAt-4))
	binary.BigEndian.PutUint32(h[crcAt:], crc32.Checksum(h[attributesAt:], b.crc))
	return nil
}

// compress appends the compressed records.
func (b *batcher) compress(to, records []byte) ([]byte, error) {
	switch {
	case b.codec == 0:
		return append(to, records...), nil
	case b.zstd != nil:
		return b.zstd.EncodeAll(records, to), nil
	}
	buffer := bytes.NewBuffer(to)
	w := b.codec.Codec().NewWriter(buffer)
	if _, err := w.Write(records); err != nil {
		return nil, fmt.Errorf("compress a batch: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress a batch: %w", err)
	}
	return buffer.Bytes(), nil
}

func timestamp(m *Message, now time.Time) int64 {
	if m.Time.IsZero() {
		return now.UnixMilli()
	}
	return m.Time.UnixMilli()
}

// appendRecord appends the record of a message that is number n of its batch.
func appendRecord(b []byte, m *Message, n int, after int64) []byte {
	size := 1 + varintSize(after) + varintSize(int64(n)) + bytesSize(m.Key) + bytesSize(m.Value) + varintSize(int64(len(m.Headers)))
	for i := range m.Headers {
		h := &m.Headers[i]
		size += varintSize(int64(len(h.Key))) + len(h.Key) + bytesSize(h.Value)
	}
	b = binary.AppendVarint(b, int64(size))
	b = append(b, 0) // attributes: none are defined
	b = binary.AppendVarint(b, after)
	b = binary.AppendVarint(b, int64(n))
	b = appendBytes(b, m.Key)
	b = appendBytes(b, m.Value)
	b = binary.AppendVarint(b, int64(len(m.Headers)))
	for i := range m.Headers {
		h := &m.Headers[i]
		b = append(binary.AppendVarint(b, int64(len(h.Key))), h.Key...)
		b = appendBytes(b, h.Value)
	}
	return b
}

// appendBytes tells nil, which is written as the length -1, from empty.
func appendBytes(b, v []byte) []byte {
	if v == nil {
		return binary.AppendVarint(b, -1)
	}
	return append(binary.AppendVarint(b, int64(len(v))), v...)
}

func bytesSize(v []byte) int {
	if v == nil {
		return 1
	}
	return varintSize(int64(len(v))) + len(v)
}

// varintSize is how many bytes a number takes: zigzag, 7 bits in each.
func varintSize(v int64) int {
	n := 1
	for u := uint64(v<<1) ^ uint64(v>>63); u >= 0x80; u >>= 7 {
		n++
	}
	return n
}
