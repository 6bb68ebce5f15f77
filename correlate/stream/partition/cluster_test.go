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

	"jitaudit/correlate/policy"
	"jitaudit/correlate/stream/entry"
	"jitaudit/correlate/stream/partition"
	"jitaudit/correlate/stream/resolve"
	"jitaudit/ingest/cloudtrail"
	"jitaudit/ingest/okta"
	"jitaudit/internal/organisation"
	"jitaudit/internal/scan"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

const org = "example"

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
	table     map[string]published
	activity  map[string]schemas.Activity
	late      int
	stale     []*owner
	clock     time.Time
}

type published struct {
	topic   string
	version int64
	value   []byte
}

func newCluster(t *testing.T, partitions int, horizon time.Duration) *cluster {
	c := &cluster{
		t: t, cfg: partition.Config{Partitions: partitions, Horizon: horizon},
		facts: make([][][]byte, partitions), committed: make([]int64, partitions),
		resolver: resolve.New(decode), published: make(map[string]string), table: make(map[string]published),
		activity: make(map[string]schemas.Activity), clock: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	}
	for range partitions {
		c.state = append(c.state, make(map[int64][]byte))
	}
	return c
}

func decode(r *resolve.Raw) (schemas.Fact, bool, error) {
	if r.Source == schemas.CloudTrail {
		return cloudtrail.Decode(r.Value)
	}
	d := okta.Decoder{Org: strings.TrimPrefix(r.Shard, "okta/")}
	return d.Decode(r.Value)
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
	if len(b.Everywhere.Claims)+len(b.Everywhere.Corrections) > 0 {
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
}

// own restores a partition as of the committed offset.
func (c *cluster) own(n int) *owner {
	cfg := c.cfg
	cfg.Partition = n
	o := &owner{c: c, n: n, p: partition.New(cfg), next: c.committed[n], kept: make(map[int64][]byte)}
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
	return o
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
	if at == beforeResults {
		return false
	}
	for _, r := range out.Results {
		o.c.publish(r)
	}
	for _, a := range out.Activity {
		if old, ok := o.c.activity[a.EventID]; !ok || old.Rank < a.Rank {
			o.c.activity[a.EventID] = a
		}
	}
	o.c.late += len(out.Late)
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
	if old := c.table[r.ID]; old.value == nil || m.Version >= old.version {
		c.table[r.ID] = published{r.Topic, m.Version, r.Value}
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

// settle lets owners work until they have nothing more to say to each other.
func (c *cluster) settle(owners []*owner) {
	for range 20 {
		c.tick()
		before := c.size()
		for _, o := range owners {
			for o.step(never) {
			}
		}
		if c.size() == before {
			return
		}
	}
	c.t.Fatal("the partitions go on speaking to each other")
}

func (c *cluster) size() (n int) {
	for _, f := range c.facts {
		n += len(f)
	}
	return n
}

// standing is what the tables hold, without versions: every line a record, and
// the retracted findings apart.
func (c *cluster) standing() (lines map[string][]string, retracted int) {
	lines = make(map[string][]string)
	for _, p := range c.table {
		if p.topic == topics.Coverage {
			continue
		}
		line, gone, was := standing(c.t, p)
		if was {
			retracted++
		}
		if !gone {
			lines[p.topic] = append(lines[p.topic], line)
		}
	}
	for _, l := range lines {
		slices.Sort(l)
	}
	return lines, retracted
}

func standing(t *testing.T, p published) (line string, gone, retracted bool) {
	read := func(v any, m *schemas.Meta) {
		d := json.NewDecoder(bytes.NewReader(p.value))
		d.DisallowUnknownFields()
		if err := d.Decode(v); err != nil {
			t.Fatalf("%s: %v", p.value, err)
		}
		gone = m.Deleted
		*m = schemas.Meta{}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		line = string(b)
	}
	switch p.topic {
	case topics.Grants:
		var v schemas.Grant
		read(&v, &v.Meta)
	case topics.Assumptions:
		var v schemas.Assumption
		read(&v, &v.Meta)
	case topics.Sessions:
		var v schemas.Session
		read(&v, &v.Meta)
	case topics.Uses:
		var v schemas.Use
		read(&v, &v.Meta)
	case topics.Findings:
		var v schemas.Finding
		read(&v, &v.Meta)
		retracted = v.Status == schemas.Retracted
		gone = gone || retracted
	}
	return line, gone, retracted
}

// rawOf are all events of a history as the raw topics hold them, and its shards.
func rawOf(h *organisation.History) (records []resolve.Raw, shards map[string]schemas.Source) {
	shards = make(map[string]schemas.Source)
	add := func(source schemas.Source, events []organisation.Event) {
		for i := range events {
			shards[events[i].Shard] = source
			records = append(records, resolve.Raw{Source: source, Kind: schemas.RawEvent, Shard: events[i].Shard, Value: events[i].AppendJSON(nil)})
		}
	}
	add(schemas.Okta, h.Okta)
	add(schemas.CloudTrail, h.CloudTrail)
	return records, shards
}

// coverageOf is the truth's coverage of one shard.
func coverageOf(h *organisation.History, shard string) (out []schemas.Coverage) {
	from := h.Truth.Complete.From
	for _, g := range h.Truth.Gaps {
		if g.Shard == shard {
			out = append(out, schemas.Coverage{Shard: shard, From: from, To: g.From, Basis: schemas.CoverageAssumed})
			from = g.To
		}
	}
	return append(out, schemas.Coverage{Shard: shard, From: from, To: h.Truth.Complete.To, Basis: schemas.CoverageAssumed})
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

// scanned is what a scan of the same history says, as standing has it, and the
// counts of calls by session.
func scanned(t *testing.T, h *organisation.History, shards map[string]schemas.Source) (lines map[string][]string, counts map[string]schemas.ActivityCounts) {
	var logs scan.Logs
	join := func(events []organisation.Event) (b []byte) {
		for i := range events {
			b = append(events[i].AppendJSON(b), '\n')
		}
		return b
	}
	logs.Okta, logs.CloudTrail = map[string][]byte{org: join(h.Okta)}, join(h.CloudTrail)
	p, err := policy.Parse("policy.yaml", h.Policy)
	if err != nil {
		t.Fatal(err)
	}
	if logs.Policies, err = policy.NewSet(p); err != nil {
		t.Fatal(err)
	}
	for shard := range shards {
		logs.Coverage = append(logs.Coverage, coverageOf(h, shard)...)
	}
	all, err := scan.Raw(t.Context(), logs)
	if err != nil {
		t.Fatal(err)
	}
	lines = make(map[string][]string)
	add := func(topic string, v any) {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		lines[topic] = append(lines[topic], string(b))
	}
	counts = make(map[string]schemas.ActivityCounts)
	for _, r := range all.Results {
		for i := range r.Grants {
			add(topics.Grants, r.Grants[i])
		}
		for i := range r.Assumptions {
			add(topics.Assumptions, r.Assumptions[i])
		}
		for i := range r.Sessions {
			add(topics.Sessions, r.Sessions[i])
		}
		for i := range r.Findings {
			add(topics.Findings, r.Findings[i])
		}
		for _, a := range r.Activity {
			if a.Calls > 0 {
				counts[a.Session] = a
			}
		}
	}
	for _, l := range lines {
		slices.Sort(l)
	}
	return lines, counts
}

// counts are the calls of each session, as the tables have them.
func (c *cluster) counts() map[string]schemas.ActivityCounts {
	sessions := make(map[string]string)
	for _, p := range c.table {
		if p.topic != topics.Uses {
			continue
		}
		var u schemas.Use
		if err := json.Unmarshal(p.value, &u); err != nil {
			c.t.Fatal(err)
		}
		if !u.Deleted {
			sessions[u.Key] = u.Session
		}
	}
	out := make(map[string]schemas.ActivityCounts)
	for _, a := range c.activity {
		s, ok := sessions[a.Use]
		if !ok {
			continue
		}
		n := out[s]
		n.Session = s
		n.Calls++
		if !a.Call.ReadOnly {
			n.Writes++
		}
		if a.Call.Denied {
			n.Denied++
		}
		if a.Call.ServiceDriven {
			n.ServiceDriven++
		}
		out[s] = n
	}
	return out
}

func shuffle(r *rand.Rand, records []resolve.Raw) {
	r.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
}
