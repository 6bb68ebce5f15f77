package jsonscan

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Kind is the type of a JSON value.
type Kind uint8

// The kinds. Missing is a field that is not there.
const (
	Missing Kind = iota
	Null
	Bool
	Number
	String
	Object
	Array
)

// String names the kind as a person would.
func (k Kind) String() string {
	return [...]string{"missing", "null", "a boolean", "a number", "a string", "an object", "an array"}[k]
}

// kinds tells the kind of a valid value by its first byte.
var kinds = [256]Kind{
	'n': Null, 't': Bool, 'f': Bool, '"': String, '{': Object, '[': Array, '-': Number,
	'0': Number, '1': Number, '2': Number, '3': Number, '4': Number,
	'5': Number, '6': Number, '7': Number, '8': Number, '9': Number,
}

// KindOf tells the kind of a valid value.
func KindOf(raw []byte) Kind {
	if len(raw) == 0 {
		return Missing
	}
	return kinds[raw[0]]
}

// Fields is a set of wanted fields. It does not change, so any number of
// scanners may share it.
type Fields struct {
	root  node
	slots int
	nodes int
	inner int // the slot of the record within an event of LookupEvents
}

type envelopeKind uint8

const (
	notEnvelope envelopeKind = iota
	fileEnvelope
	lookupEnvelope
)

// node is a key on the way to wanted fields.
type node struct {
	key      string
	number   int
	head     uint64 // the key's first eight bytes, for a quick comparison
	tail     uint64 // its last eight, if it has as many
	slot     int
	envelope envelopeKind
	lengths  uint64 // bit n is set when a child's key has n bytes
	children []*node
	table    *[tableSize]*node // the children by place; next is another of that place
	next     *node
}

var noFields = NewFields()

// NewFields makes the set of the fields with these paths of keys, joined by
// dots, from the top-level object; the slot of a field is its place in paths.
// Elements of arrays have no path: scan the array's elements by Elements.
// Keys are compared exactly, case included.
func NewFields(paths ...string) *Fields {
	f := &Fields{slots: len(paths)}
	for slot, path := range paths {
		n := &f.root
		for key := range strings.SplitSeq(path, ".") {
			n = f.add(n, key)
		}
		n.slot = slot
	}
	f.number(&f.root)
	f.root.adopt(&node{key: "Records", envelope: fileEnvelope})
	f.root.adopt(&node{key: "Events", envelope: lookupEnvelope})
	f.inner = f.slots
	f.slots++
	f.root.adopt(&node{key: "CloudTrailEvent", slot: f.inner})
	f.enumerate(&f.root)
	return f
}

func (f *Fields) add(n *node, key string) *node {
	for _, c := range n.children {
		if c.key == key {
			return c
		}
	}
	c := &node{key: key, slot: -1}
	n.adopt(c)
	return c
}

func (n *node) adopt(c *node) {
	var head [8]byte
	copy(head[:], c.key)
	c.head = binary.LittleEndian.Uint64(head[:])
	if len(c.key) >= 8 {
		c.tail = binary.LittleEndian.Uint64([]byte(c.key[len(c.key)-8:]))
	}
	n.lengths |= 1 << (len(c.key) & 63)
	n.children = append(n.children, c)
	if n.table == nil {
		n.table = new([tableSize]*node)
	}
	at := &n.table[place(c.head, c.tail)]
	c.next, *at = *at, c
}

func (f *Fields) enumerate(n *node) {
	n.number = f.nodes
	f.nodes++
	for _, c := range n.children {
		f.enumerate(c)
	}
}

// number gives a slot to each key that only leads to wanted fields, so that a
// second value for it is noticed.
func (f *Fields) number(n *node) {
	for _, c := range n.children {
		if c.slot < 0 {
			c.slot = f.slots
			f.slots++
		}
		f.number(c)
	}
}

const (
	tableBits = 8
	tableSize = 1 << tableBits
)

// place spreads keys over a table that is so large that they seldom share one.
func place(head, tail uint64) uint64 {
	return (head ^ tail>>1) * 0x9e3779b97f4a7c15 >> (64 - tableBits)
}

// child finds the wanted key d[start:end] among the children of n.
func (n *node) child(d []byte, start, end int, escaped bool) *node {
	if escaped {
		return n.escapedChild(d[start-1 : end+1])
	}
	size := end - start
	if n.lengths>>(uint(size)&63)&1 == 0 {
		return nil
	}
	head, tail := binary.LittleEndian.Uint64(d[start:]), uint64(0)
	if size < 8 {
		head &= 1<<(uint(size)*8) - 1
	} else {
		tail = binary.LittleEndian.Uint64(d[end-8:])
	}
	// Up to 16 bytes, head and tail are all there is.
	for c := n.table[place(head, tail)]; c != nil; c = c.next {
		if c.head == head && c.tail == tail && len(c.key) == size && (size <= 16 || c.key == string(d[start:end])) {
			return c
		}
	}
	return nil
}

func (n *node) escapedChild(quoted []byte) *node {
	key := unquote(quoted)
	for _, c := range n.children {
		if c.key == key {
			return c
		}
	}
	return nil
}

// span is where a value stands in the buffer, quotes included.
type span struct {
	start, end uint32
	kind       Kind
	escaped    bool
}

