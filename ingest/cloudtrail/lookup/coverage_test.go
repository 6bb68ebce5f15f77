package lookup_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"jitaudit/ingest"
	"jitaudit/ingest/cloudtrail/lookup"
	"jitaudit/internal/organisation"
	"jitaudit/internal/simulated/aws"
	"jitaudit/schemas"
)

// honest checks that every event stands before the coverage of its time, and
// that no coverage lies over a hole.
func honest(t *testing.T, records []ingest.Message, events []organisation.Event, holes []schemas.Interval) {
	t.Helper()
	have := map[string]bool{}
	for _, m := range records {
		if m.Kind == schemas.RawEvent {
			have[m.ID] = true
			continue
		}
		c := claim(t, m)
		if c.Shard != shard || c.Basis != schemas.CoverageAssumed || !c.From.Before(c.To) || !m.Time.IsZero() {
			t.Errorf("claim %+v", c)
		}
		for i := range events {
			if ev := &events[i]; !ev.At.Before(c.From) && ev.At.Before(c.To) && !have[ev.ID()] {
				t.Errorf("event %s of %v is not there when %v to %v is claimed", ev.ID(), ev.At, c.From, c.To)
			}
		}
		for _, h := range holes {
			if c.From.Before(h.To) && h.From.Before(c.To) {
				t.Errorf("%v to %v is claimed over the hole %v to %v", c.From, c.To, h.From, h.To)
			}
		}
	}
}

// spread gives events times over a stretch from noon, with delays below the
// default lateness.
func spread(events []organisation.Event, over time.Duration) {
	for i := range events {
		when := noon().Add(time.Duration(i) * over / time.Duration(len(events)))
		at(&events[i], when.Truncate(time.Second), time.Duration(i*i)%(19*60)*time.Second)
	}
}

func TestCoverageFollowsItsEventsAndLeavesHolesOut(t *testing.T) {
	events := some(t, 250)
	spread(events, 3*time.Hour)
	holes := []schemas.Interval{{From: noon().Add(30 * time.Minute), To: noon().Add(45 * time.Minute)}}
	w := newWorld(t, events, nil)
	c := w.collector(t, func(cfg *lookup.Config) { cfg.Holes = holes })
	for range 70 {
		w.clock.Add(3 * time.Minute)
		round(t, c)
	}
	honest(t, w.records, events, holes)
	if got := w.events(); !same(got, raws(events)) {
		t.Errorf("%d events came, want each of %d once", len(got), len(events))
	}
	end := noon().Add(3*time.Hour + 30*time.Minute - 20*time.Minute)
	want := []schemas.Coverage{
		{Shard: shard, From: noon(), To: holes[0].From, Basis: schemas.CoverageAssumed},
		{Shard: shard, From: holes[0].To, To: end, Basis: schemas.CoverageAssumed},
	}
	if got := w.coverage(t); !slices.Equal(got, want) {
		t.Errorf("covered is %v, want %v", got, want)
	}
	if n := w.broken(t); n != 0 {
		t.Errorf("%d events are said to have come too late", n)
	}
	state := w.metrics.States()[shard]
	if !state.CoveredTo.Equal(end) || !state.At.Equal(end.Add(20*time.Minute)) || state.Err != nil {
		t.Errorf("the state is %+v, want covered to %v", state, end)
	}
}

func TestEventsBehindTheLatenessBoundBreakCoverage(t *testing.T) {
	tests := []struct {
		name   string
		delay  time.Duration
		hole   bool
		broken int
	}{
		{"at once", 0, false, 0},
		{"just within", 20*time.Minute - time.Second, false, 0},
		{"just beyond", 20*time.Minute + 3*time.Minute, false, 1},
		{"far beyond", 50 * time.Minute, false, 1},
		{"beyond, in a hole", 50 * time.Minute, true, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			events := some(t, 2)
			at(&events[0], noon().Add(10*time.Minute), time.Minute)
			at(&events[1], noon().Add(10*time.Minute), tt.delay)
			w := newWorld(t, events, nil)
			c := w.collector(t, func(cfg *lookup.Config) {
				if tt.hole {
					cfg.Holes = []schemas.Interval{{From: noon(), To: noon().Add(time.Hour)}}
				}
			})
			for range 40 {
				w.clock.Add(2 * time.Minute)
				round(t, c)
			}
			if got := w.events(); !same(got, raws(events)) {
				t.Errorf("%d events came, want each of 2 once", len(got))
			}
			if n := w.broken(t); n != tt.broken {
				t.Errorf("%d events broke coverage, want %d", n, tt.broken)
			}
			if said := strings.Contains(w.logged.String(), events[1].ID()); said != (tt.broken > 0) {
				t.Errorf("the log names the event: %t", said)
			}
		})
	}
}

