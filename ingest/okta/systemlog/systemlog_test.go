package systemlog_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"jitaudit/ingest"
	"jitaudit/ingest/okta/api"
	"jitaudit/ingest/okta/systemlog"
	"jitaudit/internal/organisation"
	"jitaudit/internal/simulated/okta"
	"jitaudit/schemas"
)

// live is a bench whose org lives through the generated history while it is
// polled, from its first event on.
func live(t *testing.T) (*bench, *organisation.History) {
	t.Helper()
	h := history(t)
	b := newBench(h.Okta...)
	begin := h.Okta[0].Seen.Add(-time.Hour)
	epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	b.clock = func() time.Time { return begin.Add(time.Since(epoch)) }
	b.cfg.Since = begin.Add(-time.Hour)
	return b, h
}

// span is how long it takes until all of a history has been seen.
func span(h *organisation.History) time.Duration {
	return h.Okta[len(h.Okta)-1].Seen.Sub(h.Okta[0].Seen) + 2*time.Hour
}

func TestEverythingArrivesByteForByte(t *testing.T) {
	b, h := live(t)
	b.cfg.PollInterval = 5 * time.Minute
	b.org.PageLimit = 7
	c := b.collector(t)
	if len(h.Okta) < 150 || slices.IsSortedFunc(h.Okta, func(a, b organisation.Event) int { return a.At.Compare(b.At) }) {
		t.Fatalf("a history of %d events in the order of published shows little", len(h.Okta))
	}
	b.run(t, func(t *testing.T) {
		b.server.Fail(2, okta.Fault{Kind: okta.TimedOut})
		b.server.Fail(1, okta.Fault{Kind: okta.Cut})
		b.server.Fail(1, okta.Fault{Kind: okta.Throttled, After: 20 * time.Second})
		b.server.Fail(3, okta.Fault{Kind: okta.Closed})
		ctx, cancel := context.WithTimeout(t.Context(), span(h))
		defer cancel()
		if err := c.Run(ctx); err != nil {
			t.Fatal(err)
		}
		equal(t, raw(h.Okta...), b.log.events())
		for i, m := range b.log.messages {
			if m.Source != schemas.Okta || m.Kind == schemas.RawEvent && (m.ID == "" || m.Time.IsZero()) {
				t.Fatalf("message %d: %+v", i, m)
			}
		}
		if got := b.metric(t, "records_total"); got != float64(len(b.log.messages)) {
			t.Errorf("%v records counted, want %d", got, len(b.log.messages))
		}
		if got := b.metric(t, "coverage_broken_total"); got != 0 {
			t.Errorf("%v events count as broken, though none is later than 5 minutes", got)
		}
	})
}

func TestALogReadAtOnceKeepsToTheLimit(t *testing.T) {
	h := history(t)
	b := newBench(h.Okta...)
	b.org.Retention, b.org.PageLimit, b.org.RateLimit = -1, 5, 20
	b.cfg.Since = h.Okta[0].At.Add(-time.Hour)
	c := b.collector(t)
	b.run(t, func(t *testing.T) {
		once(t, c)
		equal(t, raw(h.Okta...), b.log.events())
		// It stops before the limit is used up: Okta warns its admins of every 429.
		if got := b.metric(t, "requests_total"); got != float64(b.server.Count(logsPath)) || got < 30 {
			t.Errorf("%v requests are counted, the org saw %d", got, b.server.Count(logsPath))
		}
		for _, s := range outcomes(t, b) {
			if s != "ok" {
				t.Errorf("a request was %s", s)
			}
		}
	})
}

func outcomes(t *testing.T, b *bench) (all []string) {
	t.Helper()
	families, err := b.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "jitaudit_collect_requests_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "outcome" {
					all = append(all, l.GetValue())
				}
			}
		}
	}
	return all
}

