package alerts_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"jitaudit/internal/broker"
	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
	"jitaudit/sinks/alerts"
	"jitaudit/sinks/post"
)

// TestNothingIsLostWhateverFails stops dispatchers hard, at random, while the receiver
// answers as receivers do on a bad day. JITAUDIT_TEST_SEEDS says how many runs there
// are.
func TestNothingIsLostWhateverFails(t *testing.T) {
	seeds := 6
	if s := os.Getenv("JITAUDIT_TEST_SEEDS"); s != "" {
		var err error
		if seeds, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	b := startBroker(t)
	var all tally
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { all.add(runFaults(t, b, uint64(seed))) })
	}
	t.Logf("%d seeds: %+v", seeds, all)
}

// tally counts what happened in runs.
type tally struct {
	Alerts, Deliveries, Repeats, Notices, Kills, LostAnswers, Refused int
}

func (t *tally) add(o tally) {
	t.Alerts += o.Alerts
	t.Deliveries += o.Deliveries
	t.Repeats += o.Repeats
	t.Notices += o.Notices
	t.Kills += o.Kills
	t.LostAnswers += o.LostAnswers
	t.Refused += o.Refused
}

// faults are a run in which everything fails now and then.
type faults struct {
	t  *testing.T
	c  *cluster
	s  *server
	mu sync.Mutex
	r  *rand.Rand
	// want are the versions of each record that are to be told, in order.
	want map[string][]string
	// got are the deliveries of each record that the server took.
	got map[string][]told
	// recorded is the highest version of each record in the sent log.
	recorded map[string]int64
	// offsets are those in the sent log, ends where the topics end once all is there.
	offsets, ends map[string]int64
	// unrecorded are the alerts that were taken and are not in the sent log; mayRepeat
	// is how many may come again: those whose answer was lost, and those that were
	// not recorded when a process died.
	unrecorded map[string]told
	mayRepeat  int
	// life is the process that runs; what those before it have sent may be late.
	life int
	calm bool
	tally
}

func runFaults(t *testing.T, b *broker.Broker, seed uint64) tally {
	f := &faults{
		t: t, c: newCluster(t, b, fmt.Sprintf("seed%d.", seed)), s: serve(t), r: rand.New(rand.NewPCG(seed, 7)),
		want: map[string][]string{}, got: map[string][]told{}, recorded: map[string]int64{},
		offsets: map[string]int64{}, ends: map[string]int64{}, unrecorded: map[string]told{},
	}
	f.s.answer(f.answer)
	published := make(chan struct{})
	all := f.script()
	cfg := f.config()
	go func() { defer close(published); f.publishAll(all) }()
	k := newClock(50)
	f.mu.Lock()
	kills := 3 + f.r.IntN(6)
	f.mu.Unlock()
	for ; kills > 0; kills-- {
		f.live(k, cfg, true)
	}
	<-published
	f.findEnds()
	f.mu.Lock()
	f.calm = true
	f.mu.Unlock()
	f.live(k, cfg, false)
	f.check()
	return f.tally
}

// config is one of many.
func (f *faults) config() alerts.Config {
	labels := []alerts.Label{alerts.ByRule, alerts.ByAccount, alerts.ByRole, alerts.ByPerson, alerts.BySeverity, alerts.BySession}
	f.r.Shuffle(len(labels), func(i, j int) { labels[i], labels[j] = labels[j], labels[i] })
	return alerts.Config{
		Kinds:   []alerts.Kind{alerts.Findings, alerts.Grants, alerts.Sessions},
		GroupBy: labels[:f.r.IntN(4)], GroupWait: time.Duration(f.r.IntN(3)) * time.Second, GroupInterval: time.Duration(f.r.IntN(3)) * time.Second,
		MaxAlerts: 10_000, MaxPending: 10_000, Rate: f.r.IntN(2) * 6000, MinBackoff: time.Second, MaxBackoff: 10 * time.Second,
	}
}

