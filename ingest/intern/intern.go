// Package intern hands out one string for equal bytes.
package intern

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

const (
	bits = 11
	size = 1 << bits
)

// Strings hands out one string for equal bytes as long as they come often. Its
// memory is bounded: a place holds the string that fell into it last. The zero
// value is ready; it is not safe for concurrent use.
type Strings struct{ texts *[size]string }

// Get returns b as a string that may be kept, as Valid does.
func (s *Strings) Get(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s.texts == nil {
		s.texts = new([size]string)
	}
	at := &s.texts[place(b)]
	if *at == string(b) {
		return *at
	}
	text := Valid(b)
	*at = text
	return text
}

// place tells where a string is kept, by its first, middle and last eight bytes:
// names and ids that differ do so there, and nothing depends on it but speed.
func place(b []byte) uint64 {
	h := uint64(len(b))
	if len(b) < 8 {
		for _, c := range b {
			h = (h ^ uint64(c)) * mixer
		}
		return h >> (64 - bits)
	}
	for _, at := range [...]int{0, len(b)/2 - 4, len(b) - 8} {
		h = (h ^ binary.LittleEndian.Uint64(b[at:])) * mixer
		h ^= h >> 32
	}
	return h * mixer >> (64 - bits)
}

const mixer = 0x9e3779b97f4a7c15

// Tail hashes the last eight bytes.
func Tail(b []byte) uint64 {
	if len(b) < 8 {
		return uint64(len(b))
	}
	h := binary.LittleEndian.Uint64(b[len(b)-8:]) * mixer
	return h ^ h>>32
}

// Valid copies b into a string, replacing what is no UTF-8.
func Valid(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}
