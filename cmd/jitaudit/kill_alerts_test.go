package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"jitaudit/internal/broker"
	"jitaudit/internal/kafka"
	"jitaudit/internal/signature"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
	"jitaudit/sinks/siem/webhook"
)

// hookKey is what a receiver in these tests is signed to with.
const hookKey = "kill-0123456789abcdef"

// moody is a receiver that takes what is signed, if it is in the mood.
type moody struct {
	t  *testing.T
	mu sync.Mutex
	r  *rand.Rand
	// calm: it takes everything.
	calm bool
	// taken are the ids of alerts in the order in which they were acknowledged, by
	// notice.
	taken []notice
	// asked says that something has come.
	asked chan struct{}
}

type notice struct {
	id     string
	alerts []string
}

// The moods of a receiver: it takes, it is busy, it is broken, it hangs up before
// and after it has read, it answers by half, it is slow.
const (
	takes = iota
	busy
	broken
	hangsUp
	hangsUpAfter
	halfway
	slow
	moods
)

func (m *moody) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case m.asked <- struct{}{}:
	default:
	}
	m.mu.Lock()
	mood := takes
	if !m.calm && m.r.IntN(2) == 0 {
		mood = m.r.IntN(moods)
	}
	m.mu.Unlock()
	if mood == hangsUp {
		panic(http.ErrAbortHandler)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the other side was killed
	}
	if err := signature.Verify(r.Header.Get(signature.Header), body, time.Now(), time.Minute, []byte(hookKey)); err != nil {
		m.t.Error(err)
	}
	switch mood {
	case busy:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	case broken:
		w.WriteHeader(http.StatusInternalServerError)
	case hangsUpAfter:
		panic(http.ErrAbortHandler)
	case halfway:
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("tak"))
		panic(http.ErrAbortHandler)
	case slow:
		time.Sleep(300 * time.Millisecond)
		m.take(r.Header.Get(webhook.NoticeHeader), body)
	default:
		m.take(r.Header.Get(webhook.NoticeHeader), body)
	}
}

