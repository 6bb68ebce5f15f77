package scan

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"jitaudit/correlate/identity"
	"jitaudit/ingest"
	"jitaudit/ingest/approvals"
	"jitaudit/ingest/cloudtrail"
	"jitaudit/ingest/jsonscan"
	"jitaudit/ingest/okta"
	"jitaudit/ingest/records"
	"jitaudit/internal/scan/spill"
	"jitaudit/internal/scan/wire"
	"jitaudit/schemas"
)

// collected is what the first pass learnt beside the facts.
type collected struct {
	people *identity.Builder
	seen   seen
	ledger ledgers
	facts  map[schemas.FactKind]int64
}

func (c *collected) summary(s *scan) Summary {
	sum := Summary{Files: len(s.files), Facts: c.facts}
	for _, f := range s.files {
		sum.Bytes += f.size
	}
	sum.First, sum.Last = c.seen.bounds()
	return sum
}

func (c *collected) merge(o *collected) {
	c.people.Merge(o.people)
	c.seen.merge(o.seen)
	c.ledger = c.ledger.add(o.ledger)
	for kind, n := range o.facts {
		c.facts[kind] += n
	}
}

// collect is the first pass.
func (s *scan) collect(ctx context.Context) (*collected, error) {
	order := s.largestFirst()
	s.start(order)
	var next atomic.Int64
	workers := make([]*collector, min(s.opts.Workers, max(1, len(order))))
	g, ctx := errgroup.WithContext(ctx)
	for i := range workers {
		c := s.newCollector(ctx, i)
		workers[i] = c
		g.Go(func() error {
			for {
				n := int(next.Add(1)) - 1
				if n >= len(order) {
					c.facts[schemas.Acted] += c.calls
					return c.spill.Flush()
				}
				if err := c.read(order[n]); err != nil {
					return err
				}
			}
		})
	}
	err := g.Wait()
	if s.opts.Progress != nil {
		s.opts.Progress.Done()
	}
	if err != nil {
		return nil, err
	}
	all := workers[0].collected // a copy, so that the worker with its buffers goes away
	for _, w := range workers[1:] {
		all.merge(&w.collected)
	}
	return &all, nil
}

func (s *scan) start(order []int) {
	if s.opts.Progress == nil {
		return
	}
	var size int64
	for _, n := range order {
		size += s.files[n].size
	}
	s.opts.Progress.Start(size)
}

// largestFirst keeps the workers busy to the end.
func (s *scan) largestFirst() []int {
	order := make([]int, len(s.files))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.files[b].size, s.files[a].size) })
	return order
}

// collector reads files one after another.
type collector struct {
	collected
	scan      *scan
	ctx       context.Context
	spill     *spill.Writer
	worker    int
	table     *wire.Table
	reader    records.Reader
	trail     cloudtrail.Decoder
	okta      okta.Decoder
	approvals approvals.Decoder

	file     int // the one being read
	source   schemas.Source
	snapshot bool
	log      bool // that may be complete
	fact     schemas.Fact
	buf      []byte

	// What most records add to, so that no map is asked for it: the shard of the
	// last record, and the number of calls.
	shard  string
	bounds *bounds
	calls  int64
}

func (s *scan) newCollector(ctx context.Context, worker int) *collector {
	c := &collector{
		collected: collected{
			people: identity.NewBuilder(s.opts.Policies),
			seen:   make(seen),
			facts:  make(map[schemas.FactKind]int64),
		},
		scan: s, ctx: ctx, spill: s.store.NewWriter(), worker: worker, table: s.tables[worker],
	}
	c.trail.Bare = true
	return c
}

func (c *collector) read(n int) error {
	f := &c.scan.files[n]
	c.begin(n, f)
	in, err := f.open()
	if err != nil {
		return err
	}
	defer in.Close()
	opts := records.Options{Source: f.source, File: f.name, Fields: f.fields()}
	if f.source == schemas.Okta && f.isLog() {
		c.seen.okta(f.org)
	}
	return c.reader.Read(&watched{in, c.ctx, c.scan.opts.Progress}, opts, c.record, c.refuse)
}

// begin turns to a file.
func (c *collector) begin(n int, f *file) {
	c.file, c.source, c.snapshot, c.log = n, f.source, f.snapshot, f.isLog()
	c.okta.Org, c.approvals.Feed = f.org, f.org
}

// fields are those that are looked for while the file is split; nil where records
// are read as a whole.
func (f *file) fields() *jsonscan.Fields {
	switch {
	case f.snapshot:
		return listingFields
	case f.source == schemas.CloudTrail:
		return cloudtrail.Fields()
	case f.source == schemas.Approvals:
		return nil
	}
	return okta.Fields()
}

// watched reports progress, and stops when the scan does.
type watched struct {
	r        io.Reader
	ctx      context.Context
	progress Progress
}

