package cloudtrail

import (
	"strings"
	"unicode/utf8"

	"jitaudit/ingest/intern"
	"jitaudit/ingest/timestamp"
)

const (
	// credentialSize is more than one file holds of them.
	credentialSize = 1 << 12
	serviceSize    = 1 << 9
)

// interner is intern.Strings also for what consists of several strings.
type interner struct {
	intern.Strings
	credentials *[credentialSize]*Credential
	services    *[serviceSize]*Service
}

// credential finds the credential of these fields. An unreadable creation date
// is the zero time.
func (n *interner) credential(principal, key, created, role []byte) *Credential {
	if n.credentials == nil {
		n.credentials = new([credentialSize]*Credential)
	}
	at := &n.credentials[(intern.Tail(principal)+3*intern.Tail(key)+5*intern.Tail(created))>>20%credentialSize]
	if c := *at; c != nil && c.PrincipalID == string(principal) && c.AccessKeyID == string(key) && c.created == string(created) && c.RoleARN == string(role) {
		return c
	}
	c := newCredential(principal, key, created)
	c.RoleARN = n.Get(role)
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
		c.PrincipalID, c.AccessKeyID, c.created = intern.Valid(principal), intern.Valid(key), intern.Valid(created)
	}
	c.CreatedAt, _ = timestamp.Parse(created)
	return c
}

func (n *interner) service(source []byte) *Service {
	if n.services == nil {
		n.services = new([serviceSize]*Service)
	}
	at := &n.services[intern.Tail(source)%serviceSize]
	if s := *at; s != nil && s.source == string(source) {
		return s
	}
	s := &Service{source: n.Get(source)}
	s.Name = strings.TrimSuffix(s.source, ".amazonaws.com")
	*at = s
	return s
}
