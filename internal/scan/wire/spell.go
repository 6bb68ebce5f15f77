package wire

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Spell is what calls with one credential in one quarter of an hour amount to.
// Ids are UUIDs of 16 bytes.
type Spell struct {
	Credential      uint32
	Slot            int64 // where the quarter begins, in seconds since 1970
	First, Last     int64
	FirstID, LastID [16]byte

	Calls, Writes, Denied, ServiceDriven uint32

	// Services are distinct, in no order.
	Services []uint32
}

// AppendSpell adds the record of a spell to b.
func AppendSpell(b []byte, s *Spell) []byte {
	b = append(b, isSpell)
	b = binary.AppendUvarint(b, uint64(s.Credential))
	for _, t := range [...]int64{s.Slot, s.First, s.Last} {
		b = binary.LittleEndian.AppendUint64(b, uint64(t))
	}
	b = append(append(b, s.FirstID[:]...), s.LastID[:]...)
	for _, n := range [...]uint32{s.Calls, s.Writes, s.Denied, s.ServiceDriven} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	b = binary.AppendUvarint(b, uint64(len(s.Services)))
	for _, n := range s.Services {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}

// ReadSpell reads the record of a spell; false when it is one of something else.
// The services lie in the room that s has for them.
func (sh *Shared) ReadSpell(record string, s *Spell) (bool, error) {
	if record == "" || record[0] != isSpell {
		return false, nil
	}
	r := reader{s: record[1:]}
	s.Credential = uint32(r.number())
	for _, t := range [...]*int64{&s.Slot, &s.First, &s.Last} {
		if text := r.take(8); text != "" {
			*t = int64(word(text))
		}
	}
	copy(s.FirstID[:], r.take(16))
	copy(s.LastID[:], r.take(16))
	for _, n := range [...]*uint32{&s.Calls, &s.Writes, &s.Denied, &s.ServiceDriven} {
		*n = uint32(r.number())
	}
	s.Services = s.Services[:0]
	for range r.number() {
		if r.damaged {
			break
		}
		n := r.number()
		if n >= len(sh.Services) {
			return true, ErrDamaged
		}
		s.Services = append(s.Services, uint32(n))
	}
	if int(s.Credential) >= len(sh.Credentials) {
		return true, ErrDamaged
	}
	return true, r.err()
}

// Merge takes in another part of the same spell.
func (s *Spell) Merge(o *Spell) {
	if o.First < s.First || o.First == s.First && bytes.Compare(o.FirstID[:], s.FirstID[:]) < 0 {
		s.First, s.FirstID = o.First, o.FirstID
	}
	if o.Last > s.Last || o.Last == s.Last && bytes.Compare(o.LastID[:], s.LastID[:]) > 0 {
		s.Last, s.LastID = o.Last, o.LastID
	}
	s.Calls += o.Calls
	s.Writes += o.Writes
	s.Denied += o.Denied
	s.ServiceDriven += o.ServiceDriven
	for _, n := range o.Services {
		if !slices.Contains(s.Services, n) {
			s.Services = append(s.Services, n)
		}
	}
}
