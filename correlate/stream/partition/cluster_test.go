package partition_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"jitaudit/correlate/stream/entry"
	"jitaudit/correlate/stream/partition"
	"jitaudit/correlate/stream/resolve"
	"jitaudit/ingest/approvals"
	"jitaudit/ingest/cloudtrail"
	"jitaudit/ingest/okta"
	"jitaudit/internal/organisation"
	"jitaudit/internal/reference"
	"jitaudit/schemas"
)

// cluster is the facts topic, the state topic and all that was ever published,
// in memory, with owners of partitions that can be stopped at any point.
type cluster struct {
	t         *testing.T
	cfg       partition.Config
	facts     [][][]byte
	state     []map[int64][]byte
	committed []int64
	resolver  *resolve.Resolver
	// published is every content ever written under an id and version, table the
	// latest of each id.
	published map[string]string
	table     map[string]reference.Published
	activity  map[string]schemas.Activity
	// causes are those of the records of table.
	causes map[string]schemas.Cause
	late   int
	owned  int
	stale  []*owner
	clock  time.Time
}

func newCluster(t *testing.T, partitions int, horizon time.Duration) *cluster {
	c := &cluster{
		t: t, cfg: partition.Config{Partitions: partitions, Horizon: horizon},
		facts: make([][][]byte, partitions), committed: make([]int64, partitions),
		resolver: resolve.New(decoder()), published: make(map[string]string), table: make(map[string]reference.Published),
		causes: make(map[string]schemas.Cause), activity: make(map[string]schemas.Activity), clock: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	}
	for range partitions {
		c.state = append(c.state, make(map[int64][]byte))
	}
	return c
}

// decoder turns raw records into facts; what it returns may be kept.
func decoder() resolve.Decode {
	log, feed := okta.Decoder{Org: reference.Org}, approvals.Decoder{Feed: reference.Feed}
	var trail cloudtrail.Decoder
	return func(r *resolve.Raw) (f schemas.Fact, relevant bool, err error) {
		switch {
		case r.Kind == schemas.RawMember:
			f, err = okta.DecodeMember(r.Value)
			return f, err == nil, err
		case r.Kind == schemas.RawSnapshot:
			f, err = okta.DecodeSnapshot(r.Value)
			return f, err == nil, err
		case r.Source == schemas.Okta:
			return log.Decode(r.Value)
		case r.Source == schemas.Approvals:
			return feed.Decode(r.Value)
		}
		relevant, err = trail.Decode(r.Value, &f)
		if f.Call != nil {
			f.Call = new(*f.Call)
		}
		if f.Assume != nil {
			f.Assume = new(*f.Assume)
		}
		if f.Portal != nil {
			f.Portal = new(*f.Portal)
		}
		return f, relevant, err
	}
}

// write appends an entry to the partition of its To.
func (c *cluster) write(e *entry.Entry) {
	b, err := e.Encode()
	if err != nil {
		c.t.Fatal(err)
	}
	n := 0
	for _, x := range []byte(e.To) {
		n = n*31 + int(x)
	}
	p := (n%len(c.facts) + len(c.facts)) % len(c.facts)
	c.facts[p] = append(c.facts[p], b)
}

func (c *cluster) everywhere(e *entry.Entry) {
	b, err := e.Encode()
	if err != nil {
		c.t.Fatal(err)
	}
	for p := range c.facts {
		c.facts[p] = append(c.facts[p], b)
	}
}

func (c *cluster) policy(data []byte) {
	c.everywhere(&entry.Entry{Policy: &entry.Policy{Name: "policy.yaml", Data: data}})
}

// raw resolves raw records and writes what they amount to.
func (c *cluster) raw(records ...resolve.Raw) {
	var b resolve.Batch
	for i := range records {
		c.resolver.Add(&records[i], &b)
	}
	for _, d := range b.Dead {
		c.t.Fatalf("dead letter: %s", d.Reason)
	}
	for _, e := range b.Entries {
		c.write(e)
	}
	if !b.Everywhere.Empty() {
		c.everywhere(&b.Everywhere)
	}
	if len(b.Coverage) > 0 {
		c.everywhere(&entry.Entry{Coverage: b.Coverage})
	}
}

