package alerts

// position is how far a partition of results has been read, and is done with.
type position struct {
	place
	// next is the offset after the last record that was read, lag how many were left
	// behind it as of then.
	next, lag int64
	// stored is as the sent log has it; below 0 for not at all.
	stored int64
	// holds are what waits, in order.
	holds []hold
}

// hold keeps the offsets from its own on from being done with.
type hold struct {
	offset int64
	until  *token
}

// token is done once what it stands for is in the sent log.
type token struct{ done bool }

// hold says that what stands at an offset waits for a token.
func (p *position) hold(offset int64, t *token) {
	if n := len(p.holds); n == 0 || p.holds[n-1].until != t {
		p.holds = append(p.holds, hold{offset, t})
	}
}

// done is the offset before which nothing waits.
func (p *position) done() int64 {
	n := 0
	for n < len(p.holds) && p.holds[n].until.done {
		n++
	}
	if p.holds = p.holds[n:]; len(p.holds) == 0 {
		p.holds = nil
		return p.next
	}
	return p.holds[0].offset
}
