package clickhouse

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"jitaudit/schemas"
	"jitaudit/schemas/topics"
	"jitaudit/sinks"
)

// TestMeasureInserts measures the sink, from JSON on, beside a bare loop of
// clickhouse-go that has the same rows ready and appends one after the other:
//
//	JITAUDIT_BENCH_ROWS=10000000 go test ./sinks/clickhouse -run TestMeasureInserts -v -timeout 60m
//
// So many calls, and a tenth of it sessions. Both write batches of 50 000 rows by
// turns, each into a database of its own on the same server, so that whatever else
// the machine does hits both. What making the rows takes is not counted, and neither
// has those of the other in its memory.
func TestMeasureInserts(t *testing.T) {
	asked := os.Getenv("JITAUDIT_BENCH_ROWS")
	if asked == "" {
		t.Skip("set JITAUDIT_BENCH_ROWS to measure the insert of so many rows")
	}
	n, err := strconv.Atoi(asked)
	if err != nil {
		t.Fatalf("JITAUDIT_BENCH_ROWS: %v", err)
	}
	ours, bare := migrated(t), cleanDatabase(t)
	sink := NewSink(ours)
	for _, m := range []struct {
		name, table string
		rows        int
		make        func(from, n int) []sinks.Record
		byHand      func(batch []sinks.Record) func(context.Context) error
	}{
		{"sessions", "sessions_log", n / 10, func(from, n int) []sinks.Record { return someSessions(t, from, n) }, func(batch []sinks.Record) func(context.Context) error {
			rows := argumentsOf(t, batch)
			return func(ctx context.Context) error { return bareSessions(ctx, bare, rows) }
		}},
		{"activity", "activity_log", n, busyDays, func(batch []sinks.Record) func(context.Context) error {
			rows := make([]activityRow, len(batch))
			for i := range batch {
				var err error
				if rows[i], err = decodeActivity(batch[i].Value); err != nil {
					t.Fatal(err)
				}
			}
			return func(ctx context.Context) error { return bareActivity(ctx, bare, rows) }
		}},
	} {
		var took, bareTook []time.Duration
		var cpu, bareCPU float64
		for from := 0; from < m.rows; from += benchRows {
			one := func() {
				batch := m.make(from, min(benchRows, m.rows-from))
				runtime.GC()
				began, before := time.Now(), cpuSeconds(t)
				if refused, err := sink.Write(t.Context(), batch); err != nil || len(refused) > 0 {
					t.Fatal(err, refused)
				}
				took = append(took, time.Since(began))
				cpu += cpuSeconds(t) - before
			}
			other := func() {
				byHand := m.byHand(m.make(from, min(benchRows, m.rows-from)))
				runtime.GC()
				began, before := time.Now(), cpuSeconds(t)
				if err := byHand(t.Context()); err != nil {
					t.Fatal(err)
				}
				bareTook = append(bareTook, time.Since(began))
				bareCPU += cpuSeconds(t) - before
			}
			if from/benchRows%2 == 0 {
				one()
				other()
			} else {
				other()
				one()
			}
		}
		for _, db := range []*DB{ours, bare} {
			if got := count(t, db, "SELECT count() FROM "+m.table+" FINAL"); got != m.rows {
				t.Errorf("%s has %d rows, want %d", m.table, got, m.rows)
			}
		}
		t.Logf("%-8s %8d rows: sink %s, CPU %.1f s; bare %s, CPU %.1f s; sink ÷ bare: %.2f by CPU, %.2f by sum, %.2f by median, %.2f by the best; load %s",
			m.name, m.rows, rates(took, m.rows), cpu, rates(bareTook, m.rows), bareCPU, bareCPU/cpu,
			ratio(bareTook, took, total), ratio(bareTook, took, median), ratio(bareTook, took, slices.Min[[]time.Duration]), loadavg())
	}
}

func total(all []time.Duration) (sum time.Duration) {
	for _, d := range all {
		sum += d
	}
	return sum
}

func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

func ratio(a, b []time.Duration, of func([]time.Duration) time.Duration) float64 {
	return of(a).Seconds() / of(b).Seconds()
}

// rates are rows a second: of all batches, of the median and the fastest one.
func rates(all []time.Duration, rows int) string {
	per := func(d time.Duration) float64 { return float64(rows) / float64(len(all)) / d.Seconds() / 1000 }
	return fmt.Sprintf("%.1f s, %.0fk rows/s (median %.0fk, best %.0fk)", total(all).Seconds(), float64(rows)/total(all).Seconds()/1000, per(median(all)), per(slices.Min(all)))
}

