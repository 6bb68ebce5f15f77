// Package config reads the one configuration of the program: where events come
// from, where they go, and how each role works. It reads strictly: what it does
// not know is an error with its line. Secrets come from the environment or from
// files, and are never printed. The format is explained, key by key, in
// examples/jitaudit.yaml.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"jitaudit/schemas"
)

// Config is the configuration of all roles, with defaults filled in.
type Config struct {
	// DataDir is where the embedded parts keep their data; empty when neither
	// the file nor the environment names one.
	DataDir string
	// Policy are the policy files, at least one for roles that judge.
	Policy     []string
	Kafka      Kafka
	ClickHouse ClickHouse
	Okta       []OktaOrg
	AWS        AWS
	Approvals  Approvals
	Alerts     Alerts
	Correlate  Correlate
	Sinks      Sinks
	HTTP       HTTP
	Log        Log
	// WaitForServers is how long a start waits for Kafka and ClickHouse to
	// answer; 0 fails at once, Forever never does.
	WaitForServers time.Duration
	// DeniedSource is what becomes of the others when a source refuses us.
	DeniedSource DeniedSource

	file    string
	lines   map[string]int
	written map[string]written
}

// DeniedSource is what to do when Okta or AWS refuses a token or a right, which
// trying again does not mend.
type DeniedSource string

// The ways.
const (
	// DeniedExit ends the program with the reason.
	DeniedExit DeniedSource = "exit"
	// DeniedWait goes on with the other sources, and asks again every few minutes;
	// the source's coverage stands still meanwhile.
	DeniedWait DeniedSource = "wait"
)

// Correlate is how facts become results.
type Correlate struct {
	// Horizon is how long after its coverage a session can still change.
	Horizon time.Duration
	// Tick is how often results come out.
	Tick time.Duration
}

// Sinks is how results are written elsewhere.
type Sinks struct {
	ClickHouse ClickHouseSink
}

// ClickHouseSink is how results are written to ClickHouse: a batch goes out
// when it has so many rows or is so old, whichever comes first.
type ClickHouseSink struct {
	BatchRows     int
	BatchInterval time.Duration
	// RawEvents: keep the raw events too, for backtest, for RawEventsTTL after they
	// were put there.
	RawEvents    bool
	RawEventsTTL time.Duration
}

// HTTP serves /metrics, /healthz and /readyz.
type HTTP struct {
	Addr string // host:port; an empty host is every interface
	// ReadyLag is how far a role may be behind and still be ready.
	ReadyLag time.Duration
}

// Log is what the program tells of its work.
type Log struct {
	Level  slog.Level
	Format LogFormat
}

// LogFormat is how a line of the log is written.
type LogFormat string

// The formats.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// Load reads a configuration file, as Parse does, and makes relative paths
// absolute, so that Effective may be kept in any folder.
func Load(path string, env Environment) (*Config, error) {
	data, err := env.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find the folder of the configuration %s: %w", path, err)
	}
	return parse(path, filepath.Dir(abs), data, env)
}

// Parse reads a configuration strictly: whatever it does not know is an error.
// name is the file's name: for messages, and relative paths are relative to its
// folder. All errors are reported, joined, in the order of the file; each is an
// *Error and one line.
func Parse(name string, data []byte, env Environment) (*Config, error) {
	return parse(name, filepath.Dir(name), data, env)
}

func parse(name, dir string, data []byte, env Environment) (*Config, error) {
	d := &decoder{file: name, dir: dir, env: env, lines: map[string]int{}, written: map[string]written{}}
	c := defaults(env)
	c.file, c.lines, c.written = name, d.lines, d.written
	if root := d.root(data); root != nil {
		d.object(root, "", c.fields())
	}
	if len(d.errs) == 0 {
		c.complete()
		d.errs = c.contradictions()
	}
	if len(d.errs) > 0 {
		return nil, joined(name, d.errs)
	}
	return c, nil
}

// Default is the configuration of an empty file.
func Default(env Environment) *Config {
	c := defaults(env)
	c.complete()
	return c
}

