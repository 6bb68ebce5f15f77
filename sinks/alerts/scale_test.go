package alerts_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
)

// A receiver is down for a day, by a clock that runs 10,000 times as fast.
func TestAReceiverThatIsDownForADayLosesNothing(t *testing.T) {
	const faster, every, perHour = 10_000, time.Hour, 40
	c, down, up := start(t), serve(t), serve(t)
	k := newClock(faster)
	var isUp atomic.Bool
	var attempts atomic.Int64
	down.answer(func(w http.ResponseWriter, _ *http.Request, _ *body) bool {
		attempts.Add(1)
		if !isUp.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return true
		}
		return false
	})
	// Each finding is a group of its own, so that none is summed up for being one of
	// many; none is too old when it is told at last.
	cfg := func(name string) alerts.Config {
		return alerts.Config{
			Name: name, GroupBy: []alerts.Label{alerts.BySession}, MaxAlerts: 50, MaxPending: 100,
			MaxAge: 1000 * time.Hour, MinBackoff: time.Minute, MaxBackoff: 15 * time.Minute,
		}
	}
	broken := c.run(t, down, k, cfg("broken"))
	sound := c.run(t, up, k, cfg("sound"))

	began := k.now()
	var want int
	most := 0
	watched := func() {
		if n := broken.State().Pending; n > most {
			most = n
		}
	}
	for hour := 0; hour < 24; hour++ {
		var all []kafka.Message
		for i := range perHour {
			id := fmt.Sprintf("fnd_%d_%d", hour, i)
			in := func(f *schemas.Finding) { f.Session = "ses_" + id }
			all = append(all, message(t, finding(id, 1, k.now(), in)), message(t, finding(id, 2, k.now(), in, status(schemas.Resolved))))
			want += 2
		}
		c.publish(t, all...)
		// The other receiver has all of it before the hour is over, or soon after.
		up.await(t, "the sound receiver", func() bool { watched(); return len(up.alerts()) == want })
		for k.now().Before(began.Add(time.Duration(hour+1) * every)) {
			watched()
			time.Sleep(every / faster / 10)
		}
	}
	if n := len(down.taken()); n != 0 {
		t.Fatalf("%d notices were taken while it was down", n)
	}
	if s := broken.State(); s.Failing == nil || k.now().Sub(s.Since) < 20*time.Hour {
		t.Errorf("after a day: %+v", s)
	}
	if most > 100+alerts.FetchMost || most < 100 {
		t.Errorf("up to %d alerts waited, want 100 and what is read at once", most)
	}
	if n := attempts.Load(); n < 5 || n > 24*60/12+5 {
		t.Errorf("it was tried %d times in a day, want about every quarter of an hour", n)
	}
	tried := attempts.Load()
	isUp.Store(true)
	down.await(t, "all that was published meanwhile", func() bool { return len(down.alerts()) >= want })
	if broken.State().Failing != nil {
		t.Errorf("it still fails: %v", broken.State().Failing)
	}
	broken.stop(t)
	sound.stop(t)
	for name, s := range map[string]*server{"broken": down, "sound": up} {
		versions := map[string]int64{}
		got := 0
		for _, b := range s.taken() {
			for _, a := range b.Alerts {
				got++
				if versions[a.Record]++; versions[a.Record] != a.Version {
					t.Errorf("%s: %s came as number %d of its record", name, a.ID, versions[a.Record])
				}
			}
		}
		if n, digests := s.digested(); got != want || n+digests != 0 {
			t.Errorf("%s was told %d alerts one by one and %d in digests, want %d", name, got, n, want)
		}
	}
	t.Logf("%d alerts, %d attempts while it was down, up to %d waited", want, tried, most)
}

