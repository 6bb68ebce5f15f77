package policytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"jitaudit/correlate/policy"
	"jitaudit/ingest"
	split "jitaudit/ingest/records"
	"jitaudit/schemas"
)

// records are the events of a test as they are scanned, by source.
type records map[schemas.Source]*log

// log is one record a line, and where in the suite each comes from.
type log struct {
	lines bytes.Buffer
	from  []place
}

// place is a line of the suite, and what stands there.
type place struct {
	line int
	what string
}

// write works out the events of a test.
func (t *Test) write(d *decoder, set *policy.Set) {
	t.records = records{}
	x := &expander{decoder: d, policies: set, records: t.records}
	x.facts(t.Facts, "facts")
	for _, part := range []struct {
		source schemas.Source
		events []Event
	}{{schemas.Okta, t.Events.Okta}, {schemas.CloudTrail, t.Events.CloudTrail}, {schemas.Approvals, t.Events.Approvals}} {
		for i := range part.events {
			e, path := &part.events[i], fmt.Sprintf("events.%s[%d]", part.source, i)
			if e.File == "" {
				t.records.add(d, part.source, e.Line, path, e.Value)
			} else {
				t.records.file(d, part.source, e)
			}
		}
	}
}

// add writes an event down.
func (r records) add(d *decoder, source schemas.Source, line int, path string, event any) {
	raw, err := json.Marshal(event)
	if err != nil {
		d.errorf(line, "%s cannot be written as JSON: %v", path, err)
		return
	}
	r.line(source, place{line, path}, raw)
}

func (r records) line(source schemas.Source, from place, raw []byte) {
	l := r[source]
	if l == nil {
		l = &log{}
		r[source] = l
	}
	l.lines.Write(raw)
	l.lines.WriteByte('\n')
	l.from = append(l.from, from)
}

// file adds the records of a file, in any form that scan reads.
func (r records) file(d *decoder, source schemas.Source, e *Event) {
	path := beside(d.file, e.File)
	in, err := os.Open(path)
	if err != nil {
		d.errorf(e.Line, "read events: %v", err)
		return
	}
	defer in.Close()
	var reader split.Reader
	err = reader.Read(in, split.Options{Source: source, File: path},
		func(rec ingest.Record) error {
			var one bytes.Buffer
			if err := json.Compact(&one, rec.Raw); err != nil {
				return fmt.Errorf("record %d of %s: %w", rec.Number, path, err)
			}
			r.line(source, place{e.Line, fmt.Sprintf("record %d of %s", rec.Number, path)}, one.Bytes())
			return nil
		},
		func(dead schemas.DeadLetter) error {
			d.errorf(e.Line, "record %d of %s cannot be read: %s", dead.Record, path, dead.Reason)
			return nil
		})
	if err != nil {
		d.errorf(e.Line, "read events: %v", err)
	}
}

// data are the bytes of a source; nil for no events.
func (r records) data(source schemas.Source) []byte {
	if r[source] == nil {
		return nil
	}
	return r[source].lines.Bytes()
}
