package stream

import (
	"context"
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
	w        *kafka.Writer
	messages []kafka.Message
	// texts are the keys and values of some of the messages. Once these are
	// written they are used again.
	texts []byte
	size  int
}

// publishBytes is about how much of what a tick lets out is held encoded.
const publishBytes = 4 << 20

// publish writes all that a tick lets out. Relays speak of entries that must
// stand before them.
func (o *owner) publish(ctx context.Context, out *partition.Output) error {
	p := publication{w: o.w}
	if err := o.publishAll(ctx, &p, out); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	if len(out.Relays) > 0 {
		if err := o.cfg.everywhere(ctx, o.w, out.Relays...); err != nil {
			return fmt.Errorf("write coverage: %w", err)
		}
	}
	return nil
}

func (o *owner) publishAll(ctx context.Context, p *publication, out *partition.Output) error {
	for _, e := range out.Entries {
		if err := p.entry(ctx, e); err != nil {
			return err
		}
	}
	for i := range out.Results {
		r := &out.Results[i]
		if err := p.add(ctx, kafka.Message{Topic: r.Topic, Key: []byte(r.ID), Value: r.Value}); err != nil {
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
	return p.flush(ctx)
}

func (p *publication) entry(ctx context.Context, e *entry.Entry) error {
	b, err := e.Encode()
	if err != nil {
		return err
	}
	return p.add(ctx, kafka.Message{Topic: topics.Facts, Key: []byte(e.To), Value: b})
}

func (p *publication) activity(ctx context.Context, a schemas.Activity) error {
	at := len(p.texts)
	p.texts = append(p.texts, a.EventID...)
	value := len(p.texts)
	var err error
	if p.texts, err = appendActivity(p.texts, &a); err != nil {
		return err
	}
	end := len(p.texts)
	return p.add(ctx, kafka.Message{Topic: topics.Activity, Key: p.texts[at:value:value], Value: p.texts[value:end:end]})
}

func (p *publication) add(ctx context.Context, m kafka.Message) error {
	p.messages = append(p.messages, m)
	if p.size += len(m.Key) + len(m.Value); p.size < publishBytes {
		return nil
	}
	return p.flush(ctx)
}

func (p *publication) flush(ctx context.Context) error {
	if err := p.w.Write(ctx, p.messages...); err != nil {
		return err
	}
	clear(p.messages)
	p.messages, p.texts, p.size = p.messages[:0], p.texts[:0], 0
	return nil
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
