package config

import (
	"fmt"
	"strings"
)

// Role is what a process does.
type Role string

// The roles.
const (
	// RoleRun is all roles in one process.
	RoleRun Role = "run"
	// RoleCollect reads the sources into the log.
	RoleCollect Role = "collect"
	// RoleCorrelate turns raw events into results.
	RoleCorrelate Role = "correlate"
	// RoleSinkClickHouse writes results to ClickHouse.
	RoleSinkClickHouse Role = "sink clickhouse"
	// RoleSinkAlerts tells receivers of findings.
	RoleSinkAlerts Role = "sink alerts"
)

// Roles are all roles.
func Roles() []Role {
	return []Role{RoleRun, RoleCollect, RoleCorrelate, RoleSinkClickHouse, RoleSinkAlerts}
}

// Validate reports what the role needs and the configuration lacks. All errors
// are reported, joined, in the order of the file; each is an *Error.
func (c *Config) Validate(role Role) error {
	k := &checker{c: c}
	switch role {
	case RoleRun:
		k.sources(role)
		k.policy(role)
		k.dataDir()
	case RoleCollect:
		k.sources(role)
		k.sharedLog(role)
	case RoleCorrelate:
		k.policy(role)
		k.sharedLog(role)
	case RoleSinkClickHouse:
		k.sharedLog(role)
		if c.ClickHouse.Embedded() {
			k.missing("clickhouse.url", "%s writes to a server; only %s has an embedded engine", role, RoleRun)
		}
	case RoleSinkAlerts:
		k.sharedLog(role)
		if len(c.Alerts.Receivers) == 0 {
			k.missing("alerts.receivers", "%s has nobody to tell", role)
		}
	default:
		return fmt.Errorf("there is no role %q, known: %s", string(role), list(Roles()))
	}
	return joined(c.file, k.errs)
}

func list(roles []Role) string {
	out := make([]string, len(roles))
	for i, r := range roles {
		out[i] = string(r)
	}
	return strings.Join(out, ", ")
}

// sources asks for something to read. A process of its own may take in what the
// logs do not say.
func (k *checker) sources(role Role) {
	alone := role == RoleCollect && len(k.c.Approvals.Feeds)+len(k.c.AWS.IdentityStore) > 0
	if len(k.c.Okta) == 0 && len(k.c.AWS.Accounts) == 0 && !alone {
		k.missing("okta", "%s has nothing to read; give okta or aws.accounts", role)
	}
}

func (k *checker) policy(role Role) {
	if len(k.c.Policy) == 0 {
		k.missing("policy", "%s needs at least one policy file to judge by", role)
	}
}

// sharedLog asks for a log that other processes see too.
func (k *checker) sharedLog(role Role) {
	if k.c.Kafka.Embedded() {
		k.missing("kafka.brokers", "%s shares its log with other processes; only %s has an embedded broker", role, RoleRun)
	}
}

func (k *checker) dataDir() {
	if k.c.DataDir == "" && (k.c.Kafka.Embedded() || k.c.ClickHouse.Embedded()) {
		k.missing("data_dir", "the embedded parts keep their data there, and neither XDG_STATE_HOME nor HOME is set")
	}
}
