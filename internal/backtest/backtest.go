// Package backtest judges the raw events that ClickHouse keeps under another
// policy, and tells which findings would come, go or change.
package backtest

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/internal/scan"
	"jitaudit/schemas"
	"jitaudit/sinks/clickhouse"
)

// Options say what is compared.
type Options struct {
	// Events hands on the raw events from a time on, and Coverage is where the logs
	// are complete, as those of clickhouse.DB.
	Events   func(ctx context.Context, since time.Time, each func(*clickhouse.RawEvent) error) error
	Coverage []schemas.Coverage
	// Old are the policies in force, New those to try.
	Old, New *policy.Set
	// Since is from when on findings are compared. Events from the longest reach of
	// the policies before are read too.
	Since time.Time
	// TempDir is where events are put for the time being; default os.TempDir().
	TempDir string
	// Read is told how many events have been read, now and then; may be nil.
	Read func(events int)
}

// Change says how a finding differs.
type Change string

// The changes.
const (
	Added   Change = "added"
	Removed Change = "removed"
	Changed Change = "changed"
)

// Difference is a finding that the new policy judges otherwise.
type Difference struct {
	Change Change `json:"change"`
	// Old is nil for one that is added, New for one that is removed.
	Old *schemas.Finding `json:"old,omitempty"`
	New *schemas.Finding `json:"new,omitempty"`
}

// finding is the one that there is.
func (d *Difference) finding() *schemas.Finding { return cmp.Or(d.New, d.Old) }

// Report is what a backtest has come to.
type Report struct {
	Events int `json:"events"`
	// Old and New count the findings from Since on.
	Old         int          `json:"old"`
	New         int          `json:"new"`
	Same        int          `json:"same"`
	Differences []Difference `json:"differences"`
}

// Run compares.
func Run(ctx context.Context, o Options) (r Report, err error) {
	dir, err := os.MkdirTemp(o.TempDir, "jitaudit-backtest-")
	if err != nil {
		return r, fmt.Errorf("make a folder for the raw events: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	inputs, events, err := write(ctx, dir, &o)
	if err != nil {
		return r, err
	}
	if events == 0 {
		return r, fmt.Errorf("no raw events are kept from %s on: raw_events (sinks.clickhouse) keeps them, for 90 days", o.Since.Format(time.RFC3339))
	}
	before, err := judge(ctx, inputs, o.Old, &o)
	if err != nil {
		return r, fmt.Errorf("judge by the policy in force: %w", err)
	}
	after, err := judge(ctx, inputs, o.New, &o)
	if err != nil {
		return r, fmt.Errorf("judge by the new policy: %w", err)
	}
	r = compare(before, after)
	r.Events = events
	return r, nil
}

// reach is how far before a finding events may matter.
func reach(sets ...*policy.Set) (d time.Duration) {
	for _, s := range sets {
		for _, p := range s.All() {
			b := &p.Bounds
			d = max(d, b.GrantLookback+b.RequestWindow, b.PortalSession+b.OktaSession, b.StandingAccess)
		}
	}
	return d + 48*time.Hour // a session, and what it led to
}

// write puts the events into one file per log.
func write(ctx context.Context, dir string, o *Options) (inputs []scan.Input, events int, err error) {
	files := make(map[string]*bufio.Writer)
	var closers []*os.File
	defer func() {
		for _, f := range closers {
			err = errors.Join(err, f.Close())
		}
	}()
	open := func(e *clickhouse.RawEvent) (*bufio.Writer, error) {
		in, ok := inputOf(e)
		if !ok {
			return nil, nil
		}
		key := string(in.Source) + " " + in.Org + fmt.Sprint(in.Snapshot)
		if w := files[key]; w != nil {
			return w, nil
		}
		in.Path = filepath.Join(dir, fmt.Sprintf("%d.ndjson", len(files)))
		f, err := os.OpenFile(in.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, fmt.Errorf("write raw events: %w", err)
		}
		closers = append(closers, f)
		inputs = append(inputs, in)
		w := bufio.NewWriterSize(f, 1<<20)
		files[key] = w
		return w, nil
	}
	err = o.Events(ctx, o.Since.Add(-reach(o.Old, o.New)), func(e *clickhouse.RawEvent) error {
		w, err := open(e)
		if err != nil || w == nil {
			return err
		}
		events++
		if o.Read != nil && events%10_000 == 0 {
			o.Read(events)
		}
		_, err = w.Write(append(e.Value, '\n'))
		return err
	})
	for _, w := range files {
		err = errors.Join(err, w.Flush())
	}
	return inputs, events, err
}

// inputOf is the log that an event is of; false for what a scan does not read.
func inputOf(e *clickhouse.RawEvent) (scan.Input, bool) {
	switch e.Kind {
	case schemas.RawEvent:
		in := scan.Input{Source: e.Source}
		switch e.Source {
		case schemas.Okta:
			in.Org = strings.TrimPrefix(e.Shard, schemas.OktaShard(""))
		case schemas.Approvals:
			in.Org = strings.TrimPrefix(e.Shard, schemas.ApprovalsShard(""))
		}
		return in, true
	case schemas.RawMember, schemas.RawSnapshot:
		return scan.Input{Source: schemas.Okta, Org: strings.TrimPrefix(e.Shard, schemas.OktaShard("")), Snapshot: true}, true
	}
	return scan.Input{}, false
}

// findings gathers the findings of a scan.
type findings struct {
	since time.Time
	all   map[string]schemas.Finding
}

// Result implements scan.Sink.
func (f *findings) Result(r *scan.Result) error {
	for _, found := range r.Findings {
		if !found.At.Before(f.since) {
			f.all[found.ID] = found
		}
	}
	return nil
}

// DeadLetter implements scan.Sink.
func (f *findings) DeadLetter(*schemas.DeadLetter) error { return nil }

func judge(ctx context.Context, inputs []scan.Input, set *policy.Set, o *Options) (map[string]schemas.Finding, error) {
	f := &findings{since: o.Since, all: make(map[string]schemas.Finding)}
	_, err := scan.Run(ctx, scan.Options{Inputs: inputs, Policies: set, Coverage: o.Coverage, TempDir: o.TempDir}, f)
	return f.all, err
}

// compare tells what differs. That another policy judged is no difference.
func compare(before, after map[string]schemas.Finding) Report {
	r := Report{Old: len(before), New: len(after)}
	for id, old := range before {
		found, ok := after[id]
		switch {
		case !ok:
			r.Differences = append(r.Differences, Difference{Removed, &old, nil})
		case differ(&old, &found):
			r.Differences = append(r.Differences, Difference{Changed, &old, &found})
		default:
			r.Same++
		}
	}
	for id, found := range after {
		if _, ok := before[id]; !ok {
			r.Differences = append(r.Differences, Difference{Added, nil, &found})
		}
	}
	slices.SortFunc(r.Differences, func(a, b Difference) int {
		return cmp.Or(strings.Compare(string(a.Change), string(b.Change)), a.finding().At.Compare(b.finding().At), strings.Compare(a.finding().ID, b.finding().ID))
	})
	return r
}

func differ(a, b *schemas.Finding) bool {
	return a.Severity != b.Severity || a.Status != b.Status || a.Why != b.Why || (a.Suppressed == nil) != (b.Suppressed == nil) || !slices.Equal(a.Evidence, b.Evidence)
}
