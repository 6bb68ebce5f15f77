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

	// credentialSize is more than one file holds of them.
	credentialSize = 1 << 12
)

// interner hands out one string for equal bytes as long as they come often, and
// the same for what consists of several strings. Its memory is bounded: a place
// holds what fell into it last.
type interner struct {
	texts       *[internSize]string
	credentials *[credentialSize]*Credential
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
		n.credentials = new([credentialSize]*Credential)
	}
	at := &n.credentials[(tail(principal)^tail(key)<<1^tail(created)<<2)*mixer>>32%credentialSize]
	if c := *at; c != nil && c.PrincipalID == string(principal) && c.AccessKeyID == string(key) && c.created == string(created) {
		return c
	}
	c := newCredential(principal, key, created)
	*at = c
	return c
}

// newCredential puts all strings into one, as they are always compared together.
func newCredential(principal, key, created []byte) *Credential {
	buf := make([]byte, 0, 128)
	buf = append(append(append(buf, principal...), key...), created...)
	c := &Credential{}
	if utf8.Valid(buf) {
		s, p := string(buf), len(principal)
		c.PrincipalID, c.AccessKeyID, c.created = s[:p], s[p:p+len(key)], s[p+len(key):]
	} else {
		c.PrincipalID, c.AccessKeyID, c.created = valid(principal), valid(key), valid(created)
	}
	c.CreatedAt, _ = timestamp.Parse(created)
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
	h := uint64(len(b))
	if len(b) < 8 {
		for _, c := range b {
			h = (h ^ uint64(c)) * mixer
		}
		return h >> (64 - internBits)
	}
	for _, at := range [...]int{0, len(b)/2 - 4, len(b) - 8} {
		h = (h ^ binary.LittleEndian.Uint64(b[at:])) * mixer
		h ^= h >> 32
	}
	return h * mixer >> (64 - internBits)
}

const mixer = 0x9e3779b97f4a7c15

// tail are the last eight bytes.
func tail(b []byte) uint64 {
	if len(b) < 8 {
		return uint64(len(b))
	}
	h := binary.LittleEndian.Uint64(b[len(b)-8:]) * mixer
	return h ^ h>>32
}

// valid copies b into a string, replacing what is no UTF-8.
func valid(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}
