package alerts

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// group are alerts that wait to be told together: one by one, or summed up.
type group struct {
	key   string
	items []*item
	// sum is set once there are too many items, and then has them; in a backlog it
	// always is.
	sum     *sum
	backlog bool
	// urgent: what is told next must come after it.
	urgent bool
	// since is when the first began to wait, told when the last notice was
	// acknowledged; sending while one is under way.
	since, told time.Time
	sending     bool
}

// item is an alert, or a version that is only to be remembered.
type item struct {
	rec           *record
	change        Change
	before, after *Sent
	tokens        []*token
}

// track is where the alerts of one record are that are not in the sent log yet.
type track struct {
	// n is how many there are, those of a digest as one.
	n int
	// group is where the last of them waits; nil if all are being told.
	group *group
}

const (
	// holdMost is how long alerts wait for what is already in Kafka to be read, so
	// that what was published at once is told at once.
	holdMost = 5 * time.Second
	// settle is how long nothing may have been added to a digest of too many
	// alerts before it is told; settleMost bounds that, digestMost the same for old
	// and rejudged ones.
	settle     = time.Second
	settleMost = 30 * time.Second
	digestMost = time.Hour
	// sumMost is how many records all digests have at most. When they do they are
	// told at once, and until then nothing is read.
	sumMost = 250_000
)

func (g *group) empty() bool { return len(g.items) == 0 && g.sum == nil }

// enqueue makes an alert wait.
func (l *lead) enqueue(r *record, d decision, before *Sent, p *position) {
	id := r.id()
	now := l.cfg.Now()
	t := l.tracks[id]
	if t == nil {
		t = &track{}
		l.tracks[id] = t
	}
	g := l.groupFor(r, d, t)
	if g.empty() {
		g.since = now
	}
	it := &item{rec: r, change: d.change, before: before, after: r.after(before, d.change, g.sum != nil || g.backlog)}
	l.sent[id] = it.after
	if silent := l.silent[id]; silent != nil { // the alert says all
		it.tokens = silent.tokens
		delete(l.silent, id)
	}
	if g.backlog && g.sum == nil {
		g.sum = newSum(DigestReason(g.key))
	}
	switch {
	case g.sum != nil:
		if p != nil {
			p.hold(r.offset, g.sum.own)
		}
		l.sumUp(g, it, now)
	default:
		own := &token{}
		it.tokens = append(it.tokens, own)
		if p != nil {
			p.hold(r.offset, own)
		}
		g.items = append(g.items, it)
		t.n++
		l.waiting++
		if len(g.items) > l.cfg.MaxAlerts {
			l.overflow(g, now)
		}
	}
	t.group = g
}

// groupFor says where an alert waits. One whose record's last alert still waits must
// not come before that.
func (l *lead) groupFor(r *record, d decision, t *track) *group {
	switch waits := t.group; {
	case waits != nil && (!waits.backlog || d.digest != ""):
		return waits
	case waits != nil:
		waits.urgent = true
	}
	if d.digest != "" {
		return l.backlogs[d.digest]
	}
	key := groupKey(l.cfg.GroupBy, r)
	g := l.groups[key]
	if g == nil {
		g = &group{key: key}
		l.groups[key] = g
	}
	return g
}

// sumUp adds an alert to the digest of its group.
func (l *lead) sumUp(g *group, it *item, now time.Time) {
	id := it.rec.id()
	g.sum.tokens = append(g.sum.tokens, it.tokens...)
	if g.sum.add(it.rec, it.change, it.before, it.after, now) {
		l.tracks[id].n++
		l.summed++
	}
}

// overflow makes a digest of a group that has become too large.
func (l *lead) overflow(g *group, now time.Time) {
	g.sum = newSum(TooMany)
	for _, it := range g.items {
		id := it.rec.id()
		l.tracks[id].n--
		l.waiting--
		last := l.sent[id] == it.after
		it.after = it.rec.after(it.before, it.change, true)
		if last {
			l.sent[id] = it.after
		}
		l.sumUp(g, it, now)
	}
	g.items = nil
}

// withdraw takes back the alerts of a record that wait one by one, and holds the
// last of them.
func (l *lead) withdraw(id string) {
	t := l.tracks[id]
	if t == nil || t.group == nil || t.group.sum != nil {
		return
	}
	g := t.group
	var taken []*item
	g.items = slices.DeleteFunc(g.items, func(it *item) bool {
		if it.rec.id() == id {
			taken = append(taken, it)
			return true
		}
		return false
	})
	held := &item{}
	for _, it := range taken {
		held.tokens = append(held.tokens, it.tokens...)
	}
	held.rec = taken[len(taken)-1].rec
	held.after = held.rec.held(taken[0].before)
	l.sent[id], l.silent[id] = held.after, held
	l.waiting -= len(taken)
	l.metrics.muted.WithLabelValues(string(triaged)).Add(float64(len(taken)))
	t.group = nil
	l.untrack(id, len(taken))
}

// untrack notes that so many alerts of a record wait no more.
func (l *lead) untrack(id string, n int) {
	t := l.tracks[id]
	if t.n -= n; t.n == 0 {
		delete(l.tracks, id)
	}
}

