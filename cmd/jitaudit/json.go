package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"jitaudit/internal/scan"
	"jitaudit/internal/scan/truth"
	"jitaudit/internal/visible"
	"jitaudit/schemas"
)

// jsonPrinter writes a record per line, with its kind as first field.
type jsonPrinter struct {
	w     *bufio.Writer
	check *truth.Check // nil without a truth
	enc   *json.Encoder
	buf   bytes.Buffer // what enc writes to
	line  []byte
}

func newJSON(w io.Writer, check *truth.Check) *jsonPrinter {
	p := &jsonPrinter{w: bufio.NewWriterSize(w, 64<<10), check: check}
	p.enc = json.NewEncoder(&p.buf)
	p.enc.SetEscapeHTML(false)
	return p
}

// Result implements scan.Sink.
func (p *jsonPrinter) Result(r *scan.Result) error {
	if err := records(p, "grant", r.Grants); err != nil {
		return err
	}
	if err := records(p, "assumption", r.Assumptions); err != nil {
		return err
	}
	if err := records(p, "session", r.Sessions); err != nil {
		return err
	}
	if err := records(p, "activity_counts", r.Activity); err != nil {
		return err
	}
	return records(p, "finding", r.Findings)
}

// DeadLetter implements scan.Sink.
func (p *jsonPrinter) DeadLetter(d *schemas.DeadLetter) error { return p.record("deadletter", d) }

// Finish implements printer.
func (p *jsonPrinter) Finish(sum *scan.Summary) error {
	if err := records(p, "coverage", sum.Coverage); err != nil {
		return err
	}
	if err := records(p, "ledger", sum.Ledgers); err != nil {
		return err
	}
	if p.check != nil {
		line, err := truthLine(p.check)
		if err != nil {
			return err
		}
		p.w.Write(line)
	}
	return p.w.Flush()
}

func records[T any](p *jsonPrinter, kind string, list []T) error {
	for i := range list {
		if err := p.record(kind, &list[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *jsonPrinter) record(kind string, v any) error {
	p.buf.Reset()
	if err := p.enc.Encode(v); err != nil {
		return fmt.Errorf("encode a %s: %w", kind, err)
	}
	p.line = append(p.line[:0], `{"kind":"`...)
	p.line = append(p.line, kind...)
	p.line = append(p.line, `",`...)
	// Every record has fields, so that what follows its brace needs the comma.
	p.line = visible.JSON(p.line, p.buf.Bytes()[1:])
	_, err := p.w.Write(p.line)
	return err
}
