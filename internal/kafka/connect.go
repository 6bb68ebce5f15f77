package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// dialTimeout bounds connecting, encrypting and logging in.
const dialTimeout = 5 * time.Second

// connector makes the connections of both halves of kafka-go. TLS is done here,
// and not there, so that files are read when they are needed.
type connector struct {
	tls TLS
}

func (c connector) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, &unreachableError{address, err}
	}
	if !c.tls.Enabled {
		return conn, nil
	}
	cfg, err := c.tls.config(address)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	encrypted := tls.Client(conn, cfg)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("encrypt the connection to Kafka broker %s: %w: check that this port speaks TLS and who signed its certificate", address, err)
	}
	return encrypted, nil
}

// dialBounded is dial for the connections that kafka-go logs in on without a
// deadline: a broker that accepts but never answers must not hold us.
func (c connector) dialBounded(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return boundedConn{conn}, nil
}

func (t TLS) config(address string) (*tls.Config, error) {
	cfg := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if cfg.ServerName == "" {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, fmt.Errorf("take the name of Kafka broker %s from its address: %w", address, err)
		}
		cfg.ServerName = host
	}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read the CA of Kafka's brokers: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read the CA of Kafka's brokers: no certificate in %s", t.CAFile)
		}
	}
	if t.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read our certificate for Kafka: %w", err)
		}
		cfg.Certificates = []tls.Certificate{cert}
	}
	return cfg, nil
}

// boundedConn is a connection on which no read or write waits for ever.
type boundedConn struct {
	net.Conn
}

func (c boundedConn) SetDeadline(t time.Time) error {
	return c.Conn.SetDeadline(bounded(t))
}

func (c boundedConn) SetReadDeadline(t time.Time) error {
	return c.Conn.SetReadDeadline(bounded(t))
}

func (c boundedConn) SetWriteDeadline(t time.Time) error {
	return c.Conn.SetWriteDeadline(bounded(t))
}

// bounded is longer than any answer takes that kafka-go has a deadline of its
// own for.
func bounded(t time.Time) time.Time {
	if t.IsZero() {
		return time.Now().Add(time.Minute)
	}
	return t
}

// unreachableError is the sentence for a broker that can't be connected to.
type unreachableError struct {
	broker string
	cause  error
}

func (e *unreachableError) Error() string {
	cause := e.cause
	var op *net.OpError
	if errors.As(cause, &op) {
		cause = op.Err
	}
	return fmt.Sprintf("Kafka broker %s cannot be reached (%v): check that it runs and that the configured brokers are right", e.broker, cause)
}

func (e *unreachableError) Unwrap() []error { return []error{ErrUnreachable, e.cause} }