// due is when a group is to be told, as things are. Behind: there is more to be read
// before.
func (l *lead) due(g *group, behind bool) time.Time {
	if g.backlog {
		most := g.since.Add(max(digestMost, l.cfg.DigestWait))
		switch at := g.sum.last.Add(l.cfg.DigestWait); {
		case g.urgent || l.summed >= sumMost:
			return g.since
		case behind:
			return most
		default:
			return earlier(at, most)
		}
	}
	at := g.since.Add(l.cfg.GroupWait)
	if !g.told.IsZero() {
		at = later(g.since, g.told.Add(l.cfg.GroupInterval))
	}
	switch {
	case g.sum != nil && l.summed >= sumMost:
		return at
	case g.sum != nil && behind:
		return later(at, g.since.Add(settleMost))
	case g.sum != nil:
		return later(at, earlier(g.sum.last.Add(settle), g.since.Add(settleMost)))
	case behind:
		return later(at, g.since.Add(holdMost))
	}
	return at
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// next returns what is to be told now, or nil and when to look again; zero for when
// something has changed.
func (l *lead) next(now time.Time) (*job, time.Time) {
	if len(l.split) > 0 {
		j := l.split[0]
		l.split = l.split[1:]
		return j, time.Time{}
	}
	first, at := l.first(now)
	if first == nil {
		return nil, at
	}
	if l.limit != nil && !l.limit.AllowN(now, 1) {
		lacks := 1 - l.limit.TokensAt(now)
		return nil, now.Add(max(time.Duration(lacks/float64(l.limit.Limit())*float64(time.Second)), time.Millisecond))
	}
	return l.take(first), time.Time{}
}

// first returns the group that is to be told first, or nil and when one will be; zero
// where none waits.
func (l *lead) first(now time.Time) (*group, time.Time) {
	behind := l.behind() && !l.full()
	for _, g := range l.backlogs {
		if g.urgent {
			return g, now
		}
	}
	for len(l.ready) > 0 {
		if g := l.ready[0]; !g.empty() && !l.due(g, behind).After(now) {
			return g, now
		}
		l.ready = l.ready[1:]
	}
	next := l.look(now, behind)
	if len(l.ready) > 0 {
		return l.ready[0], now
	}
	return nil, next
}

// look finds all groups that are due, in order, and when the next one will be. It
// forgets those that have nothing to say and need not be waited for. There may be
// thousands, so it looks again only when these have been told.
func (l *lead) look(now time.Time, behind bool) (next time.Time) {
	due := map[*group]time.Time{}
	consider := func(g *group) {
		switch at := l.due(g, behind); {
		case !at.After(now):
			due[g] = at
		case next.IsZero() || at.Before(next):
			next = at
		}
	}
	for _, g := range l.backlogs {
		if !g.empty() {
			consider(g)
		}
	}
	for key, g := range l.groups {
		switch {
		case !g.empty():
			consider(g)
		case !g.sending && !now.Before(g.told.Add(l.cfg.GroupInterval)):
			delete(l.groups, key)
		}
	}
	l.ready = slices.SortedFunc(maps.Keys(due), func(a, b *group) int {
		return cmp.Or(due[a].Compare(due[b]), a.since.Compare(b.since), strings.Compare(a.key, b.key))
	})
	return next
}

// job is a notice that is being told.
type job struct {
	notice *Notice
	items  []*item
	sum    *sum
	group  *group // nil unless it is the last of the group's
}

// take makes a job of all that waits in a group.
func (l *lead) take(g *group) *job {
	j := &job{items: g.items, sum: g.sum, group: g}
	g.items, g.sum, g.urgent, g.sending = nil, nil, false, true
	if j.sum != nil {
		for id := range j.sum.told {
			if t := l.tracks[id]; t.group == g {
				t.group = nil
			}
		}
		j.notice = &Notice{ID: j.sum.id(), Digest: j.sum.digest(l.cfg.linkTo("")), Threads: l.threads}
		return j
	}
	l.inFlight = len(j.items)
	l.waiting -= len(j.items)
	for _, it := range j.items {
		if t := l.tracks[it.rec.id()]; t.group == g {
			t.group = nil
		}
	}
	l.notice(j)
	return j
}

// notice puts the alerts of a job into words.
func (l *lead) notice(j *job) {
	all := make([]Alert, len(j.items))
	for i, it := range j.items {
		all[i] = l.alert(it)
	}
	j.notice = &Notice{ID: idOf(all), Alerts: all, Threads: l.threads}
}

func (l *lead) alert(it *item) Alert {
	a := it.rec.alert(it.change)
	a.Link = l.cfg.linkTo(it.rec.id())
	a.Requester, a.Approvers = it.rec.people()
	var about []string
	switch {
	case a.Finding != nil:
		a.Triage = l.triage[a.Finding.ID]
		about = []string{a.Finding.Grant, a.Finding.Session}
	case a.Session != nil:
		about = []string{a.Session.Grant}
	}
	for _, id := range about {
		if s := l.sent[id]; s != nil && a.Requester == "" && len(a.Approvers) == 0 {
			a.Requester, a.Approvers = s.Requester, s.Approvers
		}
	}
	return a
}

// divide makes a job of each alert of one, to find those that are refused.
func (l *lead) divide(j *job) {
	for i, it := range j.items {
		one := &job{items: []*item{it}}
		if i == len(j.items)-1 {
			one.group = j.group
		}
		l.notice(one)
		l.split = append(l.split, one)
	}
}
