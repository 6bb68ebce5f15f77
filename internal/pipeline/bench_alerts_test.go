package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"jitaudit/correlate/rules"
	"jitaudit/correlate/stream/entry"
	kafkalog "jitaudit/ingest/kafka"
	"jitaudit/internal/chdb/chdbtest"
	"jitaudit/internal/config"
	"jitaudit/internal/organisation"
	"jitaudit/internal/reference"
)

// TestMeasureAlerts measures how long after the last event that it needs a finding
// is told, while 1,000 events a second come:
//
//	JITAUDIT_BENCH_ALERTS=180 go test ./internal/pipeline -run TestMeasureAlerts -v -timeout 30m
//
// for so many seconds; JITAUDIT_BENCH_TICK sets correlate.tick. Beside it a query is asked for new findings once a minute, as
// of a scheduled search. What is seen is measured from the acknowledgement of its
// last event by Kafka; what is missed from that, or from the last coverage before
// the alert, whichever is later: coverage comes every ten seconds, so an alert that
// takes longer than that would show as one that took less.
func TestMeasureAlerts(t *testing.T) {
	asked := os.Getenv("JITAUDIT_BENCH_ALERTS")
	if asked == "" {
		t.Skip("set JITAUDIT_BENCH_ALERTS to measure alerts for so many seconds")
	}
	seconds, err := strconv.Atoi(asked)
	if err != nil {
		t.Fatalf("JITAUDIT_BENCH_ALERTS: %v", err)
	}
	h, err := organisation.Generate(organisation.Config{
		Seed: 1, Records: seconds * 850, OktaEvents: seconds * 150, People: 100, Days: 3, Planted: 300,
	})
	if err != nil {
		t.Fatal(err)
	}
	d := &delays{sent: map[string]time.Time{}, told: map[string]time.Time{}, queried: map[string]time.Time{}, alerts: map[string]alerted{}}
	server := httptest.NewServer(d)
	defer server.Close()
	r := benchRunner(t.TempDir())
	defer func() {
		if err := r.parts.close(); err != nil {
			t.Error(err)
		}
	}()
	lib, err := chdbtest.Library()
	if err != nil {
		t.Skip("no embedded ClickHouse: ", err)
	}
	r.cfg.ClickHouse.EmbeddedEngine.Library = lib
	r.Policies = []entry.Policy{{Name: "policy.yaml", Data: h.Policy}}
	r.alertsNow = func() time.Time { return h.Truth.Complete.To }
	if s := os.Getenv("JITAUDIT_BENCH_TICK"); s != "" {
		if r.cfg.Correlate.Tick, err = time.ParseDuration(s); err != nil {
			t.Fatalf("JITAUDIT_BENCH_TICK: %v", err)
		}
	}
	r.cfg.Alerts.MaxAge = 60 * 24 * time.Hour
	r.cfg.Alerts.Receivers = []config.AlertReceiver{{
		Name: "hook", Kinds: []string{"findings"}, MaxAlerts: 1000,
		Webhook: config.WebhookReceiver{URL: server.URL, HMACSecret: config.NewSecret(hookSecret), Format: "json", MaxBytes: 8 << 20, Timeout: 10 * time.Second},
	}}
	if err := r.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.work(ctx) }()
	asking, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { d.ask(asking, t, r) })
	if err := d.replay(t.Context(), r, h); err != nil {
		t.Fatal(err)
	}
	time.Sleep(70 * time.Second) // the last query
	stop()
	wg.Wait()
	cancel()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	t.Log(d.report(len(h.Okta)+len(h.CloudTrail), load()))
}

// delays notes when what was sent, told and found.
type delays struct {
	mu      sync.Mutex
	sent    map[string]time.Time // by event
	covered []time.Time
	told    map[string]time.Time // by finding
	queried map[string]time.Time
	alerts  map[string]alerted
	// late is how far the replay was behind its own schedule, at most.
	late time.Duration
}

type alerted struct {
	rule   string
	events []string
}

