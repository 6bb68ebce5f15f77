package alerts

import (
	"encoding/json"
	"fmt"

	"jitaudit/internal/visible"
	"jitaudit/schemas"
)

// settle deals with how telling a job went.
func (l *lead) settle(o outcome) error {
	j := o.job
	switch {
	case o.err == nil:
		if err := l.write(j, false); err != nil {
			return err
		}
		l.metrics.told(j, l.cfg.Now())
	case !o.refused:
		return o.err
	case len(j.items) > 1:
		l.divide(j)
		return nil
	default:
		if err := l.refuse(j, o.err); err != nil {
			return err
		}
	}
	l.over(j)
	return nil
}

// over forgets a job.
func (l *lead) over(j *job) {
	if j.sum != nil {
		l.summed -= len(j.sum.told)
		for id := range j.sum.told {
			l.untrack(id, 1)
		}
	}
	l.inFlight -= len(j.items)
	for _, it := range j.items {
		l.untrack(it.rec.id(), 1)
	}
	if j.group != nil {
		j.group.told, j.group.sending = l.cfg.Now(), false
	}
}

const reasonLimit = 500

// refuse makes a dead letter of what the receiver does not take.
func (l *lead) refuse(j *job, why error) error {
	letter := schemas.DeadLetter{Source: schemas.Pipeline, Reason: fmt.Sprintf("receiver %s refused it: %s", l.cfg.Name, visible.Clip(why.Error(), reasonLimit))}
	var value any = j.notice.Digest
	letter.File = "digest " + j.notice.ID
	n := 1
	if j.sum == nil {
		r := j.items[0].rec
		value = r.value()
		letter.File, letter.Record = fmt.Sprintf("%s/%d", r.at.topic, r.at.partition), r.offset
	} else {
		n = j.sum.total
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write down what receiver %s refused: %w", l.cfg.Name, err)
	}
	letter.Raw = raw[:min(len(raw), schemas.RawLimit)]
	if err := l.bury(letter); err != nil {
		return err
	}
	if err := l.write(j, true); err != nil {
		return err
	}
	l.metrics.refused.Add(float64(n))
	l.log.Warn("the receiver refused alerts; they are dead letters now, and not told again", "alerts", n, "notice", j.notice.ID, "error", visible.Clip(why.Error(), reasonLimit))
	return nil
}

func (l *lead) bury(letter schemas.DeadLetter) error {
	if err := l.letters.Bury(l.patient, []schemas.DeadLetter{letter}); err != nil {
		return fmt.Errorf("keep the dead letter of %s, offset %d: %w", letter.File, letter.Record, err)
	}
	return nil
}
