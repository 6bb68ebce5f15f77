// Package kafka is how jitaudit speaks to Kafka: it makes and checks the
// topics, writes in order with acknowledgement from all replicas, and reads by
// consumer group or from end to end. Names of topics are without prefix
// everywhere outside this package.
package kafka

import (
	"log/slog"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// Client speaks to one Kafka cluster. It may be used by many goroutines.
type Client struct {
	cfg       Config
	log       *slog.Logger
	transport *kafkago.Transport
	dialer    *kafkago.Dialer
	kafka     *kafkago.Client
	zstd      *zstd.Encoder
}

// requestTimeout bounds a single request to a broker; what a caller does is
// bounded by its context.
const requestTimeout = 10 * time.Second

// New returns a client of the cluster that cfg names. It connects to nothing
// and reads no file: that happens with the first request.
func New(cfg Config, log *slog.Logger) (*Client, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	mechanism, err := cfg.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	encoder, err := newEncoder()
	if err != nil {
		return nil, err
	}
	connect := connector{tls: cfg.TLS}
	c := &Client{
		cfg:  cfg,
		log:  log,
		zstd: encoder,
		transport: &kafkago.Transport{
			Dial:        connect.dial,
			DialTimeout: dialTimeout,
			MetadataTTL: 5 * time.Second,
			ClientID:    cfg.ClientID,
			SASL:        mechanism,
		},
		dialer: &kafkago.Dialer{
			DialFunc:      connect.dialBounded,
			Timeout:       dialTimeout,
			ClientID:      cfg.ClientID,
			SASLMechanism: mechanism,
		},
	}
	c.kafka = &kafkago.Client{
		Addr:      kafkago.TCP(cfg.Brokers...),
		Timeout:   requestTimeout,
		Transport: c.transport,
	}
	return c, nil
}

// Close closes the connections that nobody uses any more. Writers and groups
// end with their contexts, before.
func (c *Client) Close() {
	c.transport.CloseIdleConnections()
}

// forget makes the next request learn anew which broker leads what.
func (c *Client) forget() {
	c.transport.CloseIdleConnections()
}

func (c *Client) full(topic string) string { return c.cfg.Prefix + topic }

func (c *Client) short(topic string) string { return strings.TrimPrefix(topic, c.cfg.Prefix) }

func (s SASL) mechanism() (sasl.Mechanism, error) {
	switch s.Mechanism {
	case "":
		return nil, nil
	case Plain:
		return plain.Mechanism{Username: s.User, Password: s.Password}, nil
	case ScramSHA256:
		return scram.Mechanism(scram.SHA256, s.User, s.Password)
	default:
		return scram.Mechanism(scram.SHA512, s.User, s.Password)
	}
}
