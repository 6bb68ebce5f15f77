package partition_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"jitaudit/correlate/stream/entry"
	"jitaudit/schemas"
)

// BenchmarkMemory measures what a partition holds of so many persons, as
// JITAUDIT_BENCH_PERSONS says, who each work for a month: on each of 22 days one
// use of a role, of 13 facts and calls, with sealing after the default horizon.
func BenchmarkMemory(b *testing.B) {
	n, err := strconv.Atoi(os.Getenv("JITAUDIT_BENCH_PERSONS"))
	if err != nil {
		b.Skip("JITAUDIT_BENCH_PERSONS is not set to a number")
	}
	for b.Loop() {
		f := newFeed(b, week)
		r := rand.New(rand.NewPCG(1, 1))
		peak := uint64(0)
		for day := range 30 {
			start := monday.AddDate(0, 0, day)
			if start.Weekday() != time.Saturday && start.Weekday() != time.Sunday {
				f.day(r, n, start)
			}
			f.covers(monday.AddDate(0, -1, 0), start.Add(12*time.Hour))
			held := inUse()
			peak = max(peak, held)
			b.Logf("day %2d: %6.1f MiB, %s", day+1, float64(held)/(1<<20), f.held())
		}
		b.ReportMetric(float64(peak)/float64(n), "B/person")
		b.ReportMetric(float64(peak)/(1<<20), "MiB")
		runtime.KeepAlive(f)
	}
}

func (f *feed) held() string {
	s := f.p.Stats()
	return fmt.Sprintf("%d persons, %d homes", s.Persons, s.Homes)
}

// inUse is how much of the heap is in use.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// day lets each person use a role, in nine hours; coverage is a quarter of an hour
// behind.
func (f *feed) day(r *rand.Rand, persons int, start time.Time) {
	const slots = 36
	when := make([][]int, slots)
	for person := range persons {
		at := r.IntN(slots)
		when[at] = append(when[at], person)
	}
	for i, slot := range when {
		at := start.Add(time.Duration(i) * 15 * time.Minute)
		for _, person := range slot {
			f.work(person, at.Add(time.Duration(r.IntN(600))*time.Second))
		}
		f.covers(monday.AddDate(0, -1, 0), at)
	}
}

// work is one use of a role as resolve tells of it: the person of what Okta says,
// a home of the rest.
func (f *feed) work(person int, at time.Time) {
	group := schemas.GroupChange{ID: "00g1", Name: "AWS-prod-Admin", Actor: schemas.Actor{ID: "0wf1", Type: "SystemPrincipal", AlternateID: "system"}}
	add := f.fact(person, schemas.GroupAdded, at)
	add.Group = &group
	f.apply(&entry.Entry{To: f.key(person), Fact: add})
	mfa := f.fact(person, schemas.SecondFactor, at.Add(30*time.Second))
	mfa.Factor = &schemas.Factor{Class: schemas.FactorPush, Name: "Okta Verify", SessionID: "s" + add.Hash}
	f.apply(&entry.Entry{To: f.key(person), Fact: mfa})
	assertion := f.signOn(person, at.Add(time.Minute))
	a := f.assumed(person, assertion, at.Add(61*time.Second))
	f.apply(&entry.Entry{To: entry.HomeOf(a), Fact: a})
	calls := &entry.Entry{To: entry.HomeOf(a), Role: a.Assume.RoleARN}
	for i := range 8 {
		c := f.fact(person, schemas.Acted, a.At.Add(time.Duration(i)*3*time.Minute))
		c.Shard = a.Shard
		c.Call = &schemas.Call{PrincipalID: a.Assume.PrincipalID, AccessKeyID: a.Assume.AccessKeyID, CreatedAt: a.At, Service: "s3", Action: "GetObject", ReadOnly: true}
		calls.Calls = append(calls.Calls, entry.CallOf(c))
	}
	f.apply(calls)
	remove := f.fact(person, schemas.GroupRemoved, at.Add(25*time.Minute))
	remove.Group = &group
	f.apply(&entry.Entry{To: f.key(person), Fact: remove})
}