func defaults(env Environment) *Config {
	return &Config{
		DataDir:    env.stateFolder(),
		Kafka:      defaultKafka(),
		ClickHouse: defaultClickHouse(),
		AWS:        defaultAWS(),
		Approvals:  defaultApprovals(),
		Alerts:     defaultAlerts(),
		Correlate:  Correlate{Horizon: 7 * day, Tick: 500 * time.Millisecond},
		Sinks:      Sinks{ClickHouse: ClickHouseSink{BatchRows: 50_000, BatchInterval: 2 * time.Second, RawEvents: true, RawEventsTTL: 90 * day}},
		HTTP:       HTTP{Addr: "127.0.0.1:9464", ReadyLag: 5 * time.Minute},
		Log:        Log{Level: slog.LevelInfo, Format: LogText},

		WaitForServers: time.Minute,
		DeniedSource:   DeniedExit,
	}
}

// Shards are the names of the shards that are collected: of Okta, and of AWS.
func (c *Config) Shards() (okta, aws []string) {
	for _, o := range c.Okta {
		okta = append(okta, schemas.OktaShard(o.Org))
	}
	for _, a := range c.AWS.Accounts {
		for _, region := range c.AWS.RegionsOf(&a) {
			aws = append(aws, schemas.AWSShard(a.Account, region))
		}
	}
	return okta, aws
}

// complete fills in the defaults that follow from other keys.
func (c *Config) complete() {
	if c.Kafka.Replication == 0 {
		c.Kafka.Replication = 3
		if c.Kafka.Embedded() {
			c.Kafka.Replication = 1
		}
	}
}

func (c *Config) fields() []field {
	return []field{
		path("data_dir", &c.DataDir),
		paths("policy", &c.Policy),
		section("kafka", c.Kafka.fields()),
		section("clickhouse", c.ClickHouse.fields()),
		sections("okta", &c.Okta, defaultOktaOrg, (*OktaOrg).fields),
		section("aws", c.AWS.fields()),
		section("approvals", c.Approvals.fields()),
		section("alerts", c.Alerts.fields()),
		section("correlate", []field{
			duration("horizon", &c.Correlate.Horizon, span{least: time.Hour, most: 90 * day}),
			duration("tick", &c.Correlate.Tick, span{least: 100 * time.Millisecond, most: time.Minute}),
		}),
		section("sinks", []field{
			section("clickhouse", []field{
				integer("batch_rows", &c.Sinks.ClickHouse.BatchRows, 1, 1_000_000),
				duration("batch_interval", &c.Sinks.ClickHouse.BatchInterval, span{least: 10 * time.Millisecond, most: 10 * time.Minute}),
				boolean("raw_events", &c.Sinks.ClickHouse.RawEvents),
				// Users of an Identity Store are listed anew every 30 days, and backtest
				// takes a week off.
				duration("raw_events_ttl", &c.Sinks.ClickHouse.RawEventsTTL, span{least: 38 * day, most: 3660 * day}),
			}),
		}),
		section("http", []field{
			text("addr", &c.HTTP.Addr, listenAddr),
			duration("ready_lag", &c.HTTP.ReadyLag, span{least: time.Second, most: 7 * day}),
		}),
		section("log", []field{
			logLevel("level", &c.Log.Level),
			choice("format", &c.Log.Format, LogText, LogJSON),
		}),
		duration("wait_for_servers", &c.WaitForServers, span{most: day, forever: true}),
		choice("denied_source", &c.DeniedSource, DeniedExit, DeniedWait),
	}
}

// line is where the file sets the key, else the nearest section around it; 0
// for a file that has neither.
func (c *Config) line(path string) int {
	for {
		if line, ok := c.lines[path]; ok {
			return line
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return 0
		}
		path = path[:i]
	}
}

// logLevel is a field of a level: of slog's names, in lower case, no others.
func logLevel(key string, to *slog.Level) field {
	format := func(l slog.Level) string { return strings.ToLower(l.String()) }
	var known []string
	for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		known = append(known, format(l))
	}
	return scalar(key, to, func(s string) (l slog.Level, err error) {
		if !slices.Contains(known, s) {
			return 0, errors.New("is unknown" + suggestion(s, known))
		}
		return l, l.UnmarshalText([]byte(s))
	}, format)
}
