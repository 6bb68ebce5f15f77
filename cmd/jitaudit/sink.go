package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jitaudit/internal/config"
	"jitaudit/internal/pipeline"
)

func (m *Main) sinkCommand() *cobra.Command {
	sink := &cobra.Command{
		Use:   "sink",
		Short: "Take results from Kafka to where people look for them",
		Example: `  jitaudit sink clickhouse --config jitaudit.yaml
  jitaudit sink alerts --config jitaudit.yaml
  jitaudit sink test soc --config jitaudit.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return cmd.Help()
		},
	}
	sink.AddCommand(m.roleCommand(config.RoleSinkClickHouse, &cobra.Command{
		Use:   "clickhouse",
		Short: "Write sessions, findings and activity to ClickHouse",
		Long: `sink clickhouse brings the tables up to date and writes results into them until it
is stopped. Any number of instances share the work. docs/clickhouse.md describes
tables and views.

` + aboutConfig,
		Example: `  jitaudit sink clickhouse --config jitaudit.yaml`,
	}), m.roleCommand(config.RoleSinkAlerts, &cobra.Command{
		Use:   "alerts",
		Short: "Tell receivers of findings, grants and sessions: SIEMs, syslog, Slack",
		Long: `sink alerts tells each receiver of the configuration what it has to know of, until
it is stopped. Of several instances one works for each receiver, and another one
takes over when it goes. docs/receivers.md says what is told, and how.

` + aboutConfig,
		Example: `  jitaudit sink alerts --config jitaudit.yaml`,
	}), m.sinkTestCommand())
	return sink
}

func (m *Main) sinkTestCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "test RECEIVER --config FILE",
		Short: "Send a receiver a finding that is marked as a test",
		Long: `sink test makes up a finding, marked as a test wherever it shows, sends it to one
receiver of the configuration, and says whether the other side has taken it, or what
it said. It neither reads Kafka nor remembers anything there, and may be done while
the pipeline runs.`,
		Example: `  jitaudit sink test soc --config jitaudit.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("name one receiver, as alerts.receivers of the configuration does")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return m.sinkTest(cmd.Context(), path, args[0]) },
	}
	cmd.Flags().StringVarP(&path, "config", "c", "", "configuration `FILE`")
	complete(cmd, "config", completeExt("yaml", "yml"))
	return cmd
}

// receiverPatience bounds how long a receiver may take: Splunk's indexers may take
// minutes to say that they have it.
const receiverPatience = 5 * time.Minute

// sinkTest carries out the verb.
func (m *Main) sinkTest(ctx context.Context, path, name string) error {
	cfg, _, err := readConfig(path, "")
	if err != nil {
		return err
	}
	var names []string
	for i := range cfg.Alerts.Receivers {
		names = append(names, cfg.Alerts.Receivers[i].Name)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, receiverPatience, fmt.Errorf("it has not answered within %s", receiverPatience))
	defer cancel()
	began := time.Now()
	err = pipeline.TestReceiver(ctx, cfg, name, thisRelease().Version, time.Now, m.logger())
	switch {
	case errors.Is(err, pipeline.ErrNoReceiver) && len(names) == 0:
		return fmt.Errorf("there is no receiver %q: %s has none; see alerts in examples/jitaudit.yaml", name, path)
	case errors.Is(err, pipeline.ErrNoReceiver):
		return fmt.Errorf("there is no receiver %q in %s, known: %s", name, path, strings.Join(names, ", "))
	case err != nil:
		return fmt.Errorf("receiver %s has not taken the test: %w", name, err)
	}
	return m.show(fmt.Sprintf("%s has taken the test, after %s.\n", name, time.Since(began).Round(time.Millisecond)))
}
