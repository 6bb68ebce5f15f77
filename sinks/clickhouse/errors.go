package clickhouse

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"jitaudit/sinks"
)

// The codes of ClickHouse that we tell apart (its ErrorCodes.cpp).
const (
	codeCannotParseText   = 6
	codeNoSuchColumn      = 16
	codeUnknownIdentifier = 47
	codeTypeMismatch      = 53
	codeUnknownTable      = 60
	codeCannotConvertType = 70
	codeUnknownDatabase   = 81
	codeUnknownSetting    = 115
	codeReadOnly          = 164
	codeUnknownUser       = 192
	codeWrongPassword     = 193
	codeRequiredPassword  = 194
	codeMemoryLimit       = 241
	codeNotEnoughSpace    = 243
	codeTooManyParts      = 252
	codeCannotInsertNull  = 349
	codeSettingConstraint = 452
	codeAccessDenied      = 497
	codeAuthentication    = 516
	maxServerText         = 300
	noSpace               = "No space left on device"
)

// failure is an error in one sentence. The cause is for errors.As alone: its own
// text may hold the URL, hence the user.
type failure struct {
	text  string
	cause error
}

func (e *failure) Error() string { return e.text }

func (e *failure) Unwrap() error { return e.cause }

// explain says in one sentence what failed, and what to do. It is nil for nil.
func (db *DB) explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	var known *failure
	if errors.As(err, &known) {
		return err
	}
	why, permanent := db.why(err)
	text := fmt.Sprintf("%s in database %s of ClickHouse at %s: %s", doing, db.cfg.Database, db.cfg.Address(), why)
	out := error(&failure{db.redact(text), err})
	if permanent {
		return sinks.Permanent(out)
	}
	return out
}

// why says what is wrong, and whether somebody has to do something about it
// before it is worth another try.
func (db *DB) why(err error) (string, bool) {
	var exception *clickhouse.Exception
	var answer *clickhouse.HTTPError
	switch {
	case errors.Is(err, context.Canceled):
		return "given up, since we are to stop", false
	case errors.As(err, &exception):
		return db.whyException(exception)
	case errors.As(err, &answer):
		return whyAnswer(answer)
	}
	return whyNetwork(err)
}

func (db *DB) whyException(e *clickhouse.Exception) (string, bool) {
	said := serverText(e)
	switch e.Code {
	case codeAuthentication, codeUnknownUser, codeWrongPassword, codeRequiredPassword:
		return fmt.Sprintf("the server does not let user %s in: check user and password", db.cfg.User), true
	case codeAccessDenied:
		if right := missingRight(e.Message); right != "" {
			return fmt.Sprintf("user %s lacks a right: GRANT %s TO %s", db.cfg.User, right, db.cfg.User), true
		}
		return fmt.Sprintf("user %s lacks a right: %s", db.cfg.User, said), true
	case codeReadOnly, codeSettingConstraint, codeUnknownSetting:
		return fmt.Sprintf("the profile of user %s forbids it: %s: allow it to write and to change settings", db.cfg.User, said), true
	case codeUnknownDatabase, codeUnknownTable, codeUnknownIdentifier, codeNoSuchColumn:
		return fmt.Sprintf("it lacks what our migrations make: %s: run `jitaudit migrate`, which makes it, or says what was altered", said), true
	case codeCannotParseText, codeTypeMismatch, codeCannotConvertType, codeCannotInsertNull:
		// Each column is sent as a type that ours takes.
		return fmt.Sprintf("a column is not what our migrations make it: %s: run `jitaudit migrate --dry-run`, which says how to mend it", said), true
	case codeNotEnoughSpace:
		return "the server's disk is full: free some space or add a disk; it goes on by itself then", false
	case codeTooManyParts:
		return "the server merges more slowly than we insert: give it time, or write larger batches", false
	case codeMemoryLimit:
		return "the server is out of memory: " + said, false
	}
	if strings.Contains(e.Message, noSpace) {
		return "the server's disk is full: free some space or add a disk; it goes on by itself then", false
	}
	return fmt.Sprintf("the server answers with code %d: %s", e.Code, said), false
}

// missingRight finds the right that the server asks for in "it's necessary to
// have the grant INSERT(id) ON jitaudit.grants_log.".
func missingRight(message string) string {
	m := regexp.MustCompile(`have the grant (.+? ON [^\s,.]+(?:\.[^\s,.]+)?)`).FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	return m[1]
}

// serverText is the first line of what the server said, without its version.
func serverText(e *clickhouse.Exception) string {
	text, _, _ := strings.Cut(e.Message, "\n")
	text, _, _ = strings.Cut(text, " (version ")
	text = strings.TrimPrefix(strings.TrimSuffix(strings.TrimSpace(text), "."), "DB::Exception: ")
	if len(text) > maxServerText {
		text = text[:maxServerText] + "…"
	}
	return text
}

func whyAnswer(e *clickhouse.HTTPError) (string, bool) {
	switch e.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return fmt.Sprintf("it answers %d: check user and password, and what stands between us and the server", e.StatusCode), true
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusMovedPermanently, http.StatusFound:
		return fmt.Sprintf("it answers %d, not as ClickHouse does: check that the url names its HTTP interface (usually port 8123, or 8443 with TLS)", e.StatusCode), true
	}
	return fmt.Sprintf("it answers %d: check that the server is up behind this url", e.StatusCode), false
}

func whyNetwork(err error) (string, bool) {
	var cert *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown), errors.As(err, &cert):
		return fmt.Sprintf("its certificate is not to be trusted (%v): give the CA that signed it as ca_file", innermost(err)), true
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "it does not speak TLS on this port: use http, or the port of https (usually 8443)", true
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, clickhouse.ErrAcquireConnTimeout):
		return "it did not answer in time: check that it is up and not overloaded", false
	}
	return fmt.Sprintf("it cannot be reached (%v): check that it is up and that the url is right", innermost(err)), false
}

// innermost takes off the layer that would print the URL.
func innermost(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// redact takes the password out of what somebody else may have put into a text.
func (db *DB) redact(text string) string {
	if db.cfg.Password == "" {
		return text
	}
	for _, form := range []string{db.cfg.Password, url.QueryEscape(db.cfg.Password), url.PathEscape(db.cfg.Password)} {
		text = strings.ReplaceAll(text, form, "***")
	}
	return text
}
