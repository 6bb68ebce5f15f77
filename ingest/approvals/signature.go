package approvals

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// SignatureHeader carries "t=SECONDS,v1=HEX": when the request was signed, in Unix
// seconds, and the HMAC-SHA256 of "SECONDS.BODY" under the feed's secret. Several
// v1 may stand there, so that a secret can be changed.
const SignatureHeader = "X-Jitaudit-Signature"

// Sign is the value of SignatureHeader for a body that is sent at a time.
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

// verify says why a signature does not hold; nil when it does.
func verify(header string, secret, body []byte, now time.Time, window time.Duration) error {
	if header == "" {
		return errors.New(SignatureHeader + " is missing: sign the body")
	}
	var stamp string
	var given []string
	for part := range strings.SplitSeq(header, ",") {
		switch k, v, _ := strings.Cut(strings.TrimSpace(part), "="); k {
		case "t":
			stamp = v
		case "v1":
			given = append(given, v)
		}
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || len(given) == 0 {
		return errors.New(SignatureHeader + " must be t=SECONDS,v1=HEX")
	}
	if off := now.Sub(time.Unix(seconds, 0)); off > window || off < -window {
		return fmt.Errorf("%s was made %s away from the time here: sign each request when it is sent, and check the clock", SignatureHeader, off.Abs().Round(time.Second))
	}
	want := digest(secret, stamp, body)
	for _, g := range given {
		if sum, err := hex.DecodeString(g); err == nil && hmac.Equal(sum, want) {
			return nil
		}
	}
	return errors.New(SignatureHeader + " is not that of this body: check the secret, and that the bytes which are sent are those which were signed")
}

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
