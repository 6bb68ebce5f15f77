package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMeasure measures how fast raw events in Kafka become rows in ClickHouse,
// and each stage alone beside a loop of kafka-go that only reads:
//
//	JITAUDIT_BENCH_RECORDS=500000 go test ./internal/pipeline -run TestMeasure -v -timeout 30m
//
// The events of a made-up organisation are put into an embedded broker's folder
// once and kept under os.TempDir(). Every measurement begins with a copy of it,
// in a process of its own, with broker and ClickHouse beside, as `jitaudit run`
// has them. What comes out must be what a scan says, byte for byte.
// JITAUDIT_BENCH_STAGES, as "read,whole", measures some of them, of which rebuild
// needs resolve before it, and sink rebuild; JITAUDIT_BENCH_TURNS as often;
// JITAUDIT_BENCH_PROFILE=DIR writes a profile of each.
func TestMeasure(t *testing.T) {
	asked := os.Getenv("JITAUDIT_BENCH_RECORDS")
	if asked == "" {
		t.Skip("set JITAUDIT_BENCH_RECORDS to measure the stream with so many CloudTrail records")
	}
	n, err := strconv.Atoi(asked)
	if err != nil {
		t.Fatalf("JITAUDIT_BENCH_RECORDS: %v", err)
	}
	if job := os.Getenv(benchJob); job != "" {
		stage, dir, _ := strings.Cut(job, " ")
		work(t, stage, dir)
		return
	}
	backlog := madeBacklog(t, n)
	turns := 3
	if s := os.Getenv("JITAUDIT_BENCH_TURNS"); s != "" {
		if turns, err = strconv.Atoi(s); err != nil {
			t.Fatalf("JITAUDIT_BENCH_TURNS: %v", err)
		}
	}
	stages := benchStages()
	if s := os.Getenv("JITAUDIT_BENCH_STAGES"); s != "" {
		stages = strings.Split(s, ",")
	}
	for i, stage := range stages {
		before := map[string]string{rebuildStage: resolveStage, sinkStage: rebuildStage}[stage]
		if before != "" && !slices.Contains(stages[:i], before) {
			t.Fatalf("JITAUDIT_BENCH_STAGES: %s would wait for ever for what %s writes: name that before it", stage, before)
		}
	}
	best := make(map[string]figures)
	for range turns {
		dir := ""
		for _, stage := range stages {
			if dir == "" || stage == wholeStage || stage == keptStage {
				dir = t.TempDir()
				if err := os.CopyFS(dir, os.DirFS(backlog)); err != nil {
					t.Fatal(err)
				}
			}
			f := child(t, stage, dir)
			t.Logf("%-8s %s; load %s", stage, f, load())
			if b, ok := best[stage]; !ok || f.Seconds < b.Seconds {
				best[stage] = f
			}
		}
	}
	report(t, stages, best)
}

// report prints the best of each stage, and its share of reading alone.
func report(t *testing.T, stages []string, best map[string]figures) {
	var b strings.Builder
	fmt.Fprintf(&b, "best of all turns:\n%-8s %9s %9s %9s %10s %7s %8s %8s\n", "stage", "time", "cpu", "cpu ch", "events/s", "÷ read", "peak", "peak ch")
	for _, stage := range stages {
		f := best[stage]
		share := "-"
		if read, ok := best[readStage]; ok {
			share = fmt.Sprintf("%.2f", read.Seconds/f.Seconds)
		}
		fmt.Fprintf(&b, "%-8s %7.2f s %7.2f s %7.2f s %10.0f %7s %5d MB %5d MB\n",
			stage, f.Seconds, f.CPU, f.EngineCPU, f.rate(), share, f.PeakKB>>10, f.EnginePeakKB>>10)
	}
	t.Log(b.String())
}

// The stages, in the order in which each finds what it needs: read reads the raw
// topics with kafka-go and does nothing else; whole is resolve, rebuild and sink
// at once; kept the same, until the raw events are in ClickHouse too, as by default.
const (
	readStage    = "read"
	resolveStage = "resolve"
	rebuildStage = "rebuild"
	sinkStage    = "sink"
	wholeStage   = "whole"
	keptStage    = "kept"
)