// cpuSeconds is what this process and that of the embedded ClickHouse have used.
func cpuSeconds(t *testing.T) (sum float64) {
	t.Helper()
	pids := []int{os.Getpid()}
	if shared.child != nil {
		pids = append(pids, shared.child.cmd.Process.Pid)
	}
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			t.Skip("no /proc to read CPU time from: ", err)
		}
		// utime and stime are the 12th and 13th after the name, in ticks of 10 ms (proc(5)).
		for _, f := range bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])[11:13] {
			n, err := strconv.Atoi(string(f))
			if err != nil {
				t.Fatal(err)
			}
			sum += float64(n) / 100
		}
	}
	return sum
}

func loadavg() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(b), " ")
	return one
}

// someSessions are sessions as a pipeline publishes them: with a grant, a request,
// sign-on and factor, some with a further role, some with rules that are unjudged.
func someSessions(t *testing.T, from, n int) []sinks.Record {
	t.Helper()
	out := make([]sinks.Record, n)
	for j := range out {
		i := from + j
		out[j] = sinks.Record{Topic: topics.Sessions, Value: session(fmt.Sprintf("ses_%032x", uint64(i)*0x9E3779B97F4A7C15), int64(i), func(s *schemas.Session) { dress(s, i) })}
	}
	return out
}

func dress(s *schemas.Session, i int) {
	at := day.Add(time.Duration(i) * 2 * time.Second)
	person, name := i%5000, fmt.Sprintf("person%d@example.com", i%5000)
	id := func(prefix string) string { return fmt.Sprintf("%s_%032x", prefix, uint64(i)*0xC2B2AE3D27D4EB4F) }
	event := func(k int) string { return fmt.Sprintf("%08x-1111-4222-8333-%012x", i, i*7+k) }
	s.Person = schemas.Person{Key: fmt.Sprintf("okta:example/00u%010d", person), Name: name, Org: "example"}
	s.Account, s.Role, s.SessionName = fmt.Sprintf("%012d", 111111111111+i%40), fmt.Sprint("Role", i%30), name
	s.Start, s.End, s.LastUse, s.EndedBy = at, at.Add(time.Hour), at.Add(20*time.Minute), schemas.EndedByExpiry
	s.Assumptions, s.Grant, s.Grants = []string{id("asm")}, id("grt"), []string{id("grt")}
	s.SignOn = &schemas.SignOnRef{EventID: event(1), At: at.Add(-4 * time.Second), JoinedBy: schemas.JoinAssertion, IP: fmt.Sprint("198.51.100.", i%250)}
	s.Factor = &schemas.FactorRef{EventID: event(2), At: at.Add(-30 * time.Second), Name: "OKTA_VERIFY_PUSH"}
	s.Origins, s.Services = []schemas.Origin{schemas.FromCLI}, []string{"ec2", "s3", "sts"}
	s.Requests = []schemas.RequestRef{{
		ID: id("req"), Requester: name, Approvers: []string{fmt.Sprintf("person%d@example.com", (person+1)%5000)},
		At: at.Add(-time.Hour), DecidedAt: at.Add(-50 * time.Minute), Until: at.Add(time.Hour), Justification: fmt.Sprint("incident ", i), Evidence: []string{event(3)},
	}}
	if i%10 == 0 {
		s.Chained = []schemas.ChainedRole{{EventID: event(4), At: at.Add(time.Minute), Account: "222222222222", Role: "Deploy", RoleARN: "arn:aws:iam::222222222222:role/Deploy", PrincipalID: "AROA2EXAMPLE:" + name, Services: []string{"s3"}}}
	}
	if i%7 == 0 {
		s.Verdict = schemas.VerdictUnknown
		s.Unjudged = []schemas.Unjudged{{Rule: "no_mfa", Reason: schemas.Pending, Shard: "okta/example", From: at, To: at.Add(time.Hour)}}
	}
	s.Evidence = []string{event(0), event(1), event(2), event(3)}
}

// argumentsOf are the values of each row, as Append takes them.
func argumentsOf(t *testing.T, batch []sinks.Record) [][]any {
	t.Helper()
	table := sessionTable()
	out := make([][]any, len(batch))
	for i := range batch {
		row, err := table.decode(batch[i].Value)
		if err != nil {
			t.Fatal(err)
		}
		if row.exact != "" {
			t.Fatalf("the columns do not hold %s", batch[i].Value)
		}
		for _, c := range table.columns {
			out[i] = append(out[i], reflect.ValueOf(c.values([]sessionRow{row})).Index(0).Interface())
		}
	}
	return out
}

func bareSessions(ctx context.Context, db *DB, rows [][]any) error {
	c, err := db.conn(db.cfg.Database)
	if err != nil {
		return err
	}
	var names []string
	for _, col := range sessionTable().columns {
		names = append(names, quote(col.name))
	}
	out, err := c.PrepareBatch(ctx, "INSERT INTO sessions_log ("+strings.Join(names, ", ")+")")
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := out.Append(r...); err != nil {
			return err
		}
	}
	return out.Send()
}