// owner is one that believes a partition to be its own.
type owner struct {
	c    *cluster
	n    int
	p    *partition.Partition
	next int64
	// kept are records to remember, unneeded those that need not be.
	kept     map[int64][]byte
	unneeded []int64
	ticks    int
}

// check holds what has come out against all that is held.
func (o *owner) check() {
	for _, wrong := range o.p.Check() {
		o.c.t.Errorf("partition %d at offset %d: %s", o.n, o.next, wrong)
	}
}

// own restores a partition as of the committed offset.
func (c *cluster) own(n int) *owner {
	cfg := c.cfg
	cfg.Partition = n
	o := &owner{c: c, n: n, p: partition.New(cfg), next: c.committed[n], kept: make(map[int64][]byte)}
	o.p.FreezeFrom(8)
	if c.owned++; c.owned%4 == 0 {
		o.p.SpreadOut(200)
	}
	for _, offset := range slices.Sorted(maps.Keys(c.state[n])) {
		if offset >= o.next {
			continue
		}
		e, err := entry.Decode(c.state[n][offset])
		if err != nil {
			c.t.Fatal(err)
		}
		if _, err := o.p.Apply(offset, e); err != nil {
			c.t.Fatal(err)
		}
	}
	unneeded, err := o.p.Settle(o.next - 1)
	if err != nil {
		c.t.Fatal(err)
	}
	o.unneeded = unneeded
	if o.p.Engine() < partition.Engine {
		o.upgrade()
	}
	return o
}

// upgrade takes over from an earlier engine.
func (o *owner) upgrade() {
	u := o.p.Upgrade()
	for _, r := range o.c.table {
		if err := u.Stands(r.Topic, r.Value); err != nil {
			o.c.t.Fatal(err)
		}
	}
	u.Done()
	b, err := (&entry.Entry{Engine: partition.Engine}).Encode()
	if err != nil {
		o.c.t.Fatal(err)
	}
	o.c.facts[o.n] = append(o.c.facts[o.n], b)
}

// crash says where an owner stops in what it does at a tick.
type crash int

const (
	never crash = iota
	beforeState
	beforeEntries
	beforeResults
	beforeCommit
	beforeTombstones
)

// step handles the next record; false when there is none, or the owner has
// crashed.
func (o *owner) step(at crash) bool {
	if o.next >= int64(len(o.c.facts[o.n])) {
		return false
	}
	raw, offset := o.c.facts[o.n][o.next], o.next
	o.next++
	e, err := entry.Decode(raw)
	if err != nil {
		o.c.t.Fatal(err)
	}
	if e.Tick == nil {
		kept, err := o.p.Apply(offset, e)
		if err != nil {
			o.c.t.Fatal(err)
		}
		if kept {
			o.kept[offset] = raw
		}
		return true
	}
	return o.tick(offset, e, at)
}

func (o *owner) tick(offset int64, e *entry.Entry, at crash) bool {
	out, err := o.p.Tick(offset, e.Tick.At)
	if err != nil {
		o.c.t.Fatal(err)
	}
	o.unneeded = append(o.unneeded, out.Unneeded...)
	if o.ticks++; o.ticks%50 == 0 {
		o.check()
	}
	if at == beforeState {
		return false
	}
	maps.Copy(o.c.state[o.n], o.kept)
	clear(o.kept)
	if at == beforeEntries {
		return false
	}
	for _, e := range out.Entries {
		o.c.write(e)
	}
	for _, e := range out.Relays {
		o.c.everywhere(e)
	}
	for _, e := range out.Own {
		b, err := e.Encode()
		if err != nil {
			o.c.t.Fatal(err)
		}
		o.c.facts[o.n] = append(o.c.facts[o.n], b)
	}
	if at == beforeResults {
		return false
	}
	for _, r := range slices.Concat(out.Results, out.Covered) {
		o.c.publish(r)
	}
	for _, c := range out.Calls {
		a := c.Activity()
		if old, ok := o.c.activity[a.EventID]; !ok || old.Rank < a.Rank {
			o.c.activity[a.EventID] = a
		}
	}

	for _, l := range out.Late {
		if !o.repeats(l.Offset) {
			o.c.late++
		}
	}
	if at == beforeCommit {
		return false
	}
	o.c.committed[o.n] = max(o.c.committed[o.n], offset+1)
	if at == beforeTombstones {
		return false
	}
	for _, offset := range o.unneeded {
		delete(o.c.state[o.n], offset)
	}
	o.unneeded = nil
	return true
}

