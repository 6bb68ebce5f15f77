package clickhouse

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Config says where ClickHouse is and how to get in.
type Config struct {
	// URL is the server's HTTP interface, as http://host:8123 or
	// https://host:8443, a path allowed. clickhouse://host:9000 and
	// clickhouses://host:9440 are its native protocol, which our tests do not
	// exercise.
	URL string
	// Database is made if it is missing. Default "jitaudit".
	Database string
	// User is by default "default". Nothing of the password is ever printed.
	User, Password string
	// CAFile holds who may sign the server's certificate, as PEM; empty: those
	// whom the system trusts.
	CAFile string
	// Cluster, if given, is one whose servers all have the tables: statements that
	// make something run ON CLUSTER, tables are Replicated. It has one shard. Our
	// tests have no cluster: they see to the statements alone.
	Cluster string
}

const (
	defaultDatabase = "jitaudit"
	dialTimeout     = 10 * time.Second
	// answerTimeout is how long the server may take to begin an answer.
	answerTimeout = 5 * time.Minute
	connections   = 8
)

func (c Config) withDefaults() Config {
	if c.Database == "" {
		c.Database = defaultDatabase
	}
	if c.User == "" {
		c.User = "default"
	}
	return c
}

// Validate says what is wrong with the configuration, naming the field.
func (c Config) Validate() error {
	u, err := c.parse()
	if err != nil {
		return err
	}
	c = c.withDefaults()
	if !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(c.Database) {
		return fmt.Errorf("database: want letters, digits and '_' (got %q)", c.Database)
	}
	if c.Cluster != "" && !regexp.MustCompile(`^(\{[A-Za-z0-9_]+\}|[A-Za-z0-9_.-]+)$`).MatchString(c.Cluster) {
		return fmt.Errorf("cluster: want its name, or a macro as {cluster} (got %q)", c.Cluster)
	}
	if c.CAFile != "" && !encrypted(u) {
		return fmt.Errorf("ca_file: is given, but the url %s is not encrypted; want https", c.Address())
	}
	return nil
}

// parse reads the URL; its errors do not repeat it, since a password may be in
// it by mistake.
func (c Config) parse() (*url.URL, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("url: want http://HOST:PORT or https://HOST:PORT, as http://localhost:8123")
	}
	if u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("url: user, password and settings do not belong into it; they are fields of their own")
	}
	switch u.Scheme {
	case "http", "https", "clickhouse", "clickhouses":
		return u, nil
	}
	return nil, fmt.Errorf("url: want the scheme http or https (got %q)", u.Scheme)
}

func encrypted(u *url.URL) bool { return u.Scheme == "https" || u.Scheme == "clickhouses" }

// Address is where the server is, without secrets.
func (c Config) Address() string {
	u, err := c.parse()
	if err != nil {
		return "(no valid url)"
	}
	return u.Scheme + "://" + hostPort(u)
}

func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	port := map[string]string{"http": "8123", "https": "8443", "clickhouse": "9000", "clickhouses": "9440"}[u.Scheme]
	return net.JoinHostPort(u.Hostname(), port)
}

// options are those of clickhouse-go for connections to one database.
func (c Config) options(database string) (*clickhouse.Options, error) {
	u, err := c.parse()
	if err != nil {
		return nil, err
	}
	o := &clickhouse.Options{
		Protocol:     clickhouse.HTTP,
		Addr:         []string{hostPort(u)},
		Auth:         clickhouse.Auth{Database: database, Username: c.User, Password: c.Password},
		Compression:  &clickhouse.Compression{Method: clickhouse.CompressionLZ4},
		DialTimeout:  dialTimeout,
		ReadTimeout:  answerTimeout,
		MaxOpenConns: connections,
		MaxIdleConns: connections,
		HttpUrlPath:  u.Path,
	}
	o.ClientInfo.Products = append(o.ClientInfo.Products, struct{ Name, Version string }{"jitaudit", ""})
	if u.Scheme == "clickhouse" || u.Scheme == "clickhouses" {
		o.Protocol = clickhouse.Native
	}
	if encrypted(u) {
		if o.TLS, err = c.tls(); err != nil {
			return nil, err
		}
		if c.Password == "" {
			// Else clickhouse-go takes it that we come with a certificate.
			o.HttpHeaders = map[string]string{"X-ClickHouse-SSL-Certificate-Auth": "off"}
		}
	}
	return o, nil
}

func (c Config) tls() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile == "" {
		return cfg, nil
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read the CA of ClickHouse: %w", err)
	}
	cfg.RootCAs = x509.NewCertPool()
	if !cfg.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the CA of ClickHouse: no certificate in %s", c.CAFile)
	}
	return cfg, nil
}