func TestCoverageStandsBehindItsEventsAndEndsBeforeLateness(t *testing.T) {
	b, h := live(t)
	b.cfg.PollInterval = 2 * time.Minute
	hole := schemas.Interval{From: h.Okta[100].At, To: h.Okta[100].At.Add(20 * time.Minute)}
	b.cfg.Holes = []schemas.Interval{hole}
	c := b.collector(t)
	b.run(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), span(h))
		defer cancel()
		if err := c.Run(ctx); err != nil {
			t.Fatal(err)
		}
		held := map[string]bool{}
		claims, end := 0, b.cfg.Since
		for _, m := range b.log.messages {
			if m.Kind == schemas.RawEvent {
				held[m.ID] = true
				continue
			}
			var got schemas.Coverage
			if err := json.Unmarshal(m.Raw, &got); err != nil {
				t.Fatal(err)
			}
			claims++
			for i := range h.Okta {
				if ev := &h.Okta[i]; !ev.At.Before(got.From) && ev.At.Before(got.To) && !held[ev.ID()] {
					t.Fatalf("coverage up to %v stands before event %s of %v", got.To, ev.ID(), ev.At)
				}
			}
			if got.From.Before(hole.To) && hole.From.Before(got.To) {
				t.Errorf("coverage %v to %v claims the hole", got.From, got.To)
			}
			if got.Shard != shard || got.Basis != schemas.CoverageAssumed || !got.From.Equal(end) && !got.From.Equal(hole.To) || !got.From.Before(got.To) {
				t.Errorf("coverage %+v, the one before ends at %v", got, end)
			}
			end = got.To
		}
		state := b.metrics.States()[shard]
		if claims < 500 || !state.CoveredTo.Equal(end) || !state.At.Equal(end.Add(5*time.Minute)) {
			t.Errorf("%d claims up to %v; state is %+v", claims, end, state)
		}
	})
}

func TestAPollThatFailsOnTheWayClaimsNothing(t *testing.T) {
	h := history(t)
	b := newBench(h.Okta...)
	b.org.Retention, b.org.PageLimit = -1, 50
	b.cfg.Since = h.Okta[0].At.Add(-time.Hour)
	c := b.collector(t)
	b.run(t, func(t *testing.T) {
		b.intercept = func(w http.ResponseWriter, _ *http.Request) bool {
			if len(b.asked()) == 3 {
				w.WriteHeader(http.StatusBadGateway)
				return true
			}
			return false
		}
		if err := c.Once(t.Context()); err == nil {
			t.Fatal("succeeded")
		}
		if n := len(b.log.coverage(t)); n != 0 || len(b.log.events()) != 100 {
			t.Errorf("%d claims behind %d events", n, len(b.log.events()))
		}
		once(t, c)
		equal(t, raw(h.Okta...), b.log.events()) // each once: it goes on behind the last page kept
	})
}

func TestLateEvents(t *testing.T) {
	// Two polls: one at start, one 10 minutes later.
	onTime := event(t, 0, -time.Hour, -time.Hour)
	within := event(t, 1, -4*time.Minute, time.Minute)
	beyond := event(t, 2, -20*time.Minute, 2*time.Minute)
	inHole := event(t, 3, -40*time.Minute, 3*time.Minute)
	early := event(t, 4, -24*time.Hour, 4*time.Minute)
	again := onTime
	again.Seen = start.Add(5 * time.Minute)
	b := newBench(onTime, within, beyond, inHole, early, again)
	b.cfg.Holes = []schemas.Interval{{From: start.Add(-45 * time.Minute), To: start.Add(-35 * time.Minute)}}
	c := b.collector(t)
	b.run(t, func(t *testing.T) {
		once(t, c)
		if to := b.log.coverage(t)[1].To; !to.Equal(start.Add(-5 * time.Minute)) {
			t.Fatalf("covered to %v", to)
		}
		time.Sleep(10 * time.Minute)
		once(t, c)
		equal(t, raw(onTime, within, beyond, inHole, early, again), b.log.events())
		if got := b.metric(t, "coverage_broken_total"); got != 2 {
			t.Errorf("%v events broke coverage, want the one beyond its bound and the one at its very beginning", got)
		}
		contains(t, b.logged.String(), "behind coverage already claimed")
		contains(t, b.logged.String(), beyond.ID())
	})
}

func TestDuplicatesAreKept(t *testing.T) {
	events := []organisation.Event{event(t, 0, -time.Hour, -time.Hour), event(t, 1, -time.Hour, -time.Hour)}
	b := newBench(events...)
	c := b.collector(t)
	b.run(t, func(t *testing.T) {
		b.server.Fail(1, okta.Fault{Kind: okta.Twice})
		once(t, c)
		equal(t, raw(events[0], events[1], events[0]), b.log.events())
	})
}