func (w *watched) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := w.r.Read(p)
	if w.progress != nil && n > 0 {
		w.progress.Read(n)
	}
	return n, err
}

func (c *collector) record(rec ingest.Record) error {
	if c.snapshot {
		rec.Source = listedBy(rec)
	}
	ledger := c.ledger.of(rec.Source)
	ledger.Read++
	relevant, err := c.decode(rec)
	if err != nil {
		return c.dead(schemas.DeadLetter{
			Source: rec.Source, File: rec.File, Record: rec.Number, Offset: rec.Offset,
			Reason: err.Error(), Raw: rec.Raw[:min(len(rec.Raw), schemas.RawLimit)],
		})
	}
	f := &c.fact
	if c.log {
		if f.Shard != c.shard || c.bounds == nil {
			c.shard, c.bounds = f.Shard, c.seen.shard(f.Shard)
		}
		c.bounds.add(f.At)
	}
	if !relevant {
		ledger.Irrelevant++
		return nil
	}
	if f.Kind == schemas.Acted {
		c.calls++
		if f.Call == nil {
			return c.call(c.trail.Call())
		}
	} else {
		c.facts[f.Kind]++
		c.people.Observe(f)
	}
	return c.keep(wire.Append(c.buf[:0], f))
}

// call writes down a call.
func (c *collector) call(call *cloudtrail.Bare) error {
	f := &c.fact
	if f.At.Nanosecond() == 0 {
		if err := c.number(call.Credential); err != nil {
			return err
		}
		if b, ok := c.table.AppendBrief(c.buf[:0], f.At.Unix(), call); ok {
			return c.keep(b)
		}
	}
	f.ID, f.Hash, f.Addendum = wire.UUIDText(call.ID[:]), fmt.Sprintf("%016x", call.Hash), call.Addendum
	f.Call = &schemas.Call{
		PrincipalID: call.Credential.PrincipalID, AccessKeyID: call.Credential.AccessKeyID,
		RoleARN: call.Credential.RoleARN, CreatedAt: call.Credential.CreatedAt,
		Console: call.Console, ServiceDriven: call.ServiceDriven, Service: call.Service.Name,
		Denied: call.Denied, ReadOnly: call.ReadOnly,
	}
	return c.keep(wire.Append(c.buf[:0], f))
}

// number sees to it that a credential has a number, if it can have one.
func (c *collector) number(cred *cloudtrail.Credential) error {
	if cred.Mark != 0 {
		return nil
	}
	b, ok := c.table.AppendCredential(c.buf[:0], cred)
	c.buf = b
	if !ok {
		return nil
	}
	return c.spill.Append(c.scan.credentialStream(c.worker), b)
}

// keep puts a record where all copies of its event go.
func (c *collector) keep(record []byte) error {
	c.buf = record
	return c.spill.Append(bucketOf(wire.KeyHash(record)), record)
}

func (c *collector) decode(rec ingest.Record) (relevant bool, err error) {
	switch {
	case c.snapshot:
		c.fact, err = decodeListing(c.okta.Org, rec)
		relevant = err == nil
	case c.source == schemas.CloudTrail:
		return c.trail.DecodeRecord(rec, &c.fact)
	case c.source == schemas.Approvals:
		c.fact, relevant, err = c.approvals.Decode(rec.Raw)
	default:
		c.fact, relevant, err = c.okta.DecodeRecord(rec)
	}
	return relevant, err
}

// refuse takes a record that the reader could not make out.
func (c *collector) refuse(d schemas.DeadLetter) error {
	c.ledger.of(d.Source).Read++
	return c.dead(d)
}

// dead keeps a dead letter in the stream of its file.
func (c *collector) dead(d schemas.DeadLetter) error {
	c.ledger.of(d.Source).Dead++
	data, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("write down record %d of %s, which cannot be read: %w", d.Record, d.File, err)
	}
	return c.spill.Append(deadStream(c.file), data)
}

func deadStream(file int) int { return buckets + maxPartitions + file }

func (s *scan) credentialStream(worker int) int { return deadStream(len(s.files)) + worker }

// deadLetters hands all dead letters to the sink.
func (s *scan) deadLetters(sink Sink) error {
	for n := range s.files {
		rest, err := s.store.Load(deadStream(n))
		if err != nil {
			return err
		}
		for {
			data, more, ok := spill.Next(rest)
			if !ok {
				break
			}
			rest = more
			var d schemas.DeadLetter
			if err := json.Unmarshal([]byte(data), &d); err != nil {
				return fmt.Errorf("dead letter of %s: %w", s.files[n].name, wire.ErrDamaged)
			}
			if err := sink.DeadLetter(&d); err != nil {
				return err
			}
		}
	}
	return nil
}
