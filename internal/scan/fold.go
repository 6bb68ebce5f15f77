package scan

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"sync/atomic"
	"time"

	"jitaudit/correlate"
	"jitaudit/internal/scan/spill"
	"jitaudit/internal/scan/wire"
)

// quarter is the slot of correlate.Use, in seconds.
const quarter = int64(correlate.UseSlot / time.Second)

const (
	// maxSpells bounds what a folder keeps.
	maxSpells = 1 << 15
	// maxServices bounds the services of one spell, so that it has a fixed size.
	maxServices = 6
)

// folder adds calls up to spells, so that not each call is handed on. What does
// not fit is handed on in parts. Calls come in no order, so what they are added
// to is kept small.
type folder struct {
	spill   *spill.Writer
	callers []atomic.Pointer[person]
	places  []uint32 // by key: 1 + the place of a spell
	spells  []openSpell
	buf     []byte
}

// openSpell is a wire.Spell that calls are added to.
type openSpell struct {
	credential  uint32
	quarter     int32  // since 1970
	first, last uint16 // seconds since the quarter began
	known       uint16 // how many services
	services    [maxServices]uint16

	firstID, lastID [16]byte

	calls, writes, denied, serviceDriven uint32
}

// newFolder returns a folder for events of so many bytes.
func newFolder(w *spill.Writer, callers []atomic.Pointer[person], size int64) folder {
	const usual = 512 // bytes of calls to one spell
	room := int(min(size/usual+16, maxSpells))
	return folder{
		spill: w, callers: callers,
		places: make([]uint32, 2<<bits.Len(uint(room))), spells: make([]openSpell, 0, room),
	}
}

// quarterOf is the quarter of an hour of an instant, and what is left of it.
// Seconds of any year that is read, divided by those of a quarter, have 32 bits.
func quarterOf(at int64) (int32, uint16) {
	n, rest := at/quarter, at%quarter
	if rest < 0 {
		n, rest = n-1, rest+quarter
	}
	return int32(n), uint16(rest)
}

// add takes in a call.
func (f *folder) add(id string, c *wire.Brief) error {
	n, second := quarterOf(c.At)
	s := f.find(c.Credential, n)
	if s == nil {
		if len(f.spells) == cap(f.spells) {
			if err := f.flush(); err != nil {
				return err
			}
		}
		s = f.open(c.Credential, n)
	}
	if !slices.Contains(s.services[:s.known], uint16(c.Service)) {
		if s.known == maxServices {
			if err := f.hand(s); err != nil {
				return err
			}
			*s = openSpell{credential: c.Credential, quarter: n}
		}
		s.services[s.known] = uint16(c.Service)
		s.known++
	}
	s.add(id, second, c.Flags)
	return nil
}

// place is where a spell is sought first.
func (f *folder) place(credential uint32, quarter int32) int {
	h := (uint64(credential)<<32 | uint64(uint32(quarter))) * 0x9e3779b97f4a7c15
	return int(h>>32) & (len(f.places) - 1)
}

func (f *folder) find(credential uint32, quarter int32) *openSpell {
	for at := f.place(credential, quarter); f.places[at] != 0; at = (at + 1) & (len(f.places) - 1) {
		if s := &f.spells[f.places[at]-1]; s.credential == credential && s.quarter == quarter {
			return s
		}
	}
	return nil
}

func (f *folder) open(credential uint32, quarter int32) *openSpell {
	f.spells = append(f.spells, openSpell{credential: credential, quarter: quarter})
	at := f.place(credential, quarter)
	for f.places[at] != 0 {
		at = (at + 1) & (len(f.places) - 1)
	}
	f.places[at] = uint32(len(f.spells))
	return &f.spells[len(f.spells)-1]
}

func (s *openSpell) add(id string, second uint16, flags wire.Flags) {
	if s.calls == 0 || second < s.first || second == s.first && id < string(s.firstID[:]) {
		s.first = second
		copy(s.firstID[:], id)
	}
	if s.calls == 0 || second > s.last || second == s.last && id > string(s.lastID[:]) {
		s.last = second
		copy(s.lastID[:], id)
	}
	s.calls++
	s.writes += count(!flags.Has(wire.ReadOnly))
	s.denied += count(flags.Has(wire.Denied))
	s.serviceDriven += count(flags.Has(wire.ServiceDriven))
}

func count(yes bool) uint32 {
	if yes {
		return 1
	}
	return 0
}

// flush hands everything on.
func (f *folder) flush() error {
	for i := range f.spells {
		if err := f.hand(&f.spells[i]); err != nil {
			return err
		}
	}
	clear(f.places)
	f.spells = f.spells[:0]
	return nil
}

// hand hands a spell on to its person.
func (f *folder) hand(s *openSpell) error {
	p := f.callers[s.credential].Load()
	slot := int64(s.quarter) * quarter
	out := wire.Spell{
		Credential: s.credential, Slot: slot,
		First: slot + int64(s.first), Last: slot + int64(s.last), FirstID: s.firstID, LastID: s.lastID,
		Calls: s.calls, Writes: s.writes, Denied: s.denied, ServiceDriven: s.serviceDriven,
	}
	var services [maxServices]uint32
	for i, n := range s.services[:s.known] {
		services[i] = uint32(n)
	}
	out.Services = services[:s.known]
	f.buf = binary.AppendUvarint(f.buf[:0], uint64(p.number)<<roleBits|uint64(asCall))
	f.buf = wire.AppendSpell(f.buf, &out)
	return f.spill.Append(buckets+p.partition, f.buf)
}
