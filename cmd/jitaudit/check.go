package main

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"jitaudit/correlate/policy"
)

func (m *Main) checkCommand() *cobra.Command {
	var paths []string
	var quiet bool
	cmd := &cobra.Command{
		Use:   "check --policy FILE …",
		Short: "Validate policies and print them with all defaults filled in",
		Long: `check reads policies as scan does, and prints each with all defaults filled in,
as YAML, the earliest first. Errors go to stderr, one per line, as FILE:LINE: what
is wrong. Exit codes: 0 valid, 1 a file cannot be read, 2 not valid.`,
		Example: `  jitaudit check --policy policy.yaml
  jitaudit check --quiet policies/*.yaml`,
		RunE: func(_ *cobra.Command, args []string) error {
			paths := slices.Concat(paths, args)
			if err := needPolicies(paths); err != nil {
				return err
			}
			set, err := readPolicies(paths)
			if err != nil || quiet {
				return err
			}
			_, err = m.Stdout.Write(effective(set))
			return writing(err)
		},
		ValidArgsFunction: completeExt("yaml", "yml"),
	}
	cmd.Flags().StringArrayVarP(&paths, "policy", "p", nil, "policy `FILE`; may be given several times, or without the flag")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "print nothing when all are valid")
	complete(cmd, "policy", completeExt("yaml", "yml"))
	return cmd
}

// effective prints all policies as one stream of YAML documents.
func effective(set *policy.Set) []byte {
	var b bytes.Buffer
	for i, p := range set.All() {
		if i > 0 {
			b.WriteString("---\n")
		}
		from := "always"
		if !p.EffectiveFrom.IsZero() {
			from = p.EffectiveFrom.Format(time.RFC3339)
		}
		fmt.Fprintf(&b, "# %s: policy %s, effective from %s\n", visible(p.Name), p.ID(), from)
		b.Write(p.Effective())
	}
	return b.Bytes()
}
