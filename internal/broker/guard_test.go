package broker_test

import (
	"strings"
	"testing"

	kafkago "github.com/segmentio/kafka-go"

	"jitaudit/internal/broker"
)

func admin(t *testing.T, b *broker.Broker) *kafkago.Client {
	t.Helper()
	transport := &kafkago.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &kafkago.Client{Addr: kafkago.TCP(b.Addr()), Transport: transport}
}

func entries(settings map[string]string) []kafkago.ConfigEntry {
	var out []kafkago.ConfigEntry
	for k, v := range settings {
		out = append(out, kafkago.ConfigEntry{ConfigName: k, ConfigValue: v})
	}
	return out
}

func TestTopicsThatWouldBeMisreadAreRefused(t *testing.T) {
	tests := []struct {
		name     string
		settings map[string]string
		want     string // in the refusal; empty: it is made
	}{
		{"by age", map[string]string{"cleanup.policy": "delete", "retention.ms": "604800000"}, ""},
		{"compacted with lag", map[string]string{"cleanup.policy": "compact", "min.compaction.lag.ms": "604800000"}, ""},
		{"kept for ever", map[string]string{"retention.ms": "-1", "retention.bytes": "-1"}, ""},
		{"no settings", nil, ""},
		{"text for a number", map[string]string{"retention.ms": "abc"}, "retention.ms=abc: want a whole number from -1"},
		{"a unit", map[string]string{"retention.ms": "7d"}, "want a whole number"},
		{"below no limit", map[string]string{"retention.bytes": "-2"}, "want a whole number from -1"},
		{"deleting from compacted", map[string]string{"cleanup.policy": "compact", "retention.ms": "1000"}, "would delete from a compacted topic"},
		{"both policies", map[string]string{"cleanup.policy": "compact,delete"}, `cleanup.policy=compact,delete: the embedded broker has ["delete" "compact"]`},
		{"unknown setting", map[string]string{"max.compaction.lag.ms": "1"}, "does not have this setting"},
		{"time of appending", map[string]string{"message.timestamp.type": "LogAppendTime"}, "message.timestamp.type"},
	}
	b, err := broker.Start(broker.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c := admin(t, b)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name := strings.ReplaceAll(tt.name, " ", "-")
			topic := kafkago.TopicConfig{Topic: name, NumPartitions: 1, ReplicationFactor: 1, ConfigEntries: entries(tt.settings)}
			beside := kafkago.TopicConfig{Topic: "beside-" + name, NumPartitions: 1, ReplicationFactor: 1}
			res, err := c.CreateTopics(within(t), &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{topic, beside}})
			if err != nil {
				t.Fatal(err)
			}
			switch refusal := res.Errors[name]; {
			case tt.want == "" && (refusal != nil || res.Errors[beside.Topic] != nil):
				t.Errorf("refused: %v, %v", refusal, res.Errors[beside.Topic])
			case tt.want != "" && (refusal == nil || !strings.Contains(refusal.Error(), tt.want)):
				t.Errorf("got %v, want %q", refusal, tt.want)
			case tt.want != "" && res.Errors[beside.Topic] == nil:
				t.Error("the topic beside it was made")
			}
		})
	}
}

func TestAlteringIsCheckedToo(t *testing.T) {
	b, err := broker.Start(broker.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c := admin(t, b)
	if err := client(t, b.Addr()).Ensure(within(t), nil); err != nil {
		t.Fatal(err)
	}
	_, err = c.CreateTopics(within(t), &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{
		{Topic: "aged", NumPartitions: 1, ReplicationFactor: 1, ConfigEntries: entries(map[string]string{"retention.ms": "1000"})},
		{Topic: "compacted", NumPartitions: 1, ReplicationFactor: 1, ConfigEntries: entries(map[string]string{"cleanup.policy": "compact"})},
	}})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, topic, setting, value string
		ok                          bool
	}{
		{"longer", "aged", "retention.ms", "2000", true},
		{"text", "aged", "retention.ms", "abc", false},
		{"another policy", "aged", "cleanup.policy", "compact", false},
		{"deleting from compacted", "compacted", "retention.ms", "1000", false},
		{"larger messages", "compacted", "max.message.bytes", "5000000", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, err := c.IncrementalAlterConfigs(within(t), &kafkago.IncrementalAlterConfigsRequest{Resources: []kafkago.IncrementalAlterConfigsRequestResource{{
				ResourceType: kafkago.ResourceTypeTopic, ResourceName: tt.topic,
				Configs: []kafkago.IncrementalAlterConfigsRequestConfig{{Name: tt.setting, Value: tt.value, ConfigOperation: kafkago.ConfigOperationSet}},
			}}})
			if err != nil {
				t.Fatal(err)
			}
			if got := res.Resources[0].Error; (got == nil) != tt.ok {
				t.Errorf("got %v, want allowed: %t", got, tt.ok)
			}
		})
	}
}
