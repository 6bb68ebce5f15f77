package partition

import (
	"time"

	"jitaudit/correlate/stream/entry"
)

const (
	// grid is how finely lines are drawn before which things are final: sealing
	// looks at everybody.
	grid = time.Hour
	// patience is how many ticks a line waits after all shards have passed it: what
	// homes tell each other of onward roles goes on by one home a tick.
	patience = 8
	// sealsPerHorizon is how often a person is sealed at most. Much of what began
	// before the line may still be open.
	sealsPerHorizon = 14
	// longestUse is how long after an assumption its credentials may be used (12
	// hours), with room for those of a portal session's console.
	longestUse = 36 * time.Hour
)

// lines say before when things are final. They are drawn by records of the
// partition's own, so that whoever reads them draws them at the same place.
type lines struct {
	// seal is before what ended is sealed, park before calls that nobody was found
	// for are dropped.
	seal, park time.Time
	offset     int64
	known      bool // by a record
	moved      bool // since the last tick
	// next is the line that is to come, ticks how often it has been waited for.
	next  entry.Line
	ticks int
}

// drawn takes in a line.
func (p *Partition) drawn(offset int64, l *entry.Line) bool {
	if !l.Seal.After(p.line.seal) && !l.Park.After(p.line.park) {
		return false
	}
	if p.line.known {
		p.refs.release(p.line.offset)
	}
	p.line.seal, p.line.park = later(p.line.seal, l.Seal), later(p.line.park, l.Park)
	p.line.offset, p.line.known, p.line.moved = offset, true, true
	p.refs.hold(offset)
	return true
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// nextLine is where lines can be drawn as of now; false when nowhere further on.
func (p *Partition) nextLine() (entry.Line, bool) {
	to, ok := p.coverage.passed()
	l := entry.Line{Seal: to.Add(-p.cfg.Horizon).Truncate(grid), Park: to.Add(-longestUse).Truncate(grid)}
	return l, ok && (l.Seal.After(p.line.seal) || l.Park.After(p.line.park))
}

// draw lets lines be drawn that have been waited for.
func (p *Partition) draw(out *Output) {
	l := &p.line
	if l.ticks == 0 {
		next, ok := p.nextLine()
		if !ok {
			return
		}
		l.next = next
	}
	if l.ticks++; l.ticks <= patience {
		return
	}
	l.ticks = 0
	next := l.next
	out.Own = append(out.Own, &entry.Entry{Line: &next})
}

// sealPast drops what is final by the lines that have been drawn.
func (p *Partition) sealPast() error {
	if !p.line.moved {
		return nil
	}
	p.line.moved = false
	line := p.line.seal
	for _, who := range p.persons {
		if line.Before(who.sealAt) || !who.hasBefore(line) {
			continue
		}
		p.seal(who)
		who.sealAt = line.Add(p.cfg.Horizon / sealsPerHorizon)
		if err := p.packer.pack(); err != nil {
			return err
		}
	}
	before := line.Add(-longestUse)
	for _, h := range p.homes {
		p.forget(h, before)
		if err := p.packer.pack(); err != nil {
			return err
		}
	}
	p.forgetClaims(before)
	p.forgetShared(line)
	return nil
}
