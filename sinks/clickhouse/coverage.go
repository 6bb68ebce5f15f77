package clickhouse

import (
	"fmt"
	"math"
	"time"

	"jitaudit/schemas"
)

type coveredRow struct {
	id                    string
	partition, partitions uint32
	shard                 string
	from, to              []time.Time
	basis                 []string
	metaRow
}

func coveredTable() *table[schemas.Covered, coveredRow] {
	meta := func(r *coveredRow) *metaRow { return &r.metaRow }
	columns := []column[coveredRow]{
		text("id", func(r *coveredRow) *string { return &r.id }),
		plain("partition", "UInt32", func(r *coveredRow) *uint32 { return &r.partition }),
		plain("partitions", "UInt32", func(r *coveredRow) *uint32 { return &r.partitions }),
		text("shard", func(r *coveredRow) *string { return &r.shard }),
		instants("intervals.from", func(r *coveredRow) *[]time.Time { return &r.from }),
		instants("intervals.to", func(r *coveredRow) *[]time.Time { return &r.to }),
		texts("intervals.basis", func(r *coveredRow) *[]string { return &r.basis }),
	}
	return &table[schemas.Covered, coveredRow]{
		name: "coverage_log", view: "coverage_partitions", columns: append(columns, metaColumns(meta)...),
		row: newCoveredRow, record: (*coveredRow).covered, meta: meta, check: checkCovered,
	}
}

func checkCovered(c *schemas.Covered) error {
	if c.Partition < 0 || c.Partitions <= c.Partition || c.Partitions > math.MaxUint32 {
		return fmt.Errorf("partition %d of %d cannot be", c.Partition, c.Partitions)
	}
	return checkResult(c.ID, &c.Meta)
}

func newCoveredRow(c *schemas.Covered) coveredRow {
	r := coveredRow{
		id: c.ID, partition: uint32(c.Partition), partitions: uint32(c.Partitions), shard: c.Shard, metaRow: newMeta(&c.Meta),
	}
	for _, i := range c.Intervals {
		r.from, r.to = append(r.from, required(i.From)), append(r.to, required(i.To))
		r.basis = append(r.basis, string(i.Basis))
	}
	return r
}

func (r *coveredRow) covered() schemas.Covered {
	c := schemas.Covered{
		ID: r.id, Partition: int(r.partition), Partitions: int(r.partitions), Shard: r.shard,
		Intervals: make([]schemas.Interval, len(r.from)), Meta: r.schema(),
	}
	for i := range r.from {
		c.Intervals[i] = schemas.Interval{From: r.from[i], To: r.to[i], Basis: schemas.CoverageBasis(r.basis[i])}
	}
	return c
}
