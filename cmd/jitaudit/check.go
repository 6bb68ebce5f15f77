package main

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"jitaudit/correlate/policy"
	"jitaudit/internal/config"
	"jitaudit/internal/pipeline"
	"jitaudit/internal/visible"
)

// checkFlags are the flags of check as they were given.
type checkFlags struct {
	config   string
	role     choice
	policies []string
	tests    []string
	quiet    bool
}

func (m *Main) checkCommand() *cobra.Command {
	f := &checkFlags{}
	for _, r := range config.Roles() {
		f.role.known = append(f.role.known, string(r))
	}
	cmd := &cobra.Command{
		Use:   "check [--config FILE] [--policy FILE …] | check --test FILE …",
		Short: "Validate a configuration or policies, and run the tests of a policy",
		Long: `check reads a configuration and the policies that it names as run does, connects
to nothing, and prints the configuration with all defaults filled in, as YAML.
Secrets stay out: what comes from the environment or from a file is printed as the
configuration refers to it. With --role it also sees whether the configuration has
all that this role needs.

Policies given by --policy are read as scan does, and each is printed with all
defaults filled in, the earliest first; with --config, too, they follow it as YAML
documents of their own.

--test runs the tests of a policy: a file that says what happens, and which findings
must come out (examples/policy_test.yaml shows how, docs/policy.md explains it). The
events go through the readers and the engine that scan uses. Each test is one line, ok
or FAILED, and below one that failed what is missing, what differs and what was not
expected. With --quiet only those that failed are told.

Errors go to stderr, one per line, as FILE:LINE: what is wrong. Exit codes: 0 valid,
1 a file cannot be read, or a test failed, 2 not valid.`,
		Example: `  jitaudit check --config jitaudit.yaml --role run
  jitaudit check --config jitaudit.yaml --role "sink clickhouse" --quiet
  jitaudit check --policy policy.yaml
  jitaudit check --quiet policies/*.yaml
  jitaudit check --test policy_test.yaml
  jitaudit check --quiet --test policies/*_test.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(f.tests) > 0 {
				if f.config != "" || f.role.value != "" || len(f.policies) > 0 {
					return usagef("--test names its policy in the file; check a configuration or a policy by itself")
				}
				return m.checkTests(cmd.Context(), slices.Concat(f.tests, args), f.quiet)
			}
			f.policies = slices.Concat(f.policies, args)
			return m.check(f)
		},
		ValidArgsFunction: completeExt("yaml", "yml"),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.config, "config", "c", "", "configuration `FILE`")
	complete(cmd, "config", completeExt("yaml", "yml"))
	f.role.add(cmd, "role", "see whether the configuration is fit for this role")
	flags.StringArrayVarP(&f.policies, "policy", "p", nil, "policy `FILE`; may be given several times, or without the flag")
	complete(cmd, "policy", completeExt("yaml", "yml"))
	flags.StringArrayVar(&f.tests, "test", nil, "run the policy tests in `FILE`; may be given several times, and further files without the flag")
	complete(cmd, "test", completeExt("yaml", "yml"))
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print nothing when all are valid")
	return cmd
}

// check carries out the verb.
func (m *Main) check(f *checkFlags) error {
	var out bytes.Buffer
	switch {
	case f.config == "" && f.role.value != "":
		return usagef("--role goes with --config FILE")
	case f.config == "" && len(f.policies) == 0:
		return usagef("nothing to check: name a configuration with --config FILE, or policies with --policy FILE")
	case f.config != "":
		cfg, _, err := readConfig(f.config, config.Role(f.role.value))
		if err != nil {
			return err
		}
		if err := pipeline.CheckReceivers(cfg, time.Now, m.logger()); err != nil {
			return badConfig(f.config, err)
		}
		out.Write(cfg.Effective())
	}
	if len(f.policies) > 0 {
		set, err := readPolicies(f.policies)
		if err != nil {
			return err
		}
		if out.Len() > 0 {
			out.WriteString("---\n")
		}
		writeEffective(&out, set)
	}
	if f.quiet {
		return nil
	}
	_, err := m.Stdout.Write(out.Bytes())
	return writing(err)
}

// writeEffective writes all policies as one stream of YAML documents.
func writeEffective(b *bytes.Buffer, set *policy.Set) {
	for i, p := range set.All() {
		if i > 0 {
			b.WriteString("---\n")
		}
		from := "always"
		if !p.EffectiveFrom.IsZero() {
			from = p.EffectiveFrom.Format(time.RFC3339)
		}
		fmt.Fprintf(b, "# %s: policy %s, effective from %s\n", visible.Text(p.Name), p.ID(), from)
		b.Write(p.Effective())
	}
}
