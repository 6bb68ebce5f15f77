package chdb_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func itoa(n int) string { return strconv.Itoa(n) }

// BenchmarkInsert inserts batches of 100k rows, encoded and compressed by the
// client: two columns, and the dozen of a session.
func BenchmarkInsert(b *testing.B) {
	at := time.Date(2026, 3, 29, 0, 59, 59, 0, time.UTC)
	tables := []struct {
		name, create string
		row          func(i int) []any
	}{
		{"narrow", "(n UInt64, s String) ENGINE = ReplacingMergeTree ORDER BY n", func(i int) []any {
			return []any{uint64(i), "row of somebody@example.com"}
		}},
		{"wide", `(id String, at DateTime64(3, 'UTC'), ended Nullable(DateTime64(3, 'UTC')), person LowCardinality(String), account LowCardinality(String),
			role LowCardinality(String), roles Array(LowCardinality(String)), labels Map(String, String), event UUID, severity Enum8('low' = 1, 'high' = 2),
			why String CODEC(ZSTD(3)), version UInt64, deleted UInt8) ENGINE = ReplacingMergeTree(version, deleted) ORDER BY id PARTITION BY toYYYYMM(at)`, func(i int) []any {
			at := at.Add(time.Duration(i) * time.Second)
			return []any{
				fmt.Sprintf("%016x%016x", i*0x9e3779b1, i), at, &at, fmt.Sprintf("person%d@example.com", i%5000), fmt.Sprint(100000000000 + i%200), "Admin",
				[]string{"Admin", "Reader"}, map[string]string{"app": "portal"}, fmt.Sprintf("%08x-0000-4000-8000-0123456789ab", i), "high",
				fmt.Sprintf("person%d@example.com assumed Admin at %s, 12m after the grant closed", i%5000, at), uint64(i), uint8(0),
			}
		}},
	}
	for _, table := range tables {
		b.Run(table.name, func(b *testing.B) {
			s := start(b, b.TempDir(), nil)
			conn := dial(b, s.Addr(), s.Token())
			run(b, conn, "CREATE TABLE t "+table.create)
			const rows = 100_000
			n := 0
			for b.Loop() {
				batch, err := conn.PrepareBatch(context.Background(), "INSERT INTO t")
				if err != nil {
					b.Fatal(err)
				}
				for range rows {
					if err := batch.Append(table.row(n)...); err != nil {
						b.Fatal(err)
					}
					n++
				}
				if err := batch.Send(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(resident(b, s.PID()), "MB-resident")
		})
	}
}

// resident is the memory of a process, MB.
func resident(b *testing.B, pid int) float64 {
	text, err := os.ReadFile("/proc/" + itoa(pid) + "/status")
	if err != nil {
		b.Logf("no /proc here: %v", err)
		return 0
	}
	_, rss, _ := strings.Cut(string(text), "VmRSS:")
	var kb float64
	if _, err := fmt.Sscan(rss, &kb); err != nil {
		b.Fatal(err)
	}
	return kb / 1024
}

// BenchmarkStart starts a server until it answers, and ends it.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		if err := start(b, dir, nil).Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkQuery asks for one number: what a request costs.
func BenchmarkQuery(b *testing.B) {
	s := shared.Server(b)
	b.ReportMetric(resident(b, s.PID()), "MB-resident")
	conn := dial(b, s.Addr(), s.Token())
	for b.Loop() {
		number(b, conn, "SELECT toUInt64(1)")
	}
}