func benchStages() []string {
	return []string{readStage, resolveStage, rebuildStage, sinkStage, wholeStage, keptStage}
}

// figures are one measurement.
type figures struct {
	Events  int
	Seconds float64
	// CPU is that of the process with stage and broker, EngineCPU that of
	// ClickHouse; user and system, in seconds.
	CPU, EngineCPU float64
	// Peaks are VmHWM (proc(5)).
	PeakKB, EnginePeakKB int
	// Rows are those of the table of calls at the end.
	Rows int
}

func (f figures) rate() float64 { return float64(f.Events) / f.Seconds }

func (f figures) String() string {
	return fmt.Sprintf("%.2f s, %.0f events/s, CPU %.2f s + %.2f s, peak memory %d MB + %d MB, %d calls",
		f.Seconds, f.rate(), f.CPU, f.EngineCPU, f.PeakKB>>10, f.EnginePeakKB>>10, f.Rows)
}

// benchJob says in a child process of TestMeasure what to do there.
const benchJob = "JITAUDIT_BENCH_JOB"

func child(t *testing.T, stage, dir string) (f figures) {
	t.Helper()
	args := []string{"-test.run=^TestMeasure$", "-test.timeout=20m"}
	if to := os.Getenv("JITAUDIT_BENCH_PROFILE"); to != "" {
		args = append(args, "-test.cpuprofile="+filepath.Join(to, stage+".cpu"), "-test.memprofile="+filepath.Join(to, stage+".mem"))
	}
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), benchJob+"="+stage+" "+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", stage, err, out)
	}
	_, rest, _ := bytes.Cut(out, []byte("measured "))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	if err := json.Unmarshal(line, &f); err != nil {
		t.Fatalf("%s: %v in %q", stage, err, out)
	}
	return f
}

// load is the machine's load average over a minute.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(b), " ")
	return one
}

// usage is the CPU time in seconds and the peak memory in KB of a process, as
// proc(5) has them.
func usage(t *testing.T, pid int) (cpu float64, peakKB int) {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Skip("no /proc to read CPU time from: ", err)
	}
	// utime and stime are the 12th and 13th after the name, in ticks of 10 ms.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(string(f))
		if err != nil {
			t.Fatal(err)
		}
		cpu += float64(n) / 100
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if v, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			if _, err := fmt.Sscan(v, &peakKB); err != nil {
				t.Fatal(err)
			}
		}
	}
	return cpu, peakKB
}

// engine is the process of the embedded ClickHouse: the only child.
func engine(t *testing.T) (pid int, ok bool) {
	t.Helper()
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	var pids []string
	for _, name := range tasks {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended
		}
		pids = append(pids, strings.Fields(string(b))...)
	}
	pids = slices.Compact(pids)
	if len(pids) == 0 {
		return 0, false
	}
	if pid, err = strconv.Atoi(pids[0]); err != nil {
		t.Fatal(err)
	}
	return pid, true
}

// stopwatch measures from now on.
type stopwatch struct {
	t          *testing.T
	began      time.Time
	cpu, enCPU float64
}

func startWatch(t *testing.T) *stopwatch {
	w := &stopwatch{t: t}
	w.cpu, _ = usage(t, os.Getpid())
	if pid, ok := engine(t); ok {
		w.enCPU, _ = usage(t, pid)
	}
	w.began = time.Now()
	return w
}

func (w *stopwatch) stop(events int) figures {
	f := figures{Events: events, Seconds: time.Since(w.began).Seconds()}
	f.CPU, f.PeakKB = usage(w.t, os.Getpid())
	f.CPU -= w.cpu
	if pid, ok := engine(w.t); ok {
		f.EngineCPU, f.EnginePeakKB = usage(w.t, pid)
		f.EngineCPU -= w.enCPU
	}
	return f
}
