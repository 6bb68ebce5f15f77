// Package entry is the record of the facts topic: what the stages of the stream
// tell each other. docs/stream.md says who writes which.
package entry

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"jitaudit/correlate"
	"jitaudit/correlate/identity"
	"jitaudit/schemas"
)

// Entry is one record. To and one of Fact, Calls, Sent and Chained are set, or
// something that every partition gets.
type Entry struct {
	// To is whom it concerns: the key of a person, or a home. It is also the key
	// of the record.
	To string `json:"to,omitempty"`
	// Role is the ARN of the role that the session of Calls is of; empty where the
	// events do not say.
	Role string `json:"role,omitempty"`
	// Fact is a fact as its event says it: of Okta for its person, of any other
	// source for its home, which finds the person.
	Fact *schemas.Fact `json:"fact,omitempty"`
	// Calls are calls of one role session, for its home.
	Calls []Call `json:"calls,omitempty"`
	// Sent is what a home tells a person.
	Sent *Sent `json:"sent,omitempty"`
	// Chained is what a home tells another one.
	Chained *Chained `json:"chained,omitempty"`

	// Shared are facts that concern nobody in particular.
	Shared []*schemas.Fact `json:"shared,omitempty"`
	// Claims are what is known of handles.
	Claims []identity.Claim `json:"claims,omitempty"`
	// Corrections name events of which a better copy exists.
	Corrections []Correction `json:"corrections,omitempty"`
	// Coverage follows the facts that it covers, in each partition.
	Coverage []schemas.Coverage `json:"coverage,omitempty"`
	// Shards are those that are collected; they stand before all coverage of Okta.
	Shards []string `json:"shards,omitempty"`
	// Relay is the coverage that a partition has taken into account.
	Relay *Relay `json:"relay,omitempty"`
	// Policy judges from its own effective_from on.
	Policy *Policy `json:"policy,omitempty"`
	// Line says before when things are final in this partition.
	Line *Line `json:"line,omitempty"`
	// Engine says which version of the engine publishes from here on.
	Engine int `json:"engine,omitempty"`
	// Tick lets results come out; its offset is their version.
	Tick *Tick `json:"tick,omitempty"`
}

// Sent is a fact or a use that a home has found to be a person's, or (Gone) no
// longer to be. Of what one home says of one copy or use, the highest version
// counts.
type Sent struct {
	Home    int   `json:"home"` // the home's partition
	Version int64 `json:"version"`
	// Name is what somebody unknown to Okta goes by.
	Name string `json:"name,omitempty"`
	// GoesBy are those of the names in an assumption, folded, that are known to be
	// the person's.
	GoesBy []string       `json:"goes_by,omitempty"`
	Fact   *schemas.Fact  `json:"fact,omitempty"`
	Use    *correlate.Use `json:"use,omitempty"`
	Gone   bool           `json:"gone,omitempty"`
}

// Chained is what the home of a role session has found of the credentials that
// it made for another one: whose they are or (Gone) that they are nobody's any
// more. Of what one home says of one copy of the event, the highest version
// counts.
type Chained struct {
	Home    int   `json:"home"` // the home's partition
	Version int64 `json:"version"`
	// Fact is the event, with as much as tells its copies and its credentials.
	Fact *schemas.Fact `json:"fact"`
	// Person is the key, Name what somebody unknown to Okta goes by.
	Person string `json:"person,omitempty"`
	Name   string `json:"name,omitempty"`
	// Via are the role sessions by way of which they are that person's, sorted. A
	// session does not learn from itself whose it is.
	Via  []string `json:"via,omitempty"`
	Gone bool     `json:"gone,omitempty"`
}

// Correction says that a copy with an addendum exists of an event.
type Correction struct {
	ID   string    `json:"id"`
	Rank uint64    `json:"rank"`
	At   time.Time `json:"at"`
}

// Relay says, of one shard, all that a home partition has taken into account:
// what was found to be a person's stands before it. In Round 0 it is what the
// sources have said, in each later one what all partitions have relayed in the one
// before.
type Relay struct {
	Home  int                `json:"home"`
	Shard string             `json:"shard"`
	Round int                `json:"round,omitempty"`
	Spans []schemas.Interval `json:"spans"`
}

// Line is a line between what is final and what is not.
type Line struct {
	// What ended before Seal is sealed.
	Seal time.Time `json:"seal,omitzero"`
	// Calls before Park that nobody was found for are dropped.
	Park time.Time `json:"park,omitzero"`
}

// Policy is a policy file.
type Policy struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
}

// Tick is a beat of the clock.
type Tick struct {
	At time.Time `json:"at"`
}

