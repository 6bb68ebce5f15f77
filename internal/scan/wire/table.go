package wire

import (
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"jitaudit/ingest/cloudtrail"
)

// Credential is by what a call was made.
type Credential struct {
	PrincipalID, AccessKeyID string
	CreatedAt                time.Time
}

// Table numbers what the calls share that one worker writes down. Its size is
// bounded; a call that finds no room is written down as a fact.
type Table struct {
	worker, workers uint32
	credentials     []Credential
	services        []string
	// numbers holds places in credentials by hash. Two with one hash are so rare
	// that the second may go without a place.
	numbers        map[uint64]uint32
	serviceNumbers map[string]uint32
}

func (c *Credential) hash() uint64 {
	h := xxhash.Sum64String(c.PrincipalID)
	h = h*0x9e3779b97f4a7c15 ^ xxhash.Sum64String(c.AccessKeyID)
	return h*0x9e3779b97f4a7c15 ^ uint64(c.CreatedAt.UnixNano())
}

func (c *Credential) equal(o *Credential) bool {
	return c.PrincipalID == o.PrincipalID && c.AccessKeyID == o.AccessKeyID && c.CreatedAt.Equal(o.CreatedAt)
}

const (
	maxCredentials = 1 << 16
	maxServices    = 1 << 12
)

// Tables are those of all workers.
type Tables []*Table

// NewTables returns empty tables.
func NewTables(workers int) Tables {
	ts := make(Tables, workers)
	for i := range ts {
		ts[i] = &Table{
			worker: uint32(i), workers: uint32(workers),
			numbers: make(map[uint64]uint32), serviceNumbers: make(map[string]uint32),
		}
	}
	return ts
}

// number is that of the nth entry of the table: from 1 on, and unlike those of
// all other tables.
func (t *Table) number(n int) uint32 { return uint32(n)*t.workers + t.worker + 1 }

// credential numbers a credential; 0 when there is no room, or when the
// credential has no beginning: whose it is then depends on the call.
func (t *Table) credential(c *cloudtrail.Credential) uint32 {
	if c.Mark != 0 || c.CreatedAt.IsZero() {
		return c.Mark
	}
	cred := Credential{c.PrincipalID, c.AccessKeyID, c.CreatedAt}
	h := cred.hash()
	i, ok := t.numbers[h]
	switch {
	case !ok && len(t.credentials) >= maxCredentials/int(t.workers), ok && !t.credentials[i].equal(&cred):
		return 0
	case !ok:
		i = uint32(len(t.credentials))
		t.numbers[h] = i
		t.credentials = append(t.credentials, cred)
	}
	c.Mark = t.number(int(i))
	return c.Mark
}

func (t *Table) service(s *cloudtrail.Service) uint32 {
	if s.Mark != 0 {
		return s.Mark
	}
	n, ok := t.serviceNumbers[s.Name]
	if !ok {
		if len(t.services) == maxServices {
			return 0
		}
		n = t.number(len(t.services))
		t.serviceNumbers[s.Name] = n
		t.services = append(t.services, s.Name)
	}
	s.Mark = n
	return n
}

// Shared is what calls share, numbered from 0 on, each thing once but for
// credentials with one hash. Services are in the order of their names.
type Shared struct {
	Credentials []Credential
	Services    []string

	// By the numbers that the tables gave.
	credentialOf, serviceOf []uint32
}

// Unite brings together what the tables hold, which must not be used any more.
func (ts Tables) Unite() *Shared {
	s := &Shared{}
	for _, t := range ts {
		s.Services = append(s.Services, t.services...)
	}
	slices.Sort(s.Services)
	s.Services = slices.Compact(s.Services)
	known := make(map[uint64]uint32)
	for _, t := range ts {
		t.numbers, t.serviceNumbers = nil, nil
		for i, name := range t.services {
			n, _ := slices.BinarySearch(s.Services, name)
			s.serviceOf = set(s.serviceOf, t.number(i), uint32(n))
		}
		for i := range t.credentials {
			h := t.credentials[i].hash()
			n, ok := known[h]
			if !ok || !s.Credentials[n].equal(&t.credentials[i]) {
				n = uint32(len(s.Credentials))
				known[h] = n
				s.Credentials = append(s.Credentials, t.credentials[i])
			}
			s.credentialOf = set(s.credentialOf, t.number(i), n)
		}
		t.credentials, t.services = nil, nil
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
