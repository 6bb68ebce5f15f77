// Package signature signs what is sent by HTTP to whoever trusts us, and checks what
// is sent to us: one scheme for approvals that come in and alerts that go out.
package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Header carries "t=SECONDS,v1=HEX": when the request was signed, in Unix
// seconds, and the HMAC-SHA256 of "SECONDS.BODY" under the secret. Several v1 may stand
// there, so that a secret can be changed.
const Header = "X-Jitaudit-Signature"

// Sign is the value of Header for a body that is sent at a time.
func Sign(secret, body []byte, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(digest(secret, t, body))
}

func digest(secret []byte, t string, body []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return mac.Sum(nil)
}

// Verify is for those who receive requests: it says why one is to be refused, nil if
// it is not. The header is the value of Header, the body what came, byte for
// byte. A signature whose time is further than window from now is refused; within it
// a request may be replayed, which the ids in it must show. Of several secrets one
// must fit, so that a secret can be changed; there must be one.
func Verify(header string, body []byte, now time.Time, window time.Duration, secrets ...[]byte) error {
	var stamp string
	var given [][]byte
	malformed := false
	for part := range strings.SplitSeq(header, ",") {
		switch k, v, _ := strings.Cut(strings.TrimSpace(part), "="); k {
		case "t":
			if stamp != "" {
				return errors.New(Header + " has two times")
			}
			stamp = v
		case "v1":
			sum, err := hex.DecodeString(v)
			if err != nil || len(sum) != sha256.Size {
				malformed = true
				continue
			}
			given = append(given, sum)
		}
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	switch {
	case err != nil, len(given) == 0 && !malformed:
		return errors.New(Header + " is missing, or is not t=SECONDS,v1=HEX: sign the body")
	case len(given) == 0:
		return errors.New(Header + " has a signature that is no SHA-256 in hex")
	}
	if off := now.Sub(time.Unix(seconds, 0)); off > window || off < -window {
		return fmt.Errorf("%s was made %s away from the time here: sign each request when it is sent, and check the clock", Header, off.Abs().Round(time.Second))
	}
	for _, secret := range secrets {
		if len(secret) == 0 {
			return errors.New("a secret is empty: anybody could have signed with it")
		}
		want := digest(secret, stamp, body)
		for _, sum := range given {
			if hmac.Equal(sum, want) {
				return nil
			}
		}
	}
	return errors.New(Header + " is not that of this body under a secret that is known here: check the secret, and that the bytes which are sent are those which were signed")
}
