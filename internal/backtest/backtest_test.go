package backtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/internal/organisation"
	"jitaudit/internal/reference"
	"jitaudit/internal/scan"
	"jitaudit/schemas"
	"jitaudit/sinks/clickhouse"
)

// store holds the raw events of a history, as ClickHouse would hand them on: in
// no order, some twice.
type store struct {
	history *organisation.History
	events  []clickhouse.RawEvent
	asked   time.Time // from when on, the last time
}

// someHistory is one of which there is a bit of everything; it must not be changed.
var someHistory = sync.OnceValues(func() (*organisation.History, error) {
	return organisation.Generate(organisation.Config{Noise: 50})
})

func newStore(t *testing.T) *store {
	t.Helper()
	h, err := someHistory()
	if err != nil {
		t.Fatal(err)
	}
	s := &store{history: h}
	for source, all := range map[schemas.Source][]organisation.Event{schemas.Okta: h.Okta, schemas.CloudTrail: h.CloudTrail, schemas.Approvals: h.Approvals} {
		for i := range all {
			e := &all[i]
			s.events = append(s.events, clickhouse.RawEvent{Source: source, Shard: e.Shard, Kind: schemas.RawEvent, At: e.At, Value: e.AppendJSON(nil)})
		}
	}
	for i := range h.Listings {
		e := &h.Listings[i]
		s.events = append(s.events, clickhouse.RawEvent{Source: schemas.Okta, Shard: e.Shard, Kind: schemas.RawMember, At: e.At, Value: e.AppendJSON(nil)})
	}
	s.events = append(s.events, s.events[:len(s.events)/10]...)
	for _, shard := range reference.Shards(h) {
		for _, c := range reference.Coverage(h, shard) {
			s.cover(t, c)
		}
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(s.events), func(i, j int) { s.events[i], s.events[j] = s.events[j], s.events[i] })
	return s
}

func (s *store) cover(t *testing.T, c schemas.Coverage) {
	t.Helper()
	value, err := json.Marshal(&c)
	if err != nil {
		t.Fatal(err)
	}
	s.events = append(s.events, clickhouse.RawEvent{Shard: c.Shard, Kind: schemas.RawCoverage, At: c.To, Value: value, Stored: c.To})
}

