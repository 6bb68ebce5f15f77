// Package jsonscan validates JSON and finds wanted fields of it in one pass.
//
// It exists because a scan of CloudTrail spends its time on splitting and
// reading records: encoding/json reads each byte twice and allocates for each
// value. Everything that is accepted here is valid for encoding/json and the
// other way round, but for the limit of nesting.
package jsonscan

import (
	"encoding/binary"
	"math/bits"
)

const (
	// Padding is the number of bytes that a scanned buffer must have behind its
	// data. The first must be 0: as no JSON holds a raw NUL, it ends every loop.
	Padding = 16
	// MaxDepth is the deepest nesting of objects and arrays that is accepted.
	MaxDepth = 50
)

// Status says how a scan ended.
type Status uint8

// The ends of a scan.
const (
	Complete   Status = iota // a valid value
	Incomplete               // the data ended within the value
	Malformed                // no JSON: see Problem
	TooDeep                  // nested deeper than MaxDepth
	Envelope                 // stopped at the array of records within an envelope
)

// Scanner reads values out of a padded buffer. It is reused for speed and not
// safe for concurrent use. After Complete its Values hold the wanted fields.
type Scanner struct {
	Values Values

	// Envelopes makes Scan stop with Envelope at the array behind a top-level
	// key "Records" (CloudTrail log file) or "Events" (LookupEvents).
	Envelopes bool
	// Final says that no data follows, so that a number may end with the data.
	Final bool

	// shapes are what objects of which something is wanted usually look like, by
	// the numbers of the nodes of fields.
	fields *Fields
	shapes []shape

	end    int
	status Status
	at     int
	why    string
	lookup bool
}

// Scan reads the value that starts at buf[i] and must end before buf[end];
// len(buf) is at least end+Padding and buf[end] is 0. It returns where the value
// ends (or, for Envelope, where the array starts) and how it went. The values of
// fields f are set in s.Values; f may be nil.
func (s *Scanner) Scan(buf []byte, i, end int, f *Fields) (int, Status) {
	s.end, s.status = end, Complete
	if f == nil {
		f = noFields
	}
	s.Values.reset(buf, f)
	if s.fields != f {
		s.fields, s.shapes = f, make([]shape, f.nodes)
	}
	var next int
	if buf[i] == '{' {
		next = s.wantedObject(buf, i, 1, &f.root)
	} else {
		next, _ = s.value(buf, i, 0)
	}
	if next < 0 {
		return s.at, s.status
	}
	return next, Complete
}

// Problem says where in the buffer and why the last scan found no JSON.
func (s *Scanner) Problem() (at int, why string) { return s.at, s.why }

// Lookup reports whether the envelope of the last scan is that of LookupEvents.
func (s *Scanner) Lookup() bool { return s.lookup }

// fail notes what is wrong at buf[i]. Behind the end nothing is wrong yet.
func (s *Scanner) fail(i int, why string) int {
	s.at, s.why, s.status = i, why, Malformed
	if i >= s.end {
		s.at, s.status = s.end, Incomplete
	}
	return -1
}

// object reads an object of which nothing is wanted.
func (s *Scanner) object(d []byte, i, depth int) int {
	i, empty := s.open(d, i, depth)
	if empty || i < 0 {
		return i
	}
	for more := true; more; {
		if d[i] != '"' {
			return s.fail(i, noKey)
		}
		end, _ := s.text(d, i+1)
		if end < 0 {
			return -1
		}
		if i = s.colon(d, end+1); i < 0 {
			return -1
		}
		if i, _ = s.value(d, i, depth); i < 0 {
			return -1
		}
		if i, more = s.member(d, i); i < 0 {
			return -1
		}
	}
	return i
}

const noKey = "an object needs a quoted key here"

// open goes behind the brace of an object and reports whether it is empty.
func (s *Scanner) open(d []byte, i, depth int) (int, bool) {
	if depth > MaxDepth {
		s.at, s.status = i, TooDeep
		return -1, false
	}
	i++
	if d[i] <= ' ' {
		i = skipSpace(d, i)
	}
	if d[i] == '}' {
		return i + 1, true
	}
	return i, false
}

// colon goes behind the colon that follows a key.
func (s *Scanner) colon(d []byte, i int) int {
	if d[i] != ':' {
		if i = skipSpace(d, i); d[i] != ':' {
			return s.fail(i, "a key needs a colon behind it")
		}
	}
	i++
	if d[i] <= ' ' {
		i = skipSpace(d, i)
	}
	return i
}

// member goes on behind the value of a member, and reports whether another
// member follows.
func (s *Scanner) member(d []byte, i int) (int, bool) {
	if d[i] <= ' ' {
		i = skipSpace(d, i)
	}
	switch d[i] {
	case ',':
		i++
		if d[i] <= ' ' {
			i = skipSpace(d, i)
		}
		return i, true
	case '}':
		return i + 1, false
	}
	return s.fail(i, "a comma or a closing brace is missing here"), false
}

