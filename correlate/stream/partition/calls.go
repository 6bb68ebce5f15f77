package partition

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"jitaudit/correlate"
	"jitaudit/correlate/stream/entry"
	"jitaudit/schemas"
)

// call is a call that is held. There are more of them than of anything else, so
// what is said again and again stands in words.
type call struct {
	id          string
	rank        uint64
	at, created int64 // microseconds since 1970; created is 0 where unknown
	offset      int64
	shard, key  word
	service     word
	action      word
	role        word
	flags       entry.Flags
	out         bool // it has come out as activity
}

// word is the number of a text.
type word uint32

// words are the texts that come again and again.
type words struct {
	numbers map[string]word
	texts   []string
}

func newWords() *words { return &words{numbers: make(map[string]word)} }

func (w *words) of(s string) word {
	if n, ok := w.numbers[s]; ok {
		return n
	}
	n := word(len(w.texts))
	s = strings.Clone(s) // it may lie in a longer one
	w.numbers[s] = n
	w.texts = append(w.texts, s)
	return n
}

func (w *words) text(n word) string { return w.texts[n] }

// call is a call as it is held.
func (w *words) call(c *entry.Call, role string, offset int64) call {
	return call{
		role: w.of(role),
		id:   c.ID, rank: c.Rank, at: c.At, created: c.Created, offset: offset,
		shard: w.of(c.Shard), key: w.of(c.Key), service: w.of(c.Service), action: w.of(c.Action), flags: c.Flags,
	}
}

// full is what was said of a call; principal is its role session.
func (w *words) full(c *call, principal string) schemas.Call {
	e := entry.Call{Key: w.text(c.key), Service: w.text(c.service), Action: w.text(c.action), Created: c.created, Flags: c.flags}
	return e.Call(principal, w.text(c.role))
}

// Call is a call that comes out. It can be asked until the partition takes in
// more: after a backlog there are many, and each would be large.
type Call struct {
	words *words
	use   *use
	at    int // its place in the use
}

// Activity is what comes out.
func (c Call) Activity() schemas.Activity {
	of := &c.use.calls[c.at]
	return schemas.Activity{
		EventID: of.id, Use: c.use.id, Shard: c.words.text(of.shard), At: time.UnixMicro(of.at).UTC(),
		Call: c.words.full(of, c.use.key.PrincipalID), Rank: of.rank,
	}
}

func (p *Partition) calls(offset int64, e *entry.Entry) (bool, error) {
	principal, _ := entry.Principal(e.To)
	h, kept := p.home(e.To), false
	for _, c := range e.Calls {
		at := time.UnixMicro(c.At).UTC()
		if p.isLate(offset, c.ID, at, schemas.CloudTrail) {
			continue
		}
		held := p.words.call(&c, e.Role, offset)
		c.Key = p.words.text(held.key)
		full := c.Call(principal, e.Role)
		k := correlate.KeyOf(&full, at)
		u := h.uses[k]
		if u == nil {
			u = &use{key: k, id: useID(&k)}
			h.uses[k] = u
		}
		u.calls, u.fresh = append(u.calls, held), true
		p.refs.hold(offset)
		p.stats.Calls++
		kept = true
	}
	p.touchedHomes[h] = struct{}{}
	return kept, nil
}

// dedupe keeps the best copy of each event.
func (p *Partition) dedupe(u *use) {
	slices.SortFunc(u.calls, func(a, b call) int {
		return cmp.Or(strings.Compare(a.id, b.id), cmp.Compare(b.rank, a.rank), cmp.Compare(a.offset, b.offset))
	})
	kept := u.calls[:0]
	for _, c := range u.calls {
		switch n := len(kept); {
		case n > 0 && kept[n-1].id == c.id:
			if kept[n-1].rank == c.rank {
				p.stats.Duplicates++
				p.stats.Calls--
				kept[n-1].out = kept[n-1].out || c.out
			}
			p.refs.release(c.offset)
		case p.outranked(c.id, c.rank):
			p.refs.release(c.offset)
		default:
			kept = append(kept, c)
		}
	}
	clear(u.calls[len(kept):])
	u.calls = kept
}

func (u *use) fold(w *words) correlate.Use {
	var f correlate.Fold
	for i := range u.calls {
		c := w.full(&u.calls[i], u.key.PrincipalID)
		f.Add(u.calls[i].id, time.UnixMicro(u.calls[i].at).UTC(), w.text(u.calls[i].shard), &c)
	}
	return f.Uses()[0]
}

// publish lets calls come out that have not yet.
func (u *use) publish(w *words, out *Output) {
	for i := range u.calls {
		c := &u.calls[i]
		if c.out {
			continue
		}
		c.out = true
		out.Calls = append(out.Calls, Call{w, u, i})
	}
}

// last is when the last of its calls was made.
func (u *use) last() time.Time {
	last := int64(0)
	for i := range u.calls {
		last = max(last, u.calls[i].at)
	}
	return time.UnixMicro(last)
}
