// Command testlog reads what `go test -json` writes and prints what go test
// prints without it: a line for each package, and the output of what failed. Then
// it tells which tests were skipped and why, of which go test says nothing.
//
//	go test -json ./... | go run ./internal/testlog
//
// The exit code is 0 when everything passed or was skipped, 1 when something
// failed, did not end, or was not there at all.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	err := run(os.Stdin, out)
	if err = errors.Join(err, out.Flush()); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// run copies a log. Its error says that the tests did not pass, or could not be
// followed.
func run(in io.Reader, out *bufio.Writer) error {
	l := newLog(out)
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			l.line(line)
		}
		if errors.Is(err, io.EOF) {
			return l.end()
		}
		if err != nil {
			return fmt.Errorf("read the log of the tests: %w", err)
		}
		// Whoever watches wants to see how far it is.
		if err := out.Flush(); err != nil {
			return fmt.Errorf("write the log of the tests: %w", err)
		}
	}
}
