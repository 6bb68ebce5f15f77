package okta

import (
	"strings"

	"jitaudit/schemas"
)

// factorWords tell the class of an authenticator by a part of its name, which
// Okta writes in many ways (OKTA_VERIFY_PUSH, "Get a push notification",
// FIDO2_WEBAUTHN, "Security Key or Biometric"). The first that fits counts, so
// the order matters: a one-time password is no password, and a code that was sent
// by SMS belongs to the phone.
var factorWords = [...]struct {
	word  string
	class schemas.FactorClass
}{
	{"PUSH", schemas.FactorPush},
	{"SIGNEDNONCE", schemas.FactorFastPass},
	{"FASTPASS", schemas.FactorFastPass},
	{"WEBAUTHN", schemas.FactorWebAuthn},
	{"FIDO", schemas.FactorWebAuthn},
	{"U2F", schemas.FactorWebAuthn},
	{"PASSKEY", schemas.FactorWebAuthn},
	{"SECURITYKEY", schemas.FactorWebAuthn},
	{"BIOMETRIC", schemas.FactorWebAuthn},
	{"QUESTION", schemas.FactorQuestion},
	{"SMS", schemas.FactorPhone},
	{"CALL", schemas.FactorPhone},
	{"PHONE", schemas.FactorPhone},
	{"VOICE", schemas.FactorPhone},
	{"EMAIL", schemas.FactorEmail},
	{"OTP", schemas.FactorOTP},
	{"ONETIME", schemas.FactorOTP},
	{"SOFTTOKEN", schemas.FactorOTP},
	{"TOKEN", schemas.FactorOTP},
	{"CODE", schemas.FactorOTP},
	{"YUBIKEY", schemas.FactorOTP},
	{"SYMANTEC", schemas.FactorOTP},
	{"SECURID", schemas.FactorOTP},
	{"GOOGLEAUTHENTICATOR", schemas.FactorOTP},
	{"PASSWORD", schemas.FactorPassword},
}

// classify tells what was verified: by debugData.factor, else by the
// authenticator among the targets, which Identity Engine adds, else by the type
// of credential.
func (d *Decoder) classify(enrollment target) (schemas.FactorClass, string) {
	if name := known(d.text(fFactor)); name != "" {
		return factorClass(name), name
	}
	method, label := known(enrollment.method), known(enrollment.name)
	if method != "" {
		class := factorClass(method)
		// "Enter a code" does not say where the code came from; the label does.
		if byLabel := factorClass(label); class == schemas.FactorOther ||
			class == schemas.FactorOTP && (byLabel == schemas.FactorPhone || byLabel == schemas.FactorEmail) {
			class = byLabel
		}
		return class, method
	}
	if label != "" {
		return factorClass(label), label
	}
	name := known(d.text(fCredentialType))
	return factorClass(name), name
}

func factorClass(name string) schemas.FactorClass {
	folded := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, name)
	for _, w := range factorWords {
		if strings.Contains(folded, w.word) {
			return w.class
		}
	}
	return schemas.FactorOther
}
