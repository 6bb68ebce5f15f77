package config_test

import (
	"strings"
	"testing"

	"jitaudit/internal/config"
)

func TestRolesNeedTheirSections(t *testing.T) {
	const (
		source  = "okta: [{org: a, url: 'https://a.okta.com', token: '${TOKEN}'}]\n"
		aws     = "aws: {accounts: [{account: 111111111111}]}\n"
		policy  = "policy: [policy.yaml]\n"
		brokers = "kafka: {brokers: ['k:9092']}\n"
		server  = "clickhouse: {url: 'https://c:8443'}\n"
	)
	for _, tt := range []struct {
		name, text string
		role       config.Role
		want       string // of the error, lines joined with |; empty: valid
	}{
		{"run, embedded", source + policy, config.RoleRun, ""},
		{"run, AWS alone", aws + policy, config.RoleRun, ""},
		{"run, nothing", "log: {level: info}", config.RoleRun, "c.yaml: okta is missing: run has nothing to read; give okta or aws.accounts|c.yaml: policy is missing: run needs at least one policy file to judge by"},
		{"collect", source + brokers, config.RoleCollect, ""},
		{"collect, nothing to read", brokers, config.RoleCollect, "c.yaml: okta is missing: collect has nothing to read; give okta or aws.accounts"},
		{"collect, embedded", source, config.RoleCollect, "c.yaml: kafka.brokers is missing: collect shares its log with other processes; only run has an embedded broker"},
		{"correlate", policy + brokers, config.RoleCorrelate, ""},
		{"correlate, no policy", "\n" + brokers, config.RoleCorrelate, "c.yaml: policy is missing: correlate needs at least one policy file to judge by"},
		{"correlate, embedded", policy, config.RoleCorrelate, "c.yaml: kafka.brokers is missing: correlate shares its log with other processes; only run has an embedded broker"},
		{"sink", brokers + server, config.RoleSinkClickHouse, ""},
		{"sink, embedded", brokers, config.RoleSinkClickHouse, "c.yaml: clickhouse.url is missing: sink clickhouse writes to a server; only run has an embedded engine"},
		{"sink, a section without its server", "\nclickhouse: {database: a}\n" + brokers, config.RoleSinkClickHouse, "c.yaml:2: clickhouse.url is missing: sink clickhouse writes to a server; only run has an embedded engine"},
		{"alerts", brokers + "\nalerts: {receivers: [{name: soc, file: {path: a}}]}\n", config.RoleSinkAlerts, ""},
		{"alerts, nobody", brokers, config.RoleSinkAlerts, "c.yaml: alerts.receivers is missing: sink alerts has nobody to tell"},
		{"another role", source, "colect", `there is no role "colect", known: run, collect, correlate, sink clickhouse, sink alerts`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := config.Parse("c.yaml", []byte(tt.text), testEnv())
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := c.Validate(tt.role); err != nil {
				got = strings.ReplaceAll(err.Error(), "\n", "|")
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestEmbeddedPartsNeedADataFolder(t *testing.T) {
	env := config.Environment{Lookup: func(string) (string, bool) { return "", false }}
	for text, want := range map[string]string{
		"policy: [p]\naws: {accounts: [{account: 111111111111}]}":                                                                   "data_dir is missing",
		"data_dir: state\npolicy: [p]\naws: {accounts: [{account: 111111111111}]}":                                                  "",
		"policy: [p]\naws: {accounts: [{account: 111111111111}]}\nkafka: {brokers: ['k:1']}\nclickhouse: {url: 'http://127.0.0.1'}": "",
	} {
		c, err := config.Parse("c.yaml", []byte(text), env)
		if err != nil {
			t.Fatal(err)
		}
		err = c.Validate(config.RoleRun)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
