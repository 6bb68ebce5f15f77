package engine

import (
	"regexp"
	"strconv"
	"strings"
)

// Exception is an error of ClickHouse.
type Exception struct {
	// Code is ClickHouse's number for it, such as 60 for UNKNOWN_TABLE; 0 when
	// the engine gave none. ClickHouse's ErrorCodes.cpp has them all.
	Code int
	// Message is the engine's text, "Code: 60. DB::Exception: …" and all.
	Message string

	cause error
}

func (e *Exception) Error() string { return e.Message }

// Unwrap is the sentinel error of this package that the exception stands for,
// or nil.
func (e *Exception) Unwrap() error { return e.cause }

// exceptionCode is how ClickHouse begins the text of an exception.
var exceptionCode = regexp.MustCompile(`\bCode: (\d+)\.`)

func exception(message string) *Exception {
	e := &Exception{Message: strings.TrimSpace(message)}
	if m := exceptionCode.FindStringSubmatch(message); m != nil {
		e.Code, _ = strconv.Atoi(m[1]) // digits; one too long leaves 0
	}
	return e
}
