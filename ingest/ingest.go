// Package ingest is the contract of everything that reads the logs: a source
// hands over its records one by one, with their position, as the bytes that the
// vendor wrote. What cannot be read becomes a schemas.DeadLetter.
package ingest

import (
	"jitaudit/ingest/jsonscan"
	"jitaudit/schemas"
)

// Record is one event of a log, validated as a JSON object but not yet decoded.
type Record struct {
	Source schemas.Source
	File   string
	// Number counts the records of the file from 1, refused ones included.
	Number int64
	// Offset is where the record starts, in bytes of the uncompressed file.
	Offset int64
	// Raw are the record's bytes without surrounding white space. They are valid
	// only until the callback returns.
	Raw []byte
	// Values are the fields that the reader was asked for, or nil. They are valid
	// as long as Raw.
	Values *jsonscan.Values
}
