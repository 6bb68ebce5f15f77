package records

import (
	"bytes"
	"fmt"
	"io"

	"jitaudit/schemas"
)

const tooLarge = "the record is larger than 16 MiB; no vendor writes such records, so mend the export"

// lookahead bounds how far a bad record is looked through for its end before
// anything of it is dropped.
const lookahead = schemas.RawLimit

// damaged reports whether the stream ended otherwise than at its end.
func (r *Reader) damaged() bool { return r.readErr != nil && r.readErr != io.EOF }

// endsEarly reports a file that ends where more is needed.
func (r *Reader) endsEarly(reason string) error {
	if r.damaged() {
		r.cut = true
		return nil
	}
	r.rest = true
	r.number++
	return r.letter(r.number, r.offset(), reason, nil)
}

// giveUp refuses the rest of the file: nothing tells where a record begins.
func (r *Reader) giveUp(why string) error {
	if r.damaged() {
		r.cut = true
		return nil
	}
	r.number++
	offset := r.offset()
	reason := fmt.Sprintf("malformed JSON at byte %d: %s, and the rest of the file cannot be read; fetch the file again", offset, why)
	r.rest = true
	return r.letter(r.number, offset, reason, r.buf[r.pos:r.end])
}

// malformed refuses the record at pos, in which why is wrong at buf[at], and
// moves on to where the next may begin.
func (r *Reader) malformed(in place, at int, why string) error {
	reason := fmt.Sprintf("malformed JSON at byte %d: %s; mend or remove the record", r.base+int64(at), why)
	if in == topLevel {
		return r.skipLines(reason)
	}
	if comma := r.missingBrace(at); comma > r.pos {
		raw, offset := r.buf[r.pos:comma], r.offset()
		r.pos = comma
		r.number++
		return r.letter(r.number, offset, reason, raw)
	}
	return r.skipValue(in, reason)
}

// missingBrace tells whether the record at pos lacks its end: there is a brace
// at buf[at] where only a key may be, and taking it for a part of the record
// leads nowhere. It returns the place of the comma in between, else -1.
func (r *Reader) missingBrace(at int) int {
	if at >= r.end || r.buf[at] != '{' {
		return -1
	}
	var s skipper
	if _, done := s.skip(r.buf[r.pos:min(r.end, r.pos+lookahead)], element); done && !s.mismatch {
		return -1
	}
	before := bytes.TrimRight(r.buf[r.pos:at], " \t\r\n")
	if len(before) == 0 || before[len(before)-1] != ',' {
		return -1
	}
	return r.pos + len(before) - 1
}

// unfinished refuses a record that the end of the file cuts off. Where records
// stand on lines only its line is lost.
func (r *Reader) unfinished(in place) error {
	const reason = "the file ends within this record; fetch it again"
	if in == topLevel {
		return r.skipLines(reason)
	}
	r.rest = true
	r.number++
	return r.letter(r.number, r.offset(), reason, r.buf[r.pos:r.end])
}

// oversized refuses a record that is larger than MaxRecord, keeping no more of
// it than a dead letter shows.
func (r *Reader) oversized(in place) error { return r.skipValue(in, tooLarge) }

// skipLines refuses the record at pos and goes on behind the end of its line;
// where records take many lines, at the next line that begins one.
func (r *Reader) skipLines(reason string) error {
	offset := r.offset()
	anyLine := r.layout == oneLine || r.buf[r.pos] != '{'
	r.kept = r.kept[:0]
	found := false
	for !found {
		n := bytes.IndexByte(r.buf[r.pos:r.end], '\n')
		if n < 0 {
			r.drop(r.end - r.pos)
			if !r.more() {
				break
			}
			continue
		}
		r.drop(n + 1)
		if r.pos == r.end && !r.more() {
			break
		}
		found = anyLine || r.buf[r.pos] == '{' || r.buf[r.pos] == '['
	}
	r.number++
	return r.letter(r.number, offset, reason, bytes.TrimRight(r.kept, "\r\n"))
}

