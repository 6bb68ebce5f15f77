package lookup_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"jitaudit/ingest/awsapi"
	"jitaudit/ingest/cloudtrail/lookup"
	"jitaudit/internal/organisation"
	"jitaudit/internal/simulated/aws"
	"jitaudit/schemas"
)

func TestEveryEventOfAHistoryArrivesByteEqual(t *testing.T) {
	h, err := organisation.Generate(organisation.Config{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{}
	begin, end := h.CloudTrail[0].At, h.CloudTrail[0].Seen
	for i := range h.CloudTrail {
		ev := &h.CloudTrail[i]
		want[ev.Shard] = append(want[ev.Shard], raw(ev))
		if ev.At.Before(begin) {
			begin = ev.At
		}
		if ev.Seen.After(end) {
			end = ev.Seen
		}
	}
	principals := map[string]aws.Principal{}
	for shard := range want {
		principals["AKIA"+shard[4:16]] = aws.Principal{Secret: secret, Account: shard[4:16]}
	}
	w := newWorld(t, h.CloudTrail, func(cfg *aws.Config) { cfg.Principals = principals })
	w.clock.Set(end.Add(time.Hour))
	for shard, raws := range want {
		w.records = nil
		c := w.collector(t, func(cfg *lookup.Config) {
			cfg.Account, cfg.Region, cfg.Since = shard[4:16], shard[17:], begin
			cfg.AWS = connect(t, awsapi.Connection{Region: cfg.Region, Endpoint: w.url, AccessKeyID: "AKIA" + cfg.Account, SecretAccessKey: secret})
		})
		round(t, c)
		distinct := slices.Compact(slices.Sorted(slices.Values(raws)))
		if got := slices.Sorted(slices.Values(w.events())); !slices.Equal(got, distinct) {
			t.Errorf("%s: %d events came, want %d, byte for byte", shard, len(got), len(distinct))
		}
		if got := w.coverage(t); len(got) != 1 || !got[0].From.Equal(begin) || got[0].To.Before(end) {
			t.Errorf("%s: covered is %v, want one interval that holds all", shard, got)
		}
		for _, m := range w.kind(schemas.RawEvent) {
			if m.ID == "" || m.Time.IsZero() || m.Source != schemas.CloudTrail {
				t.Fatalf("%s: a message has id %q, time %v, source %q", shard, m.ID, m.Time, m.Source)
			}
		}
	}
}

// crowd are events of one window of an hour, five pages of them.
func crowd(t *testing.T) []organisation.Event {
	events := some(t, 230)
	for i := range events {
		at(&events[i], noon().Add(time.Duration(i)*10*time.Second), 0)
	}
	return events
}

func TestTheEndOfAWindowIsFrozenWhileNewEventsArrive(t *testing.T) {
	events := crowd(t)
	// While pages are read, some of the same hour become visible, old and new.
	for i := 132; i < len(events); i += 7 {
		events[i].Seen = noon().Add(40*time.Minute + time.Duration(i-132)*time.Second)
	}
	w := newWorld(t, events, nil)
	w.clock.Set(noon().Add(40 * time.Minute))
	w.onLookup = func(aws.Request) { w.clock.Add(20 * time.Second) }
	c := w.collector(t, nil)
	round(t, c)
	asked := w.windows()
	if len(asked) < 5 {
		t.Fatalf("%d pages were read, want at least 5", len(asked))
	}
	for _, r := range asked[1:] {
		if !r.Paged || !r.End.Equal(asked[0].End) || !r.Start.Equal(asked[0].Start) || r.Code != "" {
			t.Errorf("a page asks for %+v, the first for %+v", r, asked[0])
		}
	}
	w.onLookup = nil
	w.clock.Set(noon().Add(3 * time.Hour))
	round(t, c)
	if got := w.events(); !same(got, raws(events)) {
		t.Errorf("%d events came, want each of %d once", len(got), len(events))
	}
	honest(t, w.records, events, nil)
}

func TestAnExpiredTokenBeginsTheWindowAnew(t *testing.T) {
	events := crowd(t)
	w := newWorld(t, events, nil)
	w.clock.Set(noon().Add(59 * time.Minute))
	pages := 0
	w.onLookup = func(aws.Request) {
		if pages++; pages == 4 {
			w.ExpireTokens()
		}
	}
	round(t, w.collector(t, nil))
	if got := w.events(); !same(got, raws(events)) {
		t.Errorf("%d events came, want each of %d once", len(got), len(events))
	}
	first := 0
	for _, r := range w.windows() {
		if !r.Paged {
			first++
		}
	}
	if first != 2 {
		t.Errorf("the window was begun %d times, want twice", first)
	}
}

func TestTokensThatNeverLastFailTheRound(t *testing.T) {
	w := newWorld(t, crowd(t), nil)
	w.clock.Set(noon().Add(59 * time.Minute))
	w.onLookup = func(aws.Request) { w.ExpireTokens() }
	if err := w.collector(t, nil).Round(t.Context()); err == nil {
		t.Error("the round succeeded though no second page could be read")
	}
	if len(w.coverage(t)) != 0 {
		t.Error("coverage was claimed for half a window")
	}
}

func TestAFailingPageIsAskedForAgainAndNotTheWholeWindow(t *testing.T) {
	for _, f := range []aws.Fault{aws.Throttled, aws.Failed, aws.Closed, aws.Cut, aws.Slow} {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			events := crowd(t)
			w := newWorld(t, events, nil)
			w.clock.Set(noon().Add(59 * time.Minute))
			pages := 0
			w.onLookup = func(r aws.Request) {
				if r.Paged {
					if pages++; pages == 2 {
						w.Fail(4, f)
					}
				}
			}
			c := w.collector(t, func(cfg *lookup.Config) {
				if f == aws.Slow {
					cfg.RequestTimeout = 300 * time.Millisecond
				}
			})
			round(t, c)
			if got := w.events(); !same(got, raws(events)) {
				t.Errorf("%d events came, want each of %d once", len(got), len(events))
			}
			if n := len(w.windows()); n != 5 {
				t.Errorf("%d pages were answered, want 5: none twice", n)
			}
			outcome := "failed"
			if f == aws.Throttled {
				outcome = "throttled"
			}
			if got := w.asked(t, outcome); got != 4 {
				t.Errorf("%d requests were counted as %s, want 4", got, outcome)
			}
			if got := w.asked(t, "ok"); got != 6 {
				t.Errorf("%d requests were counted as ok, want 5 pages and the question for the time", got)
			}
		})
	}
}

