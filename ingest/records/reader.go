// Package records splits a file into records, whatever form the file has. The
// form is told by content: gzip (of several members, too) or plain; then
//
//   - a CloudTrail log file, {"Records":[…]};
//   - the output of LookupEvents, {"Events":[{"CloudTrailEvent":"…"}]}, whose
//     strings are the records, or the events out of it;
//   - an array of records, such as a saved page of the Okta System Log API;
//   - records one after another, one a line (NDJSON) or printed over many lines.
//
// Memory is bounded by the largest record that is accepted, not by the file.
package records

import (
	"fmt"
	"io"
	"os"

	"jitaudit/ingest"
	"jitaudit/ingest/jsonscan"
	"jitaudit/schemas"
)

const (
	// MaxRecord is the largest record that is accepted, in bytes. CloudTrail's
	// own limit is 256 KB, Okta's smaller still.
	MaxRecord = 16 << 20

	firstBuffer = 256 << 10
)

// Options say what is read and what is wanted of it.
type Options struct {
	// Source and File are copied into each record and dead letter.
	Source schemas.Source
	File   string
	// Fields are found while a record is validated and handed over as
	// Record.Values; nil wants none.
	Fields *jsonscan.Fields
}

// Reader splits files one after another, keeping its buffers. It is not safe for
// concurrent use: have one per worker. The zero value is ready.
type Reader struct {
	opts  Options
	fn    func(ingest.Record) error
	dead  func(schemas.DeadLetter) error
	src   source
	scan  jsonscan.Scanner
	inner jsonscan.Document

	buf      []byte // data is buf[pos:end], padding follows
	pos, end int
	base     int64 // offset of buf[0] in the stream
	number   int64
	readErr  error // why the stream ended, io.EOF included
	layout   layout
	kept     []byte // the beginning of a record that is being skipped
	// cut says that the stream is damaged within a record; rest that what is
	// left of the file cannot be read, and was reported.
	cut, rest bool
}

// Read splits what r holds. It calls fn for each record, and dead for each that
// must be refused, in the order of the file. It returns the first error of
// either function, or of reading r; a damaged file is no error but a dead letter.
func Read(r io.Reader, opts Options, fn func(ingest.Record) error, dead func(schemas.DeadLetter) error) error {
	var reader Reader
	return reader.Read(r, opts, fn, dead)
}

// ReadFile is Read for the file with this path.
func (r *Reader) ReadFile(path string, opts Options, fn func(ingest.Record) error, dead func(schemas.DeadLetter) error) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open log file: %w", err)
	}
	defer f.Close()
	if opts.File == "" {
		opts.File = path
	}
	return r.Read(f, opts, fn, dead)
}

// Read is like the function Read.
func (r *Reader) Read(in io.Reader, opts Options, fn func(ingest.Record) error, dead func(schemas.DeadLetter) error) error {
	r.opts, r.fn, r.dead = opts, fn, dead
	r.pos, r.end, r.base, r.number = 0, 0, 0, 0
	r.readErr, r.layout, r.cut, r.rest = nil, unknownLayout, false, false
	r.scan.Final = false
	if r.buf == nil {
		r.buf = make([]byte, firstBuffer+jsonscan.Padding)
	}
	if err := r.src.open(in); err != nil {
		if r.src.in.err != nil {
			return fmt.Errorf("read %s: %w", opts.File, err)
		}
		return r.refuseFile("its gzip header is damaged; fetch the file again")
	}
	if err := r.file(); err != nil {
		return err
	}
	return r.finish()
}

// file reads all values of the file.
func (r *Reader) file() error {
	r.more()
	if reason := r.foreign(); reason != "" {
		return r.refuseFile(reason)
	}
	r.byteOrderMark()
	empty := true
	for !r.stopped() {
		if !r.space() {
			break
		}
		empty = false
		if err := r.value(); err != nil {
			return err
		}
	}
	if empty && r.readErr == io.EOF {
		return r.refuseFile("empty file; fetch it again, or remove it")
	}
	return nil
}

// finish reports a stream that did not end well. What was read of it before
// counts.
func (r *Reader) finish() error {
	switch {
	case r.src.in.err != nil:
		return fmt.Errorf("read %s at offset %d: %w", r.opts.File, r.base+int64(r.end), r.src.in.err)
	case r.readErr == errBomb:
		r.pos = r.end
		return r.refuseFile(errBomb.Error() + "; check where it comes from")
	case r.readErr == nil || r.readErr == io.EOF || r.rest:
		return nil
	}
	return r.letter(r.number+1, r.offset(), r.streamProblem(), r.buf[r.pos:r.end])
}

func (r *Reader) streamProblem() string {
	if r.readErr == io.ErrUnexpectedEOF {
		return "the gzip file is cut off here; fetch the file again"
	}
	return fmt.Sprintf("the gzip file is damaged here (%v); fetch the file again", r.readErr)
}

// more reads on, keeping buf[pos:end]. It fills the buffer, growing it if it is
// full, and reports whether there is any new data. pos may move.
func (r *Reader) more() bool {
	if r.readErr != nil {
		return false
	}
	if r.pos > 0 {
		copy(r.buf, r.buf[r.pos:r.end])
		r.base += int64(r.pos)
		r.end -= r.pos
		r.pos = 0
	}
	if room := len(r.buf) - jsonscan.Padding; r.end == room {
		grown := make([]byte, min(2*room, MaxRecord+firstBuffer)+jsonscan.Padding)
		copy(grown, r.buf[:r.end])
		r.buf = grown
	}
	before := r.end
	for room := len(r.buf) - jsonscan.Padding; r.end < room && r.readErr == nil; {
		var n int
		n, r.readErr = r.src.Read(r.buf[r.end:room])
		r.end += n
	}
	clear(r.buf[r.end : r.end+jsonscan.Padding])
	r.scan.Final = r.readErr == io.EOF
	return r.end > before
}

// space skips white space and reports whether anything follows.
func (r *Reader) space() bool {
	for {
		for r.pos < r.end {
			switch r.buf[r.pos] {
			case ' ', '\t', '\r', '\n':
				r.pos++
			default:
				return true
			}
		}
		if !r.more() {
			return false
		}
	}
}

// deliver hands over a valid value as the next record.
func (r *Reader) deliver(offset int64, raw []byte, values *jsonscan.Values) error {
	r.number++
	if r.opts.Fields == nil {
		values = nil
	}
	if kind := jsonscan.KindOf(raw); kind != jsonscan.Object {
		reason := fmt.Sprintf("a record must be a JSON object, but this is %s; remove it or mend the export", kind)
		return r.letter(r.number, offset, reason, raw)
	}
	return r.fn(ingest.Record{
		Source: r.opts.Source, File: r.opts.File,
		Number: r.number, Offset: offset, Raw: raw, Values: values,
	})
}

// refuseFile reports what is left of the file as unreadable.
func (r *Reader) refuseFile(reason string) error {
	r.rest = true
	return r.letter(0, r.offset(), reason, r.buf[r.pos:r.end])
}

// offset is that of the next byte.
func (r *Reader) offset() int64 { return r.base + int64(r.pos) }

func (r *Reader) stopped() bool { return r.cut || r.rest }

func (r *Reader) letter(number, offset int64, reason string, raw []byte) error {
	if len(raw) > schemas.RawLimit {
		raw = raw[:schemas.RawLimit]
	}
	return r.dead(schemas.DeadLetter{
		Source: r.opts.Source, File: r.opts.File, Record: number, Offset: offset,
		Reason: reason, Raw: append([]byte(nil), raw...),
	})
}
