package scan

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"jitaudit/correlate/identity"
	"jitaudit/internal/scan/spill"
	"jitaudit/internal/scan/wire"
	"jitaudit/schemas"
)

// people are all persons that events concern.
type people struct {
	splitters []string // partition n holds the keys from splitters[n-1] on, below splitters[n]

	mu    sync.RWMutex
	byKey map[string]*person
	all   []*person
}

// person is somebody whom events concern.
type person struct {
	schemas.Person
	number    int
	partition int
}

func (p *people) partitions() int { return len(p.splitters) + 1 }

// get finds or adds a person. Somebody unknown to Okta goes by differently
// written names; the first in the order of names is shown, whichever comes first.
func (p *people) get(who schemas.Person) *person {
	p.mu.RLock()
	known := p.byKey[who.Key]
	same := known != nil && known.Name <= who.Name
	p.mu.RUnlock()
	if same {
		return known
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if known = p.byKey[who.Key]; known != nil {
		if who.Name < known.Name {
			known.Name = strings.Clone(who.Name)
		}
		return known
	}
	who.Key, who.Name = strings.Clone(who.Key), strings.Clone(who.Name)
	known = &person{Person: who, number: len(p.all), partition: p.partition(who.Key)}
	p.byKey[who.Key] = known
	p.all = append(p.all, known)
	return known
}

func (p *people) partition(key string) int {
	n, found := slices.BinarySearch(p.splitters, key)
	if found {
		n++
	}
	return n
}

// resolve is the second pass.
func (s *scan) resolve(ctx context.Context, dir *identity.Directory) (*people, ledgers, error) {
	who := &people{byKey: make(map[string]*person)}
	var err error
	if who.splitters, err = s.splitters(dir); err != nil {
		return nil, ledgers{}, err
	}
	held := s.held()
	callers := make([]atomic.Pointer[person], len(s.shared.Credentials))
	var next atomic.Int64
	workers := make([]*resolver, s.opts.Workers)
	g, ctx := errgroup.WithContext(ctx)
	for i := range workers {
		r := &resolver{scan: s, directory: dir, people: who, callers: callers, spill: s.store.NewWriter()}
		r.fold = newFolder(r.spill, callers, held)
		workers[i] = r
		g.Go(func() error {
			for {
				n := int(next.Add(1)) - 1
				if n >= buckets {
					if err := r.fold.flush(); err != nil {
						return err
					}
					return r.spill.Flush()
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := r.bucket(n); err != nil {
					return err
				}
			}
		})
	}
	if err := g.Wait(); err != nil {
		return nil, ledgers{}, err
	}
	var total ledgers
	var facts []*schemas.Fact
	for _, r := range workers {
		total = total.add(r.ledger)
		facts = append(facts, r.common...)
	}
	s.common = newCommon(facts)
	return who, total, nil
}

// held is the size of all events.
func (s *scan) held() (size int64) {
	for n := range buckets {
		size += s.store.Size(n)
	}
	return size
}

// splitters cuts the persons into partitions of about equal size. As events are
// in the buckets by hash, a few buckets are a fair sample of all.
func (s *scan) splitters(dir *identity.Directory) ([]string, error) {
	size := s.held()
	parts := int(min(size/partitionSize+1, maxPartitions))
	if parts == 1 {
		return nil, nil
	}
	var sample []string
	for n := 0; n < buckets && len(sample) < 100*parts; n++ {
		records, err := s.store.Read(n)
		if err != nil {
			return nil, err
		}
		sample, err = s.appendKeys(sample, records, dir)
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(sample)
	var out []string
	for n := 1; n < parts && len(sample) > 0; n++ {
		out = append(out, strings.Clone(sample[len(sample)*n/parts]))
	}
	return slices.Compact(out), nil
}

func (s *scan) appendKeys(sample []string, records string, dir *identity.Directory) ([]string, error) {
	var call wire.Brief
	var fact schemas.Fact
	for {
		record, rest, ok := spill.Next(records)
		if !ok {
			return sample, nil
		}
		records = rest
		if _, brief := s.shared.ReadBrief(record, &call); brief {
			if call.Credential == wire.Nobody {
				continue
			}
			if who, ok := s.caller(dir, &s.shared.Credentials[call.Credential]); ok {
				sample = append(sample, who.Key)
			}
			continue
		}
		h, err := wire.ReadHead(record)
		if err == nil {
			err = h.ReadBody(&fact)
		}
		if err != nil {
			return nil, err
		}
		whose := s.owners(dir, &fact)
		for _, o := range whose.all() {
			sample = append(sample, o.person.Key)
		}
	}
}

// share finds the credentials that are people's. All others are forgotten.
func (s *scan) share(dir *identity.Directory) error {
	workers := len(s.tables)
	s.shared, s.tables = s.tables.Unite(), nil
	for n := range workers {
		rest, err := s.store.Load(s.credentialStream(n))
		if err != nil {
			return err
		}
		for rest != "" {
			record, more, ok := spill.Next(rest)
			if !ok {
				return wire.ErrDamaged
			}
			rest = more
			number, c, err := wire.ReadCredential(record)
			if err != nil {
				return err
			}
			if _, ok := s.caller(dir, &c); !ok {
				continue
			}
			if err := s.shared.Add(number, c); err != nil {
				return err
			}
		}
	}
	s.shared.Close()
	return nil
}
