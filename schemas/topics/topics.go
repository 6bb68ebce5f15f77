// Package topics names the Kafka topics of jitaudit, and the settings that it
// relies on.
package topics

import (
	"maps"
	"slices"
)

// Topic is one Kafka topic of jitaudit.
type Topic struct {
	// Name is without the prefix.
	Name string
	// Partitions is fixed once the topic exists: keys must not move.
	Partitions int
	// Config are the settings that jitaudit relies on, as Kafka names them.
	Config map[string]string
}

// The names of the topics, without prefix. The table of docs/stream.md says
// what is in them.
const (
	RawOkta       = "raw.okta"
	RawCloudTrail = "raw.cloudtrail"
	RawApprovals  = "raw.approvals"
	Facts         = "facts"
	State         = "state"
	Checkpoints   = "checkpoints"
	Grants        = "grants"
	Assumptions   = "assumptions"
	Sessions      = "sessions"
	Findings      = "findings"
	Uses          = "uses"
	Coverage      = "coverage"
	Activity      = "activity"
	Triage        = "triage"
	DeadLetters   = "deadletter"
	SentLog       = "sentlog"
	Policies      = "policies"
)

// All are all topics. partitions is that of raw, facts, state and activity.
func All(partitions int) []Topic {
	deleted := map[string]string{"cleanup.policy": "delete", "retention.ms": "604800000"} // 7 days
	compacted := map[string]string{"cleanup.policy": "compact"}
	// A deletion must be seen by whoever was away for a week.
	results := map[string]string{"cleanup.policy": "compact", "min.compaction.lag.ms": "604800000"}
	all := []Topic{
		{RawOkta, partitions, deleted},
		{RawCloudTrail, partitions, deleted},
		{RawApprovals, partitions, deleted},
		{Facts, partitions, deleted},
		{State, partitions, compacted},
		{Checkpoints, 1, compacted},
		{Activity, partitions, deleted},
		{Triage, 1, compacted}, // each decision has an id of its own
		{DeadLetters, 1, map[string]string{"cleanup.policy": "delete", "retention.ms": "2592000000"}}, // 30 days
		{Policies, 1, compacted}, // each has an id of its own
		{SentLog, 1, compacted},  // whoever is given its partition leads: one at a time
	}
	for _, name := range Results() {
		all = append(all, Topic{name, partitions, results})
	}
	for i := range all {
		all[i].Config = maps.Clone(all[i].Config)
	}
	return all
}

// Raw are the topics of what the sources say.
func Raw() []string { return slices.Clone([]string{RawOkta, RawCloudTrail, RawApprovals}) }

// Results are the topics of the records that Rebuild amounts to, each under
// its own id, with a version and, at the end, a deletion.
func Results() []string {
	return slices.Clone([]string{Grants, Assumptions, Sessions, Findings, Uses, Coverage})
}