// script makes results, and notes what is to be told of them. It says so by itself:
// not by what the dispatcher decides with.
func (f *faults) script() []kafka.Message {
	now := time.Now().UTC().Truncate(time.Millisecond)
	var lives [][]kafka.Message
	add := func(id string, life []kafka.Message, want []string) {
		lives = append(lives, life)
		f.want[id] = want
	}
	for i := range 40 {
		id := fmt.Sprintf("fnd_%d", i)
		if i%13 == 5 {
			id = fmt.Sprintf("fnd_bad%d", i)
		}
		life, want := f.finding(id, now)
		add(id, life, want)
	}
	for i := range 10 {
		id := fmt.Sprintf("grt_%d", i)
		g := &schemas.Grant{ID: id, Opened: now, Account: fmt.Sprint(i % 3), Evidence: []string{}, Meta: schemas.Meta{Version: 1, Observed: now}}
		life, want := []kafka.Message{message(f.t, g)}, []string{"1 opened"}
		if g.Version++; f.r.IntN(2) == 0 {
			g.Removed = now.Add(time.Second)
			want = append(want, "2 closed")
		}
		life = append(life, message(f.t, g))
		if g.Version++; f.r.IntN(3) == 0 {
			g.Deleted = true
			life, want = append(life, message(f.t, g)), append(want, "3 retracted")
		}
		add(id, life, want)
	}
	for i := range 10 {
		id := fmt.Sprintf("ses_%d", i)
		s := &schemas.Session{ID: id, Start: now, End: now.Add(time.Hour), Account: fmt.Sprint(i % 3), Verdict: schemas.VerdictUnknown, Assumptions: []string{}, Evidence: []string{}, Meta: schemas.Meta{Observed: now}}
		var life []kafka.Message
		var want []string
		for v, verdict := range []schemas.Verdict{schemas.VerdictUnknown, schemas.VerdictUnknown, schemas.VerdictAllowed, schemas.VerdictFinding}[:1+f.r.IntN(4)] {
			s.Version, s.Verdict = int64(v+1), verdict
			life = append(life, message(f.t, s))
			switch v {
			case 0:
				want = append(want, "1 opened")
			case 2, 3:
				want = append(want, fmt.Sprintf("%d judged", v+1))
			}
		}
		add(id, life, want)
	}
	// The lives run beside each other.
	var all []kafka.Message
	for len(lives) > 0 {
		i := f.r.IntN(len(lives))
		all = append(all, lives[i][0])
		if lives[i] = lives[i][1:]; len(lives[i]) == 0 {
			lives = slices.Delete(lives, i, i+1)
		}
	}
	return all
}

// finding is the life of a finding.
func (f *faults) finding(id string, now time.Time) (life []kafka.Message, want []string) {
	levels := []schemas.Severity{schemas.Info, schemas.Low, schemas.Medium, schemas.High, schemas.Critical}
	known, end, level := false, "", 0 // what the receiver knows
	for v := range 1 + f.r.IntN(6) {
		status := []schemas.Status{schemas.Open, schemas.Open, schemas.Open, schemas.Resolved, schemas.Retracted}[f.r.IntN(5)]
		is, hidden := f.r.IntN(5), f.r.IntN(6) == 0
		made := finding(id, int64(v+1), now, func(x *schemas.Finding) {
			x.Status, x.Severity = status, levels[is]
			x.Account, x.Role, x.Rule = fmt.Sprint(f.r.IntN(3)), fmt.Sprint(f.r.IntN(3)), fmt.Sprint(f.r.IntN(3))
			if hidden {
				x.Suppressed = &schemas.Suppression{Reason: "known"}
			}
		})
		life = append(life, message(f.t, made))
		change := ""
		switch {
		case !known && (hidden || status == schemas.Retracted):
		case !known:
			change = "opened"
		case status == schemas.Retracted && end != "retracted":
			change = "retracted"
		case status == schemas.Resolved && end != "resolved":
			change = "resolved"
		case status == schemas.Open && !hidden && end != "":
			change = "reopened"
		case status == schemas.Open && !hidden && is > level:
			change = "raised"
		}
		if change == "" {
			continue
		}
		want = append(want, fmt.Sprintf("%d %s", v+1, change))
		known, level, end = true, is, ""
		if status != schemas.Open {
			end = string(status)
		}
	}
	return life, want
}

func (f *faults) publishAll(all []kafka.Message) {
	for len(all) > 0 {
		f.mu.Lock()
		n := min(len(all), 1+f.r.IntN(20))
		pause := time.Duration(f.r.IntN(60)) * time.Millisecond
		f.mu.Unlock()
		if err := f.c.writer.Write(f.t.Context(), all[:n]...); err != nil {
			f.t.Error(err)
			return
		}
		all = all[n:]
		time.Sleep(pause)
	}
}

