package cloudtrail

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"jitaudit/ingest/timestamp"
)

const (
	internBits = 11
	internSize = 1 << internBits
)

// interner hands out one string for equal bytes as long as they come often, and
// the same for what consists of several strings. Its memory is bounded: a place
// holds what fell into it last.
type interner struct {
	texts       *[internSize]string
	credentials *[internSize]*Credential
	services    *[internSize]*Service
}

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

// credential finds the credential of these fields. An unreadable creation date
// is the zero time.
func (n *interner) credential(principal, key, created []byte) *Credential {
	if n.credentials == nil {
		n.credentials = new([internSize]*Credential)
	}
	at := &n.credentials[(place(principal)+5*place(key)+7*place(created))%internSize]
	if c := *at; c != nil && c.AccessKeyID == string(key) && c.created == string(created) && c.PrincipalID == string(principal) {
		return c
	}
	c := &Credential{PrincipalID: n.get(principal), AccessKeyID: n.get(key), created: n.get(created)}
	c.CreatedAt, _ = timestamp.Parse(created)
	*at = c
	return c
}

func (n *interner) service(source []byte) *Service {
	if n.services == nil {
		n.services = new([internSize]*Service)
	}
	at := &n.services[place(source)]
	if s := *at; s != nil && s.source == string(source) {
		return s
	}
	s := &Service{source: n.get(source)}
	s.Name = strings.TrimSuffix(s.source, ".amazonaws.com")
	*at = s
	return s
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
