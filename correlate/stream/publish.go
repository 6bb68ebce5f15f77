package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"jitaudit/correlate/stream/entry"
	"jitaudit/correlate/stream/partition"
	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// publication writes what a tick lets out, some at a time: a tick after a
// backlog lets out all that has come of it.
type publication struct {
	w *kafka.Writer
	// part is being filled, while the one before is written; spare is the one
	// before that, to be used again.
	part, spare *part
	writing     chan error // nil when nothing is being written
}

// part is what is written at once.
type part struct {
	messages []kafka.Message
	// texts are the keys and values of some of the messages.
	texts []byte
	size  int
}

// publishBytes is about how much of what a tick lets out is held encoded.
const publishBytes = 4 << 20

// publish writes all that a tick lets out. Relays and coverage speak of entries and
// results that must stand before them.
func (o *owner) publish(ctx context.Context, out *partition.Output) error {
	p := publication{w: o.w, part: new(part), spare: new(part)}
	err := o.publishAll(ctx, &p, out)
	if err == nil {
		err = p.flush(ctx)
	}
	if err = errors.Join(err, p.wait()); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	if err := o.w.Write(ctx, messages(out.Covered)...); err != nil {
		return fmt.Errorf("write coverage: %w", err)
	}
	if len(out.Relays) > 0 {
		if err := o.cfg.everywhere(ctx, o.w, out.Relays...); err != nil {
			return fmt.Errorf("relay coverage: %w", err)
		}
	}
	return nil
}

func messages(results []partition.Result) []kafka.Message {
	out := make([]kafka.Message, len(results))
	for i := range results {
		out[i] = message(&results[i])
	}
	return out
}

// message is a result as its topic has it. Why it came stands beside the record:
// it depends on what came when, and the record does not.
func message(r *partition.Result) kafka.Message {
	m := kafka.Message{Topic: r.Topic, Key: []byte(r.ID), Value: r.Value}
	if r.Cause != "" {
		m.Headers = []kafka.Header{{Key: schemas.CauseHeader, Value: []byte(r.Cause)}}
	}
	return m
}

func (o *owner) publishAll(ctx context.Context, p *publication, out *partition.Output) error {
	for _, e := range out.Entries {
		if err := p.entry(ctx, e); err != nil {
			return err
		}
	}
	for _, e := range out.Own {
		b, err := e.Encode()
		if err != nil {
			return err
		}
		if err := p.add(ctx, kafka.Message{Topic: topics.Facts, Partition: o.claim.Partition, Pinned: true, Value: b}); err != nil {
			return err
		}
	}
	for i := range out.Results {
		r := &out.Results[i]
		if err := p.add(ctx, message(r)); err != nil {
			return err
		}
	}
	for _, c := range out.Calls {
		if err := p.activity(ctx, c.Activity()); err != nil {
			return err
		}
	}
	for i := range out.Late {
		m, err := o.late(&out.Late[i])
		if err == nil {
			err = p.add(ctx, m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *publication) entry(ctx context.Context, e *entry.Entry) error {
	b, err := e.Encode()
	if err != nil {
		return err
	}
	return p.add(ctx, kafka.Message{Topic: topics.Facts, Key: []byte(e.To), Value: b})
}

func (p *publication) activity(ctx context.Context, a schemas.Activity) error {
	texts := p.part.texts
	at := len(texts)
	texts = append(texts, a.EventID...)
	value := len(texts)
	texts, err := appendActivity(texts, &a)
	if err != nil {
		return err
	}
	end := len(texts)
	p.part.texts = texts
	return p.add(ctx, kafka.Message{Topic: topics.Activity, Key: texts[at:value:value], Value: texts[value:end:end]})
}

func (p *publication) add(ctx context.Context, m kafka.Message) error {
	p.part.messages = append(p.part.messages, m)
	if p.part.size += len(m.Key) + len(m.Value); p.part.size < publishBytes {
		return nil
	}
	return p.flush(ctx)
}

// flush begins to write the part, once the one before is written.
func (p *publication) flush(ctx context.Context) error {
	if err := p.wait(); err != nil {
		return err
	}
	full := p.part
	p.part, p.spare = p.spare, full
	clear(p.part.messages)
	p.part.messages, p.part.texts, p.part.size = p.part.messages[:0], p.part.texts[:0], 0
	writing := make(chan error, 1)
	p.writing = writing
	go func() { writing <- p.w.Write(ctx, full.messages...) }()
	return nil
}

// wait returns when nothing is being written.
func (p *publication) wait() error {
	if p.writing == nil {
		return nil
	}
	err := <-p.writing
	p.writing = nil
	return err
}

func (o *owner) late(l *partition.Late) (kafka.Message, error) {
	o.cfg.Log.Warn("a fact came after its interval was sealed; it is in the dead letters and changes no result",
		"event", l.ID, "at", l.At, "horizon", o.cfg.Horizon)
	return deadLetter(&schemas.DeadLetter{
		Source: l.Source, File: topics.Facts + "/" + strconv.Itoa(o.claim.Partition), Record: l.Offset,
		Reason: fmt.Sprintf("event %s of %s came after its interval had been sealed (horizon %s): it changes no result",
			l.ID, l.At.Format(time.RFC3339), o.cfg.Horizon),
	})
}
