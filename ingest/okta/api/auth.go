package api

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v3"
)

// Auth says who asks: an API token, or an API service app.
type Auth struct {
	// Token is an API token ("SSWS").
	Token string
	// ClientID is the app's, PrivateKey its RSA key as PEM (PKCS #1 or PKCS #8),
	// KeyID the key's id in Okta, needed when the app has several.
	ClientID, KeyID string
	PrivateKey      []byte
	// Scopes are what the app asks for, such as okta.logs.read.
	Scopes []string
}

// String and GoString keep secrets out of logs.
func (a Auth) String() string {
	if a.ClientID != "" {
		return "client " + a.ClientID
	}
	return "API token"
}

// GoString is String.
func (a Auth) GoString() string { return a.String() }

// signer makes what signs for the app; nil for an API token. The key is read
// here because the SDK knows PKCS #1 only, and ends the process when it is given
// a file that it cannot read.
func (a Auth) signer() (jose.Signer, error) {
	switch {
	case a.Token != "" && a.ClientID != "":
		return nil, errors.New("okta: there is an API token and a client id; keep one of them")
	case strings.ContainsFunc(a.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, errors.New("okta: the API token holds a space, a line break or the like; look at where it is read from")
	case a.Token != "":
		return nil, nil
	case a.ClientID == "":
		return nil, errors.New("okta: there is neither an API token nor a client id; set one of them")
	case len(a.Scopes) == 0:
		return nil, fmt.Errorf("okta: client %s asks for no scope; name at least one, such as okta.logs.read", a.ClientID)
	}
	key, err := parseKey(a.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("okta: private key of client %s: %w", a.ClientID, err)
	}
	var opts *jose.SignerOptions
	if a.KeyID != "" {
		opts = (&jose.SignerOptions{}).WithHeader("kid", a.KeyID)
	}
	return jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, opts)
}

// parseKey never quotes what it reads.
func parseKey(b []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, errors.New("it is no PEM; give the key that was downloaded from Okta, in PEM format")
	}
	switch block.Type {
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		if key, ok := key.(*rsa.PrivateKey); ok {
			return key, nil
		}
	}
	return nil, fmt.Errorf("it is a %q and no RSA private key; give one in PKCS #1 or PKCS #8, without a password", block.Type)
}

// checkURL wants what the SDK does, and lets a loopback address do without TLS.
func checkURL(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "", fmt.Errorf("okta: the org's URL must look like https://example.okta.com (got %q)", text)
	case u.User != nil || u.RawQuery != "" || strings.Trim(u.Path, "/") != "":
		return "", fmt.Errorf("okta: the org's URL must be scheme and host alone, such as https://example.okta.com (got one for host %q)", u.Host)
	case strings.Contains(u.Host, "-admin.okta"):
		return "", fmt.Errorf("okta: %s is the admin console; leave -admin out", u.Host)
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", fmt.Errorf("okta: %s must be asked over https, or the token would travel in the clear", u.Host)
	}
	return u.Scheme + "://" + u.Host, nil
}