func TestWhatComesLateWhileNobodyLooksIsFoundAfterwards(t *testing.T) {
	events := some(t, 2)
	at(&events[0], noon().Add(30*time.Minute), time.Minute)
	at(&events[1], noon().Add(30*time.Minute), 2*time.Hour)
	w := newWorld(t, events, nil)
	w.clock.Set(noon().Add(time.Hour))
	round(t, w.collector(t, nil))
	w.clock.Set(noon().Add(3 * time.Hour))
	round(t, w.collector(t, nil))
	if got := w.events(); !slices.Contains(got, raw(&events[1])) {
		t.Error("the late event is missing")
	}
	if n := w.broken(t); n != 0 {
		t.Errorf("%d events are said to have broken coverage; a new process cannot tell which it knew", n)
	}
}

func TestAfterARestartLateEventsAreToldApartOnceAllIsKnown(t *testing.T) {
	events := some(t, 2)
	at(&events[0], noon().Add(30*time.Minute), time.Minute)
	at(&events[1], noon().Add(30*time.Minute), 36*time.Minute)
	w := newWorld(t, events, nil)
	w.clock.Set(noon().Add(time.Hour))
	round(t, w.collector(t, nil))
	c := w.collector(t, nil)
	for range 20 {
		round(t, c)
		w.clock.Add(time.Minute)
	}
	if n := w.broken(t); n != 1 {
		t.Errorf("%d events are said to have broken coverage, want the one that came after the restart", n)
	}
}

func TestCopiesWithOtherContentArriveAndByteEqualOnesOnce(t *testing.T) {
	h, err := organisation.Generate(organisation.Config{})
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]organisation.Event{}
	var corrected []organisation.Event
	for _, ev := range h.CloudTrail {
		if ev.Shard != shard {
			continue
		}
		if old, ok := byID[ev.ID()]; ok && raw(&old) != raw(&ev) {
			corrected = []organisation.Event{old, ev}
		}
		byID[ev.ID()] = ev
	}
	if corrected == nil {
		t.Fatal("the history has no corrected copy in this shard")
	}
	events := append(slices.Clone(corrected), corrected...)
	for i := range events {
		// The copies come one after another, the later ones behind coverage.
		at(&events[i], noon().Add(time.Minute), time.Duration(i)*25*time.Minute)
	}
	w := newWorld(t, events, nil)
	c := w.collector(t, nil)
	for range 50 {
		w.clock.Add(2 * time.Minute)
		round(t, c)
	}
	if got, want := w.events(), raws(events[:2]); !slices.Equal(got, want) {
		t.Errorf("%d copies came, want both contents, each once", len(got))
	}
	if n := w.broken(t); n != 0 {
		t.Errorf("coverage is said to be broken by %d copies of an event that was there", n)
	}
}

func TestWhereverTheLogFailsNothingIsLost(t *testing.T) {
	events := some(t, 130)
	spread(events, 2*time.Hour)
	for failing := 0; ; failing++ {
		w := newWorld(t, events, nil)
		w.left = failing
		failed := false
		c := w.collector(t, nil)
		for range 6 {
			w.clock.Add(30 * time.Minute)
			if err := c.Round(t.Context()); err != nil {
				// The process ends here, and another begins.
				failed = true
				c = w.collector(t, nil)
			}
		}
		round(t, c)
		honest(t, w.records, events, nil)
		if got := w.events(); !same(slices.Compact(slices.Sorted(slices.Values(got))), raws(events)) {
			t.Errorf("with write %d failing, %d events came, want all of %d", failing, len(got), len(events))
		}
		var checkpoint struct {
			CoveredTo time.Time `json:"covered_to"`
		}
		if err := json.Unmarshal(w.checkpoints[shard], &checkpoint); err != nil {
			t.Fatal(err)
		}
		claims := w.coverage(t)
		if !claims[len(claims)-1].To.Equal(checkpoint.CoveredTo) || !checkpoint.CoveredTo.Equal(noon().Add(3*time.Hour-20*time.Minute)) {
			t.Errorf("with write %d failing, the checkpoint is %s after the claims %v", failing, w.checkpoints[shard], claims)
		}
		if !failed {
			if failing < 12 {
				t.Errorf("only %d writes were made to fail", failing)
			}
			return
		}
	}
}

