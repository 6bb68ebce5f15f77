// Package backtest judges the raw events that ClickHouse keeps under another
// policy, and tells which findings would come, go or change.
//
// Both policies judge the same events by the same program, so that what differs
// is due to the policy alone. The events go to temporary files as they come, and
// a scan reads those twice: memory does not grow with them.
package backtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/internal/scan"
	"jitaudit/schemas"
	"jitaudit/sinks/clickhouse"
)

// Options say what is compared.
type Options struct {
	// Events hands on the raw events from a time on, and the users of Identity Stores
	// from before as well, in any order, some of them several times, as
	// clickhouse.DB.RawEvents does.
	Events func(ctx context.Context, since time.Time, each func(*clickhouse.RawEvent) error) error
	// Old are the policies in force, New those to try.
	Old, New *policy.Set
	// Since is from when on findings are compared. Events from further back are read
	// too, as far as the policies look back.
	Since time.Time
	// Kept is since when nothing that was stored has gone away again. Coverage that
	// was stored before does not count: of its events some may be gone.
	Kept time.Time
	// TempDir is where events are put for the time being; default os.TempDir().
	TempDir string
	// Progress is told how it goes; nil for nobody.
	Progress Progress
}

// Progress is told how a backtest goes.
type Progress interface {
	// Read is told how many events have been read so far.
	Read(events int)
	// Judge is told by which policies is judged next, and returns what the scan is
	// to report to, which may be nil.
	Judge(policies string) scan.Progress
}

// Report is what a backtest has come to.
type Report struct {
	Since time.Time `json:"since"`
	// Events counts the raw events, those from before Since too; Unread those of
	// them that could not be read, by either policy.
	Events int `json:"events"`
	Unread int `json:"unread"`
	// Old and New count findings and sessions from Since on.
	Old Counts `json:"old"`
	New Counts `json:"new"`
	// Same counts the findings that both have alike.
	Same        int          `json:"same"`
	Differences []Difference `json:"differences"`
	// Coverage is where the raw events are complete. Elsewhere nothing that is
	// missing was held against anybody, by either policy.
	Coverage []schemas.Coverage `json:"coverage"`
}

// Counts are those under one set of policies.
type Counts struct {
	Findings int `json:"findings"`
	// Sessions counts sessions by verdict.
	Sessions map[schemas.Verdict]int `json:"sessions"`
}

// ErrNoEvents is that of a time of which no raw events are kept.
var ErrNoEvents = errors.New("no raw events are kept")

// Run compares.
func Run(ctx context.Context, o Options) (r Report, err error) {
	defer func() {
		if errors.Is(err, syscall.ENOSPC) {
			err = fmt.Errorf("%w; make room, or name another folder with --temp-dir", err)
		}
	}()
	dir, err := os.MkdirTemp(o.TempDir, "jitaudit-backtest-")
	if err != nil {
		return r, fmt.Errorf("make a folder for the raw events: %w; name another one with --temp-dir", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	w := newLogs(dir, o.Kept)
	err = o.Events(ctx, o.Since.Add(-reach(o.Old, o.New)), func(e *clickhouse.RawEvent) error {
		if o.Progress != nil && w.events%10_000 == 0 {
			o.Progress.Read(w.events)
		}
		return w.add(e)
	})
	if err = errors.Join(err, w.close()); err != nil {
		return r, err
	}
	if w.events == w.users {
		return r, fmt.Errorf("%w from %s on: the sink keeps them for sinks.clickhouse.raw_events_ttl, unless sinks.clickhouse.raw_events is false", ErrNoEvents, o.Since.UTC().Format(time.RFC3339))
	}
	r = Report{Since: o.Since, Events: w.events, Coverage: w.coverage()}
	before, err := o.judge(ctx, w, "in force", o.Old)
	if err != nil {
		return r, fmt.Errorf("judge by the policies in force: %w", err)
	}
	after, err := o.judge(ctx, w, "new", o.New)
	if err != nil {
		return r, fmt.Errorf("judge by the new policies: %w", err)
	}
	r.Old, r.New, r.Unread = before.counts(), after.counts(), before.unread
	r.Same, r.Differences = compare(before.findings, after.findings)
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

// judge scans the logs under one set of policies.
func (o *Options) judge(ctx context.Context, w *logs, name string, set *policy.Set) (*outcome, error) {
	out := &outcome{since: o.Since, findings: make(map[string]schemas.Finding), sessions: make(map[schemas.Verdict]int)}
	opts := scan.Options{Inputs: w.inputs, Policies: set, Coverage: w.coverage(), TempDir: o.TempDir}
	if o.Progress != nil {
		opts.Progress = o.Progress.Judge(name)
	}
	_, err := scan.Run(ctx, opts, out)
	return out, err
}

// outcome gathers what a scan finds.
type outcome struct {
	since    time.Time
	findings map[string]schemas.Finding
	sessions map[schemas.Verdict]int
	unread   int
}

var _ scan.Sink = (*outcome)(nil)

// Result implements scan.Sink.
func (o *outcome) Result(r *scan.Result) error {
	for i := range r.Findings {
		if f := &r.Findings[i]; !f.At.Before(o.since) {
			o.findings[f.ID] = *f
		}
	}
	for i := range r.Sessions {
		if s := &r.Sessions[i]; !s.Start.Before(o.since) {
			o.sessions[s.Verdict]++
		}
	}
	return nil
}

// DeadLetter implements scan.Sink.
func (o *outcome) DeadLetter(*schemas.DeadLetter) error {
	o.unread++
	return nil
}

func (o *outcome) counts() Counts { return Counts{len(o.findings), o.sessions} }
