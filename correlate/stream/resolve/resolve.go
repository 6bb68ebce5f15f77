// Package resolve turns raw records into entries of the facts topic. It decides
// where a fact is sent, not whose it is: a fact of Okta names its person, one of
// another source goes to a home, which finds out, and one that concerns nobody in
// particular to every partition.
package resolve

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"jitaudit/correlate/identity"
	"jitaudit/correlate/stream/entry"
	"jitaudit/schemas"
)

// Raw is one record of a raw topic.
type Raw struct {
	Source schemas.Source
	Kind   schemas.RawKind
	Shard  string
	Value  []byte
	// Topic, Partition and Offset are its position.
	Topic     string
	Partition int
	Offset    int64
}

// Decode turns one event into a fact, as the decoders of package ingest do:
// relevant is false for an event that proves nothing of interest, an error is
// the reason of a dead letter. The fact must stay valid.
type Decode func(*Raw) (fact schemas.Fact, relevant bool, err error)

// Resolver turns raw records into entries. It is not safe for concurrent use.
type Resolver struct {
	decode Decode
	// said is since when the claims that have been passed on hold; the keys are
	// without that. Saying them again would be harmless.
	said map[identity.Claim]int64
}

// maxSaid bounds what is remembered of claims.
const maxSaid = 1 << 18

// New returns a resolver.
func New(decode Decode) *Resolver {
	return &Resolver{decode: decode, said: make(map[identity.Claim]int64)}
}

// Batch is what some raw records amount to.
type Batch struct {
	// Entries are each for the partition of its To.
	Entries []*entry.Entry
	// Everywhere is for every partition.
	Everywhere entry.Entry
	// Coverage is for every partition too, once all others are acknowledged.
	Coverage []schemas.Coverage
	Dead     []schemas.DeadLetter
	// Read = Used + Irrelevant + Dead, of events.
	Read, Used, Irrelevant int64

	packs map[pack]*entry.Entry
}

// packed bounds the calls of one entry.
const packed = 500

// Add takes in one raw record.
func (r *Resolver) Add(raw *Raw, b *Batch) {
	switch raw.Kind {
	case schemas.RawCoverage:
		r.coverage(raw, b)
		return
	case schemas.RawShards:
		b.shards(raw)
		return
	case schemas.RawEvent:
		b.Read++
	}
	f, relevant, err := r.decode(raw)
	if err == nil && relevant {
		err = inTime(&f)
	}
	switch {
	case err != nil:
		b.dead(raw, err)
	case !relevant:
		b.Irrelevant++
	default:
		used := r.fact(&f, b)
		switch {
		case raw.Kind != schemas.RawEvent:
		case used:
			b.Used++
		default:
			b.Irrelevant++
		}
	}
}

// The years that events can be of. Anything else is a mistake, and could not
// be written down once durations are added to it.
const (
	firstYear = 2000
	lastYear  = 2200
)

func inTime(f *schemas.Fact) error {
	for _, t := range append(timesOf(f), f.At) {
		if y := t.Year(); y < firstYear || y > lastYear {
			return fmt.Errorf("it is of the year %d, which cannot be: events are of %d to %d", y, firstYear, lastYear)
		}
	}
	return nil
}

// timesOf are the times that a fact names beside its own.
func timesOf(f *schemas.Fact) (out []time.Time) {
	if f.Assume != nil {
		out = append(out, f.Assume.Expires)
	}
	if f.Call != nil {
		out = append(out, f.Call.CreatedAt)
	}
	if f.Chain != nil {
		out = append(out, f.Chain.Expires)
	}
	if f.Request != nil {
		out = append(out, f.Request.From, f.Request.Until)
	}
	if f.Snapshot != nil {
		out = append(out, f.Snapshot.From, f.Snapshot.To)
	}
	if f.Revocation != nil {
		out = append(out, f.Revocation.Before)
	}
	return slices.DeleteFunc(out, time.Time.IsZero)
}

func (b *Batch) dead(raw *Raw, err error) {
	b.Dead = append(b.Dead, schemas.DeadLetter{
		Source: raw.Source, File: raw.Topic + "/" + strconv.Itoa(raw.Partition), Record: raw.Offset,
		Reason: err.Error(), Raw: raw.Value[:min(len(raw.Value), schemas.RawLimit)],
	})
}

func (b *Batch) shards(raw *Raw) {
	var s schemas.Shards
	if err := json.Unmarshal(raw.Value, &s); err != nil {
		b.dead(raw, fmt.Errorf("this is no list of shards by a collector: %w", err))
		return
	}
	b.Everywhere.Shards = append(b.Everywhere.Shards, s.Shards...)
}

func (r *Resolver) coverage(raw *Raw, b *Batch) {
	var c schemas.Coverage
	err := json.Unmarshal(raw.Value, &c)
	if err == nil && (c.Shard != raw.Shard || !c.From.Before(c.To)) {
		err = fmt.Errorf("it covers %s from %s to %s, in the shard %s", c.Shard, c.From, c.To, raw.Shard)
	}
	if err != nil {
		b.dead(raw, fmt.Errorf("this is no coverage record of a collector: %w", err))
		return
	}
	c.From, c.To = c.From.UTC(), c.To.UTC()
	b.Coverage = append(b.Coverage, c)
}

// fact sends a fact on; false when it concerns nobody.
func (r *Resolver) fact(f *schemas.Fact, b *Batch) bool {
	r.claims(f, b)
	if f.Addendum {
		b.Everywhere.Corrections = append(b.Everywhere.Corrections, entry.Correction{ID: f.ID, Rank: entry.Rank(f), At: f.At})
	}
	if f.Counts() {
		b.call(f)
	}
	switch {
	case f.Kind == schemas.Acted:
		return true
	case f.Kind.Shared():
		b.Everywhere.Shared = append(b.Everywhere.Shared, f)
		return true
	case f.Source != schemas.Okta:
		b.Entries = append(b.Entries, &entry.Entry{To: entry.HomeOf(f), Fact: f})
		return true
	}
	key := identity.OktaKey(&f.Who)
	if key != "" {
		b.Entries = append(b.Entries, &entry.Entry{To: key, Fact: f})
	}
	return key != ""
}

// claims passes on what a fact says of handles, unless that is known. An
// assertion is of one sign-on, and news each time.
func (r *Resolver) claims(f *schemas.Fact, b *Batch) {
	for _, c := range identity.Claims(f) {
		if c.Kind != identity.AssertionClaim {
			k := c
			k.Since = 0
			if since, known := r.said[k]; known && since <= c.Since {
				continue
			}
			if len(r.said) >= maxSaid {
				clear(r.said)
			}
			r.said[k] = c.Since
		}
		b.Everywhere.Claims = append(b.Everywhere.Claims, c)
	}
}

// pack is what calls have in common that are packed together.
type pack struct{ to, role string }

// call packs a call with others of its role session.
func (b *Batch) call(f *schemas.Fact) {
	k := pack{entry.HomeOfRole(f.Call.PrincipalID), f.Call.RoleARN}
	e := b.packs[k]
	if e == nil || len(e.Calls) >= packed {
		e = &entry.Entry{To: k.to, Role: k.role}
		if b.packs == nil {
			b.packs = make(map[pack]*entry.Entry)
		}
		b.packs[k] = e
		b.Entries = append(b.Entries, e)
	}
	e.Calls = append(e.Calls, entry.CallOf(f))
}
