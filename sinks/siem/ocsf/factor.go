package ocsf

import "strings"

// factorOf tells the type of a factor by a part of the name that Okta gives it
// (OKTA_VERIFY_PUSH, "Security Key or Biometric"). The first that fits counts: a
// one-time password is no password. What has no type in the schema, such as Okta
// FastPass, is Other under its own name.
func factorOf(factor string) authFactor {
	folded := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, id(factor))
	for _, w := range [...]struct {
		word string
		id   int
		name string
	}{
		{"PUSH", 5, "Push Notification"},
		{"WEBAUTHN", 10, "WebAuthn"},
		{"FIDO2", 10, "WebAuthn"},
		{"PASSKEY", 10, "WebAuthn"},
		{"SECURITYKEY", 10, "WebAuthn"},
		{"U2F", 9, "U2F"},
		{"BIOMETRIC", 4, "Biometric"},
		{"QUESTION", 2, "Security Question"},
		{"SMS", 1, "SMS"},
		{"CALL", 3, "Phone Call"},
		{"VOICE", 3, "Phone Call"},
		{"EMAIL", 8, "Email"},
		{"YUBIKEY", 6, "Hardware Token"},
		{"HARDWARE", 6, "Hardware Token"},
		{"OTP", 7, "OTP"},
		{"ONETIME", 7, "OTP"},
		{"SOFTTOKEN", 7, "OTP"},
		{"GOOGLEAUTHENTICATOR", 7, "OTP"},
		{"SYMANTEC", 7, "OTP"},
		{"SECURID", 6, "Hardware Token"},
		{"PASSWORD", 11, "Password"},
	} {
		if strings.Contains(folded, w.word) {
			return authFactor{TypeID: w.id, Type: w.name, Provider: "Okta"}
		}
	}
	return authFactor{TypeID: 99, Type: name(factor), Provider: "Okta"}
}
