package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Error is one thing wrong with a policy file.
type Error struct {
	File string
	// Line counts from 1; 0 means the file as a whole.
	Line int
	// Msg says on one line what is wrong and, where it helps, what to write.
	Msg string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Msg
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
}

// maxErrors bounds what one Parse reports; beyond it a count stands for the rest.
const maxErrors = 100

// joined returns the errors in the order of the file, nil when there are none.
func joined(file string, errs []*Error) error {
	if len(errs) == 0 {
		return nil
	}
	slices.SortStableFunc(errs, func(a, b *Error) int { return a.Line - b.Line })
	more := len(errs) - maxErrors
	out := make([]error, 0, min(len(errs), maxErrors)+1)
	for _, e := range errs[:min(len(errs), maxErrors)] {
		out = append(out, e)
	}
	if more > 0 {
		out = append(out, &Error{File: file, Msg: fmt.Sprintf("and %d errors more", more)})
	}
	return errors.Join(out...)
}

// quote shows a value of the file on one line, cut where it is long.
func quote(s string) string {
	const limit = 60
	if len(s) <= limit {
		return fmt.Sprintf("%q", s)
	}
	cut := limit
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return fmt.Sprintf("%q…", s[:cut])
}

// Suggestion ends a sentence about an unknown word: the nearest known one, or
// all of them when none is near and they are few.
func Suggestion(word string, known []string) string {
	if near := nearest(word, known); near != "" {
		return ", did you mean " + quote(near) + "?"
	}
	if len(known) == 0 || len(known) > 20 {
		return ""
	}
	return ", known: " + strings.Join(known, ", ")
}

// nearest returns the known word at the least edit distance, else the one that
// the word begins; "" when none can be meant.
func nearest(word string, known []string) string {
	const longest = 64 // beyond it nobody mistyped one of our words
	if len(word) > longest {
		return ""
	}
	word = strings.ToLower(word)
	best, least := "", max(2, len(word)/3)+1
	for _, k := range known {
		if len(k) > longest {
			continue
		}
		if n := distance(word, strings.ToLower(k)); n < least && n < len(k) {
			best, least = k, n
		}
	}
	for _, k := range known {
		if best == "" && len(word) > 2 && strings.HasPrefix(k, word) {
			best = k
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
