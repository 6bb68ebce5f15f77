package pipeline

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"jitaudit/internal/kafka"
	"jitaudit/internal/organisation"
	"jitaudit/internal/reference"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// late is a run of an organisation in which nothing is wrong, but that one
// sign-on is persisted late.
type late struct {
	*running
	w *world
	// session is what the scan says of the session that the sign-on opened.
	session schemas.Session
}

// startLate lets the sign-on of some session turn up so long after its time.
func startLate(t *testing.T, after time.Duration) *late {
	t.Helper()
	w := newWorld(t, organisation.Config{Seed: 5, People: 6, Days: 1, Noise: -1, Planted: -1, CallsPerSession: 3})
	l := &late{w: w, session: anAllowed(t, w.scanned())}
	events := w.history.Okta
	i := slices.IndexFunc(events, func(e organisation.Event) bool { return e.ID() == l.session.SignOn.EventID })
	events[i].Seen = events[i].At.Add(after)
	slices.SortStableFunc(events, func(a, b organisation.Event) int { return a.Seen.Compare(b.Seen) })
	w.clock.set(l.session.SignOn.At.Add(-time.Hour))
	w.serve()
	l.running = start(t, w.options(w.onServers(w.config())))
	return l
}

// anAllowed is a session of one assumption with a sign-on of its own.
func anAllowed(t *testing.T, tables *reference.Tables) schemas.Session {
	t.Helper()
	signOns := make(map[string]int)
	var sessions []schemas.Session
	for _, line := range tables.Lines[topics.Sessions] {
		var s schemas.Session
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		if s.SignOn != nil {
			signOns[s.SignOn.EventID]++
			sessions = append(sessions, s)
		}
	}
	for _, s := range sessions {
		if s.Verdict == schemas.VerdictAllowed && len(s.Assumptions) == 1 && signOns[s.SignOn.EventID] == 1 && s.Federation == schemas.Direct {
			return s
		}
	}
	t.Fatal("no session fits")
	return schemas.Session{}
}

// goTo lets both sources be covered up to so long after the sign-on, and waits
// until the tables are.
func (l *late) goTo(after time.Duration) {
	l.t.Helper()
	l.goToTime(l.session.SignOn.At.Add(after))
}

func (l *late) goToTime(at time.Time) {
	l.t.Helper()
	l.w.clock.set(at)
	l.settled(reference.Shards(l.w.history), at.Truncate(time.Second))
}

// published are all versions of no_sign_on findings of the session, in order.
func (l *late) published() (out []schemas.Finding) {
	l.t.Helper()
	for p := range l.ends(topics.Findings)[topics.Findings] {
		err := l.where.Kafka.ReadAll(l.t.Context(), topics.Findings, p, func(m kafka.Message) error {
			var f schemas.Finding
			if err := json.Unmarshal(m.Value, &f); err != nil {
				return err
			}
			if f.Rule == "no_sign_on" && f.Session == l.session.ID {
				out = append(out, f)
			}
			return nil
		})
		if err != nil {
			l.t.Fatal(err)
		}
	}
	return out
}

// broken counts what turned up behind the coverage of Okta.
func (l *late) broken() float64 {
	l.t.Helper()
	return l.metric(`jitaudit_collect_coverage_broken_total{shard="` + schemas.OktaShard(reference.Org) + `"}`)
}

func (l *late) verdict() schemas.Verdict {
	l.t.Helper()
	all, err := l.db.Sessions(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	for i := range all {
		if all[i].ID == l.session.ID {
			return all[i].Verdict
		}
	}
	return "none"
}

func TestASignOnWithinTheBoundOnLatenessIsNeverMissed(t *testing.T) {
	long(t)
	l := startLate(t, oktaLateness-time.Second)
	// Okta's clock is ahead of what is covered by the bound.
	for _, after := range []time.Duration{-2 * time.Second, 0, time.Minute, 11 * time.Minute, time.Hour} {
		l.goTo(after)
	}
	l.goToTime(l.w.history.Truth.Complete.To)
	if got := l.published(); len(got) > 0 {
		t.Errorf("a sign-on in time was called missing: %+v", got)
	}
	if n := l.broken(); n != 0 {
		t.Errorf("%v events are said to have come behind coverage", n)
	}
	l.holds(l.w.scanned())
	l.stop()
}

func TestASignOnBeyondTheBoundOnLatenessRetractsWhatItExplains(t *testing.T) {
	long(t)
	const after = 2 * time.Hour
	l := startLate(t, oktaLateness+after)

	l.goTo(30 * time.Minute)
	eventually(t, 5*time.Second, func() string {
		open, err := l.db.Findings(t.Context())
		if err != nil {
			return err.Error()
		}
		if !slices.ContainsFunc(open, func(f schemas.Finding) bool {
			return f.Rule == "no_sign_on" && f.Session == l.session.ID && f.Status == schemas.Open
		}) {
			return "nobody misses the sign-on"
		}
		if v := l.verdict(); v != schemas.VerdictFinding {
			return "the session's verdict is " + string(v)
		}
		return ""
	})
	if n := l.broken(); n != 0 {
		t.Errorf("%v events are said to have come behind coverage, before any did", n)
	}

	l.goTo(after + time.Minute)
	eventually(t, 5*time.Second, func() string {
		if n := l.broken(); n != 1 {
			return fmt.Sprintf("%v events are said to have come behind coverage", n)
		}
		all, err := l.db.AllFindings(t.Context())
		if err != nil {
			return err.Error()
		}
		i := slices.IndexFunc(all, func(f schemas.Finding) bool { return f.Rule == "no_sign_on" && f.Session == l.session.ID })
		if i < 0 || all[i].Status != schemas.Retracted {
			return "the finding is not retracted"
		}
		if v := l.verdict(); v == schemas.VerdictFinding {
			return "the session's verdict is still " + string(v)
		}
		return ""
	})
	versions := l.published()
	if len(versions) != 2 || versions[0].Status != schemas.Open || versions[1].Status != schemas.Retracted ||
		versions[0].ID != versions[1].ID || versions[0].Version >= versions[1].Version {
		t.Errorf("published were %+v, want it open and then retracted, under one id", versions)
	}

	l.goToTime(l.w.history.Truth.Complete.To)
	l.holds(l.w.scanned())
	if v := l.verdict(); v != schemas.VerdictAllowed {
		t.Errorf("in the end the session's verdict is %s", v)
	}
	l.stop()
}
