package main

import (
	"bufio"
	"strconv"
	"strings"

	"github.com/mattn/go-runewidth"

	"jitaudit/internal/visible"
)

// text is a piece of text, visible already, with its style.
type text struct{ s, style string }

func plain(s string) text { return text{s: visible.Text(s)} }

func number[T int | int64](n T) text { return text{s: thousands(int64(n))} }

// thousands writes a number with commas.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// column is one column of a grid.
type column struct {
	title string
	right bool // numbers
	// least is how narrow a column is made before others are left out; 0: it
	// keeps its width.
	least int
	// drop orders which columns are left out where the line is still too long,
	// the lowest first; 0: never.
	drop int
}

// grid is a table whose lines fit the terminal.
type grid struct {
	columns []column
	rows    [][]text
}

func (g *grid) add(cells ...text) { g.rows = append(g.rows, cells) }

const (
	gap = 2 // between columns
	// tightest is how narrow a column is made when no other can be left out.
	tightest = 6
)

// print writes the grid, each line indented. It returns the titles of the
// columns that were left out.
func (g *grid) print(w *bufio.Writer, t terminal, indent string) (left []string) {
	widths := g.widths(t.width - len(indent))
	titles := make([]text, len(g.columns))
	for i, c := range g.columns {
		titles[i] = text{c.title, dim}
	}
	g.line(w, t, indent, titles, widths)
	for _, row := range g.rows {
		g.line(w, t, indent, row, widths)
	}
	for i, c := range g.columns {
		if widths[i] == 0 {
			left = append(left, c.title)
		}
	}
	return left
}

func (g *grid) line(w *bufio.Writer, t terminal, indent string, cells []text, widths []int) {
	w.WriteString(indent)
	pad := 0
	for i, c := range cells {
		if widths[i] == 0 {
			continue
		}
		s := shorten(c.s, widths[i])
		fill := widths[i] - width(s)
		if g.columns[i].right {
			pad += fill
			fill = 0
		}
		w.WriteString(strings.Repeat(" ", pad))
		w.WriteString(t.paint(c.style, s))
		pad = fill + gap // and nothing at the end of the line
	}
	w.WriteByte('\n')
}

// widths fits the columns into a line; one that is left out has none.
func (g *grid) widths(line int) []int {
	natural := make([]int, len(g.columns))
	for i, c := range g.columns {
		natural[i] = width(c.title)
		for _, row := range g.rows {
			natural[i] = max(natural[i], width(row[i].s))
		}
	}
	for {
		widths, fits := g.shrink(natural, line, func(c column) int { return c.least })
		if fits {
			return widths
		}
		next := g.nextToDrop(natural)
		if next < 0 {
			widths, _ = g.shrink(natural, line, func(c column) int { return min(c.least, tightest) })
			return widths
		}
		natural[next] = 0
	}
}

// shrink takes from the widest column that can be made narrower, measured by how
// wide it ought to be, until the line fits.
func (g *grid) shrink(natural []int, line int, least func(column) int) (widths []int, fits bool) {
	widths = append(widths, natural...)
	total := -gap
	for _, n := range widths {
		if n > 0 {
			total += n + gap
		}
	}
	for total > line {
		widest := -1
		for i, c := range g.columns {
			if c.least > 0 && widths[i] > least(c) && (widest < 0 || widths[i]*g.columns[widest].least > widths[widest]*c.least) {
				widest = i
			}
		}
		if widest < 0 {
			return widths, false
		}
		widths[widest]--
		total--
	}
	return widths, true
}

func (g *grid) nextToDrop(natural []int) int {
	next := -1
	for i, c := range g.columns {
		if c.drop > 0 && natural[i] > 0 && (next < 0 || c.drop < g.columns[next].drop) {
			next = i
		}
	}
	return next
}

// columnsOf measures text the same on every machine, whatever its locale.
func columnsOf() *runewidth.Condition { return &runewidth.Condition{StrictEmojiNeutral: true} }

func width(s string) int {
	if visible.PlainASCII(s) {
		return len(s)
	}
	return columnsOf().StringWidth(s)
}

// shorten cuts a text to so many columns.
func shorten(s string, columns int) string {
	if width(s) <= columns {
		return s
	}
	return columnsOf().Truncate(s, columns, "…")
}

// wrap breaks a text into lines of at most so many columns, between words where
// it can, and into at most so many lines.
func wrap(s string, columns, most int) []string {
	var lines []string
	line, used := "", 0
	flush := func() {
		if line != "" {
			lines = append(lines, line)
		}
		line, used = "", 0
	}
	for _, word := range strings.Fields(s) {
		n := width(word)
		if used > 0 && used+1+n > columns {
			flush()
		}
		for n > columns && len(lines) <= most {
			head := columnsOf().Truncate(word, columns, "")
			if head == "" { // not even one character fits
				break
			}
			lines = append(lines, head)
			word = word[len(head):]
			n = width(word)
		}
		if used > 0 {
			line += " "
			used++
		}
		line += word
		used += n
	}
	flush()
	if len(lines) > most {
		lines = lines[:most]
		lines[most-1] = shorten(lines[most-1], max(columns-2, 1)) + " …"
	}
	return lines
}
