package alerts

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
	"jitaudit/sinks"
)

// lead is the time for which a dispatcher leads. All of it is for the goroutine of
// run, but for what others are given.
type lead struct {
	*Dispatcher
	client  *kafka.Client
	writer  writer
	letters sinks.DeadLetters

	positions map[place]*position
	// sent is what was told of each record when all that waits is; triage the last
	// decision about each finding.
	sent    map[string]*Sent
	triage  map[string]*schemas.Triage
	threads *threads
	// observed is up to when results were published that have been read.
	observed time.Time

	groups   map[string]*group
	backlogs map[DigestReason]*group
	// ready are groups that were found to be due.
	ready []*group
	// split are the alerts of a notice that was refused, to be told before others.
	split  []*job
	tracks map[string]*track
	// silent are versions that are only to be remembered, by record.
	silent map[string]*item
	// waiting, inFlight and summed are how many alerts wait and are being told one
	// by one, and how many records are in digests.
	waiting, inFlight, summed int

	feed     chan *batch
	outcomes chan outcome
	telling  bool // a job is being told
	failed   bool // the sent log could not be written
	progress progress
	// patient is the context of what is done even when the lead has ended: what
	// the receiver took must be remembered.
	patient context.Context
	// wrote is when offsets were last written, tidied when something was last
	// forgotten.
	wrote, tidied time.Time
}

func newLead(d *Dispatcher, client *kafka.Client, w writer, letters sinks.DeadLetters) *lead {
	return &lead{
		Dispatcher: d, client: client, writer: w, letters: letters,
		positions: map[place]*position{}, triage: map[string]*schemas.Triage{},
		groups: map[string]*group{}, tracks: map[string]*track{}, silent: map[string]*item{},
		backlogs: map[DigestReason]*group{TooOld: {key: string(TooOld), backlog: true}, Rejudged: {key: string(Rejudged), backlog: true}},
		feed:     make(chan *batch), outcomes: make(chan outcome, 1),
		progress: progress{done: map[place]int64{}},
		wrote:    d.cfg.Now(), tidied: d.cfg.Now(),
	}
}

// begin reads what is remembered and what has been decided, and finds out where to
// go on.
func (l *lead) begin(ctx context.Context) error {
	mem, err := l.load(ctx, l.client)
	if err != nil {
		return err
	}
	l.sent = mem.sent
	l.threads = &threads{log: l.log, known: mem.threads, fresh: map[string]bool{}}
	for _, s := range l.sent {
		l.see(s.Observed)
	}
	for _, k := range l.cfg.Kinds {
		bounds, err := l.client.Offsets(ctx, k.topic())
		if err != nil {
			return err
		}
		for id, b := range bounds {
			p := &position{place: place{k.topic(), id}, next: b.First, stored: -1}
			if offset, known := mem.offsets[p.place]; known {
				p.stored, p.next = offset, offset
				if offset < b.First || offset > b.End {
					l.lost(p.place, offset, b)
					p.next = b.First
				}
			}
			p.lag = b.End - p.next
			l.positions[p.place] = p
			l.progress.set(p)
		}
	}
	return l.readTriage(ctx)
}

