package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Logs are written by others. What they hold must not move the cursor, change
// colours, turn the direction of text or hide: it is shown as an escape.

// marksInARow is how many combining marks a letter may carry; more would reach
// into other lines.
const marksInARow = 3

// visible returns s with everything that is not plainly to be seen escaped, as
// \n, \x1b or \u202e.
func visible(s string) string {
	if plainASCII(s) {
		return s
	}
	var b strings.Builder
	marks := marksInARow // none at the start: it would join what stands before
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
			marks = 0
		case unicode.In(r, unicode.Mn, unicode.Me):
			if marks++; marks > marksInARow || hidden(r) {
				escape(&b, r)
			} else {
				b.WriteRune(r)
			}
		case hidden(r):
			escape(&b, r)
			marks = 0
		default:
			b.WriteRune(r)
			marks = 0
		}
		i += size
	}
	return b.String()
}

func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// hidden reports whether a character is not to be seen, or does something other
// than be seen: controls, format characters (bidi among them), spaces but the
// plain one, fillers, variation selectors, private use.
func hidden(r rune) bool {
	const brailleBlank = '\u2800'
	return !unicode.IsPrint(r) || r == brailleBlank ||
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

func escape(b *strings.Builder, r rune) {
	switch {
	case r == '\n':
		b.WriteString(`\n`)
	case r == '\r':
		b.WriteString(`\r`)
	case r == '\t':
		b.WriteString(`\t`)
	case r < 0x100:
		fmt.Fprintf(b, `\x%02x`, r)
	case r < 0x10000:
		fmt.Fprintf(b, `\u%04x`, r)
	default:
		fmt.Fprintf(b, `\U%08x`, r)
	}
}

// visibleJSON escapes the same characters in JSON, where that changes no value.
// It returns dst with the JSON appended.
func visibleJSON(dst, json []byte) []byte {
	for len(json) > 0 {
		r, size := utf8.DecodeRune(json)
		switch {
		case r < utf8.RuneSelf && r != 0x7f || !hidden(r):
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

// cell makes a text fit for a cell of a spreadsheet: one that begins as a
// formula does gets an apostrophe in front (OWASP: CSV injection).
func cell(s string) string {
	if s == "" {
		return s
	}
	shown := visible(s)
	if strings.ContainsAny(s[:1], "=+-@\t\r\n") {
		return "'" + shown
	}
	switch r, _ := utf8.DecodeRuneInString(s); r {
	case '＝', '＋', '－', '＠': // the full-width forms of the same
		return "'" + shown
	}
	return shown
}