// wanted reads the value of a wanted key and notes where it is. Of a key that is
// there twice the last value counts, as in encoding/json.
func (s *Scanner) wanted(d []byte, i, depth int, n *node) int {
	if n.envelope != notEnvelope {
		if s.Envelopes && depth == 1 && d[i] == '[' {
			s.at, s.status, s.lookup = i, Envelope, n.envelope == lookupEnvelope
			return -1
		}
		next, _ := s.value(d, i, depth)
		return next
	}
	sp := &s.Values.spans[n.slot]
	if sp.kind != Missing && n.children != nil {
		s.Values.forget(n)
	}
	var next int
	var escaped bool
	if d[i] == '{' {
		if next = s.wantedObject(d, i, depth+1, n); next < 0 {
			return -1
		}
	} else if next, escaped = s.value(d, i, depth); next < 0 {
		return -1
	}
	*sp = span{start: uint32(i), end: uint32(next), kind: kinds[d[i]], escaped: escaped}
	return next
}

func (s *Scanner) array(d []byte, i, depth int) int {
	if depth > MaxDepth {
		s.at, s.status = i, TooDeep
		return -1
	}
	i++
	if d[i] <= ' ' {
		i = skipSpace(d, i)
	}
	if d[i] == ']' {
		return i + 1
	}
	for {
		if i, _ = s.value(d, i, depth); i < 0 {
			return -1
		}
		if d[i] <= ' ' {
			i = skipSpace(d, i)
		}
		switch d[i] {
		case ',':
			i++
			if d[i] <= ' ' {
				i = skipSpace(d, i)
			}
		case ']':
			return i + 1
		default:
			return s.fail(i, "a comma or a closing bracket is missing here")
		}
	}
}

// value reads one value at the given depth and says whether it is a string with
// escapes.
func (s *Scanner) value(d []byte, i, depth int) (int, bool) {
	switch d[i] {
	case '"':
		next, escaped := s.text(d, i+1)
		if next < 0 {
			return -1, false
		}
		return next + 1, escaped
	case '{':
		return s.object(d, i, depth+1), false
	case '[':
		return s.array(d, i, depth+1), false
	case 't':
		return s.literal(d, i, "true"), false
	case 'f':
		return s.literal(d, i, "false"), false
	case 'n':
		return s.literal(d, i, "null"), false
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return s.number(d, i), false
	}
	return s.fail(i, "a value is missing here"), false
}

func (s *Scanner) literal(d []byte, i int, word string) int {
	for k := range len(word) {
		if d[i+k] != word[k] {
			return s.fail(i+k, "only true, false and null may be written without quotes")
		}
	}
	return i + len(word)
}

func (s *Scanner) number(d []byte, i int) int {
	if d[i] == '-' {
		i++
	}
	switch {
	case d[i] == '0':
		i++
	case isDigit(d[i]):
		for i++; isDigit(d[i]); i++ {
		}
	default:
		return s.fail(i, "a number needs a digit here")
	}
	if d[i] == '.' {
		if i++; !isDigit(d[i]) {
			return s.fail(i, "a number needs a digit here")
		}
		for i++; isDigit(d[i]); i++ {
		}
	}
	if d[i] == 'e' || d[i] == 'E' {
		i++
		if d[i] == '+' || d[i] == '-' {
			i++
		}
		if !isDigit(d[i]) {
			return s.fail(i, "a number needs a digit here")
		}
		for i++; isDigit(d[i]); i++ {
		}
	}
	if i >= s.end && !s.Final {
		return s.fail(i, "")
	}
	return i
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// The constants repeat one byte in each byte of a word.
const (
	ones      = 0x0101010101010101
	highs     = 0x8080808080808080
	quotes    = '"' * ones
	backslash = '\\' * ones
	spaces    = ' ' * ones
)

// special marks, in the high bit of each byte, the quotes, backslashes and
// control characters of w. The lowest mark is exact (a borrow can only disturb
// the bytes above a true mark), which is all that is used.
func special(w uint64) uint64 {
	q := w ^ quotes
	b := w ^ backslash
	return ((q-ones)&^q | (b-ones)&^b | (w-spaces)&^w) & highs
}

// text finds the closing quote of the string whose content starts at d[i], and
// says whether it holds escapes.
func (s *Scanner) text(d []byte, i int) (int, bool) {
	escaped := false
	for {
		m := special(binary.LittleEndian.Uint64(d[i:]))
		if m == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(m) >> 3
		switch d[i] {
		case '"':
			return i, escaped
		case '\\':
			escaped = true
			if i = s.escape(d, i+1); i < 0 {
				return -1, false
			}
		default:
			return s.fail(i, controlProblem(d[i])), false
		}
	}
}

func controlProblem(c byte) string {
	switch c {
	case 0:
		return "a NUL byte is no JSON; if the file is UTF-16, convert it to UTF-8"
	case '\n', '\r':
		return "a string is not closed before the end of its line"
	}
	return "a raw control character within a string must be written as an escape"
}

// escape reads what follows a backslash.
func (s *Scanner) escape(d []byte, i int) int {
	switch d[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		for k := 1; k <= 4; k++ {
			if c := d[i+k]; !isDigit(c) && (c|0x20)-'a' > 5 {
				return s.fail(i+k, `\u needs four hexadecimal digits`)
			}
		}
		return i + 5
	}
	return s.fail(i, "this escape is unknown in JSON")
}

func skipSpace(d []byte, i int) int {
	for {
		switch d[i] {
		case ' ', '\n', '\r', '\t':
			i++
		default:
			return i
		}
	}
}
