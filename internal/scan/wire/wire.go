// Package wire is the compact form in which a scan keeps facts between its
// passes. It lives no longer than the scan. Of a call only what is counted and
// joined is kept, and what it shares with others stands in a Table; of every
// other fact nothing is lost.
package wire

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"

	"jitaudit/schemas"
)

// ErrDamaged says that bytes are not what this package wrote.
var ErrDamaged = errors.New("the temporary file holds something else than was written to it; check the disk")

// The bits of a record's first byte.
const (
	isCall = 1 << iota
	isOkta
	isAddendum
	shortHash // the hash is 8 bytes
)

// Head is what tells copies of one event apart.
type Head struct {
	Call     bool
	Addendum bool
	// Key identifies the event: its source and id in a form of this package.
	Key string
	// Hash orders copies; equal copies have equal ones.
	Hash string

	flags byte
	body  string // what follows the head
}

// Append adds the record of a fact to b. What a call shares with others goes
// into the table.
func Append(b []byte, t *Table, f *schemas.Fact) []byte {
	var flags byte
	if f.Kind == schemas.Acted && f.Source == schemas.CloudTrail && f.Call != nil {
		flags |= isCall
	}
	if f.Source == schemas.Okta {
		flags |= isOkta
	}
	if f.Addendum {
		flags |= isAddendum
	}
	start := len(b)
	b = append(b, 0)
	b = appendID(b, f.ID)
	b, short := appendHash(b, f.Hash)
	if short {
		flags |= shortHash
	}
	b[start] = flags
	b = appendTime(b, f.At)
	if flags&isCall != 0 {
		return t.appendCall(b, f.Call)
	}
	return appendFact(b, f)
}

// ReadHead reads the front of a record.
func ReadHead(record string) (Head, error) {
	r := reader{s: record}
	h := Head{flags: r.byte()}
	h.Call, h.Addendum = h.flags&isCall != 0, h.flags&isAddendum != 0
	from := len(record) - len(r.s)
	r.id()
	h.Key = record[from : len(record)-len(r.s)]
	if h.flags&shortHash != 0 {
		h.Hash = r.take(8)
	} else {
		h.Hash = r.string()
	}
	h.body = r.s
	return h, r.err()
}

// Okta reports whether the event is one of Okta's.
func (h *Head) Okta() bool { return h.flags&isOkta != 0 }

// ID is the event's id.
func (h *Head) ID() string {
	r := reader{s: h.Key}
	packed, text := r.id()
	if packed != "" {
		return uuidText(packed)
	}
	return text
}

func bit(set bool, b byte) byte {
	if set {
		return b
	}
	return 0
}

// appendTime writes 0 for the zero time, else the seconds as an odd or, where
// nanoseconds follow, an even number above 1.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, 0)
	}
	zigzag := uint64(t.Unix()<<1) ^ uint64(t.Unix()>>63)
	if t.Nanosecond() == 0 {
		return binary.AppendUvarint(b, zigzag<<1|1)
	}
	b = binary.AppendUvarint(b, (zigzag+1)<<1)
	return binary.AppendUvarint(b, uint64(t.Nanosecond()))
}

func appendNumber(b []byte, n int) []byte { return binary.AppendUvarint(b, uint64(n)) }

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendHash(b []byte, hash string) ([]byte, bool) {
	if len(hash) == 16 {
		if out, ok := appendHex(b, hash); ok {
			return out, true
		}
	}
	return appendString(b, hash), false
}

// appendID writes a UUID as 0 and its 16 bytes, any other id as its length
// plus 1 and its text.
func appendID(b []byte, id string) []byte {
	if len(id) == 36 && id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-' {
		out, ok := append(b, 0), true
		for _, part := range [...]string{id[:8], id[9:13], id[14:18], id[19:23], id[24:]} {
			var good bool
			out, good = appendHex(out, part)
			ok = ok && good
		}
		if ok {
			return out
		}
	}
	b = binary.AppendUvarint(b, uint64(len(id))+1)
	return append(b, id...)
}

// appendHex packs digits that hex encoding gives back as they were, which are
// those in lower case.
func appendHex(b []byte, digits string) ([]byte, bool) {
	var bad byte
	for i := 0; i+1 < len(digits); i += 2 {
		high, low := nibble(digits[i]), nibble(digits[i+1])
		bad |= high | low
		b = append(b, high<<4|low&15)
	}
	return b, bad < 16
}

func nibble(c byte) byte {
	switch {
	case c-'0' < 10:
		return c - '0'
	case c-'a' < 6:
		return c - 'a' + 10
	}
	return 0xff
}

func uuidText(packed string) string {
	var b [36]byte
	hex.Encode(b[:8], []byte(packed[:4]))
	hex.Encode(b[9:13], []byte(packed[4:6]))
	hex.Encode(b[14:18], []byte(packed[6:8]))
	hex.Encode(b[19:23], []byte(packed[8:10]))
	hex.Encode(b[24:], []byte(packed[10:16]))
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}
