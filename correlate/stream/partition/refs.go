package partition

import (
	"fmt"
	"slices"
)

// refs counts, for each remembered record, how much of it is still needed.
// Records are many, and most of those that follow each other are needed: counts
// stand side by side, which takes a third of what a map of them does.
type refs struct {
	pages map[int64]*refsPage // by offset / refsPerPage
	zero  []int64             // let go of since unneeded was asked
}

const refsPerPage = 64

type refsPage struct {
	counts [refsPerPage]uint32
	held   int // how many counts are not 0
}

func newRefs() *refs { return &refs{pages: make(map[int64]*refsPage)} }

func (r *refs) hold(offset int64) {
	page := r.pages[offset/refsPerPage]
	if page == nil {
		page = &refsPage{}
		r.pages[offset/refsPerPage] = page
	}
	n := &page.counts[offset%refsPerPage]
	if *n == 0 {
		page.held++
	}
	*n++
}

// release lets go of what was held. Offsets begin at 0.
func (r *refs) release(offset int64) {
	if !r.holds(offset) {
		panic(fmt.Sprintf("record %d is let go of more often than it was held", offset))
	}
	page := r.pages[offset/refsPerPage]
	n := &page.counts[offset%refsPerPage]
	if *n--; *n > 0 {
		return
	}
	r.zero = append(r.zero, offset)
	if page.held--; page.held == 0 {
		delete(r.pages, offset/refsPerPage)
	}
}

func (r *refs) holds(offset int64) bool {
	page := r.pages[offset/refsPerPage]
	return page != nil && page.counts[offset%refsPerPage] > 0
}

// unneeded returns the records of which nothing is needed any more. What was let
// go may have been held again since.
func (r *refs) unneeded() []int64 {
	out := slices.DeleteFunc(r.zero, r.holds)
	r.zero = nil
	slices.Sort(out)
	return slices.Compact(out)
}
