package partition

import (
	"container/heap"
	"slices"
	"time"

	"jitaudit/correlate"
)

// dues are, per shard, the persons whose results may change when coverage of it
// passes an instant, the earliest first.
type dues struct{ byShard map[string]*dueHeap }

type dueOf struct {
	at  time.Time
	who *person
}

type dueHeap []dueOf

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push is for container/heap.
func (h *dueHeap) Push(x any) { *h = append(*h, x.(dueOf)) }

// Pop is for container/heap.
func (h *dueHeap) Pop() any {
	n := len(*h) - 1
	last := (*h)[n]
	(*h)[n] = dueOf{}
	*h = (*h)[:n]
	return last
}

func newDues() *dues { return &dues{byShard: make(map[string]*dueHeap)} }

// set says what a person waits for now.
func (d *dues) set(who *person, now []correlate.Due) {
	for _, due := range now {
		if slices.Contains(who.due, due) {
			continue // it stands there already
		}
		h := d.byShard[due.Shard]
		if h == nil {
			h = new(dueHeap)
			d.byShard[due.Shard] = h
		}
		heap.Push(h, dueOf{due.At, who})
	}
	who.due = now
}

// passed are those who wait for a shard to be covered beyond what it is now. What
// a person does not wait for any more is left out.
func (d *dues) passed(shard string, end time.Time, do func(*person)) {
	h := d.byShard[shard]
	for h != nil && h.Len() > 0 && (*h)[0].at.Before(end) {
		due := heap.Pop(h).(dueOf)
		i := slices.IndexFunc(due.who.due, func(o correlate.Due) bool { return o.Shard == shard && o.At.Equal(due.at) })
		if i >= 0 {
			due.who.due = slices.Delete(slices.Clone(due.who.due), i, i+1)
			do(due.who)
		}
	}
	if h != nil && h.Len() == 0 {
		delete(d.byShard, shard)
	}
}

// touchDue looks again at those whose results may depend on the coverage that
// has changed.
func (p *Partition) touchDue(changed coverageChange) {
	due := func(who *person) { p.touch(who, false) }
	for _, shard := range changed.shards {
		p.dues.passed(shard, p.coverage.end(shard), due)
		source := sourceOf(shard)
		p.dues.passed(source+"/*", p.coverage.latest(source), due)
	}
	if !changed.irregular && len(changed.accounts) == 0 {
		return
	}
	for _, who := range p.persons {
		if changed.irregular || slices.ContainsFunc(who.accounts, func(a string) bool { return changed.accounts[a] }) {
			p.touch(who, true)
		}
	}
}
