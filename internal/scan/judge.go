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
	var read wire.Spell
	for records != "" {
		record, rest, ok := spill.Next(records)
		if !ok {
			return nil, wire.ErrDamaged
		}
		number, record, err := wire.CutNumber(record)
		if err != nil {
			return nil, err
		}
		as := role(number & (1<<roleBits - 1))
		number >>= roleBits
		if number >= len(who.all) {
			return nil, wire.ErrDamaged
		}
		l := lives[number]
		if l == nil {
			l = &life{person: who.all[number].Person}
			lives[number] = l
		}
		if err := l.add(record, as, s.shared, &read); err != nil {
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
		results[i] = l.judge(s, coverage)
		*l = life{}
	}
	return results, nil
}