// replay appends the events of a history, in the order in which the logs hand them
// out, 1,000 a second.
func (d *delays) replay(ctx context.Context, r *runner, h *organisation.History) error {
	log, err := kafkalog.New(r.parts.kafka)
	if err != nil {
		return err
	}
	if err := reference.Aside(ctx, log, h); err != nil {
		return err
	}
	events := reference.Events(h)
	slices.SortStableFunc(events, func(a, b reference.Event) int { return a.Seen.Compare(b.Seen) })
	shards := map[string]*shardLog{}
	for _, e := range events {
		s := shards[e.Shard]
		if s == nil {
			s = &shardLog{shard: e.Shard, source: e.Source, spans: reference.Coverage(h, e.Shard)}
			shards[e.Shard] = s
		}
		s.events = append(s.events, e.Event)
	}
	const perTick, tick, coverEvery = 50, 50 * time.Millisecond, 10 * time.Second
	began, lastCover := time.Now(), time.Now()
	for n := 0; n < len(events); n += perTick {
		due := began.Add(time.Duration(n/perTick) * tick)
		time.Sleep(time.Until(due))
		if behind := time.Since(due); behind > d.late {
			d.late = behind
		}
		seen := events[min(n+perTick, len(events))-1].Seen
		cover := time.Since(lastCover) >= coverEvery || n+perTick >= len(events)
		if n+perTick >= len(events) {
			seen = seen.Add(24 * time.Hour)
		}
		var g errgroup.Group
		for _, s := range shards {
			g.Go(func() error { return d.append(ctx, log, s, seen, cover) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
		if cover {
			d.mu.Lock()
			d.covered = append(d.covered, time.Now())
			d.mu.Unlock()
			lastCover = time.Now()
		}
	}
	return nil
}

// append appends what a shard has handed out by then, and notes when.
func (d *delays) append(ctx context.Context, log *kafkalog.Log, s *shardLog, seen time.Time, cover bool) error {
	ids, err := s.send(ctx, log, seen, cover)
	if err != nil {
		return err
	}
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ids {
		d.sent[id] = now
	}
	return nil
}

// ServeHTTP takes alerts.
func (d *delays) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	body, err := io.ReadAll(r.Body)
	var events []struct {
		Metadata struct {
			EventCode string `json:"event_code"`
		} `json:"metadata"`
		Activity int `json:"activity_id"`
		Finding  struct {
			UID     string `json:"uid"`
			Related []struct {
				UID string `json:"uid"`
			} `json:"related_events"`
		} `json:"finding_info"`
	}
	if err == nil {
		err = json.Unmarshal(body, &events)
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range events {
		if _, known := d.told[e.Finding.UID]; known || e.Activity != created {
			continue
		}
		a := alerted{rule: e.Metadata.EventCode}
		for _, of := range e.Finding.Related {
			a.events = append(a.events, of.UID)
		}
		d.told[e.Finding.UID], d.alerts[e.Finding.UID] = now, a
	}
}

// ask asks for findings once a minute.
func (d *delays) ask(ctx context.Context, t *testing.T, r *runner) {
	every := time.NewTicker(time.Minute)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		found, err := r.parts.db.Findings(ctx)
		if err != nil && ctx.Err() == nil {
			t.Error(err)
		}
		now := time.Now()
		d.mu.Lock()
		for _, f := range found {
			if _, known := d.queried[f.ID]; !known {
				d.queried[f.ID] = now
			}
		}
		d.mu.Unlock()
	}
}

// report says how long alerts and queries took, of what is seen and of what is
// missed.
func (d *delays) report(events int, load string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	presence := map[string]bool{}
	for _, rule := range rules.All() {
		presence[rule.Name] = strings.HasPrefix(rule.Needs, "nothing") && !rule.NotKnowing
	}
	took := map[string][]time.Duration{}
	for id, at := range d.told {
		a := d.alerts[id]
		var since time.Time
		for _, e := range a.events {
			if d.sent[e].After(since) {
				since = d.sent[e]
			}
		}
		if since.IsZero() { // of what was there before, as decisions
			continue
		}
		kind := "seen"
		if !presence[a.rule] {
			kind = "missed"
			for _, c := range d.covered {
				if c.After(since) && c.Before(at) {
					since = c
				}
			}
		}
		took[kind+", alert"] = append(took[kind+", alert"], at.Sub(since))
		if q, ok := d.queried[id]; ok {
			took[kind+", query"] = append(took[kind+", query"], q.Sub(since))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d events, %d alerts; load %s; the replay was %s late at most\n%-14s %6s %9s %9s %9s\n", events, len(d.told), load, d.late.Round(time.Millisecond), "", "n", "median", "p99", "max")
	for _, kind := range []string{"seen, alert", "seen, query", "missed, alert", "missed, query"} {
		all := took[kind]
		if len(all) == 0 {
			continue
		}
		slices.Sort(all)
		at := func(share float64) time.Duration { return all[int(share*float64(len(all)-1))].Round(time.Millisecond) }
		fmt.Fprintf(&b, "%-14s %6d %9s %9s %9s\n", kind, len(all), at(.5), at(.99), at(1))
	}
	return b.String()
}

// send appends what a shard has handed out by then, and how far it is covered; it
// returns the ids of the events.
func (s *shardLog) send(ctx context.Context, log *kafkalog.Log, now time.Time, cover bool) (ids []string, err error) {
	for _, e := range s.events {
		if e.Seen.After(now) {
			break
		}
		ids = append(ids, e.ID())
	}
	spans := s.spans
	if !cover {
		s.spans = nil
	}
	err = s.poll(ctx, log, now)
	if !cover {
		s.spans = spans
	}
	return ids, err
}
