package main

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// command is the tree of verbs.
func (m *Main) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "jitaudit",
		Short: "Audit just-in-time access from Okta into AWS",
		Long: `jitaudit joins the Okta System Log with CloudTrail and tells of every AWS role
session that came through Okta: who, which account and role, for how long, on
whose grant, with which second factor, and whether it was allowed, each with the
ids of the events that prove it. Where the logs do not reach, it says so.

Data goes to stdout, everything else to stderr. Exit codes: 0 fine, 1 error,
2 wrong command line or policy, 3 the scan has open findings.`,
		Example: `  jitaudit demo
  jitaudit run --config jitaudit.yaml
  jitaudit check --policy policy.yaml
  jitaudit scan --okta okta/ --cloudtrail AWSLogs/ --policy policy.yaml`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return cmd.Help()
		},
	}
	root.Version = thisRelease().String()
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err: err} })
	root.AddCommand(m.runCommand(), m.collectCommand(), m.correlateCommand(), m.sinkCommand(), m.healthCommand(),
		m.scanCommand(), m.explainCommand(), m.backtestCommand(), m.triageCommand(), m.migrateCommand(), m.checkCommand(), m.demoCommand(), m.versionCommand(), m.engineCommand())
	return root
}

func unknownCommand(cmd *cobra.Command, name string) error {
	cmd.SuggestionsMinimumDistance = 2 // edits
	err := &usageError{err: fmt.Errorf("there is no command %q", name)}
	near := cmd.SuggestionsFor(name)
	slices.SortStableFunc(near, func(a, b string) int { return strange(a, name) - strange(b, name) })
	if len(near) > 0 {
		err.try = cmd.CommandPath() + " " + near[0]
	}
	return err
}

// strange counts the letters of a word that another one has not. Letters that are
// swapped are no other letters.
func strange(word, other string) (n int) {
	for _, r := range word {
		if i := strings.IndexRune(other, r); i >= 0 {
			other = other[:i] + other[i+len(string(r)):]
		} else {
			n++
		}
	}
	return n
}

// noArgs refuses arguments that are no flags; hint says what was perhaps meant.
func noArgs(hint string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		if hint == "" {
			return usagef("unexpected argument %q", args[0])
		}
		return usagef("unexpected argument %q: %s", args[0], hint)
	}
}

// choice is a flag that takes one of a few words.
type choice struct {
	value string
	known []string
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return strings.Join(c.known, "|") }

func (c *choice) Set(s string) error {
	if !slices.Contains(c.known, s) {
		return errors.New("write one of " + strings.Join(c.known, ", "))
	}
	c.value = s
	return nil
}

// add gives a command the flag, with completion of its words.
func (c *choice) add(cmd *cobra.Command, name, usage string) {
	cmd.Flags().Var(c, name, usage)
	complete(cmd, name, cobra.FixedCompletions(c.known, cobra.ShellCompDirectiveNoFileComp))
}

// complete sets how a flag is completed.
func complete(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // only for a flag that does not exist or has one already
	}
}

// completeExt offers files of these extensions, and folders.
func completeExt(ext ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(ext, cobra.ShellCompDirectiveFilterFileExt)
}

func completeDirs() cobra.CompletionFunc {
	return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
}

// logger writes to Stderr, without the time: a command is over soon.
func (m *Main) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(m.Stderr, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}