func (s *store) read(ctx context.Context, since time.Time, each func(*clickhouse.RawEvent) error) error {
	s.asked = since
	for i := range s.events {
		if e := &s.events[i]; !e.At.Before(since) {
			if err := each(e); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// entry is one for a list of the policy, to stand first in it.
type entry struct{ list, item string }

// policies are those of the history, with one entry more.
func (s *store) policies(t *testing.T, more entry) *policy.Set {
	t.Helper()
	data := string(s.history.Policy)
	if line := "\n" + more.list + ":\n"; strings.Contains(data, line) {
		data = strings.Replace(data, line, line+"  - "+more.item+"\n", 1)
	} else if more.list != "" {
		data += line + "  - " + more.item + "\n"
	}
	p, err := policy.Parse("policy.yaml", []byte(data+"# ours\n")) // other bytes, hence another policy
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func (s *store) options(t *testing.T, more entry) Options {
	return Options{
		Events: s.read, Old: s.policies(t, entry{}), New: s.policies(t, more), Since: s.history.Truth.Complete.From,
		TempDir: t.TempDir(),
	}
}

func backtest(t *testing.T, o Options) Report {
	t.Helper()
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(o.TempDir); err != nil || len(left) > 0 {
		t.Errorf("left behind %v (%v)", left, err)
	}
	return r
}

// judged is what a scan of the history's own files finds.
func (s *store) judged(t *testing.T) map[string]schemas.Finding {
	t.Helper()
	opts := scan.Options{Policies: s.policies(t, entry{})}
	for _, shard := range reference.Shards(s.history) {
		opts.Coverage = append(opts.Coverage, reference.Coverage(s.history, shard)...)
	}
	for _, in := range []struct {
		scan.Input
		events []organisation.Event
	}{
		{scan.Input{Source: schemas.Okta, Org: reference.Org}, s.history.Okta},
		{scan.Input{Source: schemas.CloudTrail}, s.history.CloudTrail},
		{scan.Input{Source: schemas.Approvals, Org: "tickets"}, s.history.Approvals},
		{scan.Input{Source: schemas.Okta, Org: reference.Org, Snapshot: true}, s.history.Listings},
	} {
		if len(in.events) == 0 {
			continue
		}
		var data []byte
		for i := range in.events {
			data = append(in.events[i].AppendJSON(data), '\n')
		}
		in.Path = filepath.Join(t.TempDir(), "events.ndjson")
		if err := os.WriteFile(in.Path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		opts.Inputs = append(opts.Inputs, in.Input)
	}
	out := &outcome{findings: map[string]schemas.Finding{}, sessions: map[schemas.Verdict]int{}}
	if _, err := scan.Run(t.Context(), opts, out); err != nil {
		t.Fatal(err)
	}
	return out.findings
}

func TestTheSamePolicyMakesNoDifference(t *testing.T) {
	s := newStore(t)
	o := s.options(t, entry{})
	if p, err := policy.Parse("new.yaml", append(bytes.Clone(s.history.Policy), "# other bytes"...)); err != nil {
		t.Fatal(err)
	} else if o.New, err = policy.NewSet(p); err != nil {
		t.Fatal(err)
	}
	r := backtest(t, o)
	if len(r.Differences) > 0 {
		t.Errorf("%d differences, the first %+v", len(r.Differences), r.Differences[0])
	}
	if r.Same != r.Old.Findings || r.Old.Findings != r.New.Findings || r.Same == 0 {
		t.Errorf("findings: %d before, %d after, %d the same", r.Old.Findings, r.New.Findings, r.Same)
	}
	if n := r.Old.Sessions[schemas.VerdictAllowed]; n == 0 || n != r.New.Sessions[schemas.VerdictAllowed] {
		t.Errorf("sessions %v and %v", r.Old.Sessions, r.New.Sessions)
	}
}

func TestAnotherPolicyMakesExactlyItsDifferences(t *testing.T) {
	s := newStore(t)
	before := backtest(t, s.options(t, entry{})).Old
	tests := []struct {
		name   string
		more   entry
		fields []string
		rule   string
	}{
		{"another severity", entry{"severity_overrides", "{rule: long_session, severity: critical}"}, []string{"severity"}, "long_session"},
		{"a suppression", entry{"suppressions", "{rules: [no_mfa], reason: a trial, owner: ada@example.com, until: 2100-01-01T00:00:00Z}"}, []string{"suppressed"}, "no_mfa"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := backtest(t, s.options(t, tt.more))
			if len(r.Differences) == 0 || r.Same+len(r.Differences) != before.Findings || r.New.Findings != before.Findings {
				t.Fatalf("%d differences, %d the same, %d findings before", len(r.Differences), r.Same, before.Findings)
			}
			for _, d := range r.Differences {
				if d.Change != Changed || !slices.Equal(d.Fields, tt.fields) || d.Finding().Rule != tt.rule {
					t.Errorf("got %s %v of %s", d.Change, d.Fields, d.Finding().Rule)
				}
			}
		})
	}
}

func TestAPolicyThatMapsNoGroupMakesGrantsVanish(t *testing.T) {
	s := newStore(t)
	o := s.options(t, entry{})
	// The groups' names become those of no group.
	p, err := policy.Parse("new.yaml", bytes.ReplaceAll(s.history.Policy, []byte("match: '^"), []byte("match: '^none-of-ours-")))
	if err != nil {
		t.Fatal(err)
	}
	if o.New, err = policy.NewSet(p); err != nil {
		t.Fatal(err)
	}
	r := backtest(t, o)
	added := 0
	for _, d := range r.Differences {
		if d.Change == Added && d.New.Rule == "no_grant" {
			added++
		}
		if (d.Old == nil) != (d.Change == Added) || (d.New == nil) != (d.Change == Removed) {
			t.Errorf("%s: %v and %v", d.Change, d.Old, d.New)
		}
	}
	if added == 0 || r.New.Sessions[schemas.VerdictAllowed] >= r.Old.Sessions[schemas.VerdictAllowed] {
		t.Errorf("%d sessions without grant more; sessions %v and %v", added, r.Old.Sessions, r.New.Sessions)
	}
	if !slices.IsSortedFunc(r.Differences, func(a, b Difference) int { return strings.Compare(string(a.Change), string(b.Change)) }) {
		t.Error("not in order")
	}
}

// TestAbsenceIsHeldAgainstNobodyWhereEventsAreMissing: logs are complete where the
// raw events say so, as long as none has gone.
func TestAbsenceIsHeldAgainstNobodyWhereEventsAreMissing(t *testing.T) {
	absent := []string{"no_sign_on"}
	without := func(t *testing.T, r Report) {
		t.Helper()
		if r.Old.Findings == 0 || r.Old.Sessions[schemas.VerdictUnknown] == 0 {
			t.Errorf("findings %d, sessions %v", r.Old.Findings, r.Old.Sessions)
		}
		for _, d := range r.Differences {
			if slices.Contains(absent, d.Finding().Rule) {
				t.Errorf("%s: %s", d.Finding().Rule, d.Finding().Why)
			}
		}
	}
	// Every such finding would differ in severity, so that it would be listed.
	more := entry{"severity_overrides", "{rule: no_sign_on, severity: info}"}
	t.Run("nothing says that logs are complete", func(t *testing.T) {
		s := newStore(t)
		s.events = slices.DeleteFunc(s.events, func(e clickhouse.RawEvent) bool { return e.Kind == schemas.RawCoverage })
		r := backtest(t, s.options(t, more))
		without(t, r)
		if len(r.Coverage) > 0 {
			t.Errorf("coverage %v", r.Coverage)
		}
	})
	t.Run("some of the events may have gone already", func(t *testing.T) {
		s := newStore(t)
		o := s.options(t, more)
		o.Kept = s.history.Truth.Complete.To.Add(time.Second)
		without(t, backtest(t, o))
	})
}

func TestEventsAreReadAsFarBackAsThePoliciesLook(t *testing.T) {
	s := newStore(t)
	o := s.options(t, entry{})
	backtest(t, o)
	b := o.Old.All()[0].Bounds
	for name, d := range map[string]time.Duration{"grant_lookback": b.GrantLookback, "okta_session": b.OktaSession, "standing_access": b.StandingAccess} {
		if back := o.Since.Sub(s.asked); back < d {
			t.Errorf("events are read from %s before only; %s is %s", back, name, d)
		}
	}
}

func TestFindingsFromBeforeAreLeftOut(t *testing.T) {
	s := newStore(t)
	all := backtest(t, s.options(t, entry{}))
	o := s.options(t, entry{})
	o.Since = s.history.CloudTrail[len(s.history.CloudTrail)/2].At
	if half := backtest(t, o); half.Old.Findings == 0 || half.Old.Findings >= all.Old.Findings {
		t.Errorf("%d of %d", half.Old.Findings, all.Old.Findings)
	}
}

// TestWhatIsJudgedIsWhatAScanFinds: raw events lose nothing of the logs.
func TestWhatIsJudgedIsWhatAScanFinds(t *testing.T) {
	s := newStore(t)
	want := s.judged(t)
	r := backtest(t, s.options(t, entry{"severity_overrides", "{rule: no_mfa, severity: info}"}))
	if r.Old.Findings != len(want) {
		t.Errorf("%d findings, a scan has %d", r.Old.Findings, len(want))
	}
	for _, d := range r.Differences {
		f := want[d.Finding().ID]
		if d.Old == nil || d.Old.Why != f.Why || d.Old.Severity != f.Severity {
			t.Errorf("got %+v, a scan has %+v", d.Old, f)
		}
	}
}

func TestManyFilesOfALogAreJudgedTogether(t *testing.T) {
	dir := t.TempDir()
	l := newLogs(dir, time.Time{})
	for i := range 3 {
		value := fmt.Appendf(nil, `{"n":%d,"filler":%q}`, i, strings.Repeat("x", fileBytes/2))
		if err := l.add(&clickhouse.RawEvent{Source: schemas.Okta, Shard: "okta/example", Kind: schemas.RawEvent, Value: value}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	if len(l.inputs) != 2 || l.inputs[0].Org != "example" || l.inputs[0].Path == l.inputs[1].Path {
		t.Errorf("got %+v", l.inputs)
	}
}

func TestErrors(t *testing.T) {
	s := newStore(t)
	t.Run("no events", func(t *testing.T) {
		o := s.options(t, entry{})
		o.Since = s.history.Truth.Complete.To.AddDate(1, 0, 0)
		if _, err := Run(t.Context(), o); !errors.Is(err, ErrNoEvents) || !strings.Contains(err.Error(), "raw_events") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no events but users of whenever", func(t *testing.T) {
		o := s.options(t, entry{})
		o.Events = kept(someListings()[:1])
		if _, err := Run(t.Context(), o); !errors.Is(err, ErrNoEvents) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("reading fails", func(t *testing.T) {
		o := s.options(t, entry{})
		broken := errors.New("the server went away")
		o.Events = func(context.Context, time.Time, func(*clickhouse.RawEvent) error) error { return broken }
		if _, err := Run(t.Context(), o); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
		if left, err := os.ReadDir(o.TempDir); err != nil || len(left) > 0 {
			t.Errorf("left behind %v (%v)", left, err)
		}
	})
	t.Run("no such folder", func(t *testing.T) {
		o := s.options(t, entry{})
		o.TempDir += "/missing"
		if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "--temp-dir") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("coverage that is none", func(t *testing.T) {
		o := s.options(t, entry{})
		o.Events = func(_ context.Context, _ time.Time, each func(*clickhouse.RawEvent) error) error {
			return each(&clickhouse.RawEvent{Shard: "okta/example", Kind: schemas.RawCoverage, Value: []byte("{")})
		}
		if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "okta/example") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("asked to stop", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := Run(ctx, s.options(t, entry{})); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// told is a progress that remembers.
type told struct {
	events int
	judged []string
}

func (p *told) Read(n int) { p.events = n }

func (p *told) Judge(policies string) scan.Progress {
	p.judged = append(p.judged, policies)
	return nil
}

func TestProgressIsTold(t *testing.T) {
	s := newStore(t)
	o := s.options(t, entry{})
	p := &told{events: -1}
	o.Progress = p
	backtest(t, o)
	if p.events < 0 || !slices.Equal(p.judged, []string{"in force", "new"}) {
		t.Errorf("told %+v", p)
	}
}
