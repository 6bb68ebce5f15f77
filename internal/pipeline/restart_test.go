package pipeline

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/correlate/stream"
	"jitaudit/internal/organisation"
	"jitaudit/internal/reference"
	"jitaudit/schemas/topics"
	"jitaudit/sinks/clickhouse"
)

// TestARestartPublishesNothingAnew stops everything and starts it on the same
// data. The sources have nothing new; the groups are listed once more.
func TestARestartPublishesNothingAnew(t *testing.T) {
	long(t)
	w := newWorld(t, organisation.Config{Seed: 4})
	w.serve()
	c := onClickHouse(t, w.config())
	c.Okta[0].Directory = everyGroup()

	r := start(t, w.options(c))
	r.settled(reference.Shards(w.history), w.history.Truth.Complete.To)
	r.holdsListed(w)
	r.quiet()
	published, facts, raw := r.ends(clickhouse.Topics()...), r.ends(topics.Facts), r.ends(topics.RawOkta)
	r.stop()

	r = start(t, w.options(c))
	eventually(t, 15*time.Second, func() string {
		// The policy, and a tick, in each partition; the snapshots of groups.
		for p, end := range r.ends(topics.Facts)[topics.Facts] {
			if end < facts[topics.Facts][p]+2 {
				return fmt.Sprintf("partition %d has seen no tick", p)
			}
		}
		if maps.EqualFunc(raw, r.ends(topics.RawOkta), slices.Equal[[]int64]) {
			return "no group has been listed"
		}
		return ""
	})
	r.quiet()
	if diff := cmp.Diff(published, r.ends(clickhouse.Topics()...)); diff != "" {
		t.Errorf("the restart has published:\n%s", diff)
	}
	r.holdsListed(w)
	r.stop()
}

// ends are where the partitions of topics end.
func (r *running) ends(names ...string) map[string][]int64 {
	r.t.Helper()
	out := make(map[string][]int64)
	for _, name := range names {
		bounds, err := r.where.Kafka.Offsets(r.t.Context(), name)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, b := range bounds {
			out[name] = append(out[name], b.End)
		}
	}
	return out
}

// quiet waits until every stage has read all, and none has had anything to add.
func (r *running) quiet() {
	r.t.Helper()
	var before map[string][]int64
	eventually(r.t, 20*time.Second, func() string {
		ends := r.ends(topics.RawOkta, topics.RawCloudTrail, topics.Facts)
		for _, s := range []struct {
			group  string
			topics []string
		}{
			{stream.ResolveGroup, []string{topics.RawOkta, topics.RawCloudTrail}},
			{stream.RebuildGroup, []string{topics.Facts}},
			{sinkGroup, SinkGroups()[sinkGroup]}, {coverageGroup, SinkGroups()[coverageGroup]},
		} {
			lag, err := r.where.Kafka.Lag(r.t.Context(), r.where.prefix+s.group, s.topics...)
			if err != nil {
				return err.Error()
			}
			for topic, partitions := range lag {
				for p, n := range partitions {
					if n > 0 {
						return fmt.Sprintf("%s has still to read %d records of %s/%d", s.group, n, topic, p)
					}
				}
			}
		}
		again := maps.EqualFunc(before, ends, slices.Equal[[]int64])
		if before = ends; !again {
			return "it goes on"
		}
		return ""
	})
}

// TestABusyRunThatIsStoppedLosesNothing stops runs in the midst of their work.
func TestABusyRunThatIsStoppedLosesNothing(t *testing.T) {
	long(t)
	w := newWorld(t, organisation.Config{Seed: 7})
	w.serve()
	c := onClickHouse(t, w.config())
	// At last events, then facts, then results are under way.
	for _, busy := range []string{topics.RawOkta, topics.RawCloudTrail, topics.Facts, topics.Sessions, topics.Activity} {
		r := start(t, w.options(c))
		before := r.ends(busy)
		eventually(t, 20*time.Second, func() string {
			if maps.EqualFunc(before, r.ends(busy), slices.Equal[[]int64]) {
				return "nothing is written to " + busy
			}
			return ""
		})
		began := time.Now()
		r.stop()
		t.Logf("stopped in %s, busy with %s", time.Since(began).Round(time.Millisecond), busy)
	}
	r := start(t, w.options(c))
	r.settled(reference.Shards(w.history), w.history.Truth.Complete.To)
	r.holds(w.scanned())
	r.stop()
}
