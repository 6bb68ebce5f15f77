package systemlog_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"jitaudit/internal/organisation"
	"jitaudit/internal/simulated/okta"
)

// The traps of Okta's SDK, in the order in which package api names them, each
// through the unmodified SDK.

func TestTrapCacheAnswersAPollWithTheLastPage(t *testing.T) {
	events := []organisation.Event{event(t, 0, -time.Minute, -time.Minute), event(t, 1, 5*time.Second, 6*time.Second)}
	b := newBench(events...)
	c := b.collector(t)
	b.run(t, func(t *testing.T) {
		once(t, c)
		equal(t, raw(events[:1]...), b.log.events())
		before := b.server.Count(logsPath)
		once(t, c) // the same cursor again, answered by an empty page
		if got := b.server.Count(logsPath); got != before+1 {
			t.Errorf("%d requests for a poll, want 1", got-before)
		}
		time.Sleep(10 * time.Second)
		once(t, c)
		equal(t, raw(events...), b.log.events())
	})
}

func TestTrapHasNextPageIsAlwaysTrue(t *testing.T) {
	events := history(t).Okta[:25]
	b := newBench(events...)
	b.org.PageLimit, b.org.Retention = 10, -1
	b.cfg.Since = events[0].At.Add(-24 * time.Hour)
	c := b.collector(t)
	b.run(t, func(t *testing.T) {
		once(t, c)
		// Three pages with events, and the empty one.
		if got := b.server.Count(logsPath); got != 4 {
			t.Errorf("%d requests, want 4", got)
		}
		equal(t, raw(events...), b.log.events())
	})
}

func TestTrapNextSendsSinceAndAfterTogether(t *testing.T) {
	events := history(t).Okta[:25]
	b := newBench(events...)
	b.org.PageLimit, b.org.Retention = 10, -1
	b.cfg.Since = events[0].At.Add(-24 * time.Hour)
	b.cfg.Filter = `eventType eq "group.user_membership.add" or eventType eq "user.authentication.sso"`
	first, second := b.collector(t), b.collector(t)
	b.run(t, func(t *testing.T) {
		once(t, first)
		once(t, second) // after a restart
		asked := b.asked()
		for i, q := range asked {
			if q.Has("since") == q.Has("after") || q.Has("since") != (i == 0) {
				t.Errorf("request %d: %v", i, q)
			}
			if q.Get("limit") != "1000" || q.Get("filter") != b.cfg.Filter || q.Has("until") || q.Get("sortOrder") != "ASCENDING" {
				t.Errorf("request %d does not ask as the first: %v", i, q)
			}
		}
		last, previous := asked[len(asked)-1], asked[len(asked)-2]
		if last.Get("after") != previous.Get("after") {
			t.Errorf("resumed at %s, want the stored cursor %s", last.Get("after"), previous.Get("after"))
		}
	})
}

func TestTrapNilResponseAfterTooManyRequests(t *testing.T) {
	ev := event(t, 0, -time.Minute, -time.Minute)
	b := newBench(ev)
	c := b.collector(t)
	b.run(t, func(t *testing.T) {
		b.server.Fail(7, okta.Fault{Kind: okta.Throttled, After: 30 * time.Second})
		err := c.Once(t.Context())
		if err == nil {
			t.Fatal("a round of refused requests succeeded")
		}
		contains(t, err.Error(), "rate limit")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		if err := c.Run(ctx); err != nil {
			t.Fatal(err)
		}
		equal(t, raw(ev), b.log.events())
	})
}

func TestTrapMaxBackoffIsLessThanAMinute(t *testing.T) {
	ev := event(t, 0, -time.Minute, -time.Minute)
	b := newBench(ev)
	c := b.collector(t)
	b.run(t, func(t *testing.T) {
		b.server.Fail(1, okta.Fault{Kind: okta.Throttled, After: time.Minute})
		begun := time.Now()
		once(t, c)
		// One request that is refused, and no other before the limit is reset.
		if got := b.server.Count(logsPath); got != 3 {
			t.Errorf("%d requests, want 3", got)
		}
		if waited := time.Since(begun); waited != 61*time.Second {
			t.Errorf("waited %v, want 61s", waited)
		}
		equal(t, raw(ev), b.log.events())
	})
}

