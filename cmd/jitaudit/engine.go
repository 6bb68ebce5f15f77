package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"jitaudit/internal/chdb"
)

// engineCommand is the hidden verb by which the program runs the embedded
// ClickHouse in a process of its own: an engine that crashes takes its process
// with it.
func (m *Main) engineCommand() *cobra.Command {
	return &cobra.Command{
		Use:    chdb.Verb,
		Short:  "Run the embedded ClickHouse for the process that started this one",
		Hidden: true,
		Args:   noArgs(""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return chdb.ServeChild(cmd.Context(), m.Stdin, m.Stderr)
		},
	}
}

// engineArgs is the command line that runs the embedded ClickHouse.
func engineArgs() ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program, which the embedded ClickHouse is run with: %w", err)
	}
	return []string{self, chdb.Verb}, nil
}
