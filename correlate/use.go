package correlate

import (
	"cmp"
	"slices"
	"time"

	"jitaudit/schemas"
)

// UseSlot is how finely the use of a credential is kept. Within a slot only the
// first and the last call are known.
const UseSlot = 15 * time.Minute

// Use is the calls made with one credential in one quarter of an hour, as far
// as repetition cannot change it: nothing here is a count.
type Use struct {
	UseKey
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	FirstID string    `json:"first_id"`
	LastID  string    `json:"last_id"`
	// RoleARN is the role that the credentials are of (Call.RoleARN), and Shard
	// where the first call was recorded; empty where unknown.
	RoleARN string `json:"role_arn,omitempty"`
	Shard   string `json:"shard,omitempty"`
	// Services are those called, sorted.
	Services []string `json:"services"`
}

// UseKey tells uses apart.
type UseKey struct {
	PrincipalID string `json:"principal_id"` // "AROA…:session name"
	// AccessKeyID is empty for calls by the console, which takes a new key per
	// request, and by AWS services on the session's behalf.
	AccessKeyID string    `json:"access_key_id,omitempty"`
	CreatedAt   time.Time `json:"created_at,omitzero"` // creationDate; zero where unknown
	// Slot is the start of the quarter of an hour, or the very second of a call
	// that names neither key nor creation date: such a call belongs to the
	// latest assumption before it.
	Slot time.Time `json:"slot"`
}

// KeyOf says to which use a call belongs.
func KeyOf(c *schemas.Call, at time.Time) UseKey {
	k := UseKey{PrincipalID: c.PrincipalID, CreatedAt: c.CreatedAt, Slot: at.Truncate(UseSlot)}
	if !c.Console && !c.ServiceDriven {
		k.AccessKeyID = c.AccessKeyID
	}
	if k.AccessKeyID == "" && k.CreatedAt.IsZero() {
		k.Slot = at
	}
	return k
}

// Fold gathers calls into uses. Adding a call again changes nothing. The zero
// value is empty and ready.
type Fold struct{ uses map[UseKey]*Use }

// AddFact takes in one fact that is a call.
func (f *Fold) AddFact(c *schemas.Fact) { f.Add(c.ID, c.At, c.Shard, c.Call) }

// Add takes in one call.
func (f *Fold) Add(id string, at time.Time, shard string, c *schemas.Call) {
	f.add(KeyOf(c, at), id, at, shard, c.RoleARN, c.Service)
}

// AddUse takes in what was folded before.
func (f *Fold) AddUse(u *Use) {
	for _, s := range u.Services {
		f.add(u.UseKey, u.FirstID, u.First, u.Shard, u.RoleARN, s)
		f.add(u.UseKey, u.LastID, u.Last, u.Shard, u.RoleARN, s)
	}
}

func (f *Fold) add(k UseKey, id string, at time.Time, shard, role, service string) {
	if f.uses == nil {
		f.uses = make(map[UseKey]*Use)
	}
	u := f.uses[k]
	if u == nil {
		u = &Use{UseKey: k, First: at, Last: at, FirstID: id, LastID: id, Shard: shard, RoleARN: role}
		f.uses[k] = u
	}
	// All calls of a principal are of one role; one that does not name it loses.
	u.RoleARN = max(u.RoleARN, role)
	if before(at, id, u.First, u.FirstID) {
		u.First, u.FirstID, u.Shard = at, id, shard
	}
	if before(u.Last, u.LastID, at, id) {
		u.Last, u.LastID = at, id
	}
	if i, found := slices.BinarySearch(u.Services, service); !found {
		u.Services = slices.Insert(u.Services, i, service)
	}
}

// Uses returns what was gathered, in a fixed order.
func (f *Fold) Uses() []Use {
	out := make([]Use, 0, len(f.uses))
	for _, u := range f.uses {
		out = append(out, *u)
	}
	slices.SortFunc(out, func(a, b Use) int { return compareUseKeys(&a.UseKey, &b.UseKey) })
	return out
}

func compareUseKeys(a, b *UseKey) int {
	return cmp.Or(
		cmp.Compare(a.PrincipalID, b.PrincipalID),
		cmp.Compare(a.AccessKeyID, b.AccessKeyID),
		a.CreatedAt.Compare(b.CreatedAt),
		a.Slot.Compare(b.Slot),
	)
}

func before(at time.Time, id string, than time.Time, thanID string) bool {
	if c := at.Compare(than); c != 0 {
		return c < 0
	}
	return id < thanID
}

// fold brings folded and single calls together.
func fold(uses []Use, facts []*schemas.Fact) []Use {
	var f Fold
	for _, fact := range facts {
		if fact.Counts() {
			f.AddFact(fact)
		}
	}
	if f.uses == nil {
		return uses
	}
	for i := range uses {
		f.AddUse(&uses[i])
	}
	return f.Uses()
}
