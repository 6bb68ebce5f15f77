package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Kafka is the log between the roles.
type Kafka struct {
	// Brokers are host:port of a real cluster; none: the embedded broker.
	Brokers []string
	// Prefix stands before the name of every topic.
	Prefix string
	// Partitions is that of topics which are made; it is fixed from then on.
	Partitions int
	// Replication is the number of copies of topics which are made.
	Replication    int
	TLS            KafkaTLS
	SASL           SASL
	EmbeddedBroker EmbeddedBroker
}

// Embedded reports whether the broker runs in this process.
func (k *Kafka) Embedded() bool { return len(k.Brokers) == 0 }

// KafkaTLS is how connections to the brokers are encrypted. The paths are of
// PEM files.
type KafkaTLS struct {
	Enabled bool
	// CAFile has the authorities that sign brokers; empty: the system's.
	CAFile string
	// CertFile and KeyFile are who we are, both or neither.
	CertFile, KeyFile string
}

// SASL is how we log in to the brokers; an empty mechanism: not at all.
type SASL struct {
	Mechanism SASLMechanism
	User      string
	Password  Secret
}

// SASLMechanism is one of those that brokers offer.
type SASLMechanism string

// The mechanisms.
const (
	SASLPlain  SASLMechanism = "plain"
	SASLSHA256 SASLMechanism = "scram-sha-256"
	SASLSHA512 SASLMechanism = "scram-sha-512"
)

// EmbeddedBroker is the broker in this process, for one machine.
type EmbeddedBroker struct {
	Addr string // host:port, loopback only
	// RetentionBytes is how much each partition of the growing topics keeps. All
	// of it is read into memory at a start.
	RetentionBytes int64
}

func defaultKafka() Kafka {
	return Kafka{
		Prefix:         "jitaudit.",
		Partitions:     4,
		EmbeddedBroker: EmbeddedBroker{Addr: "127.0.0.1:9092", RetentionBytes: 64 << 20},
	}
}

func (k *Kafka) fields() []field {
	return []field{
		texts("brokers", &k.Brokers, hostPort),
		text("prefix", &k.Prefix, topicPrefix),
		integer("partitions", &k.Partitions, 1, 1024),
		integer("replication", &k.Replication, 1, 15),
		section("tls", []field{
			boolean("enabled", &k.TLS.Enabled),
			path("ca_file", &k.TLS.CAFile),
			path("cert_file", &k.TLS.CertFile),
			path("key_file", &k.TLS.KeyFile),
		}),
		section("sasl", append([]field{
			choice("mechanism", &k.SASL.Mechanism, SASLPlain, SASLSHA256, SASLSHA512),
			text("user", &k.SASL.User, nil),
		}, secret("password", &k.SASL.Password)...)),
		section("embedded", []field{
			text("addr", &k.EmbeddedBroker.Addr, loopback),
			size("retention_bytes", &k.EmbeddedBroker.RetentionBytes, 1<<20, 64<<30),
		}),
	}
}

// topicPrefix checks what a topic may be named (Kafka: Topic.validate), with
// room for the longest of our names.
func topicPrefix(s string) error {
	const most = 200
	for _, r := range s {
		if !strings.ContainsRune("._-", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return errors.New("is no prefix of a Kafka topic: letters, digits, dot, _ and - only")
		}
	}
	if len(s) > most {
		return fmt.Errorf("is longer than %d characters", most)
	}
	return nil
}

// hostPort checks an address to connect to.
func hostPort(s string) error {
	if strings.Contains(s, "@") {
		return &hiddenError{"has a user in it: leave that to kafka.sasl"}
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" || strings.ContainsAny(host, " /?#") || !portNumber(port, 1) {
		return errors.New("is no address: write host:port")
	}
	return nil
}

// listenAddr checks an address to listen on.
func listenAddr(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil || strings.ContainsAny(host, " /@?#") || !portNumber(port, 0) {
		return errors.New("is no address to listen on: write host:port, or :port for every interface")
	}
	return nil
}

// loopback checks an address that only this machine can reach.
func loopback(s string) error {
	if err := listenAddr(s); err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(s)
	if err != nil || !loopbackHost(host) {
		return errors.New("is not of this machine alone, for which the embedded parts are: write 127.0.0.1:port")
	}
	return nil
}

func loopbackHost(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

func portNumber(s string, least uint64) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n >= least
}
