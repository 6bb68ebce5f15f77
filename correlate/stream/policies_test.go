package stream_test

import (
	"encoding/json"
	"testing"

	"jitaudit/correlate/stream"
	"jitaudit/correlate/stream/entry"
	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// Whoever asks later what a policy said finds it in its topic, once, as it was
// published first.
func TestPoliciesAreKeptWithTheirText(t *testing.T) {
	p := newPlace(t)
	const text = "groups: [{match: '^AWS-(?P<account>[0-9]{12})-(?P<role>[A-Za-z]+)$'}]\n"
	publish := func(texts ...string) {
		t.Helper()
		var all []entry.Policy
		for _, s := range texts {
			all = append(all, entry.Policy{Name: "policy.yaml", Data: []byte(s)})
		}
		if err := stream.PublishPolicies(t.Context(), p.config(), all); err != nil {
			t.Fatal(err)
		}
	}
	later := text + "effective_from: 2026-03-01T00:00:00Z\n"
	publish(text)
	publish(text, later)
	publish(later)
	var kept []schemas.PublishedPolicy
	if err := p.client.ReadAll(t.Context(), topics.Policies, 0, func(m kafka.Message) error {
		var r schemas.PublishedPolicy
		kept = append(kept, r)
		return json.Unmarshal(m.Value, &kept[len(kept)-1])
	}); err != nil {
		t.Fatal(err)
	}
	if len(kept) != 2 || kept[0].Text != text || kept[1].Text != later || kept[0].Published.IsZero() || kept[1].EffectiveFrom.IsZero() || kept[0].ID == kept[1].ID {
		t.Errorf("kept: %+v", kept)
	}
}
