package wire

import (
	"math"
	"time"
)

// reader cuts values off a string. After damage it gives zero values.
type reader struct {
	s       string
	damaged bool
}

func (r *reader) err() error {
	if r.damaged {
		return ErrDamaged
	}
	return nil
}

func (r *reader) take(n int) string {
	if n < 0 || n > len(r.s) {
		r.s, r.damaged = "", true
		return ""
	}
	out := r.s[:n]
	r.s = r.s[n:]
	return out
}

func (r *reader) byte() byte {
	if s := r.take(1); s != "" {
		return s[0]
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	var v uint64
	for shift := 0; shift < 70; shift += 7 {
		b := r.byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	r.damaged = true
	return 0
}

// number reads an int that is not negative.
func (r *reader) number() int {
	v := r.uvarint()
	if v > math.MaxInt32 {
		r.damaged = true
		return 0
	}
	return int(v)
}

func (r *reader) string() string {
	n := r.uvarint()
	if n > uint64(len(r.s)) {
		r.s, r.damaged = "", true
		return ""
	}
	return r.take(int(n))
}

func (r *reader) time() time.Time {
	v := r.uvarint()
	if v == 0 {
		return time.Time{}
	}
	zigzag, nanos := v>>1, uint64(0)
	if v&1 == 0 {
		zigzag, nanos = zigzag-1, r.uvarint()
	}
	return time.Unix(int64(zigzag>>1)^-int64(zigzag&1), int64(nanos)).UTC()
}

// id reads what appendID wrote; packed is set for a UUID, else text.
func (r *reader) id() (packed, text string) {
	n := r.uvarint()
	if n == 0 {
		return r.take(16), ""
	}
	if n-1 > uint64(len(r.s)) {
		r.s, r.damaged = "", true
		return "", ""
	}
	return "", r.take(int(n - 1))
}

// CutNumber cuts off a number that was put before a record with
// binary.AppendUvarint.
func CutNumber(s string) (n int, record string, err error) {
	r := reader{s: s}
	n = r.number()
	return n, r.s, r.err()
}
