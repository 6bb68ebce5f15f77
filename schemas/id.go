package schemas

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// The ids of results are a prefix and 128 bits of a SHA-256 over what makes the
// record what it is, so that they never move: see docs/correlation.md.

// AssumptionID identifies an assumption by its person and its event.
func AssumptionID(person, eventID string) string { return id("asm", person, eventID) }

// SessionID identifies a session by its earliest assumption: it is that one's id
// with a prefix of its own.
func SessionID(assumptionID string) string { return "ses_" + strings.TrimPrefix(assumptionID, "asm_") }

// GrantID identifies a grant by its person, the event that opened it (or, where
// that was not seen, the one that closed it) and the role it gives.
func GrantID(person, eventID, account, role string) string {
	return id("grt", person, eventID, account, role)
}

// FindingID identifies a finding by rule, person and anchor event.
func FindingID(rule, person, anchor string) string { return id("fnd", rule, person, anchor) }

// CredentialKey identifies a credential in one quarter of an hour; the parts are
// those of correlate.UseKey, times in Unix microseconds.
func CredentialKey(principal, accessKey string, createdAt, slot int64) string {
	return id("key", principal, accessKey, strconv.FormatInt(createdAt, 10), strconv.FormatInt(slot, 10))
}

// UseID identifies a use by its person and the credential's key.
func UseID(person, key string) string { return id("use", person, key) }

func id(prefix string, parts ...string) string {
	var buf [256]byte
	b := buf[:0]
	for _, p := range parts {
		b = append(b, p...)
		b = append(b, 0)
	}
	sum := sha256.Sum256(b)
	out := make([]byte, 0, 4+32)
	out = append(out, prefix...)
	out = append(out, '_')
	return string(hex.AppendEncode(out, sum[:16]))
}