// answer is that of a server on a bad day.
func (f *faults) answer(w http.ResponseWriter, _ *http.Request, b *body) bool {
	f.mu.Lock()
	mode := f.r.IntN(12)
	if f.calm {
		mode = 0
	}
	f.mu.Unlock()
	for _, a := range b.Alerts {
		if strings.HasPrefix(a.Record, "fnd_bad") {
			http.Error(w, "refused", http.StatusUnprocessableEntity)
			return true
		}
	}
	switch mode {
	case 1:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "slow down", http.StatusTooManyRequests)
	case 2:
		http.Error(w, "broken", http.StatusInternalServerError)
	case 3: // the connection breaks before anything was read
		panic(http.ErrAbortHandler)
	case 4: // it breaks after all was taken
		f.take(b, true)
		panic(http.ErrAbortHandler)
	case 5: // the answer breaks off
		f.take(b, true)
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"ok":`))
		panic(http.ErrAbortHandler)
	case 6: // it takes its time, and the sender may be gone by then
		time.Sleep(20 * time.Millisecond)
		f.take(b, false)
	default:
		f.take(b, false)
	}
	return true
}

// take takes a notice. What is already in the sent log must not come again, and
// nothing must come before what stands before it.
func (f *faults) take(b *body, lost bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b.Digest != nil {
		f.t.Errorf("a digest of %d", b.Digest.Total)
	}
	f.Notices++
	if lost {
		f.LostAnswers++
	}
	if lost || b.Life != f.life {
		f.mayRepeat += len(b.Alerts)
	}
	for _, a := range b.Alerts {
		f.Deliveries++
		if f.recorded[a.Record] >= a.Version {
			f.t.Errorf("%s came again, although the sent log had version %d", a.ID, f.recorded[a.Record])
		}
		var before []string // told, without repeats
		for _, g := range f.got[a.Record] {
			if one := fmt.Sprintf("%d %s", g.Version, g.Change); !slices.Contains(before, one) {
				before = append(before, one)
			}
		}
		is := fmt.Sprintf("%d %s", a.Version, a.Change)
		switch i := slices.Index(f.want[a.Record], is); {
		case i < 0:
			f.t.Errorf("%s was told as %q, want of it %q", a.Record, is, f.want[a.Record])
		case slices.Contains(before, is):
			f.Repeats++
		case !slices.Equal(before, f.want[a.Record][:i]):
			f.t.Errorf("%s was told as %q after %q, want of it %q", a.Record, is, before, f.want[a.Record])
		}
		f.got[a.Record] = append(f.got[a.Record], a)
		if b.Life == f.life {
			f.unrecorded[a.ID] = a
		}
	}
}

// mortal is a sent log that is not written any more from some time on.
type mortal struct {
	f  *faults
	to alerts.Writer
	// left is how many writes succeed, below 0 for all; last that the one after them
	// is done, but not acknowledged.
	left int
	last bool
	dead context.Context
	die  context.CancelFunc
}

var errDied = errors.New("the process has died")

func (m *mortal) Write(ctx context.Context, messages ...kafka.Message) error {
	if m.dead.Err() != nil {
		return errDied
	}
	dies := m.left == 0
	m.left--
	if dies && !m.last {
		m.die()
		return errDied
	}
	if err := m.to.Write(ctx, messages...); err != nil {
		return err
	}
	m.f.record(messages)
	if dies {
		m.die()
		return errDied
	}
	return nil
}

// record notes what is in the sent log.
func (f *faults) record(messages []kafka.Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range messages {
		if of, is := strings.CutPrefix(string(m.Key), "soc/offset/"); is {
			var o alerts.Offset
			if err := json.Unmarshal(m.Value, &o); err != nil {
				f.t.Error(err)
			}
			f.offsets[of] = o.Next
		}
		id, is := strings.CutPrefix(string(m.Key), "soc/record/")
		if !is {
			continue
		}
		var s alerts.Sent
		if err := json.Unmarshal(m.Value, &s); err != nil {
			f.t.Error(err)
		}
		f.recorded[id] = s.Version
		maps.DeleteFunc(f.unrecorded, func(_ string, a told) bool { return a.Record == id && a.Version <= s.Version })
	}
}

func (f *faults) findEnds() {
	for _, topic := range []string{topics.Findings, topics.Grants, topics.Sessions} {
		bounds, err := f.c.Offsets(f.t.Context(), topic)
		if err != nil {
			f.t.Fatal(err)
		}
		for p, b := range bounds {
			f.ends[fmt.Sprintf("%s/%d", topic, p)] = b.End
		}
	}
}

// live runs one process: until it dies, or until all is told.
func (f *faults) live(k *clock, cfg alerts.Config, dies bool) {
	client, err := post.New(post.Config{URL: f.s.URL, Timeout: 2 * time.Second})
	if err != nil {
		f.t.Fatal(err)
	}
	defer client.Close()
	m := &mortal{f: f, left: -1}
	m.dead, m.die = context.WithCancel(f.t.Context())
	defer m.die()
	f.mu.Lock()
	f.life++
	after := time.Duration(30+f.r.IntN(400)) * time.Millisecond
	if dies {
		m.left, m.last = f.r.IntN(12), f.r.IntN(2) == 0
	}
	f.mu.Unlock()
	d := f.c.make(f.t, &poster{client: client, dead: m.dead, life: f.life}, k, cfg)
	d.Wrap(func(w alerts.Writer) alerts.Writer { m.to = w; return m })
	d.begin(f.t, f.c)
	if !dies {
		f.s.await(f.t, "all to be told", f.complete)
		d.stop(f.t)
		return
	}
	over := time.NewTimer(after)
	defer over.Stop()
	select {
	case <-over.C: // wherever it is
		m.die()
		d.cancel()
		if err := <-d.ended; !errors.Is(err, context.Canceled) && !errors.Is(err, errDied) {
			f.t.Errorf("it ended with %v", err)
		}
	case err := <-d.ended:
		if !errors.Is(err, errDied) {
			f.t.Errorf("it ended with %v", err)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Kills++
	f.mayRepeat += len(f.unrecorded)
	clear(f.unrecorded)
	f.life++
}

// complete reports whether the sent log says that all is told.
func (f *faults) complete() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Equal(f.offsets, f.ends)
}

func (f *faults) check() {
	if f.Repeats > f.mayRepeat {
		f.t.Errorf("%d alerts came again, where no more than %d answers or entries were lost", f.Repeats, f.mayRepeat)
	}
	sent, offsets, _ := f.c.sentLog(f.t, "soc")
	for id, want := range f.want {
		f.Alerts += len(want)
		if strings.HasPrefix(id, "fnd_bad") {
			f.refusedOnce(id, want)
			continue
		}
		if len(want) == 0 {
			if len(f.got[id]) > 0 {
				f.t.Errorf("%s was told", id)
			}
			if s, has := sent[id]; has {
				f.t.Errorf("nothing is to be told of %s, and remembered is %+v", id, s)
			}
			continue
		}
		last, change, _ := strings.Cut(want[len(want)-1], " ")
		versions := map[int64]bool{}
		for _, g := range f.got[id] {
			versions[g.Version] = true
		}
		if len(versions) != len(want) {
			f.t.Errorf("%s was told %d versions, want %q", id, len(versions), want)
		}
		if s := sent[id]; fmt.Sprint(s.Version) != last || string(s.Change) != change {
			f.t.Errorf("%s was told as %q, and remembered is %+v", id, want, s)
		}
	}
	if !maps.Equal(offsets, f.ends) {
		f.t.Errorf("all is done with up to %v, want %v", offsets, f.ends)
	}
}

// refusedOnce wants dead letters of what the server refuses, and nothing told.
func (f *faults) refusedOnce(id string, want []string) {
	if len(f.got[id]) > 0 {
		f.t.Errorf("%s was told", id)
	}
	var dead []schemas.DeadLetter
	read(f.t, f.c, topics.DeadLetters, 0, &dead)
	versions := map[int64]bool{}
	for _, d := range dead {
		var r schemas.Finding
		if err := json.Unmarshal(d.Raw, &r); err != nil {
			f.t.Fatal(err)
		}
		if r.ID == id {
			versions[r.Version] = true
		}
	}
	if (len(want) > 0) != (len(versions) > 0) {
		f.t.Errorf("%s: %d versions are dead letters, of %q", id, len(versions), want)
	}
	f.Refused += len(versions)
}
