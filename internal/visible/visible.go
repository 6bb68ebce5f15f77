// Package visible makes texts that others wrote fit to be shown: in a terminal, in
// JSON, in a cell of a spreadsheet. Logs are written by others. What they hold must
// not move the cursor, change colours, turn the direction of text or hide: it is
// shown as an escape.
package visible

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// marksInARow is how many combining marks a letter may carry; more would reach
// into other lines.
const marksInARow = 3

// Text returns s with everything that is not plainly to be seen escaped, as
// \n, \x1b or \u202e.
func Text(s string) string {
	if PlainASCII(s) {
		return s
	}
	shown, _ := show(s, -1)
	return shown
}

// Clip is Text of no more than so many bytes: a longer one ends in "…", and no
// escape is cut in two.
func Clip(s string, bytes int) string {
	if len(s) <= bytes && PlainASCII(s) {
		return s
	}
	const more = "…"
	shown, whole := show(s, bytes)
	if whole {
		return shown
	}
	shown, _ = show(s, bytes-len(more))
	return shown + more
}

// show returns as much of s, shown, as fits into so many bytes, if not below 0, and
// whether that is all.
func show(s string, limit int) (string, bool) {
	var b strings.Builder
	marks := marksInARow // none at the start: it would join what stands before
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		var piece string
		switch {
		case r == utf8.RuneError && size == 1:
			piece, marks = fmt.Sprintf(`\x%02x`, s[i]), 0
		case unicode.In(r, unicode.Mn, unicode.Me):
			piece = s[i : i+size]
			if marks++; marks > marksInARow || Hidden(r) {
				piece = escape(r)
			}
		case Hidden(r):
			piece, marks = escape(r), 0
		default:
			piece, marks = s[i:i+size], 0
		}
		if limit >= 0 && b.Len()+len(piece) > limit {
			return b.String(), false
		}
		b.WriteString(piece)
		i += size
	}
	return b.String(), true
}

// PlainASCII reports whether s is as it is shown.
func PlainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Hidden reports whether a character is not to be seen, or does something other
// than be seen: controls, format characters (bidi among them), spaces but the
// plain one, fillers, variation selectors, private use.
func Hidden(r rune) bool {
	const brailleBlank = '\u2800'
	return !unicode.IsPrint(r) || r == brailleBlank ||
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

func escape(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < 0x100:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	default:
		return fmt.Sprintf(`\U%08x`, r)
	}
}

// JSON escapes the same characters in JSON, where that changes no value.
// It returns dst with the JSON appended.
func JSON(dst, json []byte) []byte {
	for len(json) > 0 {
		r, size := utf8.DecodeRune(json)
		switch {
		case r < utf8.RuneSelf && r != 0x7f || !Hidden(r):
			dst = append(dst, json[:size]...)
		case r < 0x10000:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			high := 0xd800 + (r-0x10000)>>10
			low := 0xdc00 + (r-0x10000)&0x3ff
			dst = fmt.Appendf(dst, `\u%04x\u%04x`, high, low)
		}
		json = json[size:]
	}
	return dst
}

// Cell makes a text fit for a cell of a spreadsheet: one that begins as a
// formula does gets an apostrophe in front (OWASP: CSV injection).
func Cell(s string) string {
	if s == "" {
		return s
	}
	shown := Text(s)
	if strings.ContainsAny(s[:1], "=+-@\t\r\n") {
		return "'" + shown
	}
	switch r, _ := utf8.DecodeRuneInString(s); r {
	case '＝', '＋', '－', '＠': // the full-width forms of the same
		return "'" + shown
	}
	return shown
}
