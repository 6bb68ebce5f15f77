package wire

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"jitaudit/ingest/cloudtrail"
)

// Credential is by what a call was made.
type Credential struct {
	PrincipalID, AccessKeyID string
	// RoleARN is the role; a credential with and one without it are two, as some
	// events do not name it.
	RoleARN   string
	CreatedAt time.Time
}

func (c *Credential) hash() uint64 {
	h := xxhash.Sum64String(c.PrincipalID)
	h = h*0x9e3779b97f4a7c15 ^ xxhash.Sum64String(c.AccessKeyID)
	h = h*0x9e3779b97f4a7c15 ^ xxhash.Sum64String(c.RoleARN)
	return h*0x9e3779b97f4a7c15 ^ uint64(c.CreatedAt.UnixNano())
}

func (c *Credential) equal(o *Credential) bool {
	return c.PrincipalID == o.PrincipalID && c.AccessKeyID == o.AccessKeyID && c.RoleARN == o.RoleARN && c.CreatedAt.Equal(o.CreatedAt)
}

// Table numbers what the calls share that one worker writes down. It does not
// hold the credentials, most of which turn out to be machines': each is written
// down when it gets its number. A credential may have several numbers.
type Table struct {
	worker, workers uint32
	credentials     int
	services        []string
	numbers         map[string]uint32
}

const (
	maxServices = 1 << 12 // of all workers
	// noNumber ends the numbers of credentials.
	noNumber = math.MaxInt32
)

// Tables are those of all workers.
type Tables []*Table

// NewTables returns empty tables.
func NewTables(workers int) Tables {
	ts := make(Tables, workers)
	for i := range ts {
		ts[i] = &Table{worker: uint32(i), workers: uint32(workers), numbers: make(map[string]uint32)}
	}
	return ts
}

// number is that of the nth thing of the table: from 1 on, and unlike those of
// all other tables.
func (t *Table) number(n int) uint32 { return uint32(n)*t.workers + t.worker + 1 }

// AppendCredential gives a credential a number and adds the record of that to b.
// A credential without beginning gets none: whose it is depends on the call.
func (t *Table) AppendCredential(b []byte, c *cloudtrail.Credential) ([]byte, bool) {
	if c.CreatedAt.IsZero() || t.credentials >= noNumber/int(t.workers) {
		return b, false
	}
	c.Mark = t.number(t.credentials)
	t.credentials++
	b = binary.AppendUvarint(b, uint64(c.Mark))
	b = appendTime(b, c.CreatedAt)
	b = appendString(b, c.PrincipalID)
	b = appendString(b, c.AccessKeyID)
	return appendString(b, c.RoleARN), true
}

// ReadCredential reads what AppendCredential wrote.
func ReadCredential(record string) (number uint32, c Credential, err error) {
	r := reader{s: record}
	number = uint32(r.number())
	c.CreatedAt, c.PrincipalID, c.AccessKeyID, c.RoleARN = r.time(), r.string(), r.string(), r.string()
	return number, c, r.err()
}

// service numbers a service, 0 when there is no room.
func (t *Table) service(s *cloudtrail.Service) uint32 {
	if s.Mark != 0 {
		return s.Mark
	}
	n, ok := t.numbers[s.Name]
	if !ok {
		if len(t.services) >= maxServices/int(t.workers) {
			return 0
		}
		n = t.number(len(t.services))
		t.numbers[s.Name] = n
		t.services = append(t.services, s.Name)
	}
	s.Mark = n
	return n
}

// Shared is what the calls of people share, numbered from 0 on, each thing once
// but for credentials with one hash. Services are in the order of their names.
type Shared struct {
	Credentials []Credential
	Services    []string

	byHash map[uint64]uint32
	roles  map[string]string // each ARN once
	// By the numbers that the tables gave; 0 for credentials that are nobody's,
	// else 1 more than the place among Credentials.
	credentialOf []uint32
	serviceOf    []uint32
}

// Unite brings together what the tables hold. Credentials are to be added.
func (ts Tables) Unite() *Shared {
	s := &Shared{byHash: make(map[uint64]uint32), roles: make(map[string]string)}
	most := 0
	for _, t := range ts {
		s.Services = append(s.Services, t.services...)
		most = max(most, t.credentials)
	}
	s.credentialOf = make([]uint32, most*len(ts)+1)
	slices.Sort(s.Services)
	s.Services = slices.Compact(s.Services)
	for _, t := range ts {
		for i, name := range t.services {
			n, _ := slices.BinarySearch(s.Services, name)
			s.serviceOf = set(s.serviceOf, t.number(i), uint32(n))
		}
	}
	return s
}

func set(list []uint32, at, value uint32) []uint32 {
	for uint32(len(list)) <= at {
		list = append(list, 0)
	}
	list[at] = value
	return list
}

// Add says which credential has a number. It copies the strings.
func (s *Shared) Add(number uint32, c Credential) error {
	if uint64(number) >= uint64(len(s.credentialOf)) {
		return ErrDamaged
	}
	h := c.hash()
	n, ok := s.byHash[h]
	if !ok || !s.Credentials[n].equal(&c) {
		n = uint32(len(s.Credentials))
		s.byHash[h] = n
		c.PrincipalID, c.AccessKeyID, c.RoleARN = strings.Clone(c.PrincipalID), strings.Clone(c.AccessKeyID), s.role(c.RoleARN)
		s.Credentials = append(s.Credentials, c)
	}
	s.credentialOf[number] = n + 1
	return nil
}

func (s *Shared) role(arn string) string {
	known, ok := s.roles[arn]
	if !ok {
		known = strings.Clone(arn)
		s.roles[known] = known
	}
	return known
}

// Close says that all credentials are added.
func (s *Shared) Close() { s.byHash, s.roles = nil, nil }
