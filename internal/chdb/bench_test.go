package chdb_test

import (
	"strconv"
	"testing"
)

func itoa(n int) string { return strconv.Itoa(n) }

// BenchmarkInsert inserts batches of 100k rows, encoded and compressed by the
// client.
func BenchmarkInsert(b *testing.B) {
	s := start(b, b.TempDir(), nil)
	conn := dial(b, s.Addr(), s.Token())
	run(b, conn, createAcknowledged)
	const rows = 100_000
	n := 0
	for b.Loop() {
		if err := insert(conn, n, rows); err != nil {
			b.Fatal(err)
		}
		n += rows
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
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
	conn := dial(b, s.Addr(), s.Token())
	for b.Loop() {
		number(b, conn, "SELECT toUInt64(1)")
	}
}
