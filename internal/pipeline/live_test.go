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
)

// seeds are those that the environment asks for, 3 by default.
func seeds(t *testing.T) uint64 {
	t.Helper()
	s := os.Getenv("JITAUDIT_TEST_SEEDS")
	if s == "" {
		return 3
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("JITAUDIT_TEST_SEEDS: %v", err)
	}
	return n
}

// TestTheTablesHoldWhatAScanSays is the claim of the whole: what went through
// collectors, broker, resolve, rebuild and ClickHouse is byte for byte what a
// scan of the same logs says.
func TestTheTablesHoldWhatAScanSays(t *testing.T) {
	for seed := uint64(1); seed <= seeds(t); seed++ {
		for _, snapshots := range []bool{false, true} {
			t.Run(fmt.Sprintf("seed %d, snapshots %t", seed, snapshots), func(t *testing.T) {
				w := newWorld(t, organisation.Config{Seed: seed})
				w.serve()
				c := w.onServers(w.config())
				if snapshots {
					c.Okta[0].Directory = everyGroup()
				}
				r := start(t, w.options(c))
				r.settled(reference.Shards(w.history), w.history.Truth.Complete.To)
				r.holds(w.scanned())
				r.stop()
			})
		}
	}
}

func everyGroup() config.Directory {
	return config.Directory{Groups: []string{".*"}, Interval: time.Hour}
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
