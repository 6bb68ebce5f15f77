package stream_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"jitaudit/correlate/stream"
	"jitaudit/correlate/stream/entry"
	"jitaudit/internal/kafka"
	"jitaudit/internal/organisation"
	"jitaudit/schemas/topics"
)

// done is a place where a history has been worked off.
func done(t *testing.T) *place {
	t.Helper()
	h, err := organisation.Generate(organisation.Config{Seed: 2})
	if err != nil {
		t.Fatal(err)
	}
	p := newPlace(t)
	if err := stream.PublishPolicies(t.Context(), p.config(), []entry.Policy{{Name: "policy.yaml", Data: h.Policy}}); err != nil {
		t.Fatal(err)
	}
	p.write(h, rand.New(rand.NewPCG(2, 2)))
	stop := p.instance()
	p.await(h)
	p.rest()
	stop()
	return p
}

// rest waits until the partitions have nothing more to say to each other.
func (p *place) rest() {
	p.t.Helper()
	for quiet, deadline := 0, time.Now().Add(time.Minute); quiet < 5; time.Sleep(50 * time.Millisecond) {
		ends, err := p.client.Offsets(p.t.Context(), topics.Facts)
		if err != nil {
			p.t.Fatal(err)
		}
		committed, err := p.client.Committed(p.t.Context(), p.prefix+stream.RebuildGroup, topics.Facts)
		if err != nil {
			p.t.Fatal(err)
		}
		quiet++
		for n := range ends {
			if committed[n] != ends[n].End {
				quiet = 0
			}
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("committed %v of %v", committed, ends)
		}
	}
}

// ends are where the topics of the results end.
func (p *place) ends() map[string][]kafka.Bounds {
	out := make(map[string][]kafka.Bounds)
	for _, t := range append(topics.Results(), topics.Activity, topics.DeadLetters) {
		b, err := p.client.Offsets(p.t.Context(), t)
		if err != nil {
			p.t.Fatal(err)
		}
		out[t] = b
	}
	return out
}

// A restart publishes nothing that stands there already, and still works.
func TestARestartPublishesNothingNew(t *testing.T) {
	p := done(t)
	before := p.ends()
	var stop func()
	p.awaitCommit(func() { stop = p.instance() })
	stop()
	for topic, b := range p.ends() {
		for n := range b {
			if b[n].End != before[topic][n].End {
				t.Errorf("%s/%d grew from %d to %d", topic, n, before[topic][n].End, b[n].End)
			}
		}
	}
}

// An upgrade of which nothing comes out otherwise publishes nothing either, and is
// remembered.
func TestAnUpgradePublishesWhatIsNew(t *testing.T) {
	p := done(t)
	if n := p.forgetEngine(); n != partitions {
		t.Fatalf("%d partitions know which engine published", n)
	}
	before := p.ends()
	var stop func()
	p.awaitCommit(func() { stop = p.instance() })
	p.awaitCommit(func() { stop(); stop = p.instance() })
	stop()
	for topic, b := range p.ends() {
		for n := range b {
			if b[n].End != before[topic][n].End {
				t.Errorf("%s/%d grew from %d to %d", topic, n, before[topic][n].End, b[n].End)
			}
		}
	}
	if n := p.forgetEngine(); n != partitions {
		t.Errorf("%d partitions remember which engine published", n)
	}
}

// forgetEngine deletes from the state which engine published, as if it had been
// the first release. It returns in how many partitions it was known.
func (p *place) forgetEngine() (known int) {
	p.t.Helper()
	for n := range partitions {
		found := map[string]bool{}
		err := p.client.ReadAll(p.t.Context(), topics.State, n, func(m kafka.Message) error {
			e, err := entry.Decode(m.Value)
			found[string(m.Key)] = m.Value != nil && err == nil && e.Engine > 0
			return nil
		})
		if err != nil {
			p.t.Fatal(err)
		}
		for key, engine := range found {
			if !engine {
				continue
			}
			known++
			if err := p.writer.Write(p.t.Context(), kafka.Message{Topic: topics.State, Partition: n, Pinned: true, Key: []byte(key)}); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	return known
}

// awaitCommit does something and waits until a tick after it has been committed in
// every partition: whoever restores one begins with a tick.
func (p *place) awaitCommit(do func()) {
	p.t.Helper()
	committed := func() map[int]int64 {
		c, err := p.client.Committed(p.t.Context(), p.prefix+stream.RebuildGroup, topics.Facts)
		if err != nil {
			p.t.Fatal(err)
		}
		return c
	}
	before := committed()
	do()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		now, all := committed(), true
		for n := range partitions {
			all = all && now[n] > before[n]
		}
		if all {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("committed %v, then %v", before, now)
		}
	}
}

// refused runs rebuild and returns why it ended.
func (p *place) refused(cfg stream.Config) error {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 30*time.Second)
	defer cancel()
	return stream.Rebuild(ctx, cfg)
}

func TestAFactsTopicMadeAnewIsRefused(t *testing.T) {
	p := done(t)
	transport := &kafkago.Transport{}
	defer transport.CloseIdleConnections()
	admin := &kafkago.Client{Addr: kafkago.TCP(p.addr), Transport: transport}
	res, err := admin.DeleteTopics(t.Context(), &kafkago.DeleteTopicsRequest{Topics: []string{p.prefix + topics.Facts}})
	if err != nil || res.Errors[p.prefix+topics.Facts] != nil {
		t.Fatal(err, res)
	}
	if err := p.client.Ensure(t.Context(), topics.All(partitions)); err != nil {
		t.Fatal(err)
	}
	before := p.ends()
	err = p.refused(p.config())
	if err == nil || !strings.Contains(err.Error(), topics.Facts) {
		t.Fatalf("it works on a topic that was made anew: %v", err)
	}
	t.Log(err)
	// With a group of its own, which has committed nothing, too.
	other := p.config()
	other.Prefix = "other" + p.prefix
	err = p.refused(other)
	if err == nil || !strings.Contains(err.Error(), "it has been made anew") {
		t.Fatalf("another group works on it: %v", err)
	}
	for topic, b := range p.ends() {
		for n := range b {
			if b[n] != before[topic][n] {
				t.Errorf("%s/%d was written to", topic, n)
			}
		}
	}
}

func TestFactsThatWereDeletedUnreadAreNotSkipped(t *testing.T) {
	p := done(t)
	if p.broker == nil {
		t.Skip("only the embedded broker can be told to delete records")
	}
	for n := range partitions {
		if err := p.broker.DeleteRecords(p.prefix+topics.Facts, n, 5); err != nil {
			t.Fatal(err)
		}
	}
	other := p.config()
	other.Prefix = "other" + p.prefix // it has committed nothing
	err := p.refused(other)
	if err == nil || !strings.Contains(err.Error(), "begins at offset 5") {
		t.Fatalf("it begins in the middle: %v", err)
	}
}

func TestAnotherNumberOfPartitionsIsRefused(t *testing.T) {
	p := newPlace(t)
	cfg := p.config()
	cfg.Partitions = partitions + 1
	err := p.refused(cfg)
	if err == nil || !strings.Contains(err.Error(), "kafka.partitions is 4: set it to") {
		t.Fatalf("got %v", err)
	}
}
