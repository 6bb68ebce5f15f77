package okta

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// cursor makes the value of after for a position in a list. It tells nothing to
// whoever holds it, and outlives the server, as Okta's outlive a deployment.
func (s *Server) cursor(list, position string) string {
	text := []byte(list + " " + position)
	return base64.RawURLEncoding.EncodeToString(append(s.seal(text), text...))
}

// position reads a cursor of this list; false for one that nobody issued.
func (s *Server) position(list, after string) (string, bool) {
	b, err := base64.RawURLEncoding.DecodeString(after)
	if err != nil || len(b) < sealSize || !hmac.Equal(b[:sealSize], s.seal(b[sealSize:])) {
		return "", false
	}
	return strings.CutPrefix(string(b[sealSize:]), list+" ")
}

const sealSize = 8

func (s *Server) seal(text []byte) []byte {
	mac := hmac.New(sha256.New, []byte("cursor of "+s.cfg.Org))
	mac.Write(text)
	return mac.Sum(nil)[:sealSize]
}
