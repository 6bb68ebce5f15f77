package alerts

import "time"

// Writer is what is between a dispatcher and its sent log.
type Writer = writer

// Limits that tests rely on.
const (
	FetchMost = fetchMost
	SumMost   = sumMost
)

// Timed makes a dispatcher wait by another clock.
func (d *Dispatcher) Timed(timer func(time.Duration) (<-chan time.Time, func())) { d.timer = timer }

// Wrap puts something between a dispatcher and its sent log.
func (d *Dispatcher) Wrap(w func(Writer) Writer) { d.wrap = w }
