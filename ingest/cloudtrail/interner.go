package cloudtrail

import (
	"strings"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"

	"jitaudit/schemas"
)

const internSize = 1 << 11

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
	at := &n.texts[xxhash.Sum64(b)%internSize]
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
	at := &n.shards[xxhash.Sum64(key)%internSize]
	if at.key != string(key) {
		s := valid(key)
		a, region, _ := strings.Cut(s, "/")
		*at = shardText{key: s, name: schemas.AWSShard(a, region)}
	}
	return at.name
}

// valid copies b into a string, replacing what is no UTF-8.
func valid(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}
