package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/okta/okta-sdk-golang/v2/okta"
)

// Errors that a caller decides on.
var (
	// ErrDenied: Okta knows the token or key not, or does not let it read this.
	// Asking again does not help until somebody changes it.
	ErrDenied = errors.New("access denied")
	// ErrRefused: Okta refuses the query, such as a cursor that it does not know.
	ErrRefused = errors.New("query refused")
	// ErrNotFound: there is no such group or list.
	ErrNotFound = errors.New("not found")

	errTokenRejected = fmt.Errorf("bearer token rejected (%w)", ErrDenied)
)

// explain turns what the SDK returned into an error of this package. resp is
// nil after 429, on a network error, and when no token was to be had.
func (c *Client) explain(resp *okta.Response, err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		// It quotes the URL, and in that of the token stands the signed assertion.
		err = at.Err
	}
	var told *okta.Error
	isTold := errors.As(err, &told)
	if isTold && resp == nil {
		return c.explainToken(told, err)
	}
	if resp == nil || resp.Response == nil {
		if !isTold && err.Error() == "too many requests" {
			return errors.New("Okta's rate limit was still used up after three requests and two waits; let others ask less, or have the limit raised")
		}
		return err
	}
	said := describe(told, resp.StatusCode)
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		if c.signer != nil {
			return fmt.Errorf("%w: %s", errTokenRejected, said)
		}
		return fmt.Errorf("%w: %s; the API token is wrong, expired or revoked: make a new one", ErrDenied, said)
	case http.StatusForbidden:
		if c.signer != nil {
			return fmt.Errorf("%w: %s; grant the app the scopes %v, and a role that may read this", ErrDenied, said, c.cfg.Auth.Scopes)
		}
		return fmt.Errorf("%w: %s; give the token's owner a role that may read this, such as Read-Only Administrator", ErrDenied, said)
	case http.StatusBadRequest:
		return fmt.Errorf("%w: %s", ErrRefused, said)
	case http.StatusNotFound:
		return fmt.Errorf("%w: %s", ErrNotFound, said)
	}
	return errors.New(said)
}

// explainToken is for errors of /oauth2/v1/token.
func (c *Client) explainToken(told *okta.Error, err error) error {
	permanent := []string{"invalid_client", "invalid_scope", "unauthorized_client", "unsupported_grant_type", "invalid_request", "access_denied"}
	if !slices.Contains(permanent, told.ErrorMessage) {
		return fmt.Errorf("ask for a bearer token: %w", err)
	}
	hint := "check client id, private key and key id"
	if told.ErrorMessage == "invalid_scope" {
		hint = fmt.Sprintf("grant the app the scopes %v", c.cfg.Auth.Scopes)
	}
	return fmt.Errorf("%w: Okta gives client %s no bearer token, %s (%s); %s", ErrDenied, c.cfg.Auth.ClientID, told.ErrorMessage, told.ErrorDescription, hint)
}

// describe says what Okta said, with its code where it gave one.
func describe(told *okta.Error, status int) string {
	if told == nil || told.ErrorSummary == "" {
		return fmt.Sprintf("Okta answered %d %s", status, http.StatusText(status))
	}
	code := told.ErrorCode
	if code != "" {
		code = " " + code
	}
	return fmt.Sprintf("Okta answered %d%s, %q", status, code, told.ErrorSummary)
}
