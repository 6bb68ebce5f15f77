package kafka

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"jitaudit/schemas/topics"
)

// The settings of topics that we know the meaning of, as Kafka names them:
// https://kafka.apache.org/documentation/#topicconfigs
const (
	cleanupPolicy   = "cleanup.policy"
	maxMessageBytes = "max.message.bytes"
)

// atLeast are the numeric settings of which more than wanted is as good; the
// value is what stands for "without limit", which is good too.
func atLeast() map[string]int64 {
	const never = -1 << 62 // a value that no setting has
	return map[string]int64{
		"retention.ms":          -1,
		"retention.bytes":       -1,
		"min.compaction.lag.ms": never,
		"delete.retention.ms":   never,
		maxMessageBytes:         never,
		"min.insync.replicas":   never,
	}
}

// checkTopic refuses to make a topic that the broker might read otherwise than
// meant: some take any text for a number.
func checkTopic(t topics.Topic) error {
	if t.Name == "" || t.Partitions < 1 {
		return fmt.Errorf("topic %q with %d partitions: want a name and at least 1", t.Name, t.Partitions)
	}
	for setting, value := range t.Config {
		if _, err := parseSetting(setting, value); err != nil {
			return fmt.Errorf("topic %s: %s is %q: %w", t.Name, setting, value, err)
		}
	}
	return nil
}

// parseSetting returns the number that a numeric setting has, 0 for others.
func parseSetting(setting, value string) (int64, error) {
	if setting == cleanupPolicy {
		for _, p := range policies(value) {
			if p != "compact" && p != "delete" {
				return 0, fmt.Errorf("want compact, delete or both")
			}
		}
		return 0, nil
	}
	unlimited, numeric := atLeast()[setting]
	if !numeric {
		return 0, nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("want a whole number")
	}
	if n < 0 && n != unlimited {
		return 0, fmt.Errorf("want a number that is not negative")
	}
	return n, nil
}

// checkSetting compares one setting on the broker with what is wanted.
func checkSetting(topic, setting, want string, actual map[string]string) error {
	have, ok := actual[setting]
	if !ok {
		return fmt.Errorf("topic %s: the broker does not say its %s, want %s: allow DescribeConfigs on topics to the user that is configured", topic, setting, want)
	}
	change := fmt.Sprintf("set it with kafka-configs --alter --entity-type topics --entity-name %s --add-config %s=%s", topic, setting, want)
	if setting == cleanupPolicy && strings.Contains(want, ",") {
		change = strings.Replace(change, "="+want, "=["+want+"]", 1)
	}
	n, err := parseSetting(setting, have)
	if err != nil {
		return fmt.Errorf("topic %s has %s %q on the broker: %w, such as %s: %s", topic, setting, have, err, want, change)
	}
	unlimited, numeric := atLeast()[setting]
	switch {
	case setting == cleanupPolicy:
		if slices.Equal(policies(have), policies(want)) {
			return nil
		}
		return fmt.Errorf("topic %s has %s %s, want %s: %s", topic, setting, have, want, change)
	case !numeric:
		if have == want {
			return nil
		}
		return fmt.Errorf("topic %s has %s %s, want %s: %s", topic, setting, have, want, change)
	}
	least, err := parseSetting(setting, want)
	if err != nil {
		return fmt.Errorf("topic %s: wanted %s %q: %w", topic, setting, want, err)
	}
	if n == unlimited || least != unlimited && n >= least {
		return nil
	}
	return fmt.Errorf("topic %s has %s %s, want at least %s: %s", topic, setting, have, want, change)
}

func policies(value string) []string {
	parts := strings.Split(value, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	slices.Sort(parts)
	return slices.Compact(parts)
}
