package jsonscan

import "encoding/binary"

// shape is what is known about the keys of objects in one place. Logs are
// written by programs, so that a key is mostly followed by the same one; to
// compare with that is cheaper than to find its end and look it up.
type shape struct {
	start key // stands before the first key
	other key // stands for any key that is not known
	known []*key
}

// key is a key that was seen.
type key struct {
	text  string // with quotes and colon
	child *node
	// head, middle and tail are eight bytes each from the first, the ninth and up
	// to the last, of text with NULs behind it. Up to 24 bytes they are all there is.
	head, middle, tail uint64
	// next are the keys that followed lately, the latest first.
	next [2]*key
}

// maxKeys bounds the keys that are known in one place. Where there are more, they
// cannot be foretold anyway.
const maxKeys = 64

// foretell returns the key at d[i] if it is one of those that followed before.
func (k *key) foretell(d []byte, i int) *key {
	if n := k.next[0]; n != nil && n.at(d, i) {
		return n
	}
	if n := k.next[1]; n != nil && n.at(d, i) {
		k.next[0], k.next[1] = n, k.next[0]
		return n
	}
	return nil
}

// at reports whether the key stands at d[i]. It cannot reach beyond the data, as
// the byte behind the data is 0, which no key holds.
func (k *key) at(d []byte, i int) bool {
	end := i + len(k.text)
	if end+8 > len(d) {
		return false
	}
	head := binary.LittleEndian.Uint64(d[i:])
	if len(k.text) < 8 {
		return head<<(64-8*len(k.text)) == k.head<<(64-8*len(k.text))
	}
	if head != k.head || binary.LittleEndian.Uint64(d[end-8:]) != k.tail {
		return false
	}
	return len(k.text) <= 16 || binary.LittleEndian.Uint64(d[i+8:]) == k.middle &&
		(len(k.text) <= 24 || string(d[i+16:end-8]) == k.text[16:len(k.text)-8])
}

func newKey(text []byte, child *node) *key {
	k := &key{text: string(text), child: child}
	padded := append([]byte(k.text), make([]byte, 16)...)
	k.head, k.middle = binary.LittleEndian.Uint64(padded), binary.LittleEndian.Uint64(padded[8:])
	if len(text) >= 8 {
		k.tail = binary.LittleEndian.Uint64(text[len(text)-8:])
	}
	return k
}

// learn notes that a key follows another one.
func (s *shape) learn(last *key, text []byte, child *node) *key {
	k := s.find(text)
	if k == nil {
		if len(s.known) == maxKeys {
			return &s.other
		}
		k = newKey(text, child)
		s.known = append(s.known, k)
	}
	last.next[0], last.next[1] = k, last.next[0]
	return k
}

func (s *shape) find(text []byte) *key {
	for _, k := range s.known {
		if k.text == string(text) {
			return k
		}
	}
	return nil
}

// wantedObject reads an object of which something is wanted.
func (s *Scanner) wantedObject(d []byte, i, depth int, n *node) int {
	i, empty := s.open(d, i, depth)
	if empty || i < 0 {
		return i
	}
	sh := &s.shapes[n.number]
	last := &sh.start
	for more := true; more; {
		var c *node
		if k := last.foretell(d, i); k != nil {
			last, c, i = k, k.child, i+len(k.text)
			if d[i] <= ' ' {
				i = skipSpace(d, i)
			}
		} else if last, c, i = s.key(d, i, n, last); i < 0 {
			return -1
		}
		if c == nil {
			i, _ = s.value(d, i, depth)
		} else {
			i = s.wanted(d, i, depth, c)
		}
		if i < 0 {
			return -1
		}
		if i, more = s.member(d, i); i < 0 {
			return -1
		}
	}
	return i
}

// key reads a key that was not foretold, and the colon behind it.
func (s *Scanner) key(d []byte, i int, n *node, last *key) (*key, *node, int) {
	if d[i] != '"' {
		return nil, nil, s.fail(i, noKey)
	}
	end, escaped := s.text(d, i+1)
	if end < 0 {
		return nil, nil, -1
	}
	c := n.child(d, i+1, end, escaped)
	if escaped || d[end+1] != ':' {
		last = &s.shapes[n.number].other
	} else {
		last = s.shapes[n.number].learn(last, d[i:end+2], c)
	}
	return last, c, s.colon(d, end+1)
}
