package partition

import (
	"container/list"
	"fmt"
	"math"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/zstd"

	"jitaudit/correlate"
	"jitaudit/schemas"
)

// Most persons and homes have no news most of the time. What is held of those that
// had none for longest is packed: it takes a tenth of the memory, and some time
// when they have news again.

const (
	// spreadOut is how many facts, uses and records are held unpacked, by all
	// partitions together, should one instance own them all: some 100 MiB.
	spreadOut = 1 << 17
	// idle is for how many ticks somebody must have had no news to be packed, as
	// long as no more than twice as much is held.
	idle = 2
	// windowSize is how far back repetitions are looked for, in bytes.
	windowSize = 1 << 18
)

// packer packs persons and homes.
type packer struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
	// write and read turn it into bytes and back.
	write cbor.EncMode
	read  cbor.DecMode
	limit int
	// open are those that are not packed, the ones that had news last in front;
	// items is how much is held of them.
	open  *list.List
	items int
	ticks int
	buf   []byte
}

// opened is a person or a home that is not packed.
type opened struct {
	who   *person
	home  *home
	items int
	tick  int // when there was news last
}

// packedPerson is a person's part that is packed.
type packedPerson struct {
	Facts     []packedHeld
	Uses      []packedHeld
	Published packedRecords
	Frozen    packedRecords
}

type packedHeld struct {
	Fact    *schemas.Fact  `json:"f,omitempty"`
	Use     *correlate.Use `json:"u,omitempty"`
	Name    string         `json:"n,omitempty"`
	GoesBy  []string       `json:"b,omitempty"`
	Offset  int64          `json:"o"`
	Version int64          `json:"v,omitempty"`
	Gone    bool           `json:"g,omitempty"`
	Frozen  bool           `json:"z,omitempty"`
}

type packedRecords struct {
	Grants      []schemas.Grant      `json:"g,omitempty"`
	Assumptions []schemas.Assumption `json:"a,omitempty"`
	Sessions    []schemas.Session    `json:"s,omitempty"`
	Findings    []schemas.Finding    `json:"f,omitempty"`
	Uses        []schemas.Use        `json:"u,omitempty"`
}

func newPacker(partitions int) *packer {
	// Neither fails with these options, and neither starts anything.
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(windowSize), zstd.WithEncoderCRC(false))
	if err != nil {
		panic(fmt.Sprintf("make a compressor: %v", err))
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		panic(fmt.Sprintf("make a decompressor: %v", err))
	}
	// Times keep their offset, and texts are as they are, so that what comes back is
	// what was packed.
	write, err := cbor.EncOptions{Time: cbor.TimeRFC3339Nano}.EncMode()
	if err != nil {
		panic(fmt.Sprintf("make an encoder: %v", err))
	}
	read, err := cbor.DecOptions{UTF8: cbor.UTF8DecodeInvalid, MaxArrayElements: math.MaxInt32}.DecMode()
	if err != nil {
		panic(fmt.Sprintf("make a decoder: %v", err))
	}
	return &packer{encoder: encoder, decoder: decoder, write: write, read: read, limit: spreadOut / max(partitions, 1), open: list.New()}
}

// unpack makes sure that a person is not packed, and will not be soon.
func (k *packer) unpack(who *person) {
	if who.opened != nil {
		k.use(who.opened)
		return
	}
	if who.packed != nil {
		who.unpack(k)
	}
	who.opened = k.open.PushFront(&opened{who: who, tick: k.ticks})
	k.weigh(who)
}

// unpackHome does the same for a home.
func (k *packer) unpackHome(h *home, w *words) {
	if h.opened != nil {
		k.use(h.opened)
		return
	}
	if h.packed != nil {
		h.unpack(k, w)
	}
	h.opened = k.open.PushFront(&opened{home: h, tick: k.ticks})
	k.weighHome(h)
}

func (k *packer) use(place *list.Element) {
	place.Value.(*opened).tick = k.ticks
	k.open.MoveToFront(place)
}

// weigh notes how much is held of a person, weighHome of a home.
func (k *packer) weigh(who *person) {
	k.note(who.opened, len(who.facts)+len(who.uses)+who.published.len()+who.frozen.records.len())
}

func (k *packer) weighHome(h *home) { k.note(h.opened, h.weight()) }

func (k *packer) note(place *list.Element, items int) {
	o := place.Value.(*opened)
	k.items += items - o.items
	o.items = items
}

// drop forgets a person or a home.
func (k *packer) drop(place **list.Element) {
	if *place != nil {
		k.items -= k.open.Remove(*place).(*opened).items
		*place = nil
	}
}

// pack packs what had no news for longest, until little enough is not.
func (k *packer) pack() (err error) {
	for k.items > k.limit && err == nil {
		o := k.open.Back().Value.(*opened)
		if k.ticks-o.tick < idle && k.items <= 2*k.limit {
			return nil
		}
		switch {
		case o.who != nil:
			err = o.who.pack(k)
			k.drop(&o.who.opened)
		default:
			err = o.home.pack(k)
			k.drop(&o.home.opened)
		}
	}
	return err
}

func (k *packer) compress(b []byte) []byte {
	k.buf = k.encoder.EncodeAll(b, k.buf[:0])
	return append([]byte(nil), k.buf...)
}

func (k *packer) expand(b []byte, v any) (err error) {
	if k.buf, err = k.decoder.DecodeAll(b, k.buf[:0]); err != nil {
		return err
	}
	return k.read.Unmarshal(k.buf, v)
}

func (p *published) len() int {
	return len(p.grants) + len(p.assumptions) + len(p.sessions) + len(p.findings) + len(p.uses)
}

func (who *person) pack(k *packer) error {
	who.hasBefore(longAgo) // finds when the first of it began
	b, err := k.write.Marshal(&packedPerson{packHeld(who.facts), packHeld(who.uses), packRecords(&who.published), packRecords(&who.frozen.records)})
	if err != nil {
		return fmt.Errorf("pack what is held of %s: %w", who.key, err)
	}
	who.packed = k.compress(b)
	who.facts, who.uses, who.published, who.frozen.records = nil, nil, published{}, published{}
	return nil
}

func (who *person) unpack(k *packer) {
	var in packedPerson
	if err := k.expand(who.packed, &in); err != nil { // it was packed here
		panic(fmt.Sprintf("unpack what is held of %s: %v", who.key, err))
	}
	who.facts, who.uses = unpackHeld(in.Facts), unpackHeld(in.Uses)
	who.published, who.frozen.records = in.Published.unpack(), in.Frozen.unpack()
	who.packed = nil
}

func packHeld(list []held) []packedHeld {
	out := make([]packedHeld, len(list))
	for i, h := range list {
		out[i] = packedHeld{h.fact, h.use, h.name, h.goesBy, h.offset, h.version, h.gone, h.frozen}
	}
	return out
}

func unpackHeld(list []packedHeld) []held {
	out := make([]held, len(list))
	for i, h := range list {
		out[i] = held{h.Fact, h.Use, h.Name, h.GoesBy, h.Offset, h.Version, h.Gone, h.Frozen}
	}
	return out
}

func packRecords(p *published) packedRecords {
	return packedRecords{p.grants, p.assumptions, p.sessions, p.findings, p.uses}
}

func (r *packedRecords) unpack() published {
	return published{r.Grants, r.Assumptions, r.Sessions, r.Findings, r.Uses}
}
