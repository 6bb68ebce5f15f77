package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// terminal is what is known of where text goes.
type terminal struct {
	width  int
	colour bool
}

const (
	widthElsewhere = 100 // where there is no terminal
	narrowest      = 40  // what is narrower breaks lines itself
)

func terminalOf(w io.Writer) terminal {
	t := terminal{width: widthElsewhere}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return t
	}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		t.width = max(width, narrowest)
	}
	t.colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return t
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// The styles, as parameters of the SGR control sequence (ECMA-48).
const (
	bold    = "1"
	dim     = "2"
	red     = "31"
	green   = "32"
	yellow  = "33"
	magenta = "1;35"
	boldRed = "1;31"
)

// paint styles a text that is visible already.
func (t terminal) paint(style, s string) string {
	if !t.colour || style == "" || s == "" {
		return s
	}
	return "\x1b[" + style + "m" + s + "\x1b[0m"
}
