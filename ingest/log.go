package ingest

import (
	"context"
	"time"

	"jitaudit/schemas"
)

// Message is what a collector puts into a Log.
type Message struct {
	Source schemas.Source
	Kind   schemas.RawKind
	// ID and Time are the event's own; empty and zero where it has none.
	ID   string
	Time time.Time
	// Raw is the vendor's JSON, byte for byte; for the other kinds the record of
	// package schemas as JSON.
	Raw []byte
}

// Log is where collectors put what they read, and remember how far they are.
// All methods return after the log has made what they wrote durable; after an
// error it is not known whether it has, and the caller does it again.
type Log interface {
	// Append adds messages of one shard, in order. A message that the log
	// refuses for its own sake (too large) becomes a dead letter and no error.
	Append(ctx context.Context, shard string, messages []Message) error
	// Checkpoint returns what SetCheckpoint was given last, nil if nothing.
	Checkpoint(ctx context.Context, shard string) ([]byte, error)
	SetCheckpoint(ctx context.Context, shard string, checkpoint []byte) error
}
