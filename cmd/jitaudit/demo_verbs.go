package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"jitaudit/internal/demo"
	"jitaudit/internal/organisation"
	"jitaudit/schemas"
)

// demoVerbs writes a configuration for the verbs that ask a pipeline into the
// demo's folder, and says how to call them.
func demoVerbs(ctx context.Context, d *demo.Demo, h *organisation.History, dir string) (string, error) {
	config, err := writeDemoConfig(d, h, dir)
	if err != nil {
		return "", err
	}
	finding, err := demoFinding(ctx, d)
	if err != nil {
		return "", err
	}
	lines := []string{"Ask it, in another terminal:"}
	if finding.ID != "" {
		lines = append(lines,
			fmt.Sprintf("  jitaudit explain %s --config %s", finding.ID, config))
		if finding.Session != "" {
			lines = append(lines, fmt.Sprintf("  jitaudit explain %s --config %s", finding.Session, config))
		}
		lines = append(lines, fmt.Sprintf("  jitaudit triage %s --status investigating --reason \"asked the team\" --config %s", finding.ID, config))
	}
	lines = append(lines, fmt.Sprintf("  jitaudit backtest --policy %s --since %s --config %s   # once it is edited",
		filepath.Join(filepath.Dir(config), "new.yaml"), h.Truth.Complete.From.Format(time.DateOnly), config))
	return strings.Join(lines, "\n"), nil
}

// writeDemoConfig returns where it is: beside the policy, and a copy of that to
// be edited.
func writeDemoConfig(d *demo.Demo, h *organisation.History, dir string) (string, error) {
	where := d.Where()
	engine, err := url.Parse(where.ClickHouse.URL)
	if err != nil {
		return "", fmt.Errorf("write the demo's configuration: %w", err)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("write the demo's configuration: %w", err)
	}
	config := fmt.Sprintf(`# The demo that runs, for explain, triage and backtest.
data_dir: %q
policy: [policy.yaml]
kafka: {embedded: {addr: %q}}
clickhouse: {database: %s, embedded: {addr: %q}}
`, abs, where.Brokers[0], where.ClickHouse.Database, engine.Host)
	for name, content := range map[string]string{"jitaudit.yaml": config, "policy.yaml": string(h.Policy), "new.yaml": string(h.Policy)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return "", fmt.Errorf("write the demo's configuration: %w", err)
		}
	}
	return filepath.Join(dir, "jitaudit.yaml"), nil
}

// demoFinding is a finding that is good to look at: the gravest that is open and
// about a session, the first of its kind.
func demoFinding(ctx context.Context, d *demo.Demo) (schemas.Finding, error) {
	results, _, err := d.Read(ctx)
	if err != nil {
		return schemas.Finding{}, err
	}
	var best schemas.Finding
	rank := func(f *schemas.Finding) int { return -slices.Index(severities(), f.Severity) }
	for i := range results {
		for j := range results[i].Findings {
			f := &results[i].Findings[j]
			if f.Status != schemas.Open || f.Session == "" {
				continue
			}
			if best.ID == "" || rank(f) > rank(&best) || rank(f) == rank(&best) && f.At.Before(best.At) {
				best = *f
			}
		}
	}
	return best, nil
}
