package approvals

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
)

// bearer says why a request does not carry the token; nil when it does.
func bearer(r *http.Request, token string) error {
	kind, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "Bearer") || given == "" {
		return errors.New("the request has no bearer token: send Authorization: Bearer TOKEN")
	}
	// Hashed, so that not even the length of the token can be measured.
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare(a[:], b[:]) != 1 {
		return errors.New("the bearer token is wrong")
	}
	return nil
}