func TestWhatLookupNoLongerReachesIsNotClaimed(t *testing.T) {
	w := newWorld(t, nil, nil)
	w.clock.Set(noon().Add(time.Hour))
	round(t, w.collector(t, nil))
	back := noon().AddDate(0, 0, 100)
	w.clock.Set(back)
	round(t, w.collector(t, func(cfg *lookup.Config) { cfg.Window = 24 * time.Hour }))
	want := []schemas.Coverage{
		{Shard: shard, From: noon(), To: noon().Add(40 * time.Minute), Basis: schemas.CoverageAssumed},
		{Shard: shard, From: back.AddDate(0, 0, -90).Add(time.Hour), To: back.Add(-20 * time.Minute), Basis: schemas.CoverageAssumed},
	}
	if got := w.coverage(t); !slices.Equal(got, want) {
		t.Errorf("covered is %v, want %v", got, want)
	}
	if n := w.Counts()[aws.Outcome{Operation: aws.LookupEvents, Shard: shard, Code: "InvalidTimeRangeException"}]; n != 0 {
		t.Errorf("%d lookups asked for more than 90 days", n)
	}
}

func TestTheCheckpointIsUsedAsFarAsItServes(t *testing.T) {
	names := func(n ...string) func(*lookup.Config) { return func(cfg *lookup.Config) { cfg.EventNames = n } }
	since := func(at time.Time) func(*lookup.Config) { return func(cfg *lookup.Config) { cfg.Since = at } }
	tests := []struct {
		name          string
		before, after func(*lookup.Config)
		again         bool
	}{
		{"as before", nil, nil, false},
		{"since later", nil, since(noon().Add(time.Minute)), false},
		{"since earlier", nil, since(noon().Add(-time.Minute)), true},
		{"all of 90 days", nil, since(time.Time{}), true},
		{"as before, all of 90 days", since(time.Time{}), since(time.Time{}), false},
		{"a name of all", nil, names("ConsoleLogin"), false},
		{"fewer names", names("ConsoleLogin", "Federate"), names("ConsoleLogin"), false},
		{"another name", names("ConsoleLogin"), names("Federate"), true},
		{"all instead of names", names("ConsoleLogin"), nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wide := func(change func(*lookup.Config)) func(*lookup.Config) {
				return func(cfg *lookup.Config) {
					cfg.Window, cfg.Recheck = 24*time.Hour, time.Minute
					if change != nil {
						change(cfg)
					}
				}
			}
			w := newWorld(t, nil, nil)
			w.clock.Set(noon().Add(time.Hour))
			round(t, w.collector(t, wide(tt.before)))
			first := len(w.windows())
			round(t, w.collector(t, wide(tt.after)))
			begin := w.windows()[first].Start
			if again := begin.Before(noon().Add(30 * time.Minute)); again != tt.again {
				t.Errorf("the second process begins at %v; again from the beginning is %t, want %t", begin, again, tt.again)
			}
		})
	}
}

func TestOneWrongDateClaimsNothing(t *testing.T) {
	for name, wrong := range map[string]int{"before the window": 1, "after it": 2} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil, nil)
			right := noon().Add(50 * time.Minute)
			n := 0
			set := func() {
				w.clock.Set(right)
				if n++; n == wrong {
					w.clock.Set(right.AddDate(0, 0, 1))
				}
			}
			set()
			w.onLookup = func(aws.Request) { set() }
			c := w.collector(t, nil)
			round(t, c)
			want := []schemas.Coverage{{Shard: shard, From: noon(), To: noon().Add(30 * time.Minute), Basis: schemas.CoverageAssumed}}
			if got := w.coverage(t); !slices.Equal(got, want) {
				t.Errorf("covered is %v, want %v", got, want)
			}
		})
	}
}