// readTriage reads all decisions that there are. They are few, and what they say
// must be known before anything is told.
func (l *lead) readTriage(ctx context.Context) error {
	bounds, err := l.client.Offsets(ctx, topics.Triage)
	if err != nil {
		return err
	}
	for id := range bounds {
		p := &position{place: place{topics.Triage, id}}
		p.next, err = l.client.ReadFrom(ctx, topics.Triage, id, kafka.FirstOffset, func(m kafka.Message) error {
			if t := read(&m).triage; t != nil { // what cannot be read is the sink's to complain of
				l.latest(t)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("read what was decided about findings: %w", err)
		}
		l.positions[p.place] = p
	}
	var held []string
	for id, s := range l.sent {
		if s.Held != nil {
			held = append(held, id)
		}
	}
	slices.Sort(held)
	for _, id := range held {
		l.release(id)
	}
	return nil
}

// run tells the receiver until ctx ends or Kafka fails for good.
func (l *lead) run(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	for _, p := range l.positions {
		from := p.next
		g.Go(func() error { return l.follow(gctx, p.place, from) })
	}
	g.Go(func() error { return l.watch(gctx) })
	g.Go(func() error { return l.loop(gctx) })
	return g.Wait()
}

// offsetsEvery is how often offsets are written where nothing is told; what is read
// again after a restart comes to the same.
const offsetsEvery = 30 * time.Second

func (l *lead) loop(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var stop func()
	l.patient, stop = outlast(ctx, writeGrace)
	defer stop()
	for {
		wake, err := l.step(ctx)
		if err == nil {
			err = l.await(ctx, wake)
		}
		if err != nil {
			cancel()
			return l.end(err)
		}
	}
}

// step does what is due, and returns how long nothing else will be.
func (l *lead) step(ctx context.Context) (time.Duration, error) {
	now := l.cfg.Now()
	if now.Sub(l.wrote) >= offsetsEvery {
		if err := l.write(nil, false); err != nil {
			return 0, err
		}
	}
	if now.Sub(l.tidied) >= tidyEvery && l.quiet() {
		if err := l.forget(now); err != nil {
			return 0, err
		}
	}
	wake := l.wrote.Add(offsetsEvery)
	if !l.telling {
		j, at := l.next(now)
		switch {
		case j != nil:
			l.telling = true
			go func() { l.outcomes <- l.send(ctx, j) }()
		case !at.IsZero():
			wake = earlier(wake, at)
		}
	}
	l.count()
	return max(wake.Sub(now), 0), nil
}

// await deals with the next thing that happens, or returns after a while.
func (l *lead) await(ctx context.Context, most time.Duration) error {
	feed := l.feed
	if l.full() {
		feed = nil
	}
	over, stop := l.timer(most)
	defer stop()
	select {
	case b := <-feed:
		return l.handle(b)
	case o := <-l.outcomes:
		l.telling = false
		return l.settle(o)
	case <-over:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// full reports whether nothing may be read.
func (l *lead) full() bool {
	return l.waiting+l.inFlight >= l.cfg.MaxPending || l.summed >= sumMost
}

// behind reports whether there is more to be read, as far as known.
func (l *lead) behind() bool {
	for _, p := range l.positions {
		if p.lag > 0 {
			return true
		}
	}
	return false
}

// count tells how much waits.
func (l *lead) count() {
	n := l.waiting + l.inFlight + l.summed
	l.metrics.pending.Set(float64(n))
	l.state.wait(n)
}

// handle takes in what was read.
func (l *lead) handle(b *batch) error {
	p := l.positions[b.place]
	for i := range b.entries {
		switch e := &b.entries[i]; {
		case e.letter != nil:
			if err := l.bury(*e.letter); err != nil {
				return err
			}
		case e.triage != nil:
			if l.latest(e.triage) {
				l.decided(e.triage)
			}
		case e.record != nil:
			l.consider(e.record, p)
		}
	}
	p.next, p.lag = b.next, b.lag
	l.progress.set(p)
	return nil
}

// see notes when results were published.
func (l *lead) see(observed time.Time) {
	if observed.After(l.observed) {
		l.observed = observed
		l.threads.see(observed)
	}
}

// consider decides on a version of a record.
func (l *lead) consider(r *record, p *position) {
	id, meta := r.meta()
	l.see(meta.Observed)
	before := l.sent[id]
	if !before.told() && !l.cfg.Route.takes(r) {
		return
	}
	d := decide(before, r, l.triage[id], l.cfg.MaxAge, l.cfg.Now())
	switch {
	case d.stale:
	case d.mute == triaged:
		l.metrics.muted.WithLabelValues(string(d.mute)).Inc()
		l.remember(r, r.held(before), p)
	case d.change == "", d.mute != "":
		if d.mute != "" {
			l.metrics.muted.WithLabelValues(string(d.mute)).Inc()
		}
		if after := r.noted(before); after != nil {
			l.remember(r, after, p)
		}
	default:
		l.enqueue(r, d, before, p)
	}
}

// remember sees to it that a version which is not told gets into the sent log.
func (l *lead) remember(r *record, after *Sent, p *position) {
	id := r.id()
	it := l.silent[id]
	if it == nil {
		it = &item{tokens: []*token{{}}}
		l.silent[id] = it
	}
	it.rec, it.after = r, after
	l.sent[id] = after
	p.hold(r.offset, it.tokens[0])
}

// latest takes in a decision, and reports whether it is the last about its finding.
func (l *lead) latest(t *schemas.Triage) bool {
	known := l.triage[t.Finding]
	if known != nil && (t.At.Before(known.At) || t.At.Equal(known.At) && t.ID <= known.ID) {
		return false
	}
	l.triage[t.Finding] = t
	return true
}

// decided acts on a decision: what waits is not told, or what was held back is.
func (l *lead) decided(t *schemas.Triage) {
	if mutes(t) {
		l.withdraw(t.Finding)
		return
	}
	l.release(t.Finding)
}

// release tells of an open finding what was held back, if nobody asks for that any
// more. Of one that is over by now only another version is told.
func (l *lead) release(id string) {
	s := l.sent[id]
	if s == nil || s.Held == nil || mutes(l.triage[id]) || s.Held.Status != schemas.Open || s.Held.Deleted {
		return
	}
	r := &record{finding: s.Held, at: place{topic: topics.Findings}}
	before := s.unheld()
	if d := decide(before, r, l.triage[id], l.cfg.MaxAge, l.cfg.Now()); d.change != "" && d.mute == "" {
		l.enqueue(r, d, before, nil)
	}
}

// progress is how far partitions are done with, for whoever tells the lag.
type progress struct {
	mu   sync.Mutex
	done map[place]int64
}

func (p *progress) set(of *position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done[of.place] = of.done()
}

func (p *progress) of(where place) (int64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	done, ok := p.done[where]
	return done, ok
}
