package partition

import (
	"fmt"
	"hash/fnv"
	"slices"

	"jitaudit/correlate"
	"jitaudit/correlate/stream/entry"
	"jitaudit/schemas"
)

// packedHome is a home's part that is packed.
type packedHome struct {
	Facts []packedFact `json:"f,omitempty"`
	Uses  []packedUse  `json:"u,omitempty"`
	Told  []packedTold `json:"t,omitempty"`
}

type packedFact struct {
	Fact   *schemas.Fact  `json:"f"`
	Offset int64          `json:"o"`
	Person schemas.Person `json:"p"`
	Sent   bool           `json:"s,omitempty"`
	Moved  bool           `json:"m,omitempty"`
	GoesBy []string       `json:"g,omitempty"`
	Bare   bool           `json:"b,omitempty"`
	Said   *entry.Chained `json:"c,omitempty"`
}

type packedUse struct {
	Key    correlate.UseKey `json:"k"`
	Calls  []packedCall     `json:"c"`
	Person schemas.Person   `json:"p"`
	Sent   bool             `json:"s,omitempty"`
	Fresh  bool             `json:"n,omitempty"`
	// Said is what was sent last, if that is not what the calls fold to.
	Said *correlate.Use `json:"l,omitempty"`
}

type packedCall struct {
	ID      string      `json:"i"`
	Rank    uint64      `json:"r"`
	At      int64       `json:"t"`
	Created int64       `json:"c,omitempty"`
	Offset  int64       `json:"o"`
	Shard   word        `json:"h"`
	Key     word        `json:"k"`
	Service word        `json:"s"`
	Action  word        `json:"a"`
	Role    word        `json:"l"`
	Flags   entry.Flags `json:"f,omitempty"`
	Out     bool        `json:"u,omitempty"`
}

type packedTold struct {
	Chained *entry.Chained `json:"c"`
	Offset  int64          `json:"o"`
}

// weight is how much is held of a home.
func (h *home) weight() int {
	n := len(h.facts) + len(h.told)
	for _, u := range h.uses {
		n += 1 + len(u.calls)/4
	}
	return n
}

func (h *home) pack(k *packer) error {
	var out packedHome
	var ids []uint32
	for _, f := range h.facts {
		out.Facts = append(out.Facts, packedFact{f.fact, f.offset, f.person, f.sent, f.moved, f.goesBy, f.bare, f.said})
		ids = append(ids, short(f.fact.ID))
	}
	for _, u := range h.uses {
		calls := make([]packedCall, len(u.calls))
		for i, c := range u.calls {
			calls[i] = packedCall{c.id, c.rank, c.at, c.created, c.offset, c.shard, c.key, c.service, c.action, c.role, c.flags, c.out}
			ids = append(ids, short(c.id))
		}
		p := packedUse{Key: u.key, Calls: calls, Person: u.person, Sent: u.sent, Fresh: u.fresh}
		if u.fresh && u.sent {
			p.Said = &u.said
		}
		out.Uses = append(out.Uses, p)
	}
	for _, t := range h.told {
		out.Told = append(out.Told, packedTold{t.Chained, t.offset})
	}
	b, err := k.write.Marshal(&out)
	if err != nil {
		return fmt.Errorf("pack what is held of %s: %w", h.name, err)
	}
	slices.Sort(ids)
	h.packed, h.ids = k.compress(b), slices.Clip(slices.Compact(ids))
	h.facts, h.uses, h.told, h.owners = nil, nil, nil, nil
	return nil
}

func (h *home) unpack(k *packer, w *words) {
	var in packedHome
	if err := k.expand(h.packed, &in); err != nil { // it was packed here
		panic(fmt.Sprintf("unpack what is held of %s: %v", h.name, err))
	}
	h.facts, h.uses = make(map[copyKey]*homeFact, len(in.Facts)), make(map[correlate.UseKey]*use, len(in.Uses))
	for _, f := range in.Facts {
		h.facts[keyOf(f.Fact)] = &homeFact{home: h, fact: f.Fact, offset: f.Offset, person: f.Person, sent: f.Sent, moved: f.Moved, goesBy: f.GoesBy, bare: f.Bare, said: f.Said}
	}
	for _, p := range in.Uses {
		u := &use{key: p.Key, id: useID(&p.Key), person: p.Person, sent: p.Sent, fresh: p.Fresh, calls: make([]call, len(p.Calls))}
		for i, c := range p.Calls {
			u.calls[i] = call{c.ID, c.Rank, c.At, c.Created, c.Offset, c.Shard, c.Key, c.Service, c.Action, c.Role, c.Flags, c.Out}
		}
		switch {
		case p.Said != nil:
			u.said = *p.Said
		case u.sent:
			u.said = u.fold(w)
		}
		h.uses[u.key] = u
	}
	for _, t := range in.Told {
		if h.told == nil {
			h.told = make(map[copyKey]told, len(in.Told))
		}
		h.told[keyOf(t.Chained.Fact)] = told{t.Chained, t.Offset}
	}
	h.packed, h.ids = nil, nil
}

// short tells most events apart.
func short(id string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(id))
	return h.Sum32()
}

// mayConcern reports whether a home may hold copies of some events.
func (h *home) mayConcern(ids map[string]struct{}) bool {
	if h.packed == nil {
		return true
	}
	for id := range ids {
		if _, found := slices.BinarySearch(h.ids, short(id)); found {
			return true
		}
	}
	return false
}
