package scan

import (
	"encoding/binary"
	"slices"
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
// not fit is handed on in parts.
type folder struct {
	spill  *spill.Writer
	places map[uint64]uint32
	spells []openSpell
	buf    []byte
}

// openSpell is a spell that calls are added to.
type openSpell struct {
	wire.Spell
	person   *person
	services [maxServices]uint32
	known    int // how many services
}

// newFolder returns a folder for events of so many bytes.
func newFolder(w *spill.Writer, size int64) folder {
	const usual = 512 // bytes of calls to one spell
	room := int(min(size/usual, maxSpells))
	return folder{spill: w, places: make(map[uint64]uint32, room), spells: make([]openSpell, 0, room)}
}

// spellKey tells spells apart. Seconds of any year that is read, divided by
// those of a quarter, have 32 bits.
func spellKey(credential uint32, slot int64) uint64 {
	return uint64(credential)<<32 | uint64(uint32(slot/quarter))
}

// slotOf is where the quarter begins.
func slotOf(at int64) int64 {
	slot := at - at%quarter
	if slot > at {
		slot -= quarter
	}
	return slot
}

// add takes in a call of a person.
func (f *folder) add(p *person, id string, c *wire.Brief) error {
	slot := slotOf(c.At)
	key := spellKey(c.Credential, slot)
	n, ok := f.places[key]
	if !ok {
		if len(f.spells) == maxSpells {
			if err := f.flush(); err != nil {
				return err
			}
		}
		n = uint32(len(f.spells))
		f.places[key] = n
		f.spells = append(f.spells, openSpell{person: p, Spell: wire.Spell{Credential: c.Credential, Slot: slot}})
	}
	s := &f.spells[n]
	if !slices.Contains(s.services[:s.known], c.Service) {
		if s.known == maxServices {
			if err := f.hand(s); err != nil {
				return err
			}
			*s = openSpell{person: p, Spell: wire.Spell{Credential: c.Credential, Slot: slot}}
		}
		s.services[s.known] = c.Service
		s.known++
	}
	s.add(id, c)
	return nil
}

func (s *openSpell) add(id string, c *wire.Brief) {
	if s.Calls == 0 || wire.Before(c.At, id, s.First, &s.FirstID) {
		s.First = c.At
		copy(s.FirstID[:], id)
	}
	if s.Calls == 0 || !wire.Before(c.At, id, s.Last, &s.LastID) {
		s.Last = c.At
		copy(s.LastID[:], id)
	}
	s.Calls++
	s.Writes += count(!c.Flags.Has(wire.ReadOnly))
	s.Denied += count(c.Flags.Has(wire.Denied))
	s.ServiceDriven += count(c.Flags.Has(wire.ServiceDriven))
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
	s.Services = s.services[:s.known]
	f.buf = binary.AppendUvarint(f.buf[:0], uint64(s.person.number))
	f.buf = wire.AppendSpell(f.buf, &s.Spell)
	return f.spill.Append(buckets+s.person.partition, f.buf)
}
