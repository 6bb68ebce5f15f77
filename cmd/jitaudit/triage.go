package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jitaudit/internal/kafka"
	"jitaudit/internal/pipeline"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// triageFlags are the flags of triage as they were given.
type triageFlags struct {
	config            string
	status            choice
	owner, reason, by string
}

func (m *Main) triageCommand() *cobra.Command {
	f := &triageFlags{status: choice{known: []string{
		string(schemas.TriageOpen), string(schemas.TriageInvestigating), string(schemas.TriageAccepted),
		string(schemas.TriageFalsePositive), string(schemas.TriageFixed),
	}}}
	cmd := &cobra.Command{
		Use:   "triage FINDING --status STATUS --reason TEXT --config FILE",
		Short: "Write down what was decided about a finding",
		Long: `triage appends a decision about a finding (fnd_…) to the topic triage, with who
decided and when. It shows beside the finding in the views findings, triage and
triage_history, and in explain. It never alters the finding or the verdict of a
session: that is what events and policy say. To accept findings like it in advance,
use a suppression in the policy.`,
		Example: `  jitaudit triage fnd_0bb6ed4cd1e71dbf8d51f3c1f3a5d3aa --status investigating --owner ada@example.com \
      --reason "asked the team" --config jitaudit.yaml
  jitaudit triage fnd_0bb6ed4cd1e71dbf8d51f3c1f3a5d3aa --status false_positive --reason "test of the new runner" --config jitaudit.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !strings.HasPrefix(args[0], "fnd_") {
				return usagef("name one finding (fnd_…)")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return m.triage(cmd.Context(), f, args[0]) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	f.status.add(cmd, "status", "what was decided")
	flags.StringVar(&f.reason, "reason", "", "why, in a `TEXT` that others understand")
	flags.StringVar(&f.owner, "owner", "", "`WHO` looks after it")
	flags.StringVar(&f.by, "by", "", "`WHO` decided (default the user of this machine)")
	flags.StringVarP(&f.config, "config", "c", "", "configuration `FILE` of the pipeline")
	complete(cmd, "config", completeExt("yaml", "yml"))
	return cmd
}

// longest bounds what somebody may write.
const longestReason = 4000

// triage carries out the verb.
func (m *Main) triage(ctx context.Context, f *triageFlags, finding string) error {
	switch {
	case f.status.value == "":
		return usagef("what was decided? Give --status %s", strings.Join(f.status.known, "|"))
	case strings.TrimSpace(f.reason) == "":
		return usagef("why? Give --reason TEXT")
	case len(f.reason) > longestReason:
		return usagef("--reason has %d bytes: at most %d", len(f.reason), longestReason)
	}
	if f.by == "" {
		u, err := user.Current()
		if err != nil {
			return usagef("who decides? This machine does not say who you are (%v): give --by WHO", err)
		}
		f.by = u.Username
	}
	cfg, _, err := readConfig(f.config, "")
	if err != nil {
		return err
	}
	if err := m.mustExist(ctx, f.config, finding); err != nil {
		return err
	}
	t := schemas.Triage{
		ID: "tri_" + strings.ToLower(rand.Text()), Finding: finding, Status: schemas.TriageStatus(f.status.value),
		Owner: f.owner, Reason: f.reason, By: f.by, At: time.Now().UTC().Truncate(time.Millisecond),
	}
	value, err := json.Marshal(&t)
	if err != nil {
		return fmt.Errorf("write down the decision: %w", err)
	}
	client, err := pipeline.Broker(cfg, m.logger())
	if err != nil {
		return err
	}
	defer client.Close()
	w, err := client.Writer(kafka.WriterConfig{})
	if err != nil {
		return err
	}
	if err := w.Write(ctx, kafka.Message{Topic: topics.Triage, Key: []byte(t.ID), Value: value}); err != nil {
		return fmt.Errorf("append the decision to topic %s: %w", topics.Triage, err)
	}
	return m.show(fmt.Sprintf("%s: %s by %s, recorded as %s\n", finding, t.Status, t.By, t.ID))
}

// mustExist sees that a finding was published.
func (m *Main) mustExist(ctx context.Context, config, finding string) (err error) {
	db, err := m.database(config)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, db.Close()) }()
	found, err := db.FindingsByID(ctx, finding)
	if err == nil && len(found) == 0 {
		err = unknownID(finding)
	}
	return err
}
