package topic_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"jitaudit/internal/broker"
	"jitaudit/internal/hostile"
	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	schema "jitaudit/schemas/ocsf"
	"jitaudit/schemas/topics"
	"jitaudit/sinks/alerts"
	"jitaudit/sinks/siem/topic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cluster is the embedded broker or, where JITAUDIT_TEST_KAFKA names one, a real one.
func cluster(t *testing.T, want ...topics.Topic) *kafka.Client {
	t.Helper()
	address := os.Getenv("JITAUDIT_TEST_KAFKA")
	if address == "" {
		b, err := broker.Start(broker.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
		address = b.Addr()
	}
	c := client(t, kafka.Config{Brokers: []string{address}, Prefix: "test-" + rand.Text() + "."})
	if err := c.Ensure(within(t), want); err != nil {
		t.Fatal(err)
	}
	return c
}

func client(t *testing.T, cfg kafka.Config) *kafka.Client {
	t.Helper()
	c, err := kafka.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func events(partitions int, config map[string]string) topics.Topic {
	return topics.Topic{Name: "ocsf", Partitions: partitions, Config: config}
}

func receiver(t *testing.T, c *kafka.Client, timeout time.Duration) *topic.Receiver {
	t.Helper()
	w, err := c.Writer(kafka.WriterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := topic.New(topic.Config{Writer: w, Version: "1.2.3", Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// read returns the messages of each partition.
func read(t *testing.T, c *kafka.Client, partitions int) (all [][]kafka.Message) {
	t.Helper()
	for p := range partitions {
		var of []kafka.Message
		err := c.ReadAll(within(t), "ocsf", p, func(m kafka.Message) error { of = append(of, m); return nil })
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, of)
	}
	return all
}

func finding(id string, version int64, why string) alerts.Alert {
	return alerts.Alert{Change: alerts.Raised, Finding: &schemas.Finding{
		ID: id, Rule: "no_mfa", Severity: schemas.High, Status: schemas.Open, Person: schemas.Person{Key: "aws:ada", Name: "ada"},
		Account: "111111111111", Why: why, Meta: schemas.Meta{Version: version, Observed: time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)},
	}}
}

func TestEventsOfARecordAreInOnePartitionInOrder(t *testing.T) {
	const partitions, records, versions = 3, 20, 5
	c := cluster(t, events(partitions, nil))
	r := receiver(t, c, 0)
	for v := range versions {
		n := &alerts.Notice{ID: fmt.Sprintf("ntc_%d", v)}
		for i := range records {
			n.Alerts = append(n.Alerts, finding(fmt.Sprintf("fnd_%d", i), int64(v), "Ada had no second factor."))
		}
		if retry, err := r.Send(within(t), n); err != nil || retry {
			t.Fatal(retry, err)
		}
	}
	next, count := make(map[string]int), 0
	for _, messages := range read(t, c, partitions) {
		in := make(map[string]bool)
		for _, m := range messages {
			count++
			key := string(m.Key)
			if want := fmt.Sprintf("%s.%d", key, next[key]); m.Header(topic.IDHeader) != want {
				t.Errorf("after version %d of %s comes %s", next[key]-1, key, m.Header(topic.IDHeader))
			}
			if want := fmt.Sprintf("ntc_%d", next[key]); m.Header(topic.NoticeHeader) != want || m.Header(topic.ClassHeader) != "2004" {
				t.Errorf("%s: notice %s, class %s", key, m.Header(topic.NoticeHeader), m.Header(topic.ClassHeader))
			}
			if next[key] > 0 && !in[key] {
				t.Errorf("%s is in two partitions", key)
			}
			in[key] = true
			next[key]++
			for _, err := range schema.Check(m.Value) {
				t.Error(err)
			}
		}
	}
	if count != records*versions {
		t.Errorf("%d events, want %d", count, records*versions)
	}
}

func TestASessionAndItsSignOnHaveOneKey(t *testing.T) {
	c := cluster(t, events(3, nil))
	at := time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)
	n := &alerts.Notice{ID: "ntc_1", Alerts: []alerts.Alert{{Change: alerts.Opened, Session: &schemas.Session{
		ID: "ses_1", Person: schemas.Person{Key: "aws:ada", Name: "ada"}, Account: "111111111111", Role: "Admin", Start: at, End: at.Add(time.Hour),
		SignOn: &schemas.SignOnRef{EventID: "event-1", At: at},
	}}}, Digest: &alerts.Digest{Reason: alerts.TooOld, Total: 3, From: at, To: at}}
	if retry, err := receiver(t, c, 0).Send(within(t), n); err != nil || retry {
		t.Fatal(retry, err)
	}
	got := make(map[string]string)
	for _, messages := range read(t, c, 3) {
		for _, m := range messages {
			got[m.Header(topic.ClassHeader)] = string(m.Key)
		}
	}
	if want := map[string]string{"3002": "ses_1", "3003": "ses_1", "2004": "ntc_1"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestNoTextLeavesItsField(t *testing.T) {
	c := cluster(t, events(1, nil))
	r := receiver(t, c, 0)
	want := 0
	for name, text := range hostile.Texts() {
		a := finding(fmt.Sprintf("fnd_%d", want), 1, text)
		a.Finding.Person.Name, a.Finding.Role, a.Finding.Evidence = text, text, []string{text}
		b := finding(text, 1, text) // an id too
		if retry, err := r.Send(within(t), &alerts.Notice{ID: text, Alerts: []alerts.Alert{a, b}}); err != nil || retry {
			t.Fatalf("%s: retry %v, error %v", name, retry, err)
		}
		want += 2
	}
	messages := read(t, c, 1)[0]
	if len(messages) != want {
		t.Fatalf("%d events, want %d", len(messages), want)
	}
	for _, m := range messages {
		if !json.Valid(m.Value) {
			t.Errorf("no JSON: %.200q", m.Value)
		}
		for _, err := range schema.Check(m.Value) {
			t.Error(err)
		}
		for _, h := range m.Headers {
			for _, b := range h.Value {
				if b < ' ' || b == 0x7f || len(h.Value) > 256 {
					t.Fatalf("header %s is %.300q", h.Key, h.Value)
				}
			}
		}
		if len(m.Key) > 256 {
			t.Errorf("a key has %d bytes", len(m.Key))
		}
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	n := &alerts.Notice{ID: "ntc_1", Alerts: []alerts.Alert{finding("fnd_1", 1, "Ada had no second factor.")}}
	t.Run("no such cluster", func(t *testing.T) {
		c := client(t, kafka.Config{Brokers: []string{"127.0.0.1:1"}})
		if retry, err := receiver(t, c, 100*time.Millisecond).Send(within(t), n); err == nil || !retry {
			t.Errorf("retry %v, error %v", retry, err)
		}
	})
	t.Run("larger than the topic allows", func(t *testing.T) {
		r, err := topic.New(topic.Config{Writer: refusing{&kafka.TooLargeError{Topic: "ocsf", Size: 2000, Limit: 1000}}})
		if err != nil {
			t.Fatal(err)
		}
		if retry, err := r.Send(within(t), n); err == nil || retry {
			t.Errorf("retry %v, error %v", retry, err)
		}
	})
}

// refusing is a writer to a cluster that takes nothing.
type refusing struct{ error }

func (r refusing) Write(context.Context, ...kafka.Message) error {
	return fmt.Errorf("write 1 message: %w", r.error)
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	w := &kafka.Writer{}
	for _, c := range []struct {
		name string
		cfg  topic.Config
		want string // empty: taken
	}{
		{"by default", topic.Config{Writer: w}, ""},
		{"named", topic.Config{Writer: w, Topic: "siem.ocsf-1"}, ""},
		{"no name", topic.Config{Writer: w, Topic: "a b"}, `topic: want letters, digits, dot, _ and -, 249 at most (got "a b")`},
		{"dots", topic.Config{Writer: w, Topic: ".."}, `topic: want letters, digits, dot, _ and -, 249 at most (got "..")`},
		{"one of ours", topic.Config{Writer: w, Topic: "findings"}, `topic: "findings" is one of jitaudit's own, with records of another kind; name another`},
		{"time goes back", topic.Config{Writer: w, Timeout: -1}, "timeout: want more than 0 (got -1ns)"},
		{"no writer", topic.Config{}, "write events to a topic: a writer is needed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := topic.New(c.cfg)
			if (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
