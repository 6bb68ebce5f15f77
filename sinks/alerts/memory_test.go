package alerts_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
	"jitaudit/sinks/alerts"
)

// chat is a receiver that goes on in threads.
type chat struct {
	mu   sync.Mutex
	told []string
	fail int
}

func (c *chat) Send(_ context.Context, n *alerts.Notice) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range n.Alerts {
		a := &n.Alerts[i]
		in := n.Threads.Of(a.Finding.Session)
		if in == "" {
			in = "thread of " + a.ID()
			n.Threads.Keep(a.Finding.Session, in)
		}
		if c.fail > 0 { // the thread has begun all the same
			c.fail--
			return true, fmt.Errorf("not now")
		}
		c.told = append(c.told, a.ID()+" in "+in)
	}
	return false, nil
}

func (c *chat) list() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.told, ", ")
}

func TestThreadsAreRemembered(t *testing.T) {
	c, s := start(t), serve(t)
	now := time.Now()
	of := func(f *schemas.Finding) { f.Session = "ses/1" }
	receiver := &chat{fail: 1}
	d := c.runWith(t, receiver, newClock(50), alerts.Config{})
	c.publish(t, message(t, finding("fnd_1", 1, now, of)))
	s.await(t, "the first", func() bool { return receiver.list() != "" })
	d.stop(t)
	if _, _, threads := c.sentLog(t, "soc"); threads["ses/1"].Thread != "thread of fnd_1.1" {
		t.Errorf("remembered: %v", threads)
	}
	d = c.runWith(t, receiver, nil, alerts.Config{})
	c.publish(t, message(t, finding("fnd_1", 2, now, of, status(schemas.Resolved))))
	want := "fnd_1.1 in thread of fnd_1.1, fnd_1.2 in thread of fnd_1.1"
	s.await(t, "the second", func() bool { return len(receiver.list()) >= len(want) })
	if got := receiver.list(); got != want {
		t.Errorf("told %s", got)
	}
	d.stop(t)
}

// Entries of a topic that has been trimmed, or made anew, are gone on with.
func TestOffsetsThatAreLost(t *testing.T) {
	c, s := start(t), serve(t)
	now := time.Now()
	at := func(id string, version int64, with ...func(*schemas.Finding)) kafka.Message {
		m := message(t, finding(id, version, now, with...))
		m.Pinned = true
		return m
	}
	d := c.run(t, s, nil, alerts.Config{})
	c.publish(t, at("fnd_1", 1))
	s.expect(t, "fnd_1.1 opened")
	d.stop(t)
	c.publish(t, at("fnd_2", 1), at("fnd_1", 2, status(schemas.Resolved)), at("fnd_3", 1))
	if err := c.broker.DeleteRecords(c.prefix+topics.Findings, 0, 2); err != nil {
		t.Fatal(err)
	}
	d = c.run(t, s, nil, alerts.Config{})
	s.expect(t, "fnd_1.1 opened", "fnd_1.2 resolved", "fnd_3.1 opened")
	d.stop(t)

	// An offset past the end: all is read again, and nothing told again.
	c.publish(t, kafka.Message{Topic: topics.SentLog, Pinned: true, Key: []byte("soc/offset/findings/0"), Value: []byte(`{"next":1000}`)})
	d = c.run(t, s, nil, alerts.Config{})
	c.publish(t, at("fnd_4", 1))
	s.expect(t, "fnd_1.1 opened", "fnd_1.2 resolved", "fnd_3.1 opened", "fnd_4.1 opened")
	d.stop(t)
	if _, offsets, _ := c.sentLog(t, "soc"); offsets["findings/0"] != 5 {
		t.Errorf("the offsets are %v", offsets)
	}
}

// What is over is forgotten, and not told again when it is read again.
func TestWhatIsOverIsForgotten(t *testing.T) {
	c, s := start(t), serve(t)
	k := newClock(20_000)
	began := k.now()
	cfg := alerts.Config{ForgetAfter: 30 * 24 * time.Hour, MaxAge: 30 * 24 * time.Hour}
	d := c.run(t, s, k, cfg)
	c.publish(t, message(t, finding("fnd_over", 1, began)), message(t, finding("fnd_open", 1, began)))
	c.publish(t, message(t, finding("fnd_over", 2, began, status(schemas.Resolved))))
	s.await(t, "both", func() bool { return len(s.alerts()) == 3 })
	known := func() string { sent, _, _ := c.sentLog(t, "soc"); return strings.Join(sorted(sent), " ") }
	s.await(t, "both to be remembered", func() bool { return known() == "fnd_open fnd_over" })
	later := began.Add(31 * 24 * time.Hour)
	c.publish(t, message(t, finding("fnd_new", 1, k.now(), func(f *schemas.Finding) { f.Observed = later })))
	s.await(t, "what is over to be forgotten", func() bool { return known() == "fnd_new fnd_open" })
	d.stop(t)
	d = c.run(t, s, k, cfg)
	c.publish(t, message(t, finding("fnd_open", 2, began, status(schemas.Resolved))))
	s.await(t, "the end of what was open", func() bool { return len(s.alerts()) == 5 })
	d.stop(t)
	if got := s.alerts(); got[4] != "fnd_open.2 resolved" {
		t.Errorf("told %q", got)
	}
}

// Two receivers remember apart, also where the name of one begins that of the other.
func TestReceiversRememberApart(t *testing.T) {
	c, one, two := start(t), serve(t), serve(t)
	now := time.Now()
	a := c.run(t, one, nil, alerts.Config{Name: "soc"})
	c.publish(t, message(t, finding("fnd_1", 1, now)))
	one.expect(t, "fnd_1.1 opened")
	b := c.run(t, two, nil, alerts.Config{Name: "soc-2"})
	two.expect(t, "fnd_1.1 opened")
	a.stop(t)
	b.stop(t)
	for _, name := range []string{"soc", "soc-2"} {
		if sent, _, _ := c.sentLog(t, name); len(sent) != 1 {
			t.Errorf("%s remembers %v", name, sent)
		}
	}
}

func TestTheTestNoticeShowsThatItIsOne(t *testing.T) {
	now := time.Now()
	n, again := alerts.TestNotice(now), alerts.TestNotice(now.Add(time.Millisecond))
	if !n.Test || len(n.Alerts) != 1 || n.Alerts[0].Finding == nil || n.Alerts[0].Finding.Rule != "test" || n.ID == again.ID || n.Alerts[0].ID() == again.Alerts[0].ID() {
		t.Errorf("got %+v", n)
	}
}
