package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"jitaudit/internal/scan"
	"jitaudit/internal/scan/truth"
	"jitaudit/schemas"
)

// printer writes the results of a scan in one format. It is given them as a
// scan.Sink is, then the summary once.
type printer interface {
	scan.Sink
	Finish(*scan.Summary) error
}

// audit takes the results of a scan, keeps count and passes them on.
type audit struct {
	out   printer
	check *truth.Check    // nil without a truth
	dead  *deadLetterFile // nil without
	first func()          // called before the first result

	sessions, open int // open findings
	deadLetters    int
	failed         bool // what takes the results failed, not the scan
}

// Result implements scan.Sink.
func (a *audit) Result(r *scan.Result) error {
	a.begin()
	a.sessions += len(r.Sessions)
	for i := range r.Findings {
		if r.Findings[i].Status == schemas.Open {
			a.open++
		}
		if a.check != nil {
			a.check.Add(&r.Findings[i])
		}
	}
	return a.passedOn(writing(a.out.Result(r)))
}

// DeadLetter implements scan.Sink.
func (a *audit) DeadLetter(d *schemas.DeadLetter) error {
	a.begin()
	a.deadLetters++
	if a.dead != nil {
		if err := a.dead.write(d); err != nil {
			return a.passedOn(err)
		}
	}
	return a.passedOn(writing(a.out.DeadLetter(d)))
}

func (a *audit) passedOn(err error) error {
	a.failed = a.failed || err != nil
	return err
}

// writing tells what failed when results could not be written.
func writing(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("write the output: %w", err)
}

func (a *audit) begin() {
	if a.first != nil {
		a.first()
		a.first = nil
	}
}

func (a *audit) close() error {
	if a.dead == nil {
		return nil
	}
	return a.dead.close()
}

// deadLetterFile holds dead letters, one per line.
type deadLetterFile struct {
	file *os.File
	buf  *bufio.Writer
	enc  *json.Encoder
}

func createDeadLetters(path string) (*deadLetterFile, error) {
	// It holds raw log records, which are for the user alone.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create the file for dead letters: %w", err)
	}
	buf := bufio.NewWriter(f)
	return &deadLetterFile{file: f, buf: buf, enc: json.NewEncoder(buf)}, nil
}

func (d *deadLetterFile) write(letter *schemas.DeadLetter) error {
	if err := d.enc.Encode(letter); err != nil {
		return fmt.Errorf("write dead letters to %s: %w", d.file.Name(), err)
	}
	return nil
}

func (d *deadLetterFile) close() error {
	err := d.buf.Flush()
	if closed := d.file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write dead letters to %s: %w", d.file.Name(), err)
	}
	return nil
}
