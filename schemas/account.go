package schemas

import "time"

// CoverageBasis says why an interval counts as complete.
type CoverageBasis string

// The bases of coverage.
const (
	CoverageAssumed  CoverageBasis = "assumed"  // the poll reached the end, and the lateness bound has passed
	CoverageVerified CoverageBasis = "verified" // a trail digest proves it
)

// Coverage is an interval [From, To) of event time in which every event of the
// shard is held.
type Coverage struct {
	Shard string        `json:"shard"`
	From  time.Time     `json:"from"`
	To    time.Time     `json:"to"`
	Basis CoverageBasis `json:"basis"`
}

// Shards are the shards that are collected. Until all of them are covered past
// an instant nothing that was before it is final.
type Shards struct {
	Shards []string `json:"shards"`
}

// Ledger accounts for every record read from one source:
// Read = Used + Irrelevant + Duplicate + Corrected + Dead.
type Ledger struct {
	Source Source `json:"source"`
	Read   int64  `json:"read"`
	// Used became facts that the results are made of.
	Used int64 `json:"used"`
	// Irrelevant are well-formed events that say nothing about a JIT session.
	Irrelevant int64 `json:"irrelevant"`
	// Duplicate are byte-equal copies of a used event.
	Duplicate int64 `json:"duplicate"`
	// Corrected are copies of a used event with other content that lost
	// against it.
	Corrected int64 `json:"corrected"`
	// Dead are records that could not be read; each is a DeadLetter.
	Dead int64 `json:"dead"`
}

// Balanced reports whether the ledger adds up.
func (l Ledger) Balanced() bool {
	return l.Read == l.Used+l.Irrelevant+l.Duplicate+l.Corrected+l.Dead
}

// DeadLetter is input that was refused, with its position.
type DeadLetter struct {
	Source Source `json:"source"`
	File   string `json:"file"`
	// Record is the record's number in the file, from 1; 0 where the file as
	// such cannot be read.
	Record int64 `json:"record"`
	// Offset is where the record starts, in bytes of the uncompressed file.
	Offset int64 `json:"offset"`
	// Reason is one sentence: what is wrong and what to do.
	Reason string `json:"reason"`
	// Raw are the record's bytes, cut after RawLimit; base64 in JSON.
	Raw []byte `json:"raw,omitempty"`
}

// RawLimit bounds the bytes that a dead letter keeps of its record.
const RawLimit = 64 << 10
