package scan

import (
	"context"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"jitaudit/correlate"
	"jitaudit/internal/scan/spill"
	"jitaudit/internal/scan/wire"
	"jitaudit/schemas"
)

// judge is the third pass: it rebuilds partition after partition, some at a
// time, and hands them on in their order.
func (s *scan) judge(ctx context.Context, who *people, coverage correlate.Coverage, sink Sink) error {
	type outcome struct {
		results []Result
		err     error
	}
	var running sync.WaitGroup
	defer running.Wait()
	queue := make(chan chan outcome, s.opts.Workers-1) // bounds what runs or waits for its turn
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(queue)
		for n := range who.partitions() {
			done := make(chan outcome, 1)
			select {
			case queue <- done:
			case <-ctx.Done():
				return ctx.Err()
			}
			running.Go(func() {
				results, err := s.partition(n, who, coverage)
				done <- outcome{results, err}
			})
		}
		return nil
	})
	g.Go(func() error {
		for done := range queue {
			out := <-done
			if out.err != nil {
				return out.err
			}
			for i := range out.results {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := sink.Result(&out.results[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return g.Wait()
}

// partition rebuilds what the persons of one partition did.
func (s *scan) partition(n int, who *people, coverage correlate.Coverage) ([]Result, error) {
	records, err := s.store.Load(buckets + n)
	if err != nil {
		return nil, err
	}
	lives := make(map[int]*life)
	for records != "" {
		record, rest, ok := spill.Next(records)
		if !ok {
			return nil, wire.ErrDamaged
		}
		number, record, err := wire.CutNumber(record)
		if err != nil {
			return nil, err
		}
		l := lives[number]
		if l == nil {
			l = &life{person: who.all[number].Person}
			lives[number] = l
		}
		if err := l.add(record); err != nil {
			return nil, err
		}
		records = rest
	}
	sorted := make([]*life, 0, len(lives))
	for _, l := range lives {
		sorted = append(sorted, l)
	}
	slices.SortFunc(sorted, func(a, b *life) int { return strings.Compare(a.person.Key, b.person.Key) })
	results := make([]Result, len(sorted))
	for i, l := range sorted {
		results[i] = l.judge(&s.opts, coverage)
		*l = life{}
	}
	return results, nil
}

// life is all that is known about one person.
type life struct {
	person schemas.Person
	facts  []*schemas.Fact
	calls  correlate.Fold
	counts map[correlate.UseKey]*schemas.ActivityCounts
}

func (l *life) add(record string) error {
	h, err := wire.ReadHead(record)
	if err != nil {
		return err
	}
	if !h.Call {
		f, err := h.ReadFact()
		l.facts = append(l.facts, f)
		return err
	}
	var c wire.Call
	if err := h.ReadCall(&c); err != nil {
		return err
	}
	l.calls.Add(h.ID(), c.At, &c.Call)
	key := correlate.KeyOf(&c.Call, c.At)
	n := l.counts[key]
	if n == nil {
		if l.counts == nil {
			l.counts = make(map[correlate.UseKey]*schemas.ActivityCounts)
		}
		n = &schemas.ActivityCounts{}
		l.counts[key] = n
	}
	n.Calls++
	n.Writes += one(!c.ReadOnly)
	n.Denied += one(c.Denied)
	n.ServiceDriven += one(c.ServiceDriven)
	return nil
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func (l *life) judge(opts *Options, coverage correlate.Coverage) Result {
	uses := l.calls.Uses()
	r := Result{Person: l.person}
	r.Outcome = correlate.Rebuild(correlate.Input{
		Person: l.person, Facts: l.facts, Uses: uses, Policies: opts.Policies, Coverage: coverage,
	})
	place := make(map[string]int, len(r.Sessions))
	for i := range r.Sessions {
		place[r.Sessions[i].ID] = i
		r.Activity = append(r.Activity, schemas.ActivityCounts{Session: r.Sessions[i].ID})
	}
	for i := range uses {
		session, ok := r.SessionOf(&uses[i])
		if !ok {
			continue
		}
		n, sum := l.counts[uses[i].UseKey], &r.Activity[place[session]]
		sum.Calls += n.Calls
		sum.Writes += n.Writes
		sum.Denied += n.Denied
		sum.ServiceDriven += n.ServiceDriven
	}
	return r
}