// Values are the wanted fields of one scanned value. They point into the scanned
// buffer and are valid as long as it is unchanged.
type Values struct {
	buf   []byte
	spans []span
	inner int
}

func (v *Values) reset(buf []byte, f *Fields) {
	v.buf, v.inner = buf, f.inner
	if cap(v.spans) < f.slots {
		v.spans = make([]span, f.slots)
		return
	}
	v.spans = v.spans[:f.slots]
	clear(v.spans)
}

// Inner is the record that an event of LookupEvents carries as the string
// CloudTrailEvent; false when the value is no such event.
func (v *Values) Inner() ([]byte, bool) {
	return v.Bytes(v.inner), v.spans[v.inner].kind == String
}

func (v *Values) forget(n *node) {
	for _, c := range n.children {
		v.spans[c.slot] = span{}
		v.forget(c)
	}
}

// Kind tells the kind of the field.
func (v *Values) Kind(slot int) Kind { return v.spans[slot].kind }

// Raw is the field as it was written; nil when it is missing.
func (v *Values) Raw(slot int) []byte {
	sp := &v.spans[slot]
	if sp.kind == Missing {
		return nil
	}
	return v.buf[sp.start:sp.end]
}

// Bytes is the content of a string field, unescaped; nil when the field is no
// string. It usually points into the scanned buffer. It may hold invalid UTF-8
// if the log does; Text does not.
func (v *Values) Bytes(slot int) []byte {
	sp := &v.spans[slot]
	if sp.kind != String {
		return nil
	}
	if sp.escaped {
		return []byte(unquote(v.buf[sp.start:sp.end]))
	}
	return v.buf[sp.start+1 : sp.end-1]
}

// Text is the content of a string field as a string of its own; empty when the
// field is no string. Invalid UTF-8 is replaced as in encoding/json.
func (v *Values) Text(slot int) string {
	sp := &v.spans[slot]
	if sp.kind != String {
		return ""
	}
	raw := v.buf[sp.start:sp.end]
	if sp.escaped || !utf8.Valid(raw) {
		return unquote(raw)
	}
	return string(raw[1 : len(raw)-1])
}

// True reports whether the field is true, or the string "true".
func (v *Values) True(slot int) bool {
	switch v.spans[slot].kind {
	case Bool:
		return v.buf[v.spans[slot].start] == 't'
	case String:
		return string(v.Bytes(slot)) == "true"
	}
	return false
}

// unquote decodes a validated string with its quotes. Escapes are rare in what
// is read here, so that encoding/json may do it.
func unquote(quoted []byte) string {
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return string(quoted[1 : len(quoted)-1])
	}
	return s
}

// Document scans values that stand in memory by themselves.
type Document struct {
	scanner Scanner
	buf     []byte
}

// maxDocument keeps places within a span.
const maxDocument = 1 << 30

// ErrNoJSON is wrapped by the errors of Parse and Elements.
var ErrNoJSON = errors.New("no valid JSON")

// Parse validates one value and returns its wanted fields, which are valid until
// the next Parse.
func (p *Document) Parse(raw []byte, f *Fields) (*Values, error) {
	if len(raw) > maxDocument {
		return nil, fmt.Errorf("%w: larger than 1 GiB", ErrNoJSON)
	}
	p.load(raw)
	start := skipSpace(p.buf, 0)
	next, status := p.scanner.Scan(p.buf, start, len(raw), f)
	if status == Complete {
		if next = skipSpace(p.buf, next); next != len(raw) {
			return nil, fmt.Errorf("%w at byte %d: something stands behind the value", ErrNoJSON, next)
		}
		return &p.scanner.Values, nil
	}
	return nil, p.problem(status)
}

// Elements validates an array and calls fn with the kind and the wanted fields
// of each element, which are valid until fn returns.
func (p *Document) Elements(raw []byte, f *Fields, fn func(Kind, *Values) error) error {
	p.load(raw)
	i := skipSpace(p.buf, 0)
	if p.buf[i] != '[' {
		return fmt.Errorf("%w: an array is needed", ErrNoJSON)
	}
	if i = skipSpace(p.buf, i+1); p.buf[i] == ']' {
		return nil
	}
	for {
		next, status := p.scanner.Scan(p.buf, i, len(raw), f)
		if status != Complete {
			return p.problem(status)
		}
		if err := fn(kinds[p.buf[i]], &p.scanner.Values); err != nil {
			return err
		}
		i = skipSpace(p.buf, next)
		switch p.buf[i] {
		case ',':
			i = skipSpace(p.buf, i+1)
		case ']':
			return nil
		default:
			return fmt.Errorf("%w at byte %d: a comma or a closing bracket is missing", ErrNoJSON, i)
		}
	}
}

func (p *Document) load(raw []byte) {
	p.buf = append(p.buf[:0], raw...)
	p.buf = append(p.buf, make([]byte, Padding)...)
	p.scanner.Final = true
}

func (p *Document) problem(status Status) error {
	switch status {
	case Incomplete:
		return fmt.Errorf("%w: it ends too early", ErrNoJSON)
	case TooDeep:
		return fmt.Errorf("%w: nested deeper than %d levels", ErrNoJSON, MaxDepth)
	}
	at, why := p.scanner.Problem()
	return fmt.Errorf("%w at byte %d: %s", ErrNoJSON, at, why)
}
