package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Error is one thing wrong with a configuration file.
type Error struct {
	File string
	// Line counts from 1; 0 means the file as a whole.
	Line int
	// Msg says on one line what is wrong and, where it helps, what to write. It
	// never holds what came from the environment or from a secret's file.
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
	slices.SortStableFunc(errs, func(a, b *Error) int { return cmp.Compare(a.Line, b.Line) })
	kept := errs[:min(len(errs), maxErrors)]
	out := make([]error, 0, len(kept)+1)
	for _, e := range kept {
		out = append(out, e)
	}
	if more := len(errs) - len(kept); more > 0 {
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

// suggestion ends a sentence about an unknown word: the nearest known one, or
// all of them when none is near and they are few.
func suggestion(word string, known []string) string {
	if near := nearest(word, known); near != "" {
		return ", did you mean " + quote(near) + "?"
	}
	if len(known) > 20 {
		return ""
	}
	return ", known: " + strings.Join(known, ", ")
}

// nearest returns the known word at the least edit distance, else one that the
// word begins or that begins the word; "" when none can be meant.
func nearest(word string, known []string) string {
	const longest = 64 // beyond it nobody mistyped one of our words
	if len(word) > longest {
		return ""
	}
	word = strings.ToLower(word)
	best, least := "", max(2, len(word)/3)+1
	for _, k := range known {
		if n := distance(word, k); n < least && n < len(k) {
			best, least = k, n
		}
	}
	if best != "" || len(word) < 3 {
		return best
	}
	for _, k := range known {
		if strings.HasPrefix(k, word) || strings.HasPrefix(word, k) {
			return k
		}
	}
	return ""
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
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal, row[j+1] = row[j+1], min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
