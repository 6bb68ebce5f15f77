package wire

import (
	"time"

	"github.com/cespare/xxhash/v2"

	"jitaudit/schemas"
)

// Credential is by what a call was made. Many calls share one.
type Credential struct {
	PrincipalID, AccessKeyID string
	CreatedAt                time.Time
}

// Call is what a record keeps of a call.
type Call struct {
	At time.Time
	schemas.Call
	// Shared is the number of the call's credential among those of all tables;
	// -1 where it stands in no table.
	Shared int
}

// Table holds what the calls share that one worker writes down. Its size is
// bounded; what finds no room stands in each record.
type Table struct {
	worker, workers int
	credentials     []Credential
	services        []string
	// numbers holds places in credentials by hash. Two with one hash are so rare
	// that the second may go without a place.
	numbers        map[uint64]int32
	serviceNumbers map[string]int
	recent         [recentSize]recent
}

// recent is a credential that was numbered lately. Looking there first saves
// hashing, as calls come in bursts and their strings are mostly the same ones.
type recent struct {
	credential Credential
	number     int
}

const recentSize = 1 << 10

// recently picks the place of a credential among the recent ones.
func (c *Credential) recently() uint64 {
	h := uint64(c.CreatedAt.Unix())
	for _, s := range [...]string{c.PrincipalID, c.AccessKeyID} {
		if n := len(s); n >= 8 {
			h = (h ^ uint64(s[n-8])<<24 ^ uint64(s[n-6])<<16 ^ uint64(s[n-3])<<8 ^ uint64(s[n-1])) * 0x9e3779b97f4a7c15
		}
	}
	return h >> 32 % recentSize
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
			worker: i, workers: workers,
			numbers: make(map[uint64]int32), serviceNumbers: make(map[string]int),
		}
	}
	return ts
}

// Shared bounds the numbers of credentials: all are below it.
func (ts Tables) Shared() int {
	most := 0
	for _, t := range ts {
		most = max(most, len(t.credentials))
	}
	return most * len(ts)
}

// credential numbers a credential, from 1 on; 0 when there is no room.
func (t *Table) credential(c *Credential) int {
	near := &t.recent[c.recently()]
	if near.number > 0 && near.credential.equal(c) {
		return near.number
	}
	h := c.hash()
	i, ok := t.numbers[h]
	switch {
	case !ok && len(t.credentials) >= maxCredentials/t.workers, ok && !t.credentials[i].equal(c):
		return 0
	case !ok:
		i = int32(len(t.credentials))
		t.numbers[h] = i
		t.credentials = append(t.credentials, *c)
	}
	n := int(i)*t.workers + t.worker + 1
	*near = recent{*c, n}
	return n
}

func (t *Table) service(name string) int {
	n, ok := t.serviceNumbers[name]
	if !ok {
		if len(t.services) == maxServices {
			return 0
		}
		n = len(t.services)*t.workers + t.worker + 1
		t.serviceNumbers[name] = n
		t.services = append(t.services, name)
	}
	return n
}

// The bits of a call's flags.
const (
	console = 1 << iota
	serviceDriven
	denied
	readOnly
)

// appendCall leaves out the key of a call that is joined without it, as
// correlate.KeyOf does: the console takes a new key per request.
func (t *Table) appendCall(b []byte, c *schemas.Call) []byte {
	cred := Credential{c.PrincipalID, c.AccessKeyID, c.CreatedAt}
	if c.Console || c.ServiceDriven {
		cred.AccessKeyID = ""
	}
	b = append(b, callFlags(c))
	n := t.credential(&cred)
	b = appendNumber(b, n)
	if n == 0 {
		b = appendTime(b, cred.CreatedAt)
		b = appendString(b, cred.PrincipalID)
		b = appendString(b, cred.AccessKeyID)
	}
	n = t.service(c.Service)
	b = appendNumber(b, n)
	if n == 0 {
		b = appendString(b, c.Service)
	}
	return b
}

func callFlags(c *schemas.Call) byte {
	return bit(c.Console, console) | bit(c.ServiceDriven, serviceDriven) | bit(c.Denied, denied) | bit(c.ReadOnly, readOnly)
}

func setFlags(c *schemas.Call, flags byte) {
	c.Console, c.ServiceDriven = flags&console != 0, flags&serviceDriven != 0
	c.Denied, c.ReadOnly = flags&denied != 0, flags&readOnly != 0
}

// ReadCall reads the rest of a call's record. Its strings are those of the
// tables or cut from the record.
func (ts Tables) ReadCall(h *Head, c *Call) error {
	r := reader{s: h.body}
	c.At = r.time()
	setFlags(&c.Call, r.byte())
	n := r.number()
	if n == 0 {
		c.CreatedAt, c.PrincipalID, c.AccessKeyID = r.time(), r.string(), r.string()
	} else {
		t, i := ts.find(n - 1)
		if t == nil || i >= len(t.credentials) {
			return ErrDamaged
		}
		cred := &t.credentials[i]
		c.CreatedAt, c.PrincipalID, c.AccessKeyID = cred.CreatedAt, cred.PrincipalID, cred.AccessKeyID
	}
	c.Shared = n - 1
	if n = r.number(); n == 0 {
		c.Service = r.string()
	} else {
		t, i := ts.find(n - 1)
		if t == nil || i >= len(t.services) {
			return ErrDamaged
		}
		c.Service = t.services[i]
	}
	return r.err()
}

func (ts Tables) find(n int) (*Table, int) {
	if n < 0 || len(ts) == 0 {
		return nil, 0
	}
	return ts[n%len(ts)], n / len(ts)
}

// appendWholeCall writes a call by itself.
func appendWholeCall(b []byte, c *schemas.Call) []byte {
	b = append(b, callFlags(c))
	b = appendTime(b, c.CreatedAt)
	return appendStrings(b, callFields(c))
}

func (r *reader) wholeCall(c *schemas.Call) {
	setFlags(c, r.byte())
	c.CreatedAt = r.time()
	r.strings(callFields(c))
}

func callFields(c *schemas.Call) []*string {
	return []*string{&c.PrincipalID, &c.AccessKeyID, &c.Service, &c.Action}
}