// The same with the defaults: what has become too old is summed up, and counted.
func TestWhatGetsTooOldIsSummedUp(t *testing.T) {
	c, s := start(t), serve(t)
	now := time.Now()
	d := c.run(t, s, newClock(100), alerts.Config{Kinds: []alerts.Kind{alerts.Findings, alerts.Grants, alerts.Sessions}})
	old := now.Add(-30 * time.Hour)
	c.publish(t,
		message(t, finding("fnd_old", 1, old, severity(schemas.High))),
		message(t, finding("fnd_new", 1, now)),
		message(t, &schemas.Grant{ID: "grt_old", Opened: old, Evidence: []string{}, Meta: schemas.Meta{Version: 1}}),
		message(t, &schemas.Session{ID: "ses_old", Start: old.Add(time.Hour), Meta: schemas.Meta{Version: 1}}),
	)
	s.await(t, "both", func() bool { n, _ := s.digested(); return n == 3 && len(s.alerts()) == 1 })
	d.stop(t)
	for _, b := range s.taken() {
		if b.Digest == nil {
			continue
		}
		want := []alerts.Count{
			{Kind: "finding", Rule: "no_mfa", Severity: schemas.High, Change: alerts.Opened, N: 1},
			{Kind: "grant", Change: alerts.Opened, N: 1}, {Kind: "session", Change: alerts.Opened, N: 1},
		}
		if b.Digest.Reason != alerts.TooOld || fmt.Sprint(b.Digest.Counts) != fmt.Sprint(want) || !b.Digest.From.Equal(old) || !b.Digest.To.Equal(old.Add(time.Hour)) {
			t.Errorf("the digest is %+v", b.Digest)
		}
	}
	// What was told by itself is told to its end by itself, however old it is by then.
	sent, _, _ := c.sentLog(t, "soc")
	if !sent["fnd_old"].Digest || sent["fnd_new"].Digest {
		t.Errorf("remembered: %+v, %+v", sent["fnd_old"], sent["fnd_new"])
	}
}

func TestTenThousandAtOnceAreOneDigest(t *testing.T) {
	const many, some = 10_000, 60
	c, s := start(t), serve(t)
	now := time.Now()
	var all []kafka.Message
	for i := range many {
		all = append(all, message(t, finding(fmt.Sprintf("fnd_%05d", i), 1, now)))
	}
	c.publish(t, all...)
	d := c.run(t, s, nil, alerts.Config{Link: "https://audit.example.com/findings"})
	s.await(t, "the digest", func() bool { n, _ := s.digested(); return n == many })
	got := s.taken()
	if len(got) != 1 || got[0].Digest.Reason != alerts.TooMany || got[0].Digest.Link != "https://audit.example.com/findings" {
		t.Fatalf("%d notices, the first %+v", len(got), got[0].Digest)
	}
	// Each is told when it changes: a few by themselves, the rest at once.
	all = all[:0]
	for i := range many {
		all = append(all, message(t, finding(fmt.Sprintf("fnd_%05d", i), 2, now, status(schemas.Resolved))))
	}
	c.publish(t, all[:some]...)
	s.await(t, "some", func() bool { return len(s.alerts()) == some })
	c.publish(t, all[some:]...)
	s.await(t, "the rest", func() bool { n, _ := s.digested(); return n == many+many-some })
	d.stop(t)
	if _, digests := s.digested(); digests > 4 { // a busy machine may take longer to publish them
		t.Errorf("%d digests, want 2", digests)
	}
	sent, _, _ := c.sentLog(t, "soc")
	for i := range many {
		id := fmt.Sprintf("fnd_%05d", i)
		if got := sent[id]; got.Version != 2 || !got.Over || got.Change != alerts.Resolved || got.Digest != (i >= some) {
			t.Fatalf("remembered of %s: %+v", id, got)
		}
	}
}

func TestAFirstBackfillIsToldInDigestsAlone(t *testing.T) {
	const each = 4000
	c, s := start(t), serve(t)
	now := time.Now()
	var all []kafka.Message
	for i := range each {
		past := now.Add(-time.Duration(2+i%300) * 24 * time.Hour)
		all = append(all,
			message(t, finding(fmt.Sprintf("fnd_%d", i), 1, past, status([]schemas.Status{schemas.Open, schemas.Resolved, schemas.Retracted}[i%3]))),
			message(t, &schemas.Grant{ID: fmt.Sprintf("grt_%d", i), Opened: past, Removed: past.Add(time.Hour), Evidence: []string{}, Meta: schemas.Meta{Version: 1, Observed: now}}),
			message(t, &schemas.Session{ID: fmt.Sprintf("ses_%d", i), Start: past, Meta: schemas.Meta{Version: 1, Observed: now}}))
	}
	c.publish(t, all...)
	cfg := alerts.Config{Kinds: []alerts.Kind{alerts.Findings, alerts.Grants, alerts.Sessions}}
	k := newClock(200)
	d := c.run(t, s, k, cfg)
	want := 3*each - (each / 3) // retracted before it was told
	s.await(t, "the backfill", func() bool { n, _ := s.digested(); return n >= want })
	d.stop(t)
	if n, digests := s.digested(); n != want || digests != 1 || len(s.alerts()) != 0 {
		t.Errorf("%d alerts in %d digests, %d one by one; want %d in one", n, digests, len(s.alerts()), want)
	}
	// It is not told again, and what is new is told by itself.
	d = c.run(t, s, k, cfg)
	c.publish(t, message(t, finding("fnd_new", 1, time.Now())))
	s.await(t, "what is new", func() bool { return len(s.alerts()) == 1 })
	d.stop(t)
	if n, _ := s.digested(); n != want {
		t.Errorf("%d alerts in digests after a restart, want %d", n, want)
	}
}

