package partition_test

import (
	"testing"
	"time"

	"jitaudit/correlate/stream/entry"
	"jitaudit/correlate/stream/partition"
	"jitaudit/correlate/stream/resolve"
	"jitaudit/internal/organisation"
	"jitaudit/internal/reference"
	"jitaudit/schemas"
)

// BenchmarkStages measures the work of each stage on one core, without Kafka:
// raw events to entries (decoded, routed, encoded), and entries to results
// (decoded, applied, settled by one tick in 20,000 records).
func BenchmarkStages(b *testing.B) {
	h, err := organisation.Generate(organisation.Config{Seed: 1, Records: 100_000, OktaEvents: 16_000, People: 200, Days: 5, Accounts: 10})
	if err != nil {
		b.Fatal(err)
	}
	var raws []resolve.Raw
	for _, e := range reference.Events(h) {
		raws = append(raws, resolve.Raw{Source: e.Source, Kind: schemas.RawEvent, Shard: e.Shard, Value: e.AppendJSON(nil)})
	}
	resolved := func() (out [][]byte) {
		r := resolve.New(decoder())
		for n := 0; n < len(raws); n += 4000 {
			var batch resolve.Batch
			for i := n; i < min(n+4000, len(raws)); i++ {
				r.Add(&raws[i], &batch)
			}
			for _, e := range append(batch.Entries, &batch.Everywhere) {
				line, err := e.Encode()
				if err != nil {
					b.Fatal(err)
				}
				out = append(out, line)
			}
		}
		return out
	}
	perEvent := func(b *testing.B) {
		b.ReportMetric(float64(len(raws))*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	}
	b.Run("resolve", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			resolved()
		}
		perEvent(b)
	})
	lines := resolved()
	b.Run("rebuild", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			rebuilt(b, h.Policy, lines)
		}
		perEvent(b)
	})
}

func rebuilt(b *testing.B, policy []byte, lines [][]byte) {
	p := partition.New(partition.Config{Partitions: 1, Horizon: week})
	offset := int64(0)
	apply := func(e *entry.Entry) {
		if _, err := p.Apply(offset, e); err != nil {
			b.Fatal(err)
		}
		offset++
	}
	apply(&entry.Entry{Policy: &entry.Policy{Name: "policy.yaml", Data: policy}})
	tick := func() {
		out, err := p.Tick(offset, time.Unix(offset, 0))
		if err != nil {
			b.Fatal(err)
		}
		offset++
		for _, e := range out.Entries {
			apply(e)
		}
	}
	for i, line := range lines {
		e, err := entry.Decode(line)
		if err != nil {
			b.Fatal(err)
		}
		apply(e)
		if i%20_000 == 19_999 {
			tick()
		}
	}
	for range 3 {
		tick()
	}
}
