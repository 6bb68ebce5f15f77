package policy

import "strings"

// wildcard matches a text in which * stands for any run of characters, none
// included. It is compared as a whole and with case.
type wildcard struct {
	text string
	// parts are the texts between the stars; one part means no star at all.
	parts []string
}

func newWildcard(text string) wildcard {
	return wildcard{text, strings.Split(text, "*")}
}

// any reports whether everything matches.
func (w wildcard) any() bool { return strings.Trim(w.text, "*") == "" }

func (w wildcard) match(s string) bool {
	if len(w.parts) == 1 {
		return s == w.text
	}
	first, last := w.parts[0], w.parts[len(w.parts)-1]
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, p := range w.parts[1 : len(w.parts)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return true
}
