package cloudtrail

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"jitaudit/schemas"
)

const (
	internBits = 11
	internSize = 1 << internBits
)

// interner hands out one string for equal bytes as long as they come often. Its
// memory is bounded: a place holds the last string that fell into it.
type interner struct {
	texts  *[internSize]string
	shards *[internSize]shardText
}

type shardText struct{ key, name string }

func (n *interner) get(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if n.texts == nil {
		n.texts = new([internSize]string)
	}
	at := &n.texts[place(b)]
	if *at == string(b) {
		return *at
	}
	s := valid(b)
	*at = s
	return s
}

// shard names the shard of an account and a region that are joined by a slash.
func (n *interner) shard(key []byte) string {
	if n.shards == nil {
		n.shards = new([internSize]shardText)
	}
	at := &n.shards[place(key)]
	if at.key != string(key) {
		s := valid(key)
		a, region, _ := strings.Cut(s, "/")
		*at = shardText{key: s, name: schemas.AWSShard(a, region)}
	}
	return at.name
}

// place tells where a string is kept, by its first, middle and last eight bytes:
// names and ids that differ do so there, and nothing depends on it but speed.
func place(b []byte) uint64 {
	const mix = 0x9e3779b97f4a7c15
	h := uint64(len(b))
	if len(b) < 8 {
		for _, c := range b {
			h = (h ^ uint64(c)) * mix
		}
		return h >> (64 - internBits)
	}
	for _, at := range [...]int{0, len(b)/2 - 4, len(b) - 8} {
		h = (h ^ binary.LittleEndian.Uint64(b[at:])) * mix
		h ^= h >> 32
	}
	return h * mix >> (64 - internBits)
}

// valid copies b into a string, replacing what is no UTF-8.
func valid(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}