func TestACrashRepeatsAndLosesNothing(t *testing.T) {
	h := history(t)
	crash := errors.New("killed")
	for _, tc := range []struct{ name, at string }{{"before it appends", "append"}, {"between append and checkpoint", "checkpoint"}} {
		for _, nth := range []int{1, 2, 5, 8} {
			t.Run(fmt.Sprintf("%s %d", tc.name, nth), func(t *testing.T) {
				b := newBench(h.Okta...)
				b.org.Retention, b.org.PageLimit = -1, 100
				b.cfg.Since = h.Okta[0].At.Add(-time.Hour)
				calls := 0
				b.log.before = func(what string, n int) error {
					if what != tc.at {
						return nil
					}
					if calls++; calls == nth {
						return crash
					}
					return nil
				}
				killed, restarted := b.collector(t), b.collector(t)
				b.run(t, func(t *testing.T) {
					err := killed.Once(t.Context())
					if pages := (len(h.Okta)+99)/100 + 1; nth <= pages && !errors.Is(err, crash) {
						t.Fatalf("not killed: %v", err)
					}
					once(t, restarted)
					got := b.log.events()
					repeated := len(got) - len(h.Okta)
					if tc.at == "append" && repeated != 0 || repeated < 0 || repeated > 100 {
						t.Errorf("%d events are repeated", repeated)
					}
					slices.Sort(got)
					want := raw(h.Okta...)
					slices.Sort(want)
					equal(t, slices.Compact(want), slices.Compact(got))
					if cov := b.log.coverage(t); len(cov) == 0 || !cov[0].From.Equal(b.cfg.Since) {
						t.Errorf("coverage %+v", cov)
					}
				})
			})
		}
	}
}

func TestAFailedAppendIsDoneAgain(t *testing.T) {
	ev := event(t, 0, -time.Minute, -time.Minute)
	b := newBench(ev)
	fails := 3
	b.log.before = func(string, int) error {
		if fails--; fails >= 0 {
			return errors.New("the broker is away")
		}
		return nil
	}
	c := b.collector(t)
	b.run(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
		defer cancel()
		if err := c.Run(ctx); err != nil {
			t.Fatal(err)
		}
		equal(t, raw(ev), b.log.events())
	})
}

func TestRefusedCursorGoesOnByTime(t *testing.T) {
	events := []organisation.Event{
		event(t, 0, -3*time.Hour, -3*time.Hour), event(t, 1, -30*time.Minute, -30*time.Minute),
		event(t, 2, -10*time.Minute, -10*time.Minute), event(t, 3, time.Minute, time.Minute),
	}
	b := newBench(events...)
	first, restarted := b.collector(t), b.collector(t)
	b.run(t, func(t *testing.T) {
		once(t, first)
		var cp map[string]any
		if err := json.Unmarshal(b.log.checkpoint, &cp); err != nil {
			t.Fatal(err)
		}
		if next, _ := cp["next"].(string); next == "" || cp["version"] != 1.0 {
			t.Fatalf("checkpoint is %s", b.log.checkpoint)
		}
		cp["after"] = "1627500044869_1"
		b.log.checkpoint, _ = json.Marshal(cp)
		time.Sleep(2 * time.Minute)
		once(t, restarted)
		// An hour before the last published is read again.
		equal(t, raw(events[0], events[1], events[2], events[1], events[2], events[3]), b.log.events())
		if got := b.metric(t, "coverage_broken_total"); got != 0 {
			t.Errorf("%v events that were read again count as broken", got)
		}
		contains(t, b.logged.String(), "going on by time")
		asked := b.asked()
		if since := asked[3].Get("since"); since != "2026-05-04T10:50:00.000Z" {
			t.Errorf("asked since %q, want an hour before the last event", since)
		}
		if cov := b.log.coverage(t); len(cov) != 2 || !cov[1].From.Equal(cov[0].To) {
			t.Errorf("coverage %+v", cov)
		}
	})
}

