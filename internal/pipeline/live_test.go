package pipeline

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"jitaudit/internal/config"
	"jitaudit/internal/organisation"
	"jitaudit/internal/reference"
	"jitaudit/schemas"
	"jitaudit/sinks/clickhouse"
)

// seedsVariable says for how many organisations the tables are held against a
// scan; 3 by default.
const seedsVariable = "JITAUDIT_TEST_SEEDS"

func seeds(t *testing.T) uint64 {
	t.Helper()
	s := os.Getenv(seedsVariable)
	if s == "" {
		return 3
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", seedsVariable, err)
	}
	return n
}

// TestTheTablesHoldWhatAScanSays is the claim of the whole: what went through
// collectors, broker, resolve, rebuild and ClickHouse is byte for byte what a
// scan of the same logs says.
func TestTheTablesHoldWhatAScanSays(t *testing.T) {
	for seed := uint64(1); seed <= seeds(t); seed++ {
		for _, snapshots := range []bool{false, true} {
			if seed > 1 && !snapshots && os.Getenv(seedsVariable) == "" {
				continue // once is enough for every day
			}
			t.Run(fmt.Sprintf("seed %d, snapshots %t", seed, snapshots), func(t *testing.T) {
				long(t)
				w := newWorld(t, organisation.Config{Seed: seed})
				w.serve()
				c := w.onServers(w.config())
				if snapshots {
					c.Okta[0].Directory = everyGroup()
				}
				r := start(t, w.options(c))
				r.settled(reference.Shards(w.history), w.history.Truth.Complete.To)
				r.holdsListed(w)
				r.stop()
			})
		}
	}
}

func everyGroup() config.Directory {
	return config.Directory{Groups: []string{".*"}, Interval: time.Hour}
}

// holdsListed waits until the tables hold what a scan says of the world and of
// what its Okta has listed, as the raw events have it.
func (r *running) holdsListed(w *world) {
	r.t.Helper()
	eventually(r.t, 10*time.Second, func() string {
		listed, err := r.listed()
		if err != nil {
			return err.Error()
		}
		var coverage []schemas.Coverage
		for _, shard := range reference.Shards(w.history) {
			coverage = append(coverage, reference.Coverage(w.history, shard)...)
		}
		want, err := reference.ScanListed(r.t.Context(), w.history, coverage, listed)
		if err != nil {
			return err.Error()
		}
		return r.differs(want)
	})
}

// listed is what Okta has listed, a record a line.
func (r *running) listed() (out []byte, err error) {
	err = r.db.RawEvents(r.t.Context(), time.Unix(0, 0), func(e *clickhouse.RawEvent) error {
		if e.Kind == schemas.RawMember || e.Kind == schemas.RawSnapshot {
			out = append(append(out, e.Value...), '\n')
		}
		return nil
	})
	return out, err
}

// scanned is what a scan says of the world.
func (w *world) scanned() *reference.Tables {
	w.t.Helper()
	want, err := reference.Scan(w.t.Context(), w.history, reference.Shards(w.history))
	if err != nil {
		w.t.Fatal(err)
	}
	return want
}

// TestTheTablesHoldWhatAScanSaysHoweverTheLogsCame lets the logs grow while all
// runs: what is judged before the end is judged anew.
func TestTheTablesHoldWhatAScanSaysHoweverTheLogsCame(t *testing.T) {
	long(t)
	w := newWorld(t, organisation.Config{Seed: 10})
	w.serve()
	complete := w.history.Truth.Complete
	const steps = 12
	step := complete.To.Sub(complete.From) / steps
	w.clock.set(complete.From.Add(step))
	r := start(t, w.options(w.onServers(w.config())))
	for n := range steps - 1 {
		// Each source is covered to the second.
		r.settled([]string{schemas.OktaShard(reference.Org)}, w.clock.plus(0)().Truncate(time.Second))
		w.clock.set(complete.From.Add(time.Duration(n+2) * step))
	}
	w.clock.set(complete.To)
	r.settled(reference.Shards(w.history), complete.To)
	r.holds(w.scanned())
	if n := r.metric(`jitaudit_collect_coverage_broken_total{shard="` + schemas.OktaShard(reference.Org) + `"}`); n > 0 {
		t.Errorf("%v events are said to have come behind coverage", n)
	}
	r.stop()
}
