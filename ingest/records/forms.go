package records

import (
	"bytes"
	"fmt"

	"jitaudit/ingest/jsonscan"
)

// place is where a record stands; it decides how to go on behind a bad one.
type place uint8

const (
	topLevel      place = iota // by itself
	element                    // in an array
	lookupElement              // in the array of LookupEvents, as a string
)

// layout is how records that stand by themselves are printed.
type layout uint8

const (
	unknownLayout layout = iota
	oneLine              // NDJSON
	manyLines
)

var bom = []byte("\xef\xbb\xbf")

// foreign tells a file that is no UTF-8 text by its first bytes.
func (r *Reader) foreign() string {
	head := r.buf[r.pos:min(r.end, 64)]
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return "the file is UTF-16; convert it to UTF-8"
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}),
		bytes.HasPrefix(head, []byte("BZh")), bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return "the file is packed in a way that is not read here; unpack it, or pack it once with gzip"
	case bytes.IndexByte(head, 0) >= 0:
		return "the file holds NUL bytes, so it is UTF-16 or no text; convert it to UTF-8"
	}
	return ""
}

// value reads what stands at the top level of the file.
func (r *Reader) value() error {
	if r.buf[r.pos] == bom[0] && r.byteOrderMark() {
		return nil
	}
	if r.buf[r.pos] == '[' {
		return r.array(element)
	}
	return r.record(topLevel)
}

// byteOrderMark skips the mark of UTF-8, which begins a file, or each part of
// one that was put together of several.
func (r *Reader) byteOrderMark() bool {
	if r.end-r.pos < len(bom) {
		r.more()
	}
	if !bytes.HasPrefix(r.buf[r.pos:r.end], bom) {
		return false
	}
	r.pos += len(bom)
	return true
}

// array reads the array that starts at the next byte.
func (r *Reader) array(in place) error {
	r.pos++
	for first := true; ; first = false {
		if !r.space() {
			return r.endsEarly("the file ends within its array of records; fetch it again")
		}
		if first && r.buf[r.pos] == ']' {
			r.pos++
			return nil
		}
		if err := r.record(in); err != nil || r.stopped() {
			return err
		}
		if closed, err := r.separator(); closed || err != nil || r.stopped() {
			return err
		}
	}
}

// separator reads what stands behind an element, and reports whether the array
// is closed.
func (r *Reader) separator() (bool, error) {
	for !r.stopped() {
		if !r.space() {
			return false, r.endsEarly("the file ends within its array of records; fetch it again")
		}
		switch r.buf[r.pos] {
		case ',':
			r.pos++
			return false, nil
		case ']':
			r.pos++
			return true, nil
		}
		if err := r.malformed(element, r.pos, "a comma is missing before this record"); err != nil {
			return false, err
		}
	}
	return false, nil
}

// envelope reads the array that starts at the next byte, and what else the
// object around it holds.
func (r *Reader) envelope(lookup bool) error {
	for more := true; more; {
		in := element
		if lookup {
			in = lookupElement
		}
		if err := r.array(in); err != nil || r.stopped() {
			return err
		}
		var err error
		if more, lookup, err = r.members(); err != nil || r.stopped() {
			return err
		}
	}
	return nil
}

// members reads the members of an envelope behind an array of records. It stops
// at the end of the envelope or before a further such array.
func (r *Reader) members() (more, lookup bool, err error) {
	for {
		if !r.space() {
			return false, false, r.endsEarly("the file ends before its last closing brace; fetch it again")
		}
		switch r.buf[r.pos] {
		case '}':
			r.pos++
			return false, false, nil
		case ',':
			r.pos++
		default:
			return false, false, r.giveUp("a comma or a closing brace is missing here")
		}
		key, ok := r.token()
		if !ok || jsonscan.KindOf(key) != jsonscan.String {
			return false, false, r.giveUp("an object needs a quoted key here")
		}
		records, events := string(key) == `"Records"`, string(key) == `"Events"`
		if !r.space() || r.buf[r.pos] != ':' {
			return false, false, r.giveUp("a key needs a colon behind it")
		}
		r.pos++
		if (records || events) && r.space() && r.buf[r.pos] == '[' {
			return true, events, nil
		}
		if _, ok := r.token(); !ok {
			return false, false, r.giveUp("a value is malformed or missing here")
		}
	}
}

// token reads one value that is no record.
func (r *Reader) token() ([]byte, bool) {
	if !r.space() {
		return nil, false
	}
	next, status := r.scanValue(nil, false)
	if status != jsonscan.Complete {
		return nil, false
	}
	raw := r.buf[r.pos:next]
	r.pos = next
	return raw, true
}

// scanValue scans the next value, reading on as needed, and returns its end.
func (r *Reader) scanValue(f *jsonscan.Fields, envelopes bool) (int, jsonscan.Status) {
	r.scan.Envelopes = envelopes
	for {
		next, status := r.scan.Scan(r.buf, r.pos, r.end, f)
		if status != jsonscan.Incomplete || r.end-r.pos > MaxRecord {
			return next, status
		}
		final := r.scan.Final
		if !r.more() && r.scan.Final == final {
			return next, status
		}
	}
}

// record reads the value that starts at the next byte as a record.
func (r *Reader) record(in place) error {
	next, status := r.scanValue(r.opts.Fields, in == topLevel)
	switch {
	case status == jsonscan.Envelope:
		r.pos = next
		return r.envelope(r.scan.Lookup())
	case next-r.pos > MaxRecord, status == jsonscan.Incomplete && r.end-r.pos > MaxRecord:
		return r.oversized(in)
	case status == jsonscan.TooDeep:
		reason := fmt.Sprintf("the record is nested deeper than %d levels; remove it or mend the export", jsonscan.MaxDepth)
		return r.skipValue(in, reason)
	case status == jsonscan.Malformed:
		at, why := r.scan.Problem()
		if r.buf[at] == 0 {
			why = "a NUL byte is no JSON; if the file is UTF-16, convert it to UTF-8"
		}
		return r.malformed(in, at, why)
	case status == jsonscan.Incomplete && r.damaged():
		r.cut = true
		return nil
	case status == jsonscan.Incomplete:
		return r.unfinished(in)
	}
	offset, raw := r.offset(), r.buf[r.pos:next]
	r.pos = next
	if in == topLevel && r.layout == unknownLayout {
		r.layout = oneLine
		if bytes.IndexByte(raw, '\n') >= 0 {
			r.layout = manyLines
		}
	}
	if event, ok := r.scan.Values.Inner(); ok || in == lookupElement {
		return r.deliverLookup(offset, raw, event)
	}
	return r.deliver(offset, raw, &r.scan.Values)
}

// deliverLookup takes the record out of an event of LookupEvents.
func (r *Reader) deliverLookup(offset int64, raw, event []byte) error {
	refuse := func(reason string) error {
		r.number++
		return r.letter(r.number, offset, reason, raw)
	}
	if event == nil {
		return refuse("an event of LookupEvents must have its record in the string CloudTrailEvent; save the output of LookupEvents unchanged")
	}
	event = bytes.TrimSpace(event)
	values, err := r.inner.Parse(event, r.opts.Fields)
	if err != nil {
		return refuse(fmt.Sprintf("CloudTrailEvent: %v; save the output of LookupEvents unchanged", err))
	}
	return r.deliver(offset, event, values)
}
