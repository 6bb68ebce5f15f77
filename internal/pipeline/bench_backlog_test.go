package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"jitaudit/ingest"
	kafkalog "jitaudit/ingest/kafka"
	"jitaudit/internal/config"
	"jitaudit/internal/organisation"
	"jitaudit/internal/reference"
	"jitaudit/schemas"
)

// wanted is what a backlog must come to; it lies in the backlog's folder.
type wanted struct {
	Policy []byte
	Shards []string
	To     time.Time // to which every shard is covered
	Events int
	Tables *reference.Tables
}

const wantedFile = "wanted.json"

func readWanted(t *testing.T, dir string) (w wanted) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, wantedFile))
	if err == nil {
		err = json.Unmarshal(b, &w)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// madeBacklog is the data folder of an embedded broker with the raw events of an
// organisation with n CloudTrail records.
func madeBacklog(t *testing.T, n int) string {
	t.Helper()
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("jitaudit-backlog-%d", n))
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return dir
	}
	part, err := os.MkdirTemp(os.TempDir(), "jitaudit-backlog-")
	if err == nil {
		err = makeBacklog(t.Context(), part, n)
	}
	if err == nil {
		err = os.Rename(part, dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func makeBacklog(ctx context.Context, dir string, n int) (err error) {
	h, err := organisation.Generate(organisation.Config{
		Seed: 1, Records: n, OktaEvents: n * 15 / 100, People: max(60, n/1000), Days: 5, Accounts: 10,
	})
	if err != nil {
		return err
	}
	w := wanted{Policy: h.Policy, Shards: reference.Shards(h), To: h.Truth.Complete.To, Events: len(h.Okta) + len(h.CloudTrail) + len(h.Listings) + len(h.Approvals)}
	if w.Tables, err = reference.Scan(ctx, h, w.Shards); err != nil {
		return err
	}
	b, err := json.Marshal(&w)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, wantedFile), b, 0o600)
	}
	if err != nil {
		return err
	}
	r := benchRunner(dir)
	defer func() { err = errors.Join(err, r.parts.close()) }()
	if err := r.startKafka(ctx); err != nil {
		return err
	}
	log, err := kafkalog.New(r.parts.kafka)
	if err != nil {
		return err
	}
	if err := reference.Aside(ctx, log, h); err != nil {
		return err
	}
	return collected(ctx, log, h)
}

// collected puts a history into a log as collectors would that ask every ten
// minutes: what has been delivered by then, then how far it is covered.
func collected(ctx context.Context, log ingest.Log, h *organisation.History) error {
	byShard := make(map[string]*shardLog)
	var last time.Time
	for _, e := range reference.Events(h) {
		s := byShard[e.Shard]
		if s == nil {
			s = &shardLog{shard: e.Shard, source: e.Source, spans: reference.Coverage(h, e.Shard)}
			byShard[e.Shard] = s
		}
		s.events = append(s.events, e.Event)
		if e.Seen.After(last) {
			last = e.Seen
		}
	}
	const every = 10 * time.Minute
	for now := h.Truth.Complete.From.Add(every); ; now = now.Add(every) {
		for _, shard := range reference.Shards(h) {
			if err := byShard[shard].poll(ctx, log, now); err != nil {
				return err
			}
		}
		if now.After(last) && now.After(h.Truth.Complete.To) {
			return nil
		}
	}
}

// shardLog is what has still to be collected of a shard.
type shardLog struct {
	shard  string
	source schemas.Source
	events []*organisation.Event
	spans  []schemas.Coverage
}

func (s *shardLog) poll(ctx context.Context, log ingest.Log, now time.Time) error {
	var messages []ingest.Message
	n := 0
	for ; n < len(s.events) && !s.events[n].Seen.After(now); n++ {
		e := s.events[n]
		messages = append(messages, ingest.Message{Source: s.source, Kind: schemas.RawEvent, ID: e.ID(), Time: e.At, Raw: e.AppendJSON(nil)})
	}
	s.events = s.events[n:]
	// Nothing that is still to come may lie in what is covered.
	to := now
	for _, e := range s.events {
		if e.At.Before(to) {
			to = e.At
		}
	}
	for len(s.spans) > 0 && s.spans[0].From.Before(to) {
		c := s.spans[0]
		done := !c.To.After(to)
		if !done {
			c.To, s.spans[0].From = to, to
		}
		b, err := json.Marshal(&c)
		if err != nil {
			return err
		}
		messages = append(messages, ingest.Message{Source: s.source, Kind: schemas.RawCoverage, Raw: b})
		if !done {
			break
		}
		s.spans = s.spans[1:]
	}
	for chunk := range slices.Chunk(messages, 1000) {
		if err := log.Append(ctx, s.shard, chunk); err != nil {
			return err
		}
	}
	return nil
}

// benchRunner runs roles as `jitaudit run` does where nothing is configured, on
// free ports, and keeps all of its data.
func benchRunner(dir string) *runner {
	nobody := func(string) (string, bool) { return "", false }
	c := config.Default(config.Environment{Lookup: nobody})
	c.DataDir = dir
	c.HTTP.Addr = "127.0.0.1:0"
	c.Kafka.EmbeddedBroker.Addr, c.ClickHouse.EmbeddedEngine.Addr = "127.0.0.1:0", "127.0.0.1:0"
	c.Kafka.EmbeddedBroker.RetentionBytes = 16 << 30
	return &runner{
		Options: Options{
			Config: c, Role: config.RoleRun, Now: time.Now, Tell: func(string) {},
			Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		},
		cfg: c, metrics: prometheus.NewRegistry(), health: newHealth(c.HTTP.ReadyLag, time.Now),
	}
}