func TestTrapServerErrorsAreNotRetried(t *testing.T) {
	ev := event(t, 0, -time.Minute, -time.Minute)
	b := newBench(ev)
	c := b.collector(t)
	b.run(t, func(t *testing.T) {
		b.server.Fail(3, okta.Fault{Kind: okta.TimedOut})
		err := c.Once(t.Context())
		if err == nil {
			t.Fatal("a failed round succeeded")
		}
		contains(t, err.Error(), "500 E0000009")
		if s := b.metrics.States()[shard]; s.Err == nil {
			t.Error("the failure is not in the state")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := c.Run(ctx); err != nil {
			t.Fatal(err)
		}
		equal(t, raw(ev), b.log.events())
		if s := b.metrics.States()[shard]; s.Err != nil || s.CoveredTo.IsZero() {
			t.Errorf("state after recovery is %+v", s)
		}
		// Three fail, after 1, 2 and 4 seconds the next ones come.
		if got := b.server.Count(logsPath); got != 5 {
			t.Errorf("%d requests, want 5", got)
		}
	})
}

func TestTrapClosedConnectionIsAskedAgainAtOnceForEver(t *testing.T) {
	ev := event(t, 0, -time.Minute, -time.Minute)
	b := newBench(ev)
	c := b.collector(t)
	b.run(t, func(t *testing.T) {
		b.server.Fail(100_000, okta.Fault{Kind: okta.Closed})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.Run(ctx); err != nil {
			t.Fatal(err)
		}
		// After 0, 1, 3, 7, 15 and 31 seconds.
		if got := b.server.Count(logsPath); got != 6 {
			t.Errorf("%d requests in a minute, want 6", got)
		}
		if s := b.metrics.States()[shard]; s.Err == nil || !strings.Contains(s.Err.Error(), "closed without an answer") {
			t.Errorf("state says %v", s.Err)
		}
		b.server.Mend()
		once(t, c)
		equal(t, raw(ev), b.log.events())
	})
}

func TestTrapRequestsHaveNoDeadline(t *testing.T) {
	ev := event(t, 0, -time.Minute, -time.Minute)
	b := newBench(ev)
	c := b.collector(t)
	b.run(t, func(t *testing.T) {
		b.server.Fail(1, okta.Fault{Kind: okta.Delayed, After: 24 * time.Hour})
		begun := time.Now()
		err := c.Once(t.Context())
		if err == nil || time.Since(begun) > 2*time.Minute {
			t.Errorf("returned after %v with %v", time.Since(begun), err)
		}
		once(t, c)
		equal(t, raw(ev), b.log.events())
	})
}

func TestTrapLogEventDropsFields(t *testing.T) {
	h := history(t)
	b := newBench(h.Okta...)
	b.org.Retention = -1
	b.cfg.Since = h.Okta[0].At.Add(-24 * time.Hour)
	c := b.collector(t)
	b.run(t, func(t *testing.T) {
		once(t, c)
		all := strings.Join(b.log.events(), "\n")
		for _, field := range []string{"rootSessionId", "device", "detailEntry", "requestApiTokenId"} {
			contains(t, all, `"`+field+`":`)
		}
	})
}

func TestTrapOneOddRecordRefusesTheWholePage(t *testing.T) {
	ev := event(t, 0, -time.Minute, -time.Minute)
	b := newBench(ev)
	odd := []string{
		`{"uuid":5,"published":"yesterday","severity":{}}`, `"text"`, `null`, `{ "uuid" : "u1" , "published":"2026-05-04T11:59:00.000Z", "x":"<&>" }`, raw(ev)[0],
	}
	b.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if !r.URL.Query().Has("since") {
			return false
		}
		rec := &capture{header: w.Header()}
		b.server.ServeHTTP(rec, r)
		w.Header().Del("Content-Length")
		w.Write([]byte(" [ " + strings.Join(odd, " ,\n") + " ] "))
		return true
	}
	c := b.collector(t)
	b.run(t, func(t *testing.T) {
		once(t, c)
		equal(t, odd, b.log.events())
		if m := b.log.messages[3]; m.ID != "u1" || !m.Time.Equal(start.Add(-time.Minute)) {
			t.Errorf("id %q, time %v", m.ID, m.Time)
		}
		if m := b.log.messages[0]; m.ID != "" || !m.Time.IsZero() {
			t.Errorf("unreadable record has id %q, time %v", m.ID, m.Time)
		}
	})
}

// capture swallows an answer but for its headers.
type capture struct{ header http.Header }

func (c *capture) Header() http.Header         { return c.header }
func (c *capture) Write(b []byte) (int, error) { return len(b), nil }
func (c *capture) WriteHeader(int)             {}

func TestTrapEmptyBodyIsNoError(t *testing.T) {
	ev := event(t, 0, -time.Minute, -time.Minute)
	for name, body := range map[string]string{"empty": "", "white space": " \n", "null": "null", "object": `{"errorCode":"E0"}`, "no JSON": "<html>", "cut": `[{"uuid":"u"`} {
		t.Run(name, func(t *testing.T) {
			b := newBench(ev)
			left := 1
			b.intercept = func(w http.ResponseWriter, r *http.Request) bool {
				if left--; left < 0 {
					return false
				}
				b.server.ServeHTTP(&capture{header: w.Header()}, r)
				w.Header().Del("Content-Length")
				w.Write([]byte(body))
				return true
			}
			c := b.collector(t)
			b.run(t, func(t *testing.T) {
				err := c.Once(t.Context())
				if err == nil || errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("a page that is no array was taken: %v", err)
				}
				if len(b.log.messages) != 0 || b.log.saved != 0 {
					t.Error("something was made of it")
				}
				once(t, c)
				equal(t, raw(ev), b.log.events())
			})
		})
	}
}