// take notes what is acknowledged. The acknowledgement may still be lost: whoever
// asked may be killed before it comes.
func (m *moody) take(id string, body []byte) {
	var events []struct {
		Metadata struct {
			UID string `json:"uid"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(body, &events); err != nil {
		m.t.Error(err)
	}
	n := notice{id: id}
	for _, e := range events {
		n.alerts = append(n.alerts, e.Metadata.UID)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taken = append(m.taken, n)
}

// repeats are the notices that hold an alert which was acknowledged before.
func (m *moody) repeats() (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	seen := map[string]bool{}
	for _, taken := range m.taken {
		if slices.ContainsFunc(taken.alerts, func(id string) bool { return seen[id] }) {
			n++
		}
		for _, id := range taken.alerts {
			seen[id] = true
		}
	}
	return n
}

// first are the alerts by when they were first acknowledged.
func (m *moody) first() (ids []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	seen := map[string]bool{}
	for _, taken := range m.taken {
		for _, id := range taken.alerts {
			if !seen[id] {
				ids = append(ids, id)
			}
			seen[id] = true
		}
	}
	return ids
}

// story is what becomes of some findings, version by version, and which of the
// versions must be told.
func story(r *rand.Rand, findings int) (versions []schemas.Finding, must map[string]bool) {
	must = map[string]bool{}
	severities := []schemas.Severity{schemas.Low, schemas.Medium, schemas.High, schemas.Critical}
	at := time.Now().UTC().Truncate(time.Millisecond)
	all := make([][]schemas.Finding, findings)
	for n := range all {
		f := schemas.Finding{
			ID: schemas.FindingID("no_mfa", fmt.Sprint(n), "e"), Rule: "no_mfa", Status: schemas.Open, At: at, Anchor: "e",
			Severity: severities[r.IntN(3)], Person: schemas.Person{Key: "okta:example/00u1", Name: "ada@example.com", Org: "example"},
			Account: "111111111111", Role: "Admin", Why: "nobody saw a second factor", Evidence: []string{"e"}, Policy: "p",
		}
		rank := func(s schemas.Severity) int { return slices.Index(severities, s) }
		told := f // what was told last; it begins by opening
		for version := range int64(1 + r.IntN(6)) {
			f.Version, f.Observed = version+1, at.Add(time.Duration(version)*time.Millisecond)
			switch r.IntN(5) {
			case 0:
				f.Status = schemas.Open
			case 1:
				if version > 0 && f.Status == schemas.Open {
					f.Status = []schemas.Status{schemas.Resolved, schemas.Retracted}[r.IntN(2)]
				}
			case 2:
				f.Severity = severities[r.IntN(len(severities))]
			default:
				f.Evidence = append(slices.Clone(f.Evidence), fmt.Sprint(version))
			}
			opens := f.Status == schemas.Open && (version == 0 || told.Status != schemas.Open)
			raised := f.Status == schemas.Open && rank(f.Severity) > rank(told.Severity)
			if opens || raised || f.Status != schemas.Open && told.Status == schemas.Open {
				must[fmt.Sprintf("%s.%d", f.ID, f.Version)] = true
				told = f
			}
			all[n] = append(all[n], f)
		}
	}
	for len(all) > 0 { // one version of any finding after the other
		n := r.IntN(len(all))
		versions = append(versions, all[n][0])
		if all[n] = all[n][1:]; len(all[n]) == 0 {
			all = slices.Delete(all, n, n+1)
		}
	}
	return versions, must
}

// TestAlertsOfKilledProcesses kills -9 who tells a receiver that fails in many ways:
// every version that must be told is told, in order, and comes again only where
// its acknowledgement was lost: no more often than there were kills.
func TestAlertsOfKilledProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts and kills processes for a while")
	}
	program := filepath.Join(t.TempDir(), "jitaudit")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	b, err := broker.Start(broker.Config{Logger: slog.New(slog.DiscardHandler), MinSession: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	var mu sync.Mutex
	kills, repeats, told := 0, 0, 0
	t.Run("rounds", func(t *testing.T) {
		for n := range rounds(t) {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				r := &telling{t: t, program: program, broker: b.Addr(), name: fmt.Sprintf("alerts%d", n), rnd: rand.New(rand.NewPCG(uint64(n), 5))}
				r.run()
				mu.Lock()
				defer mu.Unlock()
				kills, repeats, told = kills+r.kills, repeats+r.hook.repeats(), told+len(r.hook.first())
			})
		}
	})
	t.Logf("%d alerts were told, %d notices again, after %d kills", told, repeats, kills)
}

// telling is one round: topics, a receiver and a process of its own.
type telling struct {
	t             *testing.T
	program, name string
	broker        string
	rnd           *rand.Rand
	hook          *moody
	config        string
	cmd           *exec.Cmd
	out           *bytes.Buffer
	kills         int
}

func (r *telling) run() {
	t := r.t
	r.hook = &moody{t: t, asked: make(chan struct{}), r: rand.New(rand.NewPCG(r.rnd.Uint64(), 6))}
	server := httptest.NewServer(r.hook)
	t.Cleanup(server.Close)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	r.config = filepath.Join(t.TempDir(), "jitaudit.yaml")
	text := fmt.Sprintf("kafka: {brokers: [%q], prefix: %q, replication: 1, partitions: 2}\nwait_for_servers: forever\nhttp: {addr: %q}\n"+
		"alerts: {receivers: [{name: soc, max_alerts: 1000, webhook: {url: %q, hmac_secret: \"${HOOK}\", timeout: 2s}}]}\n",
		r.broker, r.name+".", free(t), server.URL)
	if err := os.WriteFile(r.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	client, err := kafka.New(kafka.Config{Brokers: []string{r.broker}, Prefix: r.name + ".", Partitions: 2, Replication: 1}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for tries := 1; ; tries++ { // a broker that makes topics of many rounds may be slow
		if err = client.Ensure(t.Context(), topics.All(2)); err == nil {
			break
		}
		if tries == 10 {
			t.Fatal(err)
		}
	}
	w, err := client.Writer(kafka.WriterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	versions, must := story(r.rnd, 40)
	r.start()
	defer r.stop()
	for len(versions) > 0 {
		n := min(len(versions), 1+r.rnd.IntN(20))
		for _, f := range versions[:n] {
			value, err := json.Marshal(&f)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Write(t.Context(), kafka.Message{Topic: topics.Findings, Key: []byte(f.ID), Value: value}); err != nil {
				t.Fatal(err)
			}
		}
		versions = versions[n:]
		time.Sleep(time.Duration(r.rnd.IntN(400)) * time.Millisecond)
		if r.kills < 4 && r.rnd.IntN(3) == 0 {
			if r.rnd.IntN(2) == 0 { // in the middle of telling
				select {
				case <-r.hook.asked:
					time.Sleep(time.Duration(r.rnd.IntN(20)) * time.Millisecond)
				case <-time.After(10 * time.Second):
				}
			}
			r.kill()
			r.start()
		}
	}
	r.hook.mu.Lock()
	r.hook.calm = true
	r.hook.mu.Unlock()
	r.await(must)
}

// await waits until all is told that must be, and holds that against what was.
func (r *telling) await(must map[string]bool) {
	t := r.t
	var missing []string
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		missing = nil
		told := r.hook.first()
		for id := range must {
			if !slices.Contains(told, id) {
				missing = append(missing, id)
			}
		}
		if len(missing) == 0 {
			break
		}
	}
	if len(missing) > 0 {
		t.Fatalf("%d of %d alerts are not told: %s\n%.3000s", len(missing), len(must), missing, r.out)
	}
	last := map[string]int64{}
	for _, id := range r.hook.first() {
		finding, version, _ := strings.Cut(id, ".")
		var v int64
		if _, err := fmt.Sscan(version, &v); err != nil {
			t.Fatal(err)
		}
		if !must[id] {
			t.Errorf("%s is told and need not be", id)
		}
		if v <= last[finding] {
			t.Errorf("%s is told after version %d", id, last[finding])
		}
		last[finding] = v
	}
	if n := r.hook.repeats(); n > r.kills {
		t.Errorf("%d notices were told again, after %d kills", n, r.kills)
	}
}

func (r *telling) start() {
	r.t.Helper()
	r.cmd = exec.Command(r.program, "sink", "alerts", "--config", r.config)
	r.cmd.Env = append(os.Environ(), "HOOK="+hookKey)
	r.out = &bytes.Buffer{}
	r.cmd.Stdout, r.cmd.Stderr = r.out, r.out
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *telling) kill() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
	r.kills++
}

func (r *telling) stop() {
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		r.t.Errorf("it had ended by itself: %v\n%s", err, r.out)
		return
	}
	err := r.cmd.Wait()
	if status, ok := r.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signal() == os.Interrupt {
		return // it had just been started, and did not listen yet
	}
	if err != nil {
		r.t.Errorf("it ended with %v\n%s", err, r.out)
	}
}