// repeats reports whether a record is one that stood there before: an owner that
// crashed had written it.
func (o *owner) repeats(offset int64) bool {
	facts := o.c.facts[o.n]
	return slices.ContainsFunc(facts[:offset], func(line []byte) bool { return bytes.Equal(line, facts[offset]) })
}

func (c *cluster) publish(r partition.Result) {
	var m struct{ schemas.Meta }
	if err := json.Unmarshal(r.Value, &m); err != nil {
		c.t.Fatalf("%s: %v", r.Value, err)
	}
	key := fmt.Sprintf("%s %d", r.ID, m.Version)
	if old, ok := c.published[key]; ok && old != string(r.Value) {
		c.t.Fatalf("two contents of one version:\n%s\n%s", old, r.Value)
	}
	c.published[key] = string(r.Value)
	if old := c.table[r.ID]; old.Value == nil || m.Version >= old.Version {
		c.table[r.ID] = reference.Published{Topic: r.Topic, Version: m.Version, Value: r.Value}
		c.causes[r.ID] = r.Cause
	}
}

func (c *cluster) tick() {
	c.clock = c.clock.Add(time.Second)
	for p := range c.facts {
		c.tickOne(p)
	}
}

func (c *cluster) tickOne(p int) {
	b, err := (&entry.Entry{Tick: &entry.Tick{At: c.clock}}).Encode()
	if err != nil {
		c.t.Fatal(err)
	}
	c.facts[p] = append(c.facts[p], b)
}

// settle lets owners work until they have nothing more to say to each other, and
// no line is waited for.
func (c *cluster) settle(owners []*owner) {
	for quiet, n := 0, 0; quiet < 12; n++ {
		if n == 200 {
			c.t.Fatal("the partitions go on speaking to each other")
		}
		c.tick()
		before := c.size()
		for _, o := range owners {
			for o.step(never) {
			}
		}
		if quiet++; c.size() != before {
			quiet = 0
		}
	}
	for _, o := range owners {
		o.check()
	}
}

func (c *cluster) size() (n int) {
	for _, f := range c.facts {
		n += len(f)
	}
	return n
}

// rawOf are all records of a history as the raw topics hold them.
func rawOf(h *organisation.History) (records []resolve.Raw) {
	for _, e := range reference.Events(h) {
		records = append(records, resolve.Raw{Source: e.Source, Kind: schemas.RawEvent, Shard: e.Shard, Value: e.AppendJSON(nil)})
	}
	aside, err := reference.Messages(h)
	if err != nil {
		panic(err) // a made-up history can be read
	}
	for _, shard := range slices.Sorted(maps.Keys(aside)) {
		for _, m := range aside[shard] {
			records = append(records, resolve.Raw{Source: m.Source, Kind: m.Kind, Shard: shard, Value: m.Raw})
		}
	}
	return records
}

func coverageRecord(t *testing.T, c schemas.Coverage) resolve.Raw {
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	source := schemas.CloudTrail
	if strings.HasPrefix(c.Shard, "okta/") {
		source = schemas.Okta
	}
	return resolve.Raw{Source: source, Kind: schemas.RawCoverage, Shard: c.Shard, Value: b}
}

func shuffle(r *rand.Rand, records []resolve.Raw) {
	r.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
}