// skipValue refuses the record at pos and goes on behind it, whatever it holds,
// by counting brackets.
func (r *Reader) skipValue(in place, reason string) error {
	offset := r.offset()
	r.kept = r.kept[:0]
	var s skipper
	for {
		n, done := s.skip(r.buf[r.pos:r.end], in)
		r.drop(n)
		if done {
			break
		}
		if !r.more() {
			if r.rest = !r.damaged() && in != topLevel; r.rest {
				reason += "; no further record was found behind it"
			}
			break
		}
	}
	r.number++
	return r.letter(r.number, offset, reason, r.kept)
}

// drop moves on by n bytes and keeps them as far as a dead letter shows them.
func (r *Reader) drop(n int) {
	if room := schemas.RawLimit - len(r.kept); room > 0 {
		r.kept = append(r.kept, r.buf[r.pos:r.pos+min(n, room)]...)
	}
	r.pos += n
}

// skipper finds the end of a value that may be malformed, in pieces.
type skipper struct {
	open     []byte // the brackets that are open, as far as maxOpen
	deeper   int    // how many more are open
	started  bool
	inString bool
	escaped  bool
	mismatch bool // a bracket was closed by another kind
}

const maxOpen = 64 << 10

// skip returns how many bytes of d still belong to the value, and whether it
// ends there. An element ends before a comma or bracket of the array around it,
// a value of the top level behind its last bracket or, if a line ends within a
// string, behind that line.
func (s *skipper) skip(d []byte, in place) (int, bool) {
	for i := 0; i < len(d); i++ {
		c := d[i]
		if s.inString {
			if !s.escaped {
				if i += plain(d[i:]); i == len(d) {
					break
				}
				c = d[i]
			}
			switch {
			case s.escaped:
				s.escaped = false
			case c == '\\':
				s.escaped = true
			case c == '"':
				s.inString = false
				if in == topLevel && len(s.open) == 0 {
					return i + 1, true
				}
			case c == '\n' && in == topLevel:
				return i + 1, true
			}
			continue
		}
		switch c {
		case '"':
			s.inString, s.started = true, true
		case '{', '[':
			s.push(c)
		case '}', ']':
			if len(s.open) == 0 && in != topLevel && c == ']' {
				return i, true
			}
			if s.pop(c) && len(s.open) == 0 {
				if in == topLevel {
					return i + 1, true
				}
			} else if c == ']' && in != topLevel && s.mismatch && len(s.open) == 0 {
				return i, true
			}
		case ',':
			if len(s.open) == 0 && in != topLevel {
				return i, true
			}
		case ' ', '\t', '\r', '\n':
			if len(s.open) == 0 && in == topLevel && s.started {
				return i, true
			}
		default:
			s.started = true
		}
	}
	return len(d), false
}

// plainWindow bounds a look for plain bytes, so that a string full of escapes is
// not searched to its end for each.
const plainWindow = 512

// plain counts the bytes before the first that matters within a string.
func plain(d []byte) int {
	d = d[:min(len(d), plainWindow)]
	for _, c := range [...]byte{'"', '\\', '\n'} {
		if n := bytes.IndexByte(d, c); n >= 0 {
			d = d[:n]
		}
	}
	return len(d)
}

func (s *skipper) push(c byte) {
	s.started = true
	if len(s.open) < maxOpen {
		s.open = append(s.open, c)
		return
	}
	s.deeper++
}

// pop closes the innermost bracket of this kind and all within it. If there is
// none, a bracket of an array around the value closes the value itself.
func (s *skipper) pop(c byte) bool {
	if s.deeper > 0 {
		s.deeper--
		return true
	}
	want := byte('{')
	if c == ']' {
		want = '['
	}
	n := bytes.LastIndexByte(s.open, want)
	if n < 0 {
		s.mismatch = true
		if c == ']' {
			s.open = s.open[:0]
		}
		return false
	}
	s.mismatch = s.mismatch || n != len(s.open)-1
	s.open = s.open[:n]
	return true
}
