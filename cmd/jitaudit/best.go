package main

import "slices"

// best keeps the first few of many by an order, in memory for twice as many.
type best[T any] struct {
	limit   int // 0: all
	compare func(a, b T) int
	kept    []T
	seen    int
	full    bool // kept[limit-1] was the last one at the time it was set
	bar     T
}

// wants tells whether v would be kept; it saves making what would not.
func (b *best[T]) wants(v T) bool { return !b.full || b.compare(v, b.bar) < 0 }

// add takes one in.
func (b *best[T]) add(v T) {
	b.seen++
	if !b.wants(v) {
		return
	}
	b.kept = append(b.kept, v)
	if b.limit > 0 && len(b.kept) >= 2*b.limit {
		b.cut()
	}
}

func (b *best[T]) cut() {
	slices.SortStableFunc(b.kept, b.compare)
	if b.limit == 0 || len(b.kept) < b.limit {
		return
	}
	clear(b.kept[b.limit:])
	b.kept = b.kept[:b.limit]
	b.bar, b.full = b.kept[b.limit-1], true
}

// list returns those kept, in order, and how many others there were.
func (b *best[T]) list() (kept []T, more int) {
	b.cut()
	return b.kept, b.seen - len(b.kept)
}
