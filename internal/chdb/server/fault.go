package server

import (
	"errors"
	"fmt"
	"net/http"

	"jitaudit/internal/chdb/engine"
)

// Codes of ClickHouse's errors that the handler itself raises, by the numbers of
// ClickHouse's ErrorCodes.cpp.
const (
	codeBadArguments         = 36
	codeChecksum             = 40
	codeNotImplemented       = 48
	codeSyntax               = 62
	codeUnknownCompression   = 89
	codeIncorrectData        = 117
	codeRequiredPassword     = 194
	codeTooManyQueries       = 202
	codeSameQueryID          = 216
	codeQueryTooLarge        = 307
	codeCancelled            = 394
	codeAuthenticationFailed = 516
	codeUnknown              = 1002
)

// fault is an exception in the words ClickHouse uses.
func fault(code int, format string, args ...any) error {
	return &engine.Exception{Code: code, Message: fmt.Sprintf("Code: %d. DB::Exception: %s", code, fmt.Sprintf(format, args...))}
}

// badData is the error for a body that could not be read to its end.
func badData(err error) error {
	if e := (*engine.Exception)(nil); errors.As(err, &e) {
		return err
	}
	return fault(codeIncorrectData, "Cannot read the request's body, nothing was inserted: %s", err)
}

// asException is any error as an exception with a code.
func asException(err error) *engine.Exception {
	e := &engine.Exception{}
	if errors.As(err, &e) && e.Code != 0 {
		return e
	}
	return &engine.Exception{Code: codeUnknown, Message: fmt.Sprintf("Code: %d. DB::Exception: %s", codeUnknown, err)}
}

// status is the HTTP status for a code, as ClickHouse's
// exceptionCodeToHTTPStatus.cpp has them for the codes that are met here.
func status(code int) int {
	switch code {
	case codeRequiredPassword:
		return http.StatusUnauthorized
	case codeAuthenticationFailed, 164, 192, 193, 497: // readonly, users and passwords, access
		return http.StatusForbidden
	case 46, 47, 50, 56, 60, 73, 81, 115: // an unknown function, column, type, engine, table, format, database, setting
		return http.StatusNotFound
	case codeBadArguments, codeSyntax, codeIncorrectData, codeChecksum, 6, 16, 26, 27, 38, 41, 44, 53, 69, 72: // what cannot be parsed or is of the wrong type
		return http.StatusBadRequest
	case codeQueryTooLarge:
		return http.StatusRequestEntityTooLarge
	case codeNotImplemented:
		return http.StatusNotImplemented
	}
	return http.StatusInternalServerError
}
