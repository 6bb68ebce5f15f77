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

	"jitaudit/internal/config"
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
		Long: `triage writes down a decision about a finding (fnd_…): who decided what, when, and
why. The last one counts, and none is ever lost. It shows in the views findings,
triage and triage_history, and in explain, as soon as the sink has written it.

It never alters the finding, nor the verdict of a session: those are what events and
policy say. To accept such findings in advance, put a suppression into the policy.

It asks ClickHouse whether the finding is there, and writes to the Kafka of the
pipeline, topic triage; the embedded ones answer while jitaudit run does.`,
		Example: `  jitaudit triage fnd_0bb6ed4cd1e71dbf8d51f3c1f3a5d3aa --status investigating --owner ada@example.com \
      --reason "asked the team" --config jitaudit.yaml
  jitaudit triage fnd_0bb6ed4cd1e71dbf8d51f3c1f3a5d3aa --status false_positive \
      --reason "test of the new runner, OPS-4711" --config jitaudit.yaml`,
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
	for _, name := range []string{"reason", "owner", "by"} {
		complete(cmd, name, cobra.NoFileCompletions)
	}
	return cmd
}

// What somebody may write is bounded, in bytes.
const (
	longestReason = 4000
	longestName   = 200
)

// check refuses what nobody could make use of later, and fills in who decides.
func (f *triageFlags) check() error {
	f.reason, f.owner, f.by = strings.TrimSpace(f.reason), strings.TrimSpace(f.owner), strings.TrimSpace(f.by)
	switch {
	case f.status.value == "":
		return usagef("what was decided? Give --status %s", strings.Join(f.status.known, "|"))
	case f.reason == "":
		return usagef("why? Give --reason TEXT: whoever reads it later knows nothing else")
	case len(f.reason) > longestReason:
		return usagef("--reason has %d bytes: write at most %d", len(f.reason), longestReason)
	case len(f.owner) > longestName || len(f.by) > longestName:
		return usagef("--owner and --by: write at most %d bytes", longestName)
	}
	if f.by == "" {
		u, err := user.Current()
		if err != nil {
			return usagef("who decides? This machine does not say who you are (%v): give --by WHO", err)
		}
		f.by = u.Username
	}
	return nil
}

// triage carries out the verb.
func (m *Main) triage(ctx context.Context, f *triageFlags, finding string) error {
	if err := f.check(); err != nil {
		return err
	}
	cfg, _, err := readConfig(f.config, "")
	if err != nil {
		return err
	}
	found, err := m.published(ctx, cfg, finding)
	if err != nil {
		return err
	}
	t := schemas.Triage{
		ID: "tri_" + strings.ToLower(rand.Text()), Finding: finding, Status: schemas.TriageStatus(f.status.value),
		Owner: f.owner, Reason: f.reason, By: f.by, At: time.Now().UTC().Truncate(time.Millisecond),
	}
	if err := m.append(ctx, cfg, &t); err != nil {
		return err
	}
	return m.show(fmt.Sprintf("%s (%s, %s): %s by %s, written down as %s\n",
		finding, found.Rule, found.Status, strings.ReplaceAll(string(t.Status), "_", " "), t.By, t.ID))
}

// published is a finding that was published, retracted or not.
func (m *Main) published(ctx context.Context, cfg *config.Config, finding string) (f *schemas.Finding, err error) {
	db, err := m.database(cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = firstError(err, db.Close()) }()
	found, err := db.FindingsByID(ctx, finding)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, unknownID(finding)
	}
	return &found[0], nil
}

// append puts a decision into its topic, and returns once it is durable.
func (m *Main) append(ctx context.Context, cfg *config.Config, t *schemas.Triage) error {
	value, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("write the decision down: %w", err)
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
	// A broker that is away is told of at once; one that goes away meanwhile is not
	// waited for without end.
	ctx, cancel := context.WithTimeoutCause(ctx, brokerPatience, fmt.Errorf("it was not acknowledged within %s: see whether the brokers are up", brokerPatience))
	defer cancel()
	if err := w.Write(ctx, kafka.Message{Topic: topics.Triage, Key: []byte(t.ID), Value: value}); err != nil {
		return fmt.Errorf("write the decision down in topic %s of Kafka: %w", topics.Triage, err)
	}
	return nil
}

const brokerPatience = 30 * time.Second
