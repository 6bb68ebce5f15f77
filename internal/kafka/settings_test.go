package kafka

import (
	"strings"
	"testing"
)

// A broker may hold what it should never have taken.
func TestSettingOfTheBrokerIsReadStrictly(t *testing.T) {
	tests := []struct {
		name, setting, want string
		actual              map[string]string
		complaint           string
	}{
		{"text", "retention.ms", "1000", map[string]string{"retention.ms": "abc"}, `topic t has retention.ms "abc" on the broker: want a whole number, such as 1000`},
		{"nothing", "retention.ms", "1000", map[string]string{"retention.ms": ""}, `retention.ms "" on the broker: want a whole number`},
		{"a fraction", "retention.ms", "1000", map[string]string{"retention.ms": "1e9"}, "want a whole number"},
		{"negative", "retention.ms", "1000", map[string]string{"retention.ms": "-7"}, "not negative"},
		{"without limit", "retention.ms", "1000", map[string]string{"retention.ms": "-1"}, ""},
		{"wanted without limit", "retention.ms", "-1", map[string]string{"retention.ms": "1000"}, "want at least -1"},
		{"no lag without limit", "min.compaction.lag.ms", "0", map[string]string{"min.compaction.lag.ms": "-1"}, "not negative"},
		{"policies in another order", "cleanup.policy", "compact,delete", map[string]string{"cleanup.policy": "delete, compact"}, ""},
		{"one policy more", "cleanup.policy", "compact", map[string]string{"cleanup.policy": "compact,delete"}, "has cleanup.policy compact,delete, want compact"},
		{"both policies wanted", "cleanup.policy", "compact,delete", map[string]string{"cleanup.policy": "compact"}, "cleanup.policy=[compact,delete]"},
		{"unknown policy", "cleanup.policy", "compact", map[string]string{"cleanup.policy": "shrink"}, "want compact, delete or both"},
		{"other setting", "compression.type", "producer", map[string]string{"compression.type": "gzip"}, "has compression.type gzip, want producer"},
		{"not told", "retention.ms", "1000", map[string]string{}, "the broker does not say its retention.ms"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := checkSetting("t", tt.setting, tt.want, tt.actual)
			if tt.complaint == "" && err != nil || tt.complaint != "" && (err == nil || !strings.Contains(err.Error(), tt.complaint)) {
				t.Errorf("got %v, want %q", err, tt.complaint)
			}
		})
	}
}
