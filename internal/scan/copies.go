package scan

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
	"sync/atomic"

	"jitaudit/correlate/identity"
	"jitaudit/internal/scan/spill"
	"jitaudit/internal/scan/wire"
	"jitaudit/schemas"
)

// resolver tells copies apart and finds whose the events are.
type resolver struct {
	scan      *scan
	directory *identity.Directory
	people    *people
	callers   []atomic.Pointer[person] // by credential
	spill     *spill.Writer
	fold      folder
	common    []*schemas.Fact
	ledger    ledgers

	entries []entry
	places  []uint32 // by hash: 1 + the place of the first entry with it
	copies  []eventCopy
	fact    schemas.Fact
	buf     []byte
}

// entry is a record of a bucket; records of one event have one hash.
type entry struct {
	hash       uint64
	start, end uint32
	next       uint32 // 1 + the place of another entry with this hash; 0 for none
	chained    bool   // is next of another
}

// bucket goes through the events of a bucket.
func (r *resolver) bucket(n int) error {
	records, err := r.scan.store.Load(n)
	if err != nil {
		return err
	}
	if err := r.index(records); err != nil {
		return err
	}
	for i := range r.entries {
		e := &r.entries[i]
		switch {
		case e.chained:
			continue
		case e.next != 0:
			err = r.group(records, e)
		default:
			err = r.single(records[e.start:e.end])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// index finds the records and chains those with one hash.
func (r *resolver) index(records string) error {
	r.entries = r.entries[:0]
	for rest := records; rest != ""; {
		record, more, ok := spill.Next(rest)
		if !ok {
			return wire.ErrDamaged
		}
		end := len(records) - len(more)
		r.entries = append(r.entries, entry{hash: wire.KeyHash(record), start: uint32(end - len(record)), end: uint32(end)})
		rest = more
	}
	size := 1 << bits.Len(uint(2*len(r.entries)))
	if cap(r.places) < size {
		r.places = make([]uint32, size)
	}
	r.places = r.places[:size]
	clear(r.places)
	mask := uint64(size - 1)
	for i := range r.entries {
		e := &r.entries[i]
		at := e.hash & mask
		for r.places[at] != 0 && r.entries[r.places[at]-1].hash != e.hash {
			at = (at + 1) & mask
		}
		if first := r.places[at]; first != 0 {
			head := &r.entries[first-1]
			e.next, e.chained, head.next = head.next, true, uint32(i+1)
			continue
		}
		r.places[at] = uint32(i + 1)
	}
	return nil
}

// single handles an event that came once, as nearly all do.
func (r *resolver) single(record string) error {
	if known, err := r.call(record); known || err != nil {
		return err
	}
	h, err := wire.ReadHead(record)
	if err != nil {
		return err
	}
	r.copies = append(r.copies[:0], eventCopy{h, record})
	return r.event(r.copies)
}

// eventCopy is one copy of an event.
type eventCopy struct {
	wire.Head
	record string
}

// group handles records whose events have one hash.
func (r *resolver) group(records string, e *entry) error {
	r.copies = r.copies[:0]
	for {
		record := records[e.start:e.end]
		h, err := wire.ReadHead(record)
		if err != nil {
			return err
		}
		r.copies = append(r.copies, eventCopy{h, record})
		if e.next == 0 {
			break
		}
		e = &r.entries[e.next-1]
	}
	slices.SortFunc(r.copies, compareCopies)
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

func sameEvent(a, b *eventCopy) bool { return a.Source() == b.Source() && a.Key == b.Key }

// compareCopies brings copies of one event together, the one that wins first:
// an addendum, else the lower content hash. Two that are still equal differ at
// most in what was said about their files.
func compareCopies(a, b eventCopy) int {
	return cmp.Or(
		cmp.Compare(a.Source(), b.Source()),
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
	ledger := r.ledger.of(winner.Source())
	before := *ledger
	if err := r.pass(winner, ledger); err != nil {
		return err
	}
	if ledger.Used == before.Used {
		ledger.Irrelevant += int64(len(copies) - 1)
		return nil
	}
	for i := range copies[1:] {
		if a, b := &copies[i], &copies[i+1]; a.Addendum == b.Addendum && a.Hash == b.Hash {
			ledger.Duplicate++
		} else {
			ledger.Corrected++
		}
	}
	return nil
}

// pass hands an event on to its person, if it is anybody's.
func (r *resolver) pass(c *eventCopy, ledger *schemas.Ledger) error {
	if known, err := r.call(c.record); known || err != nil {
		return err
	}
	f := &r.fact
	if err := c.ReadBody(f); err != nil {
		return err
	}
	whose := r.scan.owners(r.directory, f)
	for _, o := range whose.all() {
		p := r.people.get(o.person)
		r.buf = binary.AppendUvarint(r.buf[:0], uint64(p.number)<<roleBits|uint64(o.role))
		r.buf = append(r.buf, c.record...)
		if err := r.spill.Append(buckets+p.partition, r.buf); err != nil {
			return err
		}
	}
	switch {
	case f.Kind.Shared():
		shared, err := c.ReadFact()
		if err != nil {
			return err
		}
		r.common = append(r.common, shared)
		ledger.Used++
	case whose.nobody():
		ledger.Irrelevant++
	default:
		ledger.Used++
	}
	return nil
}

// call takes in a call in numbers; false when the record is something else.
func (r *resolver) call(record string) (bool, error) {
	var c wire.Brief
	id, ok := r.scan.shared.ReadBrief(record, &c)
	if !ok {
		return false, nil
	}
	if c.Credential == wire.Nobody {
		r.ledger.cloudtrail.Irrelevant++
		return true, nil
	}
	if r.callers[c.Credential].Load() == nil {
		who, ok := r.scan.caller(r.directory, &r.scan.shared.Credentials[c.Credential])
		if !ok {
			return true, wire.ErrDamaged
		}
		r.callers[c.Credential].Store(r.people.get(who))
	}
	r.ledger.cloudtrail.Used++
	return true, r.fold.add(id, &c)
}
