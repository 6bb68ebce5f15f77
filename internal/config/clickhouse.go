package config

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
)

// ClickHouse is the database that dashboards and reports ask.
type ClickHouse struct {
	// URL is that of a real server's HTTP interface, such as
	// https://clickhouse.example.com:8443, a path allowed; or, with the scheme
	// clickhouse or clickhouses, of its native protocol. Empty: the embedded
	// engine.
	URL      string
	Database string
	User     string
	Password Secret
	TLS      ClickHouseTLS
	// Cluster is one whose servers all have the tables, replicated; empty: the
	// tables are one server's.
	Cluster string

	EmbeddedEngine EmbeddedEngine
}

// Embedded reports whether the engine runs on this machine as a part of jitaudit.
func (c *ClickHouse) Embedded() bool { return c.URL == "" }

// ClickHouseTLS is how the server is known.
type ClickHouseTLS struct {
	// CAFile has the authorities that sign the server, PEM; empty: the system's.
	CAFile string
}

// EmbeddedEngine is ClickHouse as a library.
type EmbeddedEngine struct {
	Addr string // host:port of its HTTP interface, loopback only
	// Library is the path of libchdb.so; empty: it is looked for.
	Library string
}

func defaultClickHouse() ClickHouse {
	return ClickHouse{Database: "jitaudit", EmbeddedEngine: EmbeddedEngine{Addr: "127.0.0.1:8123"}}
}

func (c *ClickHouse) fields() []field {
	fields := []field{
		text("url", &c.URL, databaseURL),
		text("database", &c.Database, databaseName),
		text("user", &c.User, nil),
	}
	fields = append(fields, secret("password", &c.Password)...)
	return append(fields,
		section("tls", []field{path("ca_file", &c.TLS.CAFile)}),
		text("cluster", &c.Cluster, clusterName),
		section("embedded", []field{
			text("addr", &c.EmbeddedEngine.Addr, loopback),
			path("library", &c.EmbeddedEngine.Library),
		}),
	)
}

func databaseName(s string) error {
	if !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`).MatchString(s) {
		return errors.New("is no name of a database: letters, digits and _, not a digit first")
	}
	return nil
}

func clusterName(s string) error {
	if !regexp.MustCompile(`^(\{[A-Za-z0-9_]+\}|[A-Za-z0-9_.-]+)$`).MatchString(s) {
		return errors.New("is no name of a cluster: letters, digits, _, . and -, or a macro as {cluster}")
	}
	return nil
}

// serverURL checks the URL of a server, scheme and host only.
func serverURL(s string) error {
	if strings.Contains(s, "@") {
		return &hiddenError{"has a user in it: leave that to the keys for user and password"}
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return errors.New("is no URL: write https://host or https://host:port")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		return errors.New("has more than a host and a port: leave out what comes behind them")
	case u.Port() != "" && !portNumber(u.Port(), 1):
		return errors.New("has no valid port: from 1 to 65535")
	}
	return nil
}

// databaseURL checks the URL of a ClickHouse server.
func databaseURL(s string) error {
	scheme, rest, _ := strings.Cut(s, "://")
	switch scheme {
	case "clickhouse", "clickhouses": // the native protocol has no paths
		return serverURL("http://" + rest)
	case "http", "https":
		server, _, _ := strings.Cut(rest, "/")
		if _, err := url.Parse(s); err != nil || strings.ContainsAny(rest, "?#") {
			return errors.New("has more than a host, a port and a path: leave out what comes behind them")
		}
		return serverURL(scheme + "://" + server)
	}
	return errors.New("is no URL: write https://host:8443 or http://host:8123")
}

// safeURL checks the URL of a server that is sent secrets: encrypted, but on
// this machine.
func safeURL(s string) error {
	if err := serverURL(s); err != nil {
		return err
	}
	if u, err := url.Parse(s); err != nil || u.Scheme != "https" && !loopbackHost(u.Hostname()) {
		return errors.New("would send secrets that all can read: write https://…")
	}
	return nil
}

func encrypted(serverURL string) bool {
	u, err := url.Parse(serverURL)
	return err == nil && (u.Scheme == "https" || u.Scheme == "clickhouses")
}
