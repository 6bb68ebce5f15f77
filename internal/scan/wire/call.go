package wire

import (
	"time"

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
	// -1 where it stands in no table, or where the call has a key of its own.
	Shared int
}

// Table holds what the calls share that one worker writes down. Its size is
// bounded; what finds no room stands in each record.
type Table struct {
	worker, workers int
	credentials     []Credential
	services        []string
	numbers         map[credentialKey]int
	serviceNumbers  map[string]int
}

// credentialKey is Credential in a form that is quick to hash.
type credentialKey struct {
	principal, key string
	seconds        int64
	nanos          int
}

const (
	maxCredentials = 1 << 17
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
			numbers: make(map[credentialKey]int), serviceNumbers: make(map[string]int),
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
func (t *Table) credential(c Credential) int {
	k := credentialKey{c.PrincipalID, c.AccessKeyID, c.CreatedAt.Unix(), c.CreatedAt.Nanosecond()}
	n, ok := t.numbers[k]
	if !ok {
		if len(t.credentials) == maxCredentials/t.workers {
			return 0
		}
		n = len(t.credentials)*t.workers + t.worker + 1
		t.numbers[k] = n
		t.credentials = append(t.credentials, c)
	}
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
	ownKey // the console takes a key per request, which is no use in a table
)

func (t *Table) appendCall(b []byte, c *schemas.Call) []byte {
	flags := callFlags(c)
	cred := Credential{c.PrincipalID, c.AccessKeyID, c.CreatedAt}
	if c.Console && c.AccessKeyID != "" {
		flags |= ownKey
		cred.AccessKeyID = ""
	}
	b = append(b, flags)
	n := t.credential(cred)
	b = appendNumber(b, n)
	if n == 0 {
		b = appendTime(b, cred.CreatedAt)
		b = appendString(b, cred.PrincipalID)
		b = appendString(b, cred.AccessKeyID)
	}
	if flags&ownKey != 0 {
		b = appendString(b, c.AccessKeyID)
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
	flags := r.byte()
	setFlags(&c.Call, flags)
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
	if flags&ownKey != 0 {
		c.AccessKeyID, c.Shared = r.string(), -1
	}
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