// Call is one call, in few bytes.
type Call struct {
	ID    string `json:"i"`
	Shard string `json:"h"`
	Rank  uint64 `json:"r"`
	// At and Created are microseconds since 1970; Created is 0 where unknown.
	At      int64  `json:"t"`
	Created int64  `json:"c,omitempty"`
	Key     string `json:"k,omitempty"`
	Service string `json:"s"`
	Action  string `json:"a"`
	Flags   Flags  `json:"f,omitempty"`
}

// Flags are the yes-or-no of a call.
type Flags uint8

// The flags.
const (
	Console Flags = 1 << iota
	ServiceDriven
	Denied
	ReadOnly
)

// Rank orders the copies of one event; see schemas.CopyRank.
func Rank(f *schemas.Fact) uint64 {
	hash, err := strconv.ParseUint(f.Hash, 16, 64)
	if err != nil {
		hash = math.MaxUint64 // it is no hash of ours, and loses
	}
	return schemas.CopyRank(hash, f.Addendum)
}

// CallOf is the short form of the call that a fact is; the role session and its
// role are said once for many.
func CallOf(f *schemas.Fact) Call {
	c := f.Call
	out := Call{ID: f.ID, Shard: f.Shard, Rank: Rank(f), At: f.At.UnixMicro(), Key: c.AccessKeyID, Service: c.Service, Action: c.Action}
	if !c.CreatedAt.IsZero() {
		out.Created = c.CreatedAt.UnixMicro()
	}
	out.Flags = flag(c.Console, Console) | flag(c.ServiceDriven, ServiceDriven) | flag(c.Denied, Denied) | flag(c.ReadOnly, ReadOnly)
	return out
}

func flag(set bool, f Flags) Flags {
	if set {
		return f
	}
	return 0
}

// Call is the call in full; principal is its role session, role the ARN of its
// role.
func (c *Call) Call(principal, role string) schemas.Call {
	out := schemas.Call{
		PrincipalID: principal, RoleARN: role, AccessKeyID: c.Key, Service: c.Service, Action: c.Action,
		Console: c.Flags&Console != 0, ServiceDriven: c.Flags&ServiceDriven != 0,
		Denied: c.Flags&Denied != 0, ReadOnly: c.Flags&ReadOnly != 0,
	}
	if c.Created != 0 {
		out.CreatedAt = time.UnixMicro(c.Created).UTC()
	}
	return out
}

// The prefixes of homes. A person's key has none of them.
const (
	roleHome = "role "
	nameHome = "name "
)

// HomeOfRole is where everything of one role session ("AROA…:name") meets.
func HomeOfRole(principalID string) string { return roleHome + principalID }

// HomeOf is where a fact is sent to find its person: the home of the role session
// that made the call or came of it, else that of the name which it gives.
func HomeOf(f *schemas.Fact) string {
	switch {
	case f.Call != nil:
		return HomeOfRole(f.Call.PrincipalID)
	case f.Assume != nil && f.Assume.PrincipalID != "":
		return HomeOfRole(f.Assume.PrincipalID)
	case f.Entry != nil && f.Entry.PrincipalID != "":
		return HomeOfRole(f.Entry.PrincipalID)
	}
	w := &f.Who
	return nameHome + identity.Fold(cmp.Or(w.SessionName, w.NameID, w.SourceIdentity, w.PortalUserID, w.IAMUser, w.Login, w.Email))
}

// IsHome reports whether something concerns a home, not a person.
func IsHome(to string) bool {
	return strings.HasPrefix(to, roleHome) || strings.HasPrefix(to, nameHome)
}

// Principal is the role session of a home, if it is one's.
func Principal(home string) (string, bool) { return strings.CutPrefix(home, roleHome) }

// Empty reports whether an entry for every partition says nothing.
func (e *Entry) Empty() bool {
	return len(e.Shared)+len(e.Claims)+len(e.Corrections)+len(e.Coverage)+len(e.Shards) == 0 && e.Relay == nil && e.Policy == nil
}

// Encode writes an entry as one line of JSON.
func (e *Entry) Encode() ([]byte, error) {
	b, err := e.encode()
	if err != nil {
		return nil, fmt.Errorf("encode a record for the facts topic: %w", err)
	}
	return b, nil
}

// Decode reads an entry. What it says of calls but their ids may lie in a text
// that is much longer: whoever keeps it copies it.
func Decode(b []byte) (*Entry, error) {
	if isCalls(b) {
		if e, ok := scanCalls(string(b)); ok {
			return e, nil
		}
	}
	var e Entry
	if err := json.Unmarshal(b, &e); err != nil {
		return nil, fmt.Errorf("it is no record of this program: %w", err)
	}
	return &e, nil
}
