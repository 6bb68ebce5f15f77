// Package sinks takes the results of jitaudit from Kafka to where people look
// for them: what a sink must do, and the loop that feeds it. The sinks
// themselves are the packages below.
package sinks

import (
	"context"
	"errors"
	"time"

	"jitaudit/internal/kafka"
)

// Record is one message of a topic.
type Record struct {
	// Topic is without prefix, as package topics names it.
	Topic     string
	Partition int
	Offset    int64
	Key       []byte
	// Value is the JSON of a record of package schemas.
	Value []byte
	// Time is when the message was published.
	Time time.Time
	// Headers are the message's.
	Headers []Header
}

// Header is a header of a message.
type Header = kafka.Header

// Header returns the value of the first header of that name, empty if there is
// none.
func (r *Record) Header(name string) string {
	for i := range r.Headers {
		if r.Headers[i].Key == name {
			return string(r.Headers[i].Value)
		}
	}
	return ""
}

// Refusal is a record that a sink cannot take, whatever is done: what is wrong
// is in the record.
type Refusal struct {
	// Record is its place in the batch.
	Record int
	// Reason is one sentence.
	Reason string
}

// Sink is where records go.
type Sink interface {
	// Write returns after the far side has made the batch durable, but for the
	// records that it names. To write a record again, in whatever order, must
	// change nothing: after an error some records of the batch may have been
	// written, and the caller gives the whole batch again, unless the error says
	// by Permanent that this will not help. It may be called by one goroutine
	// at a time and does not keep the batch.
	Write(ctx context.Context, batch []Record) ([]Refusal, error)
}

// Permanent marks an error that trying again will not mend: somebody has to
// change a configuration, a right, a password. It is nil for nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

// IsPermanent reports whether an error was marked by Permanent. What is not is
// taken to pass: it is tried again, and nothing is lost.
func IsPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p)
}

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }

func (e *permanentError) Unwrap() error { return e.err }