// Results that another policy brings are summed up, and what comes of events after
// them is told by itself, after the digest.
func TestWhatAPolicyBringsIsSummedUpAndNotOvertaken(t *testing.T) {
	c, s := start(t), serve(t)
	now := time.Now()
	cause := kafka.Header{Key: schemas.CauseHeader, Value: []byte(schemas.ByPolicy)}
	d := c.run(t, s, nil, alerts.Config{DigestWait: time.Hour}) // it would wait long
	c.publish(t, message(t, finding("fnd_1", 1, now), cause), message(t, finding("fnd_2", 1, now), cause))
	s.await(t, "both to wait", func() bool { return d.State().Pending == 2 })
	c.publish(t, message(t, finding("fnd_1", 2, now, severity(schemas.High))))
	s.expect(t, "fnd_1.2 raised")
	d.stop(t)
	got := s.taken()
	if len(got) != 2 || got[0].Digest == nil || got[0].Digest.Reason != alerts.Rejudged || got[0].Digest.Total != 2 {
		t.Errorf("told %+v", got)
	}
	if d.metric(t, "jitaudit_alerts_digested_total", "rejudged") != 2 || d.metric(t, "jitaudit_alerts_digests_total") != 1 {
		t.Error("the digest is not counted")
	}
}

func TestNoticesAreNoMoreThanTheRate(t *testing.T) {
	c, s := start(t), serve(t)
	k := newClock(60)
	d := c.run(t, s, k, alerts.Config{GroupBy: []alerts.Label{alerts.BySession}, Rate: 5})
	now := k.now()
	var all []kafka.Message
	for i := range 30 {
		all = append(all, message(t, finding(fmt.Sprintf("fnd_%d", i), 1, now, func(f *schemas.Finding) { f.Session = fmt.Sprint(i % 12) })))
	}
	c.publish(t, all...)
	s.await(t, "all", func() bool { return len(s.alerts()) == 30 })
	took := k.now().Sub(now)
	d.stop(t)
	// Five at once, then one every 12 s; what waits for its turn gathers.
	if n := len(s.taken()); n < 12 || n > 20 || took < time.Duration(n-5)*11*time.Second {
		t.Errorf("%d notices within %s", n, took)
	}
}

func TestAGroupIsToldAgainAfterItsInterval(t *testing.T) {
	c, s := start(t), serve(t)
	k := newClock(100)
	d := c.run(t, s, k, alerts.Config{GroupWait: 10 * time.Second, GroupInterval: 2 * time.Minute})
	var when []time.Time
	s.answer(func(http.ResponseWriter, *http.Request, *body) bool { when = append(when, k.now()); return false })
	began := k.now()
	for i := range 6 {
		c.publish(t, message(t, finding(fmt.Sprintf("fnd_%d", i), 1, k.now())))
		for k.now().Before(began.Add(time.Duration(i+1) * 30 * time.Second)) {
			time.Sleep(5 * time.Millisecond)
		}
	}
	s.await(t, "all", func() bool { return len(s.alerts()) == 6 })
	d.stop(t)
	for i := 1; i < len(when); i++ {
		if gap := when[i].Sub(when[i-1]); gap < 110*time.Second {
			t.Errorf("notice %d came %s after the one before", i, gap)
		}
	}
	if wait := when[0].Sub(began); wait < 9*time.Second || len(when) > 3 {
		t.Errorf("the first of %d notices came after %s", len(when), wait)
	}
}
