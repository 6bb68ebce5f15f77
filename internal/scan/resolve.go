package scan

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
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
	callers := callers{known: make([]atomic.Pointer[person], s.tables.Shared()), nobody: &person{}}
	var next atomic.Int64
	workers := make([]*resolver, s.opts.Workers)
	g, ctx := errgroup.WithContext(ctx)
	for i := range workers {
		r := &resolver{scan: s, directory: dir, people: who, callers: callers, spill: s.store.NewWriter()}
		workers[i] = r
		g.Go(func() error {
			for {
				n := int(next.Add(1)) - 1
				if n >= buckets {
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
	for _, r := range workers {
		total = total.add(r.ledger)
	}
	return who, total, nil
}

// splitters cuts the persons into partitions of about equal size. As events are
// in the buckets by hash, a few buckets are a fair sample of all.
func (s *scan) splitters(dir *identity.Directory) ([]string, error) {
	var size int64
	for n := range buckets {
		size += s.store.Size(n)
	}
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
		sample, err = appendKeys(sample, records, dir, s.tables)
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

func appendKeys(sample []string, records string, dir *identity.Directory, tables wire.Tables) ([]string, error) {
	var call wire.Call
	for {
		record, rest, ok := spill.Next(records)
		if !ok {
			return sample, nil
		}
		records = rest
		h, err := wire.ReadHead(record)
		if err != nil {
			return nil, err
		}
		who, ok, err := whose(dir, tables, &h, &call)
		if err != nil {
			return nil, err
		}
		if ok {
			sample = append(sample, who.Key)
		}
	}
}

// whose finds the person that an event concerns; call is room to work in.
func whose(dir *identity.Directory, tables wire.Tables, h *wire.Head, call *wire.Call) (schemas.Person, bool, error) {
	if h.Call {
		if err := tables.ReadCall(h, call); err != nil {
			return schemas.Person{}, false, err
		}
		who, ok := dir.ResolveCall(call.PrincipalID, call.AccessKeyID, call.CreatedAt, call.At)
		return who, ok, nil
	}
	f, err := h.ReadFact()
	if err != nil {
		return schemas.Person{}, false, err
	}
	who, ok := dir.Resolve(f)
	return who, ok, nil
}

// callers remembers whose each shared credential is; nobody stands for none.
type callers struct {
	known  []atomic.Pointer[person]
	nobody *person
}

// resolver tells copies apart and finds whose the events are.
type resolver struct {
	scan      *scan
	directory *identity.Directory
	people    *people
	callers   callers
	spill     *spill.Writer
	ledger    ledgers

	entries []entry
	copies  []eventCopy
	call    wire.Call
	buf     []byte
}

// entry is a record of a bucket; records of one event have one hash.
type entry struct {
	hash       uint64
	start, end int
}

func (r *resolver) bucket(n int) error {
	records, err := r.scan.store.Load(n)
	if err != nil {
		return err
	}
	r.entries = r.entries[:0]
	for rest := records; rest != ""; {
		record, more, ok := spill.Next(rest)
		if !ok {
			return wire.ErrDamaged
		}
		h, err := wire.ReadHead(record)
		if err != nil {
			return err
		}
		end := len(records) - len(more)
		r.entries = append(r.entries, entry{xxhash.Sum64String(h.Key), end - len(record), end})
		rest = more
	}
	slices.SortFunc(r.entries, func(a, b entry) int { return cmp.Compare(a.hash, b.hash) })
	for i := 0; i < len(r.entries); {
		j := i + 1
		for j < len(r.entries) && r.entries[j].hash == r.entries[i].hash {
			j++
		}
		if err := r.group(records, r.entries[i:j]); err != nil {
			return err
		}
		i = j
	}
	return nil
}

// eventCopy is one copy of an event.
type eventCopy struct {
	wire.Head
	record string
}

// group handles records whose events have one hash, nearly always one record.
func (r *resolver) group(records string, entries []entry) error {
	r.copies = r.copies[:0]
	for _, e := range entries {
		record := records[e.start:e.end]
		h, err := wire.ReadHead(record)
		if err != nil {
			return err
		}
		r.copies = append(r.copies, eventCopy{h, record})
	}
	if len(r.copies) > 1 {
		slices.SortFunc(r.copies, compareCopies)
	}
	for i := 0; i < len(r.copies); {
		j := i + 1
		for j < len(r.copies) && sameEvent(&r.copies[i], &r.copies[j]) {
			j++
		}
		if err := r.event(r.copies[i:j]); err != nil {
			return err
		}
		i = j
	}
	return nil
}

func sameEvent(a, b *eventCopy) bool { return a.Okta() == b.Okta() && a.Key == b.Key }

// compareCopies brings copies of one event together, the one that wins first:
// an addendum, else the lower content hash. Two that are still equal differ at
// most in what was said about their files.
func compareCopies(a, b eventCopy) int {
	return cmp.Or(
		compareFlags(a.Okta(), b.Okta()),
		strings.Compare(a.Key, b.Key),
		compareFlags(a.Addendum, b.Addendum),
		strings.Compare(a.Hash, b.Hash),
		strings.Compare(a.record, b.record),
	)
}

// compareFlags puts what is set first.
func compareFlags(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// event accounts for all copies of one event and passes on the one that counts.
func (r *resolver) event(copies []eventCopy) error {
	winner := &copies[0]
	p, err := r.whose(&winner.Head)
	if err != nil {
		return err
	}
	source := schemas.CloudTrail
	if winner.Okta() {
		source = schemas.Okta
	}
	ledger := r.ledger.of(source)
	if p == nil {
		ledger.Irrelevant += int64(len(copies))
		return nil
	}
	ledger.Used++
	for i := range copies[1:] {
		if a, b := &copies[i], &copies[i+1]; a.Addendum == b.Addendum && a.Hash == b.Hash {
			ledger.Duplicate++
		} else {
			ledger.Corrected++
		}
	}
	r.buf = binary.AppendUvarint(r.buf[:0], uint64(p.number))
	r.buf = append(r.buf, winner.record...)
	return r.spill.Append(buckets+p.partition, r.buf)
}

// whose finds the person that an event concerns, nil for nobody. The calls of
// one credential are one person's.
func (r *resolver) whose(h *wire.Head) (*person, error) {
	if h.Call {
		if err := r.scan.tables.ReadCall(h, &r.call); err != nil {
			return nil, err
		}
	}
	shared := h.Call && r.call.Shared >= 0 && !r.call.CreatedAt.IsZero()
	if shared {
		switch p := r.callers.known[r.call.Shared].Load(); p {
		case nil:
		case r.callers.nobody:
			return nil, nil
		default:
			return p, nil
		}
	}
	who, ok, err := whose(r.directory, r.scan.tables, h, &r.call)
	if err != nil {
		return nil, err
	}
	if !ok {
		if shared {
			r.callers.known[r.call.Shared].Store(r.callers.nobody)
		}
		return nil, nil
	}
	p := r.people.get(who)
	if shared {
		r.callers.known[r.call.Shared].Store(p)
	}
	return p, nil
}
