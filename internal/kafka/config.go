package kafka

import (
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
)

// Config says where Kafka is and how to get in.
type Config struct {
	// Brokers are addresses host:port, of which one must answer.
	Brokers []string
	// Prefix goes before the name of every topic. Default "jitaudit.".
	Prefix string
	TLS    TLS
	SASL   SASL
	// ClientID is how jitaudit is called in the broker's logs. Default
	// "jitaudit".
	ClientID string
	// Partitions is how many the topics keyed by shard or person have, when
	// they are made; it can't be changed afterwards. Default 12.
	Partitions int
	// Replication is how many brokers hold a copy, when topics are made; 0
	// leaves it to the broker's default.
	Replication int
}

// TLS says how to encrypt. The files are PEM and read anew with every
// connection, so they may be rotated.
type TLS struct {
	Enabled bool
	// CAFile holds who may sign the broker's certificate; empty: those whom the
	// system trusts.
	CAFile string
	// CertFile and KeyFile are the client's own certificate, if the broker
	// wants one.
	CertFile, KeyFile string
	// ServerName is the name in the broker's certificate; empty: the host that
	// is connected to.
	ServerName string
}

// SASL says as whom to log in. Nothing of it is ever printed.
type SASL struct {
	// Mechanism is one of those below; empty: no login.
	Mechanism      string
	User, Password string
}

// The mechanisms of SASL that are supported.
const (
	Plain       = "PLAIN"
	ScramSHA256 = "SCRAM-SHA-256"
	ScramSHA512 = "SCRAM-SHA-512"
)

// DefaultPrefix is the prefix of topics unless another is configured.
const DefaultPrefix = "jitaudit."

const (
	defaultPartitions = 12
	maxPartitions     = 10_000
	maxTopicName      = 249
)

func (c Config) withDefaults() Config {
	if c.Prefix == "" {
		c.Prefix = DefaultPrefix
	}
	if c.ClientID == "" {
		c.ClientID = "jitaudit"
	}
	if c.Partitions == 0 {
		c.Partitions = defaultPartitions
	}
	return c
}

// Validate says what is wrong with the configuration, naming the field. Empty
// fields that have a default are fine.
func (c Config) Validate() error {
	c = c.withDefaults()
	if len(c.Brokers) == 0 {
		return fmt.Errorf("brokers: none given; name at least one as host:port")
	}
	for _, b := range c.Brokers {
		if err := checkAddress(b); err != nil {
			return fmt.Errorf("brokers: %w (got %q)", err, b)
		}
	}
	if !regexp.MustCompile(`^[a-zA-Z0-9._-]+$`).MatchString(c.Prefix) {
		return fmt.Errorf("prefix: Kafka allows only letters, digits, '.', '_' and '-' in the name of a topic (got %q)", c.Prefix)
	}
	if len(c.Prefix) > maxTopicName/2 {
		return fmt.Errorf("prefix: at most %d characters (got %d)", maxTopicName/2, len(c.Prefix))
	}
	if c.Partitions < 1 || c.Partitions > maxPartitions {
		return fmt.Errorf("partitions: between 1 and %d (got %d)", maxPartitions, c.Partitions)
	}
	if c.Replication < 0 || c.Replication > 32767 {
		return fmt.Errorf("replication: 0 for the broker's default, or how many copies (got %d)", c.Replication)
	}
	if err := c.TLS.validate(); err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	if err := c.SASL.validate(); err != nil {
		return fmt.Errorf("sasl: %w", err)
	}
	return nil
}

func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		return fmt.Errorf("want host:port")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("want a port between 1 and 65535")
	}
	return nil
}

func (t TLS) validate() error {
	if !t.Enabled && t != (TLS{}) {
		return fmt.Errorf("files or a name are given, but it is not enabled")
	}
	if (t.CertFile == "") != (t.KeyFile == "") {
		return fmt.Errorf("the certificate and its key belong together; only one is given")
	}
	return nil
}

func (s SASL) validate() error {
	known := []string{Plain, ScramSHA256, ScramSHA512}
	switch s.Mechanism {
	case "":
		if s.User != "" || s.Password != "" {
			return fmt.Errorf("a user or password is given, but no mechanism; want one of %s", strings.Join(known, ", "))
		}
		return nil
	case Plain, ScramSHA256, ScramSHA512:
	default:
		return fmt.Errorf("mechanism: want one of %s (got %q)", strings.Join(known, ", "), s.Mechanism)
	}
	if s.User == "" || s.Password == "" {
		return fmt.Errorf("%s needs a user and a password", s.Mechanism)
	}
	return nil
}
