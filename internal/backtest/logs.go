package backtest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"jitaudit/internal/scan"
	"jitaudit/schemas"
	"jitaudit/sinks/clickhouse"
)

// logs puts raw events into files, a few for each log, so that a scan can read
// them side by side.
type logs struct {
	dir    string
	kept   time.Time
	inputs []scan.Input
	events int
	// users is how many of the events are users of an Identity Store, who come of
	// whatever time.
	users int

	open map[scan.Input]*logFile // by what is in it, without its path
	// covered are the intervals of each shard, joined now and then.
	covered map[string][]schemas.Coverage
}

// fileBytes is how much goes into one file, before compression.
const fileBytes = 64 << 20

type logFile struct {
	f    *os.File
	buf  *bufio.Writer
	gz   *gzip.Writer
	size int
}

func newLogs(dir string, kept time.Time) *logs {
	return &logs{dir: dir, kept: kept, open: make(map[scan.Input]*logFile), covered: make(map[string][]schemas.Coverage)}
}

// add takes an event. What collectors tell of coverage is kept for itself: it
// stands behind the events that it is about, so that it holds for those that are
// here.
func (l *logs) add(e *clickhouse.RawEvent) error {
	if e.Kind == schemas.RawCoverage {
		return l.cover(e)
	}
	in, ok := inputOf(e)
	if !ok {
		return nil
	}
	w, err := l.file(in)
	if err != nil {
		return err
	}
	l.events++
	if e.Kind == schemas.RawUser {
		l.users++
	}
	w.size += len(e.Value) + 1
	if _, err = w.gz.Write(e.Value); err == nil {
		_, err = w.gz.Write([]byte{'\n'})
	}
	if err != nil {
		return fmt.Errorf("write raw events to %s: %w", w.f.Name(), err)
	}
	return nil
}

func (l *logs) cover(e *clickhouse.RawEvent) error {
	var c schemas.Coverage
	if err := json.Unmarshal(e.Value, &c); err != nil {
		return fmt.Errorf("read what the raw events say of coverage of %s: %w", e.Shard, err)
	}
	if e.Stored.Before(l.kept) || !c.From.Before(c.To) {
		return nil
	}
	l.covered[c.Shard] = append(l.covered[c.Shard], c)
	if all := l.covered[c.Shard]; len(all) > 1000 {
		l.covered[c.Shard] = joined(all)
	}
	return nil
}

// coverage is where the events are complete, by shard and time; never nil, which
// would have a scan guess.
func (l *logs) coverage() []schemas.Coverage {
	out := []schemas.Coverage{}
	for _, all := range l.covered {
		out = append(out, joined(all)...)
	}
	slices.SortFunc(out, func(a, b schemas.Coverage) int {
		if c := strings.Compare(a.Shard, b.Shard); c != 0 {
			return c
		}
		return a.From.Compare(b.From)
	})
	return out
}

// joined joins intervals of one shard that overlap or touch. What is verified in
// part only counts as assumed.
func joined(all []schemas.Coverage) (out []schemas.Coverage) {
	slices.SortFunc(all, func(a, b schemas.Coverage) int { return a.From.Compare(b.From) })
	for _, c := range all {
		n := len(out) - 1
		if n < 0 || c.From.After(out[n].To) {
			out = append(out, c)
			continue
		}
		if c.To.After(out[n].To) {
			out[n].To = c.To
		}
		if c.Basis != out[n].Basis {
			out[n].Basis = schemas.CoverageAssumed
		}
	}
	return out
}

// inputOf is the log that an event is of; false for what a scan does not read.
func inputOf(e *clickhouse.RawEvent) (scan.Input, bool) {
	_, name, _ := strings.Cut(e.Shard, "/")
	switch {
	case e.Kind == schemas.RawMember, e.Kind == schemas.RawSnapshot, e.Kind == schemas.RawRequest:
		return scan.Input{Source: schemas.Okta, Org: name, Snapshot: true}, true
	case e.Kind == schemas.RawUser: // of no org
		return scan.Input{Source: schemas.CloudTrail, Snapshot: true}, true
	case e.Kind != schemas.RawEvent:
		return scan.Input{}, false
	case e.Source == schemas.Okta, e.Source == schemas.Approvals:
		return scan.Input{Source: e.Source, Org: name}, true
	case e.Source == schemas.CloudTrail:
		return scan.Input{Source: e.Source}, true
	}
	return scan.Input{}, false
}

// file is the one that events of a log go to now.
func (l *logs) file(in scan.Input) (*logFile, error) {
	if w := l.open[in]; w != nil && w.size < fileBytes {
		return w, nil
	} else if w != nil {
		delete(l.open, in)
		if err := w.close(); err != nil {
			return nil, err
		}
	}
	path := filepath.Join(l.dir, fmt.Sprintf("%06d.ndjson.gz", len(l.inputs)))
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("write raw events: %w", err)
	}
	w := &logFile{f: f, buf: bufio.NewWriterSize(f, 256<<10)}
	if w.gz, err = gzip.NewWriterLevel(w.buf, gzip.BestSpeed); err != nil {
		return nil, errors.Join(fmt.Errorf("write raw events: %w", err), f.Close())
	}
	l.open[in] = w
	in.Path = path
	l.inputs = append(l.inputs, in)
	return w, nil
}

func (w *logFile) close() error {
	err := w.gz.Close()
	if flushed := w.buf.Flush(); err == nil {
		err = flushed
	}
	if closed := w.f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write raw events to %s: %w", w.f.Name(), err)
	}
	return nil
}

// close ends all files.
func (l *logs) close() (err error) {
	for _, w := range l.open {
		err = errors.Join(err, w.close())
	}
	return err
}