func TestRefusedCursorOverAndOverIsNoBusyLoop(t *testing.T) {
	b := newBench(event(t, 0, -time.Minute, -time.Minute))
	b.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("since") {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		w.Write([]byte(`{"errorCode":"E0000001","errorSummary":"Api validation failed: after"}`))
		return true
	}
	c := b.collector(t)
	b.run(t, func(t *testing.T) {
		if err := c.Once(t.Context()); !errors.Is(err, api.ErrRefused) {
			t.Errorf("got %v", err)
		}
		if n := len(b.asked()); n > 4 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestChangedFilterOrLimitDropsTheCursor(t *testing.T) {
	b := newBench(event(t, 0, -10*time.Minute, -10*time.Minute), event(t, 1, -5*time.Minute, -5*time.Minute))
	first := b.collector(t)
	b.cfg.Limit = 500
	second := b.collector(t)
	b.run(t, func(t *testing.T) {
		once(t, first)
		once(t, second)
		once(t, second)
		asked := b.asked()
		if q := asked[2]; !q.Has("since") || q.Has("after") || q.Get("limit") != "500" {
			t.Errorf("asked %v", q)
		}
		if q := asked[len(asked)-1]; !q.Has("after") {
			t.Errorf("asked %v", q)
		}
	})
}

func TestWhatOktaHasDeletedIsNotCovered(t *testing.T) {
	b := newBench(event(t, 0, -100*24*time.Hour, -100*24*time.Hour), event(t, 1, -time.Hour, -time.Hour))
	b.cfg.Since = start.Add(-120 * 24 * time.Hour)
	c, later := b.collector(t), b.collector(t)
	b.run(t, func(t *testing.T) {
		once(t, c)
		once(t, c)
		cov := b.log.coverage(t)
		if len(cov) != 1 || !cov[0].From.Equal(start.Add(-89*24*time.Hour)) {
			t.Errorf("coverage %+v", cov)
		}
		contains(t, b.logged.String(), "may have deleted")
		time.Sleep(100 * 24 * time.Hour) // nobody polls
		once(t, later)
		cov = b.log.coverage(t)
		if len(cov) != 2 || !cov[1].From.Equal(start.Add(11*24*time.Hour)) {
			t.Errorf("coverage after a long time away %+v", cov)
		}
	})
}

func TestDeniedAccessEndsRun(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		change     func(*bench)
	}{
		{"wrong token", "401 E0000011", func(b *bench) { b.cfg.Auth.Token = "00other" }},
		{"token without the right", "403 E0000006", func(b *bench) { b.org.Scopes = []string{"okta.users.read"} }},
		{"filter that Okta does not know", "400 E0000031", func(b *bench) { b.cfg.Filter = `published gt "2026-01-01"` }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(event(t, 0, -time.Minute, -time.Minute))
			tc.change(b)
			c := b.collector(t)
			b.run(t, func(t *testing.T) {
				err := c.Run(t.Context())
				if !errors.Is(err, api.ErrDenied) && !errors.Is(err, api.ErrRefused) {
					t.Fatalf("got %v", err)
				}
				contains(t, err.Error(), tc.want)
				contains(t, err.Error(), "collect the system log of Okta org example")
				if s := b.metrics.States()[shard]; !errors.Is(s.Err, err) {
					t.Errorf("state %+v", s)
				}
				if b.server.Count(logsPath) != 1 {
					t.Errorf("%d requests", b.server.Count(logsPath))
				}
				if got := err.Error() + b.logged.String(); strings.Contains(got, b.cfg.Auth.Token) {
					t.Errorf("the token is told: %s", got)
				}
			})
		})
	}
}

func TestAnAppInPlaceOfAToken(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ev := event(t, 0, -time.Minute, -time.Minute)
	b := newBench(ev)
	b.org.Token, b.org.ClientID, b.org.PublicKey = "", "0oa1jitaudit00000000", &key.PublicKey
	b.cfg.Auth = api.Auth{
		ClientID:   b.org.ClientID,
		PrivateKey: pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
	}
	c := b.collector(t)
	b.run(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Minute)
		defer cancel()
		if err := c.Run(ctx); err != nil {
			t.Fatal(err)
		}
		equal(t, raw(ev), b.log.events())
		// A bearer token holds for an hour.
		if got := b.server.Count("/oauth2/v1/token"); got != 3 {
			t.Errorf("%d bearer tokens in two and a half hours, want 3", got)
		}
		// The end may come between a request and its answer.
		if got, want := b.metric(t, "requests_total"), float64(b.server.Count(logsPath)+3); got < want-1 || got > want+1 {
			t.Errorf("%v requests counted, want %v", got, want)
		}
	})
}

func TestUnreadableCheckpointEndsRun(t *testing.T) {
	for name, checkpoint := range map[string]string{"no JSON": "x", "later version": `{"version":2,"covered_to":"2026-05-04T00:00:00Z"}`, "empty": `{}`} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			b.log.checkpoint = []byte(checkpoint)
			c := b.collector(t)
			b.run(t, func(t *testing.T) {
				if err := c.Run(t.Context()); !errors.Is(err, systemlog.ErrCheckpoint) {
					t.Errorf("got %v", err)
				}
				if len(b.asked()) != 0 {
					t.Error("asked nonetheless")
				}
			})
		})
	}
}

func TestConfigThatCannotWork(t *testing.T) {
	good := systemlog.Config{Org: "example", URL: "https://example.okta.com", Auth: api.Auth{Token: "t"}, Since: start}
	for name, change := range map[string]func(*systemlog.Config){
		"no org":            func(c *systemlog.Config) { c.Org = "" },
		"no since":          func(c *systemlog.Config) { c.Since = time.Time{} },
		"page too large":    func(c *systemlog.Config) { c.Limit = 1001 },
		"negative lateness": func(c *systemlog.Config) { c.Lateness = -1 },
		"no token":          func(c *systemlog.Config) { c.Auth = api.Auth{} },
		"plain http":        func(c *systemlog.Config) { c.URL = "http://example.okta.com" },
	} {
		cfg := good
		change(&cfg)
		if _, err := systemlog.New(cfg, &recorder{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := systemlog.New(good, &recorder{}); err != nil {
		t.Error(err)
	}
}

var _ ingest.Log = (*recorder)(nil)
