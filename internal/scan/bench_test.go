package scan

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"jitaudit/correlate/policy"
	"jitaudit/ingest"
	"jitaudit/ingest/cloudtrail"
	"jitaudit/ingest/records"
	"jitaudit/internal/organisation"
	"jitaudit/schemas"
)

// Two benchmarks go over one made-up organisation: BenchmarkReadOnly unzips and
// splits its files and does nothing else, which is the least that any scan must
// do; BenchmarkScan is the whole scan. TestMeasure runs both, and reading with
// decoding, in turns in fresh processes and prints their best times, the ratio,
// and the peak memory (VmHWM of the process).
//
//	go test ./internal/scan -run '^$' -bench .
//	JITAUDIT_BENCH_RECORDS=500000 go test ./internal/scan -run TestMeasure -v
//
// The organisation is made once and kept under os.TempDir().

const benchRecords = "JITAUDIT_BENCH_RECORDS"

// recordsWanted is how many CloudTrail records are gone over; asked tells
// whether somebody said so.
func recordsWanted(tb testing.TB) (n int, asked bool) {
	s := os.Getenv(benchRecords)
	if s == "" {
		return 30_000, false
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		tb.Fatalf("%s: %v", benchRecords, err)
	}
	return n, true
}

// benchOptions makes an organisation in which people, sessions and Okta events
// grow with the records.
func benchOptions(tb testing.TB, n int) Options {
	tb.Helper()
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("jitaudit-bench-%d", n))
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		writeBench(tb, dir, n)
	}
	data, err := os.ReadFile(filepath.Join(dir, "policy.yaml"))
	if err != nil {
		tb.Fatal(err)
	}
	p, err := policy.Parse("policy.yaml", data)
	if err != nil {
		tb.Fatal(err)
	}
	set, err := policy.NewSet(p)
	if err != nil {
		tb.Fatal(err)
	}
	return Options{
		Inputs: []Input{
			{Source: schemas.Okta, Org: testOrg, Path: filepath.Join(dir, "okta")},
			{Source: schemas.CloudTrail, Path: filepath.Join(dir, "cloudtrail")},
		},
		Policies: set,
	}
}

func writeBench(tb testing.TB, dir string, n int) {
	tb.Helper()
	h, err := organisation.Generate(organisation.Config{
		Seed: 1, Records: n, OktaEvents: n * 14 / 100, Files: max(10, n/5000),
		People: max(60, n/1000), Days: 5, Accounts: 10,
	})
	if err != nil {
		tb.Fatal(err)
	}
	part, err := os.MkdirTemp(os.TempDir(), "jitaudit-bench-")
	if err != nil {
		tb.Fatal(err)
	}
	if err := h.Write(part); err != nil {
		tb.Fatal(err)
	}
	if err := os.Rename(part, dir); err != nil {
		tb.Fatal(err)
	}
}

// discard takes results and counts them.
type discard struct{ sessions, findings int }

func (d *discard) Result(r *Result) error {
	d.sessions += len(r.Sessions)
	d.findings += len(r.Findings)
	return nil
}

func (d *discard) DeadLetter(*schemas.DeadLetter) error { return nil }

// readOnly unzips and splits all files, by as many workers as a scan has; with
// decode it also decodes each record.
func readOnly(opts Options, decode bool) (n int64, err error) {
	files, _, err := find(opts.Inputs)
	if err != nil {
		return 0, err
	}
	s := &scan{files: files}
	order := s.largestFirst()
	var next, count atomic.Int64
	var g errgroup.Group
	for range runtime.GOMAXPROCS(0) {
		g.Go(func() error {
			var r records.Reader
			c := collector{trail: cloudtrail.Decoder{Bare: true}}
			for {
				i := int(next.Add(1)) - 1
				if i >= len(order) {
					return nil
				}
				f := &files[order[i]]
				opts := records.Options{Source: f.source}
				if c.begin(0, f); decode {
					opts.Fields = f.fields()
				}
				err := r.ReadFile(f.name, opts,
					func(rec ingest.Record) error {
						count.Add(1)
						if !decode {
							return nil
						}
						_, err := c.decode(rec)
						return err
					},
					func(d schemas.DeadLetter) error { return errors.New(d.Reason) })
				if err != nil {
					return err
				}
			}
		})
	}
	err = g.Wait()
	return count.Load(), err
}

func BenchmarkScan(b *testing.B) {
	n, _ := recordsWanted(b)
	opts := benchOptions(b, n)
	b.ReportAllocs()
	for b.Loop() {
		sum, err := Run(b.Context(), opts, &discard{})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(sum.Bytes)
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkReadOnly(b *testing.B) {
	n, _ := recordsWanted(b)
	opts := benchOptions(b, n)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readOnly(opts, false); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// measured says in a child process of TestMeasure what to run there.
const measured = "JITAUDIT_BENCH_CHILD"

func TestMeasure(t *testing.T) {
	n, asked := recordsWanted(t)
	if !asked {
		t.Skip("set " + benchRecords + " to measure a scan of so many records")
	}
	opts := benchOptions(t, n)
	if what := os.Getenv(measured); what != "" {
		measure(t, what, opts)
		return
	}
	const turns = 5
	best, cpus := map[string]float64{}, map[string]float64{}
	for range turns {
		for _, what := range []string{"read", "decode", "scan"} {
			seconds, cpu, peak := child(t, what)
			t.Logf("%s: %.2f s, %.2f s of CPU, peak memory %d MB", what, seconds, cpu, peak>>10)
			if b, ok := best[what]; !ok || seconds < b {
				best[what] = seconds
			}
			if b, ok := cpus[what]; !ok || cpu < b {
				cpus[what] = cpu
			}
		}
	}
	t.Logf("%d CloudTrail records: scan %.2f s, reading and decoding %.2f s, reading alone %.2f s, ratio %.2f; of CPU %.2f s, %.2f s, %.2f s, ratio %.2f",
		n, best["scan"], best["decode"], best["read"], best["scan"]/best["read"],
		cpus["scan"], cpus["decode"], cpus["read"], cpus["scan"]/cpus["read"])
}

func measure(t *testing.T, what string, opts Options) {
	start := time.Now()
	var err error
	switch what {
	case "read":
		_, err = readOnly(opts, false)
	case "decode":
		_, err = readOnly(opts, true)
	default:
		_, err = Run(context.Background(), opts, &discard{})
	}
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("measured %f %d\n", time.Since(start).Seconds(), vmHWM(t))
}

// vmHWM is this process's peak resident memory in KB (proc(5)).
func vmHWM(t *testing.T) int {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		t.Skip("no /proc to read peak memory from")
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			var kb int
			if _, err := fmt.Sscan(v, &kb); err != nil {
				t.Fatal(err)
			}
			return kb
		}
	}
	t.Fatal("/proc/self/status has no VmHWM")
	return 0
}

func child(t *testing.T, what string) (seconds, cpu float64, peakKB int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestMeasure$")
	cmd.Env = append([]string{"GOGC=50"}, os.Environ()...) // as the program does
	cmd.Env = append(cmd.Env, measured+"="+what)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, rest, _ := strings.Cut(string(out), "measured ")
	if _, err := fmt.Sscan(rest, &seconds, &peakKB); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	state := cmd.ProcessState
	return seconds, (state.UserTime() + state.SystemTime()).Seconds(), peakKB
}
