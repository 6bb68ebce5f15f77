package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"jitaudit/internal/broker"
	"jitaudit/internal/chdb"
	"jitaudit/internal/chdb/chdbtest"
	"jitaudit/internal/organisation"
	"jitaudit/internal/pipeline"
	"jitaudit/internal/reference"
	"jitaudit/internal/scan/truth"
	"jitaudit/schemas/topics"
	"jitaudit/sinks/clickhouse"
)

// shared is not asked for its server, as a demo brings its own; it makes of this
// test program the embedded ClickHouse when it is started as that.
var shared chdbtest.Shared

func TestMain(m *testing.M) {
	os.Exit(shared.Run(m, func() error {
		// A goroutine of the Okta SDK's cache ends when that is collected as garbage.
		return goleak.Find(goleak.IgnoreTopFunction("github.com/patrickmn/go-cache.(*janitor).Run"))
	}))
}

// options are those of a demo in a folder.
func options(t *testing.T, dir string) Options {
	t.Helper()
	if testing.Short() {
		t.Skip("it runs the whole pipeline for a while")
	}
	if _, err := chdbtest.Library(); err != nil {
		t.Skip("no embedded ClickHouse: ", err)
	}
	h, err := organisation.Generate(organisation.Config{Seed: 9})
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		History: h, Dir: dir, Child: []string{os.Args[0], chdb.Verb},
		Log: slog.New(slog.DiscardHandler), Now: time.Now, Tell: func(string) {},
	}
}

// TestADemoFindsWhatWasPlantedAndAgainAfterARestart runs all there is, with the
// directory's snapshots, and then everything again on the same data.
func TestADemoFindsWhatWasPlantedAndAgainAfterARestart(t *testing.T) {
	o := options(t, t.TempDir())
	want, err := reference.Scan(t.Context(), o.History, reference.Shards(o.History))
	if err != nil {
		t.Fatal(err)
	}
	var told []Progress
	d := begin(t, o)
	if err := d.Wait(t.Context(), func(p Progress) { told = append(told, p) }); err != nil {
		t.Fatal(err)
	}
	d.holds(want)
	d.findsWhatWasPlanted()
	last := told[len(told)-1]
	if !last.Done() || last.Events < last.Total || last.Total != len(o.History.Okta)+len(o.History.CloudTrail) || last.Shards != len(reference.Shards(o.History)) {
		t.Errorf("in the end it tells of %+v", last)
	}
	if !slices.IsSortedFunc(told, func(a, b Progress) int { return a.Events - b.Events }) {
		t.Errorf("its progress goes back: %+v", told)
	}
	published, facts := d.ends(clickhouse.Topics()...), d.ends(topics.Facts)
	d.end()

	d = begin(t, o)
	// A restart writes the policy into each partition, and a tick follows.
	for deadline := time.Now().Add(15 * time.Second); !d.ticked(facts); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("there was no tick after the restart")
		}
	}
	if err := d.Wait(t.Context(), func(Progress) {}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(published, d.ends(clickhouse.Topics()...)); diff != "" {
		t.Errorf("the restart has published:\n%s", diff)
	}
	d.holds(want)
	d.findsWhatWasPlanted()
	d.end()
}

// running is a demo that a test has begun.
type running struct {
	*Demo
	t     *testing.T
	ended bool
}

func begin(t *testing.T, o Options) *running {
	t.Helper()
	d, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{Demo: d, t: t}
	t.Cleanup(func() {
		if !r.ended {
			_ = d.Close() // something else has failed
		}
	})
	return r
}

func (r *running) end() {
	r.t.Helper()
	r.ended = true
	began := time.Now()
	if err := r.Close(); err != nil {
		r.t.Fatal(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		r.t.Errorf("it took %s to end", took)
	}
}

// holds waits until the tables hold what they must: the last batch may still be
// on its way.
func (r *running) holds(want *reference.Tables) {
	r.t.Helper()
	diff := "nothing was read"
	for deadline := time.Now().Add(10 * time.Second); diff != ""; time.Sleep(50 * time.Millisecond) {
		got, err := reference.Read(r.t.Context(), r.db)
		if err != nil {
			r.t.Fatal(err)
		}
		if diff = cmp.Diff(want, got); diff != "" && time.Now().After(deadline) {
			r.t.Fatalf("the tables differ from a scan:\n%.4000s", diff)
		}
	}
}

func (r *running) findsWhatWasPlanted() {
	r.t.Helper()
	results, sum, err := r.Read(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	check := truth.New(r.opts.History.Truth)
	for i := range results {
		for j := range results[i].Findings {
			check.Add(&results[i].Findings[j])
		}
	}
	if !check.Right() {
		r.t.Errorf("%s: %s", check.Total().Line(), strings.Join(check.Differences(), "\n"))
	}
	if sum.People != len(results) || len(sum.Coverage) == 0 {
		r.t.Errorf("it tells of %d people, and of %d results; covered is %v", sum.People, len(results), sum.Coverage)
	}
}

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

// ticked reports whether there was a policy and a tick in each partition, and
// rebuild is through.
func (r *running) ticked(before map[string][]int64) bool {
	r.t.Helper()
	for p, end := range r.ends(topics.Facts)[topics.Facts] {
		if end < before[topics.Facts][p]+2 {
			return false
		}
	}
	lag, err := r.where.Kafka.Lag(r.t.Context(), "jitaudit.rebuild", topics.Facts)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, behind := range lag[topics.Facts] {
		if behind > 0 {
			return false
		}
	}
	return true
}

func TestADemoThatCannotStartSaysWhyAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	b, err := broker.Start(broker.Config{Dir: filepath.Join(dir, "kafka")})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	d, err := Start(t.Context(), options(t, dir))
	if err == nil {
		t.Fatal("it has started", d.Close())
	}
	if want := fmt.Sprintf("is in use by process %d", os.Getpid()); !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %q, want one sentence with %q", err, want)
	}
	if _, err := os.Stat(filepath.Join(dir, pipeline.TokenFile)); !os.IsNotExist(err) {
		t.Errorf("a password was made (%v)", err)
	}
}

func TestADemoThatIsInterruptedAtItsStartSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := options(t, t.TempDir())
	o.Tell = func(string) { cancel() } // the broker has started, and tells of itself
	d, err := Start(ctx, o)
	if err == nil {
		t.Fatal("it has started", d.Close())
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestADemoThatIsInterruptedEndsInOrder(t *testing.T) {
	o := options(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	d, err := Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	err = d.Wait(ctx, func(p Progress) {
		if p.Events > 0 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("waiting ended with %v", err)
	}
	began := time.Now()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s to end", took)
	}
}
