package kafka_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"jitaudit/ingest"
	ingestkafka "jitaudit/ingest/kafka"
	"jitaudit/internal/broker"
	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

type harness struct {
	*kafka.Client
	broker *broker.Broker
	log    *ingestkafka.Log
}

func start(t *testing.T) *harness {
	t.Helper()
	h := &harness{}
	address := os.Getenv("JITAUDIT_TEST_KAFKA")
	if address == "" {
		b, err := broker.Start(broker.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { b.Close() })
		h.broker, address = b, b.Addr()
	}
	var err error
	h.Client, err = kafka.New(kafka.Config{Brokers: []string{address}, Prefix: "test-" + rand.Text() + "."}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Client.Close)
	if err := h.Ensure(within(t), topics.All(4)); err != nil {
		t.Fatal(err)
	}
	if h.log, err = ingestkafka.New(h.Client); err != nil {
		t.Fatal(err)
	}
	return h
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// all returns the records of a topic by partition.
func (h *harness) all(t *testing.T, topic string) map[int][]kafka.Message {
	t.Helper()
	bounds, err := h.Offsets(within(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	got := map[int][]kafka.Message{}
	for p := range bounds {
		err := h.ReadAll(within(t), topic, p, func(m kafka.Message) error {
			got[p] = append(got[p], m)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return got
}

func event(source schemas.Source, id string, raw []byte) ingest.Message {
	return ingest.Message{Source: source, Kind: schemas.RawEvent, ID: id, Time: time.Date(2024, 3, 1, 10, 20, 30, 456e6, time.UTC), Raw: raw}
}

func TestShardStandsInOnePartitionInOrder(t *testing.T) {
	h := start(t)
	for _, shard := range []string{"acme.okta.com", "globex.okta.com"} {
		for page := range 3 {
			var messages []ingest.Message
			for i := range 100 {
				messages = append(messages, event(schemas.Okta, fmt.Sprint(page*100+i), []byte(`{"n":1}`)))
			}
			messages = append(messages, ingest.Message{Source: schemas.Okta, Kind: schemas.RawCoverage, Raw: []byte(`{}`)})
			if err := h.log.Append(within(t), shard, messages); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := h.all(t, topics.RawOkta)
	for _, shard := range []string{"acme.okta.com", "globex.okta.com"} {
		var of []kafka.Message
		partition := kafka.PartitionOf([]byte(shard), 4)
		for p, messages := range got {
			for _, m := range messages {
				if string(m.Key) != shard {
					continue
				}
				of = append(of, m)
				if p != partition {
					t.Fatalf("%s: a record in partition %d, want %d", shard, p, partition)
				}
			}
		}
		if len(of) != 303 {
			t.Fatalf("%s has %d records, want 303", shard, len(of))
		}
		for i, m := range of {
			if i%101 == 100 {
				if m.Header(schemas.HeaderKind) != string(schemas.RawCoverage) {
					t.Fatalf("%s: record %d is %s, want coverage", shard, i, m.Header(schemas.HeaderKind))
				}
				continue
			}
			if want := fmt.Sprint(i - i/101); m.Header(schemas.HeaderID) != want {
				t.Fatalf("%s: record %d has id %s, want %s", shard, i, m.Header(schemas.HeaderID), want)
			}
		}
	}
}

func TestRecordIsByteForByteWithHeaders(t *testing.T) {
	h := start(t)
	raw := []byte("{ \"b\" : 1,\n \"a\":\"\\u00fc\xff\" }")
	began := time.Now().Truncate(time.Millisecond)
	err := h.log.Append(within(t), "111122223333/eu-central-1", []ingest.Message{
		event(schemas.CloudTrail, "e-1", raw),
		{Source: schemas.CloudTrail, Kind: schemas.RawCoverage, Raw: []byte("{}")},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := slices.Concat(slices.Collect(maps.Values(h.all(t, topics.RawCloudTrail)))...)
	if len(got) != 2 || !bytes.Equal(got[0].Value, raw) {
		t.Fatalf("got %v", got)
	}
	want := map[string]string{"source": "cloudtrail", "shard": "111122223333/eu-central-1", "kind": "event", "id": "e-1", "time": "2024-03-01T10:20:30.456Z"}
	if headers := headersOf(got[0]); !maps.Equal(headers, want) {
		t.Errorf("headers %v, want %v", headers, want)
	}
	want = map[string]string{"source": "cloudtrail", "shard": "111122223333/eu-central-1", "kind": "coverage"}
	if headers := headersOf(got[1]); !maps.Equal(headers, want) {
		t.Errorf("headers %v, want %v", headers, want)
	}
	if got[0].Time.Before(began) {
		t.Errorf("the record's time is %v: Kafka would delete it by the event's age", got[0].Time)
	}
}

func headersOf(m kafka.Message) map[string]string {
	out := map[string]string{}
	for _, header := range m.Headers {
		out[header.Key] = string(header.Value)
	}
	return out
}

func TestTooLargeMessageBecomesADeadLetter(t *testing.T) {
	h := start(t)
	big := bytes.Repeat([]byte("x"), kafka.MaxMessage)
	err := h.log.Append(within(t), "acme.okta.com", []ingest.Message{
		event(schemas.Okta, "1", []byte("{}")),
		event(schemas.Okta, "big", big),
		event(schemas.Okta, "2", []byte("{}")),
		event(schemas.Okta, "huge", append(big, big...)),
		event(schemas.Okta, "3", []byte("{}")),
	})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, m := range slices.Concat(slices.Collect(maps.Values(h.all(t, topics.RawOkta)))...) {
		ids = append(ids, m.Header(schemas.HeaderID))
	}
	if !slices.Equal(ids, []string{"1", "2", "3"}) {
		t.Errorf("got %v, want the others once and in order", ids)
	}
	dead := h.all(t, topics.DeadLetters)[0]
	if len(dead) != 2 {
		t.Fatalf("%d dead letters, want 2", len(dead))
	}
	schema := compile(t)
	for i, id := range []string{"big", "huge"} {
		var letter schemas.DeadLetter
		if err := json.Unmarshal(dead[i].Value, &letter); err != nil {
			t.Fatal(err)
		}
		if letter.Source != schemas.Okta || letter.File != "acme.okta.com" || len(letter.Raw) != schemas.RawLimit || !strings.HasPrefix(letter.Reason, "event "+id+" has ") {
			t.Errorf("got %v %v %q with %d bytes", letter.Source, letter.File, letter.Reason, len(letter.Raw))
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(dead[i].Value))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Error(err)
		}
	}
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	raw, err := schemas.JSON.ReadFile("json/deadletter.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("deadletter", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("deadletter")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// A topic that somebody made with a smaller limit refuses what we would take.
func TestMessageThatTheBrokerRefusesBecomesADeadLetter(t *testing.T) {
	h := start(t)
	if h.broker == nil {
		t.Skip("needs the embedded broker")
	}
	client, err := kafka.New(kafka.Config{Brokers: []string{h.broker.Addr()}, Prefix: "small."}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	small := topics.All(4)
	for i := range small {
		if small[i].Name == topics.RawOkta {
			small[i].Config["max.message.bytes"] = "100000"
		}
	}
	if err := client.Ensure(within(t), small); err != nil {
		t.Fatal(err)
	}
	log, err := ingestkafka.New(client)
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, 150_000)
	rand.Read(raw)
	var messages []ingest.Message
	for i := range 5 {
		messages = append(messages, event(schemas.Okta, fmt.Sprint(i), []byte("{}")))
	}
	messages[2].Raw = raw
	if err := log.Append(within(t), "acme.okta.com", messages); err != nil {
		t.Fatal(err)
	}
	var ids []string
	other := &harness{Client: client}
	for _, m := range slices.Concat(slices.Collect(maps.Values(other.all(t, topics.RawOkta)))...) {
		ids = append(ids, m.Header(schemas.HeaderID))
	}
	if !slices.Equal(ids, []string{"0", "1", "3", "4"}) {
		t.Errorf("got %v, want the others once and in order", ids)
	}
	if dead := other.all(t, topics.DeadLetters)[0]; len(dead) != 1 || !bytes.Contains(dead[0].Value, []byte("raise max.message.bytes of topic small.raw.okta")) {
		t.Errorf("dead letters: %d", len(dead))
	}
}

func TestCheckpointIsWhatWasSetLast(t *testing.T) {
	h := start(t)
	check := func(log *ingestkafka.Log, shard string, want []byte) {
		t.Helper()
		got, err := log.Checkpoint(within(t), shard)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) || (got == nil) != (want == nil) {
			t.Errorf("%s: got %q, want %q", shard, got, want)
		}
	}
	set := func(log *ingestkafka.Log, shard string, checkpoint []byte) {
		t.Helper()
		if err := log.SetCheckpoint(within(t), shard, checkpoint); err != nil {
			t.Fatal(err)
		}
	}
	check(h.log, "a", nil)
	set(h.log, "a", []byte("1"))
	set(h.log, "b", []byte("x"))
	check(h.log, "a", []byte("1"))
	set(h.log, "a", []byte("2"))

	// After a restart, and by two at once.
	again, err := ingestkafka.New(h.Client)
	if err != nil {
		t.Fatal(err)
	}
	check(again, "a", []byte("2"))
	check(again, "b", []byte("x"))
	check(again, "c", nil)
	set(again, "a", []byte("3"))
	check(h.log, "a", []byte("3"))
	set(h.log, "a", nil)
	check(again, "a", nil)
	if h.broker == nil {
		return
	}
	set(h.log, "b", []byte("y"))
	set(h.log, "d", []byte("z"))
	if err := h.broker.Compact(); err != nil {
		t.Fatal(err)
	}
	check(again, "b", []byte("y"))
	check(again, "d", []byte("z"))
	check(h.log, "b", []byte("y"))
}

func TestAppendRefusesWhatHasNoPlace(t *testing.T) {
	h := start(t)
	if err := h.log.Append(within(t), "", []ingest.Message{event(schemas.Okta, "1", nil)}); err == nil {
		t.Error("without a shard: no error")
	}
	if err := h.log.Append(within(t), "a", []ingest.Message{event("syslog", "1", nil)}); err == nil {
		t.Error("from an unknown source: no error")
	}
	if err := h.log.SetCheckpoint(within(t), "", nil); err == nil {
		t.Error("checkpoint without a shard: no error")
	}
	if err := h.log.Append(within(t), "a", nil); err != nil {
		t.Errorf("nothing: %v", err)
	}
}

func TestAppendReturnsOnlyWhatIsDurable(t *testing.T) {
	h := start(t)
	if h.broker == nil {
		t.Skip("needs the embedded broker")
	}
	hits, repair := h.broker.Break(kmsg.Produce, broker.Dropped, -1)
	ctx, cancel := context.WithCancel(within(t))
	result := make(chan error, 1)
	go func() {
		result <- h.log.Append(ctx, "a", []ingest.Message{event(schemas.Okta, "1", []byte("{}"))})
	}()
	for hits() == 0 && ctx.Err() == nil {
	}
	select {
	case err := <-result:
		t.Fatalf("it returned %v before anything was written", err)
	default:
	}
	repair()
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	cancel()
	if n := len(slices.Concat(slices.Collect(maps.Values(h.all(t, topics.RawOkta)))...)); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
}
