// Command jitaudit tells of every AWS role session that came through Okta who
// it was, on what grant, with which second factor, and whether it was allowed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	_ "time/tzdata" // approved hours need time zones where the system has none

	"github.com/spf13/cobra"

	"jitaudit/internal/visible"
)

// What a release says about itself, set by -ldflags "-X main.version=…". What is
// left empty is taken from the build information. The program never writes them.
var version, commit, date string

func main() {
	// A reader that went away is then an error of the write, after which the
	// temporary files are removed, and not the end of the process.
	signal.Ignore(syscall.SIGPIPE)
	if os.Getenv("GOGC") == "" {
		// A scan makes little garbage. Collecting it twice as often costs a
		// hundredth of its time and saves a third of its memory.
		debug.SetGCPercent(50)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	m := Main{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	os.Exit(m.Run(ctx, os.Args[1:]))
}

// The exit codes.
const (
	exitFine     = 0
	exitError    = 1
	exitUsage    = 2 // the command line or the policy is wrong
	exitFindings = 3 // the scan went well and has open findings
)

// Main is the program: one Run is one command line.
type Main struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Run carries out a command line, without the program's name, and returns the
// exit code. Data goes to Stdout, everything else to Stderr.
func (m *Main) Run(ctx context.Context, args []string) int {
	root := m.command()
	root.SetArgs(args)
	root.SetIn(m.Stdin)
	root.SetOut(m.Stdout)
	root.SetErr(m.Stderr)
	cmd, err := root.ExecuteContextC(ctx)
	return m.report(cmd, err)
}

// report tells of an error, if it is one to tell of, and returns the exit code.
func (m *Main) report(cmd *cobra.Command, err error) int {
	var usage *usageError
	var code exitCode
	switch {
	case err == nil:
		return exitFine
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, syscall.EPIPE):
		return exitError
	case errors.Is(err, context.Canceled):
		m.tell("Error: interrupted; what was written is not complete")
		return exitError
	case errors.As(err, &usage):
		for _, line := range usage.lines {
			m.tell(line)
		}
		m.tell("Error: " + usage.Error())
		try := usage.try
		if try == "" {
			try = cmd.CommandPath() + " --help"
		}
		m.tell("Try: " + try)
		return exitUsage
	}
	m.tell("Error: " + err.Error())
	return exitError
}

// tell writes to Stderr. There is nobody to tell when that fails.
func (m *Main) tell(text string) {
	for line := range strings.Lines(text) {
		_, _ = fmt.Fprintln(m.Stderr, visible.Text(strings.TrimSuffix(line, "\n")))
	}
}

// exitCode ends the program with a code when everything has been said.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// usageError is a command line or policy that cannot be used.
type usageError struct {
	err   error
	lines []string // what is told before it, such as the places of the errors
	try   string   // by default the help of the command
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{err: fmt.Errorf(format, args...)}
}
