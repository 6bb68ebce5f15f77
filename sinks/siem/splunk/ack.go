package splunk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// ticket is by what Splunk tells whether the bodies of one attempt are indexed.
type ticket struct {
	channel string
	// open are the ackIds not yet acknowledged. Splunk says true once and forgets.
	open map[int64]bool
}

// await asks until all of a ticket is acknowledged, AckTimeout has passed, or
// there is no use in asking.
func (r *Receiver) await(ctx context.Context, t *ticket) error {
	ctx, cancel := context.WithTimeoutCause(ctx, r.cfg.AckTimeout, errNotInTime)
	defer cancel()
	var failed error
	for wait := r.firstPoll; len(t.open) > 0; wait = min(2*wait, r.longestPoll) {
		due := time.NewTimer(wait)
		select {
		case <-due.C:
		case <-ctx.Done():
			due.Stop()
			return r.unanswered(ctx, t, failed)
		}
		var final bool
		if final, failed = r.ask(ctx, t); final {
			return fmt.Errorf("ask Splunk for acknowledgement: %w", failed)
		}
	}
	return nil
}

var errNotInTime = errors.New("not in time")

func (r *Receiver) unanswered(ctx context.Context, t *ticket, failed error) error {
	cause := context.Cause(ctx)
	if !errors.Is(cause, errNotInTime) {
		return fmt.Errorf("wait for Splunk's acknowledgement: %w", cause)
	}
	err := fmt.Errorf("%s has accepted %d bodies and not acknowledged them within %s; they are sent again (see whether indexing is slow, or whether a load balancer is without sticky sessions)",
		r.post.Host(), len(t.open), r.cfg.AckTimeout)
	if failed != nil {
		err = fmt.Errorf("%w; last: %w", err, failed)
	}
	return err
}

// ask puts the question once and strikes out what is acknowledged. An error is
// final if asking again cannot help.
func (r *Receiver) ask(ctx context.Context, t *ticket) (final bool, err error) {
	body, err := json.Marshal(struct {
		Acks []int64 `json:"acks"`
	}{slices.Sorted(maps.Keys(t.open))})
	if err != nil {
		return true, err
	}
	header := r.header()
	header.Set(channelHeader, t.channel)
	said, retry, err := r.post.Post(ctx, ackPath, header, body)
	a := parse(said)
	if err != nil {
		_, err = judge(a, retry, err, r.cfg)
		return a.is(codeAckDisabled) || a.is(codeNoChannel) || a.is(codeBadChannel), err
	}
	if a.Acks == nil {
		return false, fmt.Errorf("%s says nothing of acks", r.post.Host())
	}
	for id := range t.open {
		if a.Acks[strconv.FormatInt(id, 10)] {
			delete(t.open, id)
		}
	}
	return false, nil
}

// stillSilent asks, before events are sent once more that were accepted and are
// never to be acknowledged, whether the token acknowledges by now. Else each
// attempt would index them again.
func (r *Receiver) stillSilent(ctx context.Context) error {
	if !r.silent {
		return nil
	}
	_, err := r.ask(ctx, &ticket{channel: r.channel, open: map[int64]bool{0: true}})
	if errors.Is(err, errAckDisabled) {
		return fmt.Errorf("nothing is sent until that is mended: %w", err)
	}
	r.silent = false // any other answer is as well given to the events themselves
	return nil
}

// mostLate is how many attempts are remembered.
const mostLate = 4

// late remembers the attempts of one notice that were not acknowledged in time: if
// Splunk was only slow, the notice need not be sent again.
type late struct {
	notice  string
	tickets []*ticket
}

func (l *late) add(notice string, t *ticket) {
	if l.notice != notice {
		*l = late{notice: notice}
	}
	l.tickets = append(l.tickets, t)
	if len(l.tickets) > mostLate {
		l.tickets = l.tickets[1:]
	}
}

// arrived reports whether any earlier attempt is indexed as a whole by now.
func (l *late) arrived(ctx context.Context, r *Receiver, notice string) bool {
	if l.notice != notice {
		*l = late{}
		return false
	}
	for _, t := range l.tickets {
		// An error tells nothing: the notice is sent again, and that tells.
		_, _ = r.ask(ctx, t)
		if len(t.open) == 0 {
			*l = late{}
			return true
		}
	}
	return false
}
