// Package wire is the compact form in which a scan keeps facts between its
// passes. It lives no longer than the scan. Of a call only what is counted and
// joined is kept, in numbers that stand for what it shares with others (Brief),
// and later only what calls amount to (Spell). Of every other fact nothing is
// lost.
package wire

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"time"

	"github.com/cespare/xxhash/v2"

	"jitaudit/schemas"
)

// ErrDamaged says that bytes are not what this package wrote.
var ErrDamaged = errors.New("the temporary file holds something else than was written to it; check the disk")

// The bits of a record's first byte.
const (
	isBrief = 1 << iota
	isOkta
	isAddendum
	shortHash // the hash is 8 bytes
	isSpell
	isApproval
)

// Head is what tells copies of one event apart.
type Head struct {
	// Brief is set where the rest is a Brief, else it is a fact.
	Brief    bool
	Addendum bool
	// Key identifies the event: its source and id in a form of this package.
	Key string
	// Hash orders copies; equal copies have equal ones.
	Hash string

	flags byte
	body  string // what follows the head
}

// Append adds the record of a fact to b.
func Append(b []byte, f *schemas.Fact) []byte {
	flags := bit(f.Source == schemas.Okta, isOkta) | bit(f.Source == schemas.Approvals, isApproval) | bit(f.Addendum, isAddendum)
	start := len(b)
	b = append(b, 0)
	b = appendID(b, f.ID)
	b, short := appendHash(b, f.Hash)
	b[start] = flags | bit(short, shortHash)
	b = appendTime(b, f.At)
	return appendFact(b, f)
}

// ReadHead reads the front of a record.
func ReadHead(record string) (Head, error) {
	r := reader{s: record}
	h := Head{flags: r.byte()}
	h.Brief, h.Addendum = h.flags&isBrief != 0, h.flags&isAddendum != 0
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

// KeyHash hashes the key in a record. It is of no use on anything else.
func KeyHash[T string | []byte](record T) uint64 {
	if len(record) >= idEnd && record[idStart-1] == 0 {
		return mix(record[idStart:idEnd])
	}
	h, err := ReadHead(string(record))
	if err != nil {
		return 0
	}
	return xxhash.Sum64String(h.Key)
}

// mix hashes a UUID. Those of real logs are random, others are not.
func mix[T string | []byte](id T) uint64 {
	h := word(id)*0x9e3779b97f4a7c15 ^ bits.RotateLeft64(word(id[8:])*0xc2b2ae3d27d4eb4f, 32)
	h = (h ^ h>>29) * 0x165667b19e3779f9
	return h ^ h>>32
}

func word[T string | []byte](s T) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// Source is the log that the event is of.
func (h *Head) Source() schemas.Source {
	switch {
	case h.flags&isOkta != 0:
		return schemas.Okta
	case h.flags&isApproval != 0:
		return schemas.Approvals
	}
	return schemas.CloudTrail
}

// ID is the event's id.
func (h *Head) ID() string {
	r := reader{s: h.Key}
	packed, text := r.id()
	if packed != "" {
		return UUIDText(packed)
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

// UUIDText spells a UUID of 16 bytes.
func UUIDText[T string | []byte](packed T) string {
	const digits = "0123456789abcdef"
	var b [36]byte
	at := 0
	for i := range len(packed) {
		if at == 8 || at == 13 || at == 18 || at == 23 {
			b[at] = '-'
			at++
		}
		b[at], b[at+1] = digits[packed[i]>>4], digits[packed[i]&15]
		at += 2
	}
	return string(b[:])
}
