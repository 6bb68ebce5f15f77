package kafka_test

import (
	"errors"
	"strings"
	"testing"

	kafkago "github.com/segmentio/kafka-go"

	"jitaudit/internal/kafka"
	"jitaudit/schemas/topics"
)

func TestEnsureMakesAllTopicsAndFindsThemRight(t *testing.T) {
	h := start(t)
	h.ensure(t, topics.All(4)...)
	h.ensure(t, topics.All(4)...)
	for _, topic := range topics.All(4) {
		bounds, err := h.Offsets(within(t), topic.Name)
		if err != nil {
			t.Fatal(err)
		}
		if len(bounds) != topic.Partitions {
			t.Errorf("%s has %d partitions, want %d", topic.Name, len(bounds), topic.Partitions)
		}
	}
}

func TestEnsureRefusesWhatIsOtherwise(t *testing.T) {
	const limit = "max.message.bytes 4259840"
	wanted := map[string]string{"cleanup.policy": "delete", "retention.ms": "604800000"}
	lag := map[string]string{"cleanup.policy": "compact", "min.compaction.lag.ms": "604800000"}
	tests := []struct {
		name       string
		partitions int
		has, want  map[string]string
		complaints []string
	}{
		{"as wanted", 3, wanted, wanted, nil},
		{"longer retention", 3, map[string]string{"cleanup.policy": "delete", "retention.ms": "2592000000"}, wanted, nil},
		{"infinite retention", 3, map[string]string{"cleanup.policy": "delete", "retention.ms": "-1"}, wanted, nil},
		{"shorter retention", 3, map[string]string{"cleanup.policy": "delete", "retention.ms": "86400000"}, wanted,
			[]string{"retention.ms 86400000, want at least 604800000: set it with kafka-configs --alter"}},
		{"more partitions", 4, wanted, wanted, []string{"has 4 partitions, want 3: configure partitions: 4"}},
		{"deleted instead of compacted", 3, wanted, lag,
			[]string{"cleanup.policy delete, want compact", "min.compaction.lag.ms"}},
		{"compacted instead of deleted", 3, map[string]string{"cleanup.policy": "compact"}, map[string]string{"cleanup.policy": "delete"},
			[]string{"cleanup.policy compact, want delete"}},
		{"shorter compaction lag", 3, map[string]string{"cleanup.policy": "compact", "min.compaction.lag.ms": "1000"}, lag,
			[]string{"min.compaction.lag.ms 1000, want at least 604800000"}},
		{"small messages", 3, map[string]string{"cleanup.policy": "delete", "retention.ms": "604800000", "max.message.bytes": "1000000"}, wanted,
			[]string{"max.message.bytes 1000000, want at least 4259840"}},
		{"all at once", 2, map[string]string{"cleanup.policy": "delete", "retention.ms": "1000", "max.message.bytes": "1000000"}, wanted,
			[]string{"has 2 partitions", "retention.ms 1000", "max.message.bytes 1000000"}},
	}
	h := start(t)
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name := "t" + string(rune('a'+i))
			make := kafkago.TopicConfig{Topic: h.cfg.Prefix + name, NumPartitions: tt.partitions, ReplicationFactor: 1}
			make.ConfigEntries = []kafkago.ConfigEntry{}
			if _, ok := tt.has["max.message.bytes"]; !ok {
				make.ConfigEntries = append(make.ConfigEntries, kafkago.ConfigEntry{ConfigName: "max.message.bytes", ConfigValue: strings.Fields(limit)[1]})
			}
			for k, v := range tt.has {
				make.ConfigEntries = append(make.ConfigEntries, kafkago.ConfigEntry{ConfigName: k, ConfigValue: v})
			}
			create(t, h, make)
			err := h.Ensure(within(t), []topics.Topic{{Name: name, Partitions: 3, Config: tt.want}})
			if len(tt.complaints) == 0 {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil {
				t.Fatal("no complaint")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(tt.complaints) {
				t.Fatalf("got %d complaints, want %d:\n%v", len(lines), len(tt.complaints), err)
			}
			for _, want := range tt.complaints {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got\n%v\nwant %q in it", err, want)
				}
			}
			for _, line := range lines {
				if !strings.HasPrefix(line, "topic "+h.cfg.Prefix+name) {
					t.Errorf("%q does not name the topic", line)
				}
			}
		})
	}
}

// create makes a topic as somebody else would.
func create(t *testing.T, h *harness, topic kafkago.TopicConfig) {
	t.Helper()
	conn, err := kafkago.DialContext(within(t), "tcp", h.cfg.Brokers[0])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.CreateTopics(topic); err != nil {
		t.Fatal(err)
	}
}

func TestEnsureMakesNothingThatCouldBeMisread(t *testing.T) {
	h := start(t)
	tests := map[string]topics.Topic{
		"retention that is no number": {Name: "a", Partitions: 1, Config: map[string]string{"retention.ms": "abc"}},
		"negative retention":          {Name: "a", Partitions: 1, Config: map[string]string{"retention.ms": "-5"}},
		"unknown policy":              {Name: "a", Partitions: 1, Config: map[string]string{"cleanup.policy": "shrink"}},
		"no partitions":               {Name: "a", Config: map[string]string{}},
		"no name":                     {Partitions: 1},
	}
	for name, topic := range tests {
		t.Run(name, func(t *testing.T) {
			if err := h.Ensure(within(t), []topics.Topic{topic}); err == nil {
				t.Error("it was made")
			}
		})
	}
}

func TestUnreachableBrokerIsOneSentence(t *testing.T) {
	h := embedded(t)
	gone := kafka.Config{Brokers: []string{"127.0.0.1:1"}}
	c := h.client(t, gone)
	w, err := c.Writer(kafka.WriterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	_, offsets := c.Offsets(within(t), "a")
	_, committed := c.Committed(within(t), "g", "a")
	for name, err := range map[string]error{
		"ensure":    c.Ensure(within(t), []topics.Topic{deleted("a", 1)}),
		"write":     w.Write(within(t), kafka.Message{Topic: "a", Key: []byte("k")}),
		"read all":  c.ReadAll(within(t), "a", 0, func(kafka.Message) error { return nil }),
		"offsets":   offsets,
		"committed": committed,
	} {
		if !errors.Is(err, kafka.ErrUnreachable) {
			t.Errorf("%s: got %v, want ErrUnreachable", name, err)
			continue
		}
		const want = "Kafka broker 127.0.0.1:1 cannot be reached (connect: connection refused): check that it runs and that the configured brokers are right"
		if !strings.HasSuffix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %q, want one sentence that ends in %q", name, err, want)
		}
	}
}
