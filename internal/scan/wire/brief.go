package wire

import (
	"encoding/binary"
	"math"

	"jitaudit/ingest/cloudtrail"
)

// Brief is a call in numbers, which is what nearly all records are.
type Brief struct {
	At int64 // seconds since 1970
	// Credential is Nobody for one that was not added to Shared.
	Credential, Service uint32
	Flags               Flags
}

// Nobody is the credential of machines.
const Nobody = math.MaxUint32

// Flags are what is counted of a call.
type Flags uint8

// The flags of a call.
const (
	Console Flags = 1 << iota
	ServiceDriven
	Denied
	ReadOnly
)

// Has reports whether a flag is set.
func (f Flags) Has(flag Flags) bool { return f&flag != 0 }

func flagsOf(console, serviceDriven, denied, readOnly bool) Flags {
	return Flags(bit(console, byte(Console)) | bit(serviceDriven, byte(ServiceDriven)) |
		bit(denied, byte(Denied)) | bit(readOnly, byte(ReadOnly)))
}

// The record of a brief has its parts at fixed places; those of the head are
// where ReadHead finds them.
const (
	idStart    = 2
	idEnd      = idStart + 16
	hashEnd    = idEnd + 8
	atEnd      = hashEnd + 8
	credEnd    = atEnd + 4
	serviceEnd = credEnd + 4
	briefSize  = serviceEnd + 1
)

// AppendBrief adds the record of a call to b; false when its credential or its
// service has no number.
func (t *Table) AppendBrief(b []byte, at int64, c *cloudtrail.Bare) ([]byte, bool) {
	cred, service := c.Credential.Mark, t.service(c.Service)
	if cred == 0 || service == 0 {
		return b, false
	}
	n := len(b)
	b = append(b, make([]byte, briefSize)...)
	r := b[n : n+briefSize : n+briefSize]
	r[0] = isBrief | shortHash | bit(c.Addendum, isAddendum)
	r[1] = 0
	copy(r[idStart:idEnd], c.ID[:])
	binary.BigEndian.PutUint64(r[idEnd:hashEnd], c.Hash)
	binary.LittleEndian.PutUint64(r[hashEnd:atEnd], uint64(at))
	binary.LittleEndian.PutUint32(r[atEnd:credEnd], cred)
	binary.LittleEndian.PutUint32(r[credEnd:serviceEnd], service)
	r[serviceEnd] = byte(flagsOf(c.Console, c.ServiceDriven, c.Denied, c.ReadOnly))
	return b, true
}

// ReadBrief reads a whole record; id is 16 bytes of it. It is false for anything
// but a brief.
func (s *Shared) ReadBrief(record string, c *Brief) (id string, ok bool) {
	if len(record) != briefSize || record[0]&isBrief == 0 {
		return "", false
	}
	c.At = int64(word(record[hashEnd:]))
	both := word(record[atEnd:])
	cred, service := uint32(both), uint32(both>>32)
	c.Flags = Flags(record[serviceEnd])
	if uint64(cred) >= uint64(len(s.credentialOf)) || uint64(service) >= uint64(len(s.serviceOf)) {
		return "", false
	}
	c.Credential, c.Service = s.credentialOf[cred]-1, s.serviceOf[service]
	return record[idStart:idEnd], true
}
