package alerts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// batch is what was read of a partition at once.
type batch struct {
	place
	entries []entry
	// next is the offset after it, lag how many records are left behind that.
	next, lag int64
}

// entry is a record, or a decision, or what can be read as neither.
type entry struct {
	record *record
	triage *schemas.Triage
	letter *schemas.DeadLetter
}

// fetchMost is how many records are read of a partition at once.
const fetchMost = 500

// follow brings the records of a partition from an offset on until ctx ends.
func (l *lead) follow(ctx context.Context, p place, from int64) error {
	f := l.client.Follow(p.topic, p.partition, from)
	for {
		messages, err := f.Fetch(ctx, fetchMost)
		var lost *kafka.OffsetLostError
		if errors.As(err, &lost) {
			l.lost(p, lost.Offset, kafka.Bounds{First: lost.First, End: lost.End})
			f = l.client.Follow(p.topic, p.partition, lost.First)
			continue
		}
		if err != nil {
			return err
		}
		b := &batch{place: p, next: messages[len(messages)-1].Offset + 1, lag: f.Lag()}
		for i := range messages {
			b.entries = append(b.entries, read(&messages[i]))
		}
		select {
		case l.feed <- b:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// lost says that an offset is outside the log. Reading goes on from the first record
// that there is. In a topic that is compacted the last version of each record stays,
// and with it all that is still to be told of it: what compaction took were versions
// in between. Only a topic from which somebody deletes records, or that was made
// anew, loses more. What was told before is not told again, by its version.
func (l *lead) lost(p place, offset int64, b kafka.Bounds) {
	l.log.Warn("the place where reading was to go on is not in the log any more; it goes on from the first record there is",
		"topic", p.topic, "partition", p.partition, "offset", offset, "first", b.First, "end", b.End)
}

// read reads a message.
func read(m *kafka.Message) entry {
	if m.Topic == topics.Triage {
		if m.Value == nil {
			return entry{}
		}
		t := new(schemas.Triage)
		if err := json.Unmarshal(m.Value, t); err != nil {
			return entry{letter: unreadable(m, err)}
		}
		return entry{triage: t}
	}
	r, err := decode(m)
	if err != nil {
		return entry{letter: unreadable(m, err)}
	}
	return entry{record: r}
}

// unreadable is a message that is no record.
func unreadable(m *kafka.Message, err error) *schemas.DeadLetter {
	return &schemas.DeadLetter{
		Source: schemas.Pipeline, File: fmt.Sprintf("%s/%d", m.Topic, m.Partition), Record: m.Offset,
		Reason: fmt.Sprintf("alerts cannot read it: %v", err), Raw: m.Value[:min(len(m.Value), schemas.RawLimit)],
	}
}

// lookEvery is how often it is looked how far behind this receiver is.
const lookEvery = 15 * time.Second

// watch tells the lag until ctx ends, also while nothing is read. What Kafka does not
// answer is asked again next time.
func (l *lead) watch(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		for _, k := range l.cfg.Kinds {
			bounds, err := l.client.Offsets(ctx, k.topic())
			if err != nil {
				continue
			}
			var lag int64
			for p, b := range bounds {
				if done, ok := l.progress.of(place{k.topic(), p}); ok {
					lag += max(0, b.End-max(b.First, done))
				}
			}
			l.metrics.lag.WithLabelValues(k.topic()).Set(float64(lag))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
