package server

import "strings"

// token is a word, a quoted name or string, or one character of punctuation. It
// is empty at the end of the text.
type token struct {
	text       string
	start, end int
	word       bool // a bare word or number
}

// is compares with a keyword or a character. What is quoted is never a keyword.
func (t token) is(keyword string) bool {
	return t.end > t.start && strings.EqualFold(t.text, keyword)
}

// lexer finds the tokens of ClickHouse's SQL and passes over comments. The zero
// position is the beginning of text.
type lexer struct {
	text  string
	at    int
	depth int // of parentheses and brackets
}

// next is the next token.
func (l *lexer) next() token {
	l.skip()
	start := l.at
	if start == len(l.text) {
		return token{start: start, end: start}
	}
	switch c := l.text[l.at]; {
	case c == '\'' || c == '"' || c == '`':
		l.quoted(c)
	case c == '$' && l.heredoc():
	case wordByte(c):
		for l.at < len(l.text) && wordByte(l.text[l.at]) {
			l.at++
		}
		return token{text: l.text[start:l.at], start: start, end: l.at, word: true}
	default:
		l.at++
		switch c {
		case '(', '[':
			l.depth++
		case ')', ']':
			l.depth--
		}
	}
	return token{text: l.text[start:l.at], start: start, end: l.at}
}

// nextOnTop is the next token outside of parentheses and brackets.
func (l *lexer) nextOnTop() token {
	for {
		t := l.next()
		if l.depth <= 0 || t.end == t.start {
			return t
		}
	}
}

// peek is the token that next will be.
func (l *lexer) peek() token {
	ahead := *l
	return ahead.next()
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
}

// skip passes over blanks and comments.
func (l *lexer) skip() {
	for l.at < len(l.text) {
		rest := l.text[l.at:]
		switch {
		case strings.IndexByte(" \t\r\n\f\v", rest[0]) >= 0:
			l.at++
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "#!"), strings.HasPrefix(rest, "# "):
			l.past(rest, "\n")
		case strings.HasPrefix(rest, "/*"):
			l.past(rest, "*/")
		default:
			return
		}
	}
}

// past goes behind the first end in the rest of the text, or to its end.
func (l *lexer) past(rest, end string) {
	if i := strings.Index(rest, end); i >= 0 {
		l.at += i + len(end)
	} else {
		l.at = len(l.text)
	}
}

// quoted passes over a quoted string, in which a backslash or a second quote
// keep a quote from ending it. Two strings side by side are as good as one here.
func (l *lexer) quoted(quote byte) {
	for l.at++; l.at < len(l.text); l.at++ {
		switch l.text[l.at] {
		case '\\':
			l.at++
		case quote:
			l.at++
			return
		}
	}
	l.at = len(l.text)
}

// heredoc passes over $tag$…$tag$, if that is what stands here.
func (l *lexer) heredoc() bool {
	rest := l.text[l.at:]
	n := 1
	for n < len(rest) && wordByte(rest[n]) {
		n++
	}
	if n == len(rest) || rest[n] != '$' {
		return false
	}
	tag := rest[:n+1]
	end := strings.Index(rest[n+1:], tag)
	if end < 0 {
		return false
	}
	l.at += n + 1 + end + len(tag)
	return true
}
