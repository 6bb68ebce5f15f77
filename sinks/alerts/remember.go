package alerts

import (
	"fmt"
	"time"

	"jitaudit/schemas/topics"
)

// write puts into the sent log what a job comes to, once it was acknowledged or
// refused, and with it all else that has come up: records, threads, and offsets
// last, before which all must be remembered. Nil stands for no job.
func (l *lead) write(j *job, refused bool) (err error) {
	// What is written is taken to be there; nothing may rest on it if it is not.
	defer func() { l.failed = err != nil }()
	e := &entries{ctx: l.patient, to: l.writer, receiver: l.cfg.Name}
	if j != nil {
		if err := l.writeJob(e, j, refused); err != nil {
			return err
		}
	}
	for id, it := range l.silent {
		if l.waits(id, j) {
			continue // the sent log must not be ahead of the receiver
		}
		if err := e.add(recordKey, id, it.after); err != nil {
			return err
		}
		finish(it.tokens)
		delete(l.silent, id)
	}
	for key, t := range l.threads.take() {
		if err := e.add(threadKey, key, t); err != nil {
			return err
		}
	}
	if err := l.writeOffsets(e); err != nil {
		return err
	}
	l.wrote = l.cfg.Now()
	return e.flush()
}

// waits reports whether alerts of a record wait, but for those of a job.
func (l *lead) waits(id string, j *job) bool {
	t := l.tracks[id]
	if t == nil {
		return false
	}
	n := t.n
	if j != nil {
		if j.sum != nil {
			if _, in := j.sum.told[id]; in {
				n--
			}
		}
		for _, it := range j.items {
			if it.rec.id() == id {
				n--
			}
		}
	}
	return n > 0
}

func (l *lead) writeJob(e *entries, j *job, refused bool) error {
	if j.sum != nil {
		for id, c := range j.sum.told {
			after := c.after
			if refused {
				after = c.refused()
				l.replace(id, c.after, after)
			}
			if err := e.add(recordKey, id, after); err != nil {
				return err
			}
		}
		finish(j.sum.tokens)
		return nil
	}
	last := map[string]*Sent{}
	for _, it := range j.items {
		after := it.after
		if refused {
			after = it.rec.refused(it.before)
			l.replace(it.rec.id(), it.after, after)
		}
		last[it.rec.id()] = after
		finish(it.tokens)
	}
	for id, after := range last {
		if err := e.add(recordKey, id, after); err != nil {
			return err
		}
	}
	return nil
}

// replace corrects what was expected to be told of a record, unless more is.
func (l *lead) replace(id string, expected, is *Sent) {
	if l.sent[id] == expected {
		l.sent[id] = is
	}
}

// refused is what has been told of a record when a digest was not taken.
func (c change) refused() *Sent {
	s := Sent{Observed: c.after.Observed, Ends: c.after.Ends}
	if c.before != nil {
		s = *c.before
	}
	s.Version, s.Refused, s.Held = c.after.Version, true, nil
	return &s
}

func finish(tokens []*token) {
	for _, t := range tokens {
		t.done = true
	}
}

func (l *lead) writeOffsets(e *entries) error {
	for _, p := range l.positions {
		if p.topic == topics.Triage {
			continue // it is read as a whole at each start
		}
		done := p.done()
		if done == p.stored {
			continue
		}
		if err := e.add(offsetKey, fmt.Sprintf("%s/%d", p.topic, p.partition), Offset{Next: done}); err != nil {
			return err
		}
		p.stored = done
		l.progress.set(p)
	}
	return nil
}

// tidyEvery is how often what is over is forgotten.
const tidyEvery = time.Hour

// quiet reports whether nothing waits, and the sent log has the offsets of all that
// was read.
func (l *lead) quiet() bool {
	if l.telling || len(l.tracks) > 0 || len(l.silent) > 0 || l.behind() {
		return false
	}
	for _, p := range l.positions {
		if p.topic != topics.Triage && p.done() != p.stored {
			return false
		}
	}
	return true
}

// forget forgets what is over and was told long ago. It is called when all is quiet:
// then no version of what it forgets can be read again, and told again.
func (l *lead) forget(now time.Time) error {
	l.tidied = now
	e := &entries{ctx: l.patient, to: l.writer, receiver: l.cfg.Name}
	var gone []string
	for id, s := range l.sent {
		if s.forgettable(l.observed, l.cfg.ForgetAfter) {
			gone = append(gone, id)
			if err := e.add(recordKey, id, nil); err != nil {
				return err
			}
		}
	}
	threads := l.threads.old(l.observed.Add(-l.cfg.ForgetAfter))
	for _, key := range threads {
		if err := e.add(threadKey, key, nil); err != nil {
			return err
		}
	}
	if err := e.flush(); err != nil {
		return err
	}
	for _, id := range gone {
		delete(l.sent, id)
	}
	l.threads.forget(threads)
	return nil
}

// end waits for the receiver's answer, if one is expected, and writes down what it
// took: it will not be told again. The error is why the lead ends.
func (l *lead) end(why error) error {
	var j *job
	if l.telling {
		// Nothing may be sent when this has returned.
		if o := <-l.outcomes; o.err == nil {
			j = o.job
		}
	}
	if l.failed {
		return why
	}
	if err := l.write(j, false); err != nil {
		l.log.Warn("what was told last could not be written down, and may be told again", "error", err)
	} else if j != nil {
		l.metrics.told(j, l.cfg.Now())
	}
	return why
}