func TestAPageThatFollowsItselfFailsTheRound(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		fmt.Fprint(w, `{"Events":[],"NextToken":"again"}`)
	}))
	defer web.Close()
	w := newWorld(t, nil, nil)
	c := w.collector(t, func(cfg *lookup.Config) {
		cfg.Since = time.Now().Add(-time.Hour)
		cfg.AWS.BaseEndpoint = &web.URL
	})
	if err := c.Round(t.Context()); err == nil || !strings.Contains(err.Error(), "token twice") {
		t.Errorf("got %v", err)
	}
	if len(w.coverage(t)) != 0 {
		t.Error("coverage was claimed for a window without end")
	}
}

func TestAnAnswerWithoutDateClaimsNothing(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Date"] = nil
		fmt.Fprint(w, `{"Events":[]}`)
	}))
	defer web.Close()
	w := newWorld(t, nil, nil)
	c := w.collector(t, func(cfg *lookup.Config) { cfg.AWS.BaseEndpoint = &web.URL })
	if err := c.Round(t.Context()); err == nil || !strings.Contains(err.Error(), "no Date") {
		t.Errorf("got %v", err)
	}
}

func TestEachEventNameIsAskedFor(t *testing.T) {
	h, err := organisation.Generate(organisation.Config{Days: 1, People: 12, Planted: -1})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, h.CloudTrail, nil)
	w.clock.Set(h.Config.Start.AddDate(0, 0, 2))
	c := w.collector(t, func(cfg *lookup.Config) {
		cfg.Since, cfg.Window = h.Config.Start, 100*time.Hour
		cfg.EventNames = []string{"DescribeInstances", "ListBuckets"}
	})
	round(t, c)
	got := map[string]int{}
	for _, m := range w.kind(schemas.RawEvent) {
		got[name(t, m.Raw)]++
	}
	if len(got) != 2 || got["DescribeInstances"] == 0 || got["ListBuckets"] == 0 {
		t.Errorf("events by name are %v, want both names and no other", got)
	}
	if n := len(w.windows()); n != 2 {
		t.Errorf("%d lookups, want one for each name", n)
	}
}

func TestTwoRequestsPerSecondAreKept(t *testing.T) {
	t.Parallel()
	events := crowd(t)[:120]
	w := newWorld(t, events, func(cfg *aws.Config) { cfg.RequestsPerSecond = 2 })
	w.clock.Set(noon().Add(59 * time.Minute))
	c := w.collector(t, func(cfg *lookup.Config) { cfg.RequestsPerSecond = 0 })
	begun := time.Now()
	round(t, c)
	// The question for the time and three pages: three pauses of half a second.
	if n, took := w.asked(t, "ok"), time.Since(begun); n != 4 || took < 1400*time.Millisecond {
		t.Errorf("%d requests took %v, want 4 in at least 1.5s", n, took)
	}
	if n := w.asked(t, "throttled"); n != 0 {
		t.Errorf("%d requests were throttled", n)
	}
}

func TestAServerThatThrottlesMoreIsSurvived(t *testing.T) {
	t.Parallel()
	events := crowd(t)
	w := newWorld(t, events, func(cfg *aws.Config) { cfg.RequestsPerSecond = 10 })
	w.clock.Set(noon().Add(59 * time.Minute))
	w.Fail(10, aws.Throttled)
	c := w.collector(t, func(cfg *lookup.Config) { cfg.RequestsPerSecond, cfg.MaxBackoff = 50, 200*time.Millisecond })
	round(t, c)
	if got := w.events(); !same(got, raws(events)) {
		t.Errorf("%d events came, want each of %d once", len(got), len(events))
	}
	if n := w.asked(t, "throttled"); n < 10 {
		t.Errorf("%d requests were counted as throttled, want at least 10", n)
	}
}
