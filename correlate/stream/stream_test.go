package stream_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"jitaudit/correlate/stream"
	"jitaudit/correlate/stream/entry"
	"jitaudit/correlate/stream/resolve"
	"jitaudit/ingest/approvals"
	"jitaudit/ingest/cloudtrail"
	"jitaudit/ingest/okta"
	"jitaudit/internal/broker"
	"jitaudit/internal/kafka"
	"jitaudit/internal/organisation"
	"jitaudit/internal/reference"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const partitions = 3

// place is a Kafka with the topics of the stream: an embedded broker, or the one
// that JITAUDIT_TEST_KAFKA names.
type place struct {
	t      *testing.T
	broker *broker.Broker // nil for another one
	addr   string
	prefix string
	client *kafka.Client
	writer *kafka.Writer
}

func newPlace(t *testing.T) *place {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	p := &place{t: t, addr: os.Getenv("JITAUDIT_TEST_KAFKA"), prefix: "test" + rand.Text()[:8] + "."}
	if p.addr == "" {
		b, err := broker.Start(broker.Config{Logger: log, MinSession: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
		p.broker, p.addr = b, b.Addr()
	}
	c, err := kafka.New(kafka.Config{Brokers: []string{p.addr}, Prefix: p.prefix, Partitions: partitions, Replication: 1}, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := c.Ensure(t.Context(), topics.All(partitions)); err != nil {
		t.Fatal(err)
	}
	w, err := c.Writer(kafka.WriterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	p.client, p.writer = c, w
	return p
}

func (p *place) config() stream.Config {
	return stream.Config{
		Client: p.client, Prefix: p.prefix, Partitions: partitions, Horizon: 30 * 24 * time.Hour, Tick: 50 * time.Millisecond,
		Now: time.Now, Metrics: stream.NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler),
	}
}

func decoder() resolve.Decode {
	return func(r *resolve.Raw) (schemas.Fact, bool, error) {
		switch {
		case r.Kind == schemas.RawMember:
			f, err := okta.DecodeMember(r.Value)
			return f, err == nil, err
		case r.Kind == schemas.RawSnapshot:
			f, err := okta.DecodeSnapshot(r.Value)
			return f, err == nil, err
		case r.Source == schemas.CloudTrail:
			return cloudtrail.Decode(r.Value)
		case r.Source == schemas.Approvals:
			return approvals.Decoder{Feed: reference.Feed}.Decode(r.Value)
		}
		d := okta.Decoder{Org: strings.TrimPrefix(r.Shard, "okta/")}
		return d.Decode(r.Value)
	}
}

func (p *place) raw(source schemas.Source, kind schemas.RawKind, shard string, value []byte) kafka.Message {
	topic := map[schemas.Source]string{schemas.Okta: topics.RawOkta, schemas.CloudTrail: topics.RawCloudTrail, schemas.Approvals: topics.RawApprovals}[source]
	return kafka.Message{Topic: topic, Key: []byte(shard), Value: value, Headers: []kafka.Header{
		{Key: schemas.HeaderSource, Value: []byte(source)}, {Key: schemas.HeaderKind, Value: []byte(kind)}, {Key: schemas.HeaderShard, Value: []byte(shard)},
	}}
}

// write puts a history into the raw topics, in some order, with repetitions.
func (p *place) write(h *organisation.History, r *mathrand.Rand) {
	var messages []kafka.Message
	for _, e := range reference.Events(h) {
		m := p.raw(e.Source, schemas.RawEvent, e.Shard, e.AppendJSON(nil))
		messages = append(messages, m)
		if r.IntN(10) == 0 {
			messages = append(messages, m)
		}
	}
	aside, err := reference.Messages(h)
	if err != nil {
		p.t.Fatal(err)
	}
	for shard, list := range aside {
		for _, m := range list {
			messages = append(messages, p.raw(m.Source, m.Kind, shard, m.Raw))
		}
	}
	r.Shuffle(len(messages), func(i, j int) { messages[i], messages[j] = messages[j], messages[i] })
	for len(messages) > 0 {
		n := min(len(messages), 500)
		if err := p.writer.Write(p.t.Context(), messages[:n]...); err != nil {
			p.t.Fatal(err)
		}
		messages = messages[n:]
	}
	shards, err := json.Marshal(schemas.Shards{Shards: reference.Shards(h)})
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.writer.Write(p.t.Context(), p.raw(schemas.Okta, schemas.RawShards, schemas.OktaShard(reference.Org), shards)); err != nil {
		p.t.Fatal(err)
	}
	for _, shard := range reference.Shards(h) {
		for _, c := range reference.Coverage(h, shard) {
			b, err := json.Marshal(c)
			if err != nil {
				p.t.Fatal(err)
			}
			source := schemas.CloudTrail
			if strings.HasPrefix(shard, "okta/") {
				source = schemas.Okta
			}
			if err := p.writer.Write(p.t.Context(), p.raw(source, schemas.RawCoverage, shard, b)); err != nil {
				p.t.Fatal(err)
			}
		}
	}
}

// instance runs both stages until it is stopped.
func (p *place) instance() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var g errgroup.Group
	cfg := p.config()
	g.Go(func() error { return stream.Resolve(ctx, cfg, decoder) })
	g.Go(func() error { return stream.Rebuild(ctx, cfg) })
	return func() {
		cancel()
		if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			p.t.Error(err)
		}
	}
}

// tables reads everything ever published, and holds it against the law: one
// content under each id and version.
func (p *place) tables() (*reference.Tables, map[string]schemas.Covered) {
	records, activity := map[string]reference.Published{}, map[string]schemas.Activity{}
	covered := map[string]schemas.Covered{}
	contents := map[string]string{}
	for _, topic := range append(topics.Results(), topics.Activity) {
		bounds, err := p.client.Offsets(p.t.Context(), topic)
		if err != nil {
			p.t.Fatal(err)
		}
		for n := range bounds {
			err := p.client.ReadAll(p.t.Context(), topic, n, func(m kafka.Message) error {
				if topic == topics.Activity {
					var a schemas.Activity
					err := json.Unmarshal(m.Value, &a)
					if old, ok := activity[a.EventID]; !ok || old.Rank < a.Rank {
						activity[a.EventID] = a
					}
					return err
				}
				var meta struct{ schemas.Meta }
				if err := json.Unmarshal(m.Value, &meta); err != nil {
					return err
				}
				id := string(m.Key)
				key := id + " " + time.Unix(meta.Version, 0).String()
				if old, ok := contents[key]; ok && old != string(m.Value) {
					p.t.Errorf("two contents of one version:\n%s\n%s", old, m.Value)
				}
				contents[key] = string(m.Value)
				if old := records[id]; old.Value == nil || old.Version <= meta.Version {
					records[id] = reference.Published{Topic: topic, Version: meta.Version, Value: m.Value}
				}
				if topic == topics.Coverage {
					var c schemas.Covered
					err := json.Unmarshal(m.Value, &c)
					covered[c.ID] = c
					return err
				}
				return nil
			})
			if err != nil {
				p.t.Fatal(err)
			}
		}
	}
	t, err := reference.Stream(records, activity)
	if err != nil {
		p.t.Fatal(err)
	}
	return t, covered
}

// await waits until every partition takes everything into account.
func (p *place) await(h *organisation.History) *reference.Tables {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		t, covered := p.tables()
		done := 0
		for _, c := range covered {
			if n := len(c.Intervals); n > 0 && c.Intervals[n-1].To.Equal(h.Truth.Complete.To) {
				done++
			}
		}
		if done == partitions*len(reference.Shards(h)) {
			return t
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("after a minute %d of %d shards are covered", done, partitions*len(reference.Shards(h)))
		}
	}
}

// Instances come, go and share the partitions while events are read.
func TestTheStreamOnKafkaSaysWhatAScanSays(t *testing.T) {
	h, err := organisation.Generate(organisation.Config{Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	p := newPlace(t)
	if err := stream.PublishPolicies(t.Context(), p.config(), []entry.Policy{{Name: "policy.yaml", Data: h.Policy}}); err != nil {
		t.Fatal(err)
	}
	stopA := p.instance()
	p.write(h, mathrand.New(mathrand.NewPCG(1, 1)))
	stopB := p.instance()
	time.Sleep(700 * time.Millisecond) // anywhere
	stopA()
	stopC := p.instance()
	p.await(h)
	p.rest()
	got, _ := p.tables()
	stopB()
	stopC()
	want, err := reference.Scan(t.Context(), h, reference.Shards(h))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("scan (-) stream (+):\n%.6000s", d)
	}
}
