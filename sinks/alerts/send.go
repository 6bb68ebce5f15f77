package alerts

import (
	"context"
	"math/rand/v2"
	"time"
)

// outcome is how telling a job went: it was acknowledged, or was refused for the
// reason of err, or given up as the lead has ended.
type outcome struct {
	job     *job
	err     error
	refused bool
}

const (
	// answerGrace is how long the receiver may take to answer when the lead has
	// ended, so that what it takes need not be told again; writeGrace is how long
	// after that end writing down may take. Both are over before the consumer group
	// gives the lead to another.
	answerGrace = 3 * time.Second
	writeGrace  = 5 * time.Second
)

// outlast returns a context that ends so long after ctx has.
func outlast(ctx context.Context, by time.Duration) (context.Context, func()) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		over := time.NewTimer(by)
		defer over.Stop()
		select {
		case <-over.C:
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() { stop(); cancel() }
}

// send tells the receiver until it takes or refuses the job, or ctx ends. The log
// says once that it fails, and once that it goes on.
func (d *Dispatcher) send(ctx context.Context, j *job) outcome {
	patient, cancel := outlast(ctx, answerGrace)
	defer cancel()
	for failed := 0; ; failed++ {
		retry, err := d.receiver.Send(patient, j.notice)
		switch {
		case err == nil:
			if failed > 0 {
				d.log.Info("the receiver takes alerts again", "attempts", failed+1)
			}
			d.state.fail(nil, time.Time{})
			return outcome{job: j}
		case ctx.Err() != nil:
			return outcome{job: j, err: context.Cause(ctx)}
		case !retry:
			return outcome{job: j, err: err, refused: true}
		}
		d.metrics.failures.Inc()
		d.state.fail(err, d.cfg.Now())
		if failed == 0 {
			d.log.Warn("the receiver takes no alerts; they wait and are told again until it does", "error", err)
		}
		over, stop := d.timer(max(d.backoff(failed), Delay(err)))
		select {
		case <-over:
		case <-ctx.Done():
			stop()
			return outcome{job: j, err: context.Cause(ctx)}
		}
	}
}

// backoff is how long to wait after so many failures before the last: twice as long
// each time, and up to a fifth less, so that instances do not come in step.
func (d *Dispatcher) backoff(failed int) time.Duration {
	wait := d.cfg.MinBackoff
	for ; failed > 0 && wait < d.cfg.MaxBackoff; failed-- {
		wait *= 2
	}
	wait = min(wait, d.cfg.MaxBackoff)
	return wait - time.Duration(rand.Int64N(int64(wait)/5+1))
}
